/* SPDX-License-Identifier: Apache-2.0 */
/* See access.h. */
#include "model/access.h"

#include <string.h>

/*
 * Per kind the field that decides: it names an account, or an object that decides in its place. A kind
 * without an entry is for all to see.
 */
static const struct {
	bool decides;
	int field;
} deciding[KIND_COUNT] = {
	[KIND_L3_NETWORK] = {true, L3_ACCOUNT_UUID},
	[KIND_IP_RANGE] = {true, IP_RANGE_L3_NETWORK_UUID},
	[KIND_L3_DNS] = {true, L3_DNS_L3_NETWORK_UUID},
	[KIND_IMAGE] = {true, IMAGE_ACCOUNT_UUID},
	[KIND_IMAGE_REF] = {true, IMAGE_REF_IMAGE_UUID},
	[KIND_INSTANCE_OFFERING] = {true, INSTANCE_OFFERING_ACCOUNT_UUID},
	[KIND_DISK_OFFERING] = {true, DISK_OFFERING_ACCOUNT_UUID},
	[KIND_VM] = {true, VM_ACCOUNT_UUID},
	[KIND_NIC] = {true, NIC_VM_UUID},
	[KIND_VOLUME] = {true, VOLUME_ACCOUNT_UUID},
	[KIND_JOB] = {true, JOB_ACCOUNT_UUID},
	[KIND_ACCOUNT] = {true, FIELD_UUID},
	[KIND_SESSION] = {true, SESSION_ACCOUNT_UUID},
	[KIND_SYSTEM_TAG] = {true, SYSTEM_TAG_RESOURCE_UUID},
	[KIND_USER_TAG] = {true, USER_TAG_RESOURCE_UUID},
	[KIND_SNAPSHOT] = {true, SNAPSHOT_ACCOUNT_UUID},
	[KIND_SNAPSHOT_TREE] = {true, SNAPTREE_VOLUME_UUID},
	[KIND_SHAREABLE_REF] = {true, SHAREABLE_REF_VOLUME_UUID},
	[KIND_AFFINITY_GROUP] = {true, AFFINITY_GROUP_ACCOUNT_UUID},
	[KIND_AFFINITY_USAGE] = {true, AFFINITY_USAGE_GROUP_UUID},
	[KIND_SCHEDULER] = {true, SCHEDULER_ACCOUNT_UUID},
};

bool access_is_admin(const struct view *view, const char *account)
{
	const struct object *o = view_get(view, KIND_ACCOUNT, account);

	return !account || (o && object_str_is(o, ACCOUNT_TYPE, "SystemAdmin"));
}

bool access_may_see(const struct view *view, const struct object *o, const char *account)
{
	/* A tag on a NIC of a VM is as long as it gets; a loop of tags on tags ends here, too. */
	for (int hops = 0; o && hops < 4; hops++) {
		enum kind_id kind = o->kind->id;
		int field = deciding[kind].field;
		const char *value = object_str(o, field);

		if (!deciding[kind].decides || !value)
			return true;
		if (kind == KIND_ACCOUNT || o->kind->fields[field].target == KIND_ACCOUNT)
			return strcmp(value, account) == 0;
		o = o->kind->fields[field].target == KIND_NONE
			    ? view_get_any(view, value)
			    : view_get(view, o->kind->fields[field].target, value);
	}
	return false;
}

static const struct {
	const char *prefix, *shown;
} secret_tags[] = {
	{"consolePassword::", "consolePassword::******"},
	{"rootPassword::", "rootPassword::******"},
	{"userdata::", "userdata::******"},
	{"sshkey::", "sshkey::******"},
};

const char *system_tag_shown(const char *tag)
{
	for (size_t i = 0; i < ARRAY_SIZE(secret_tags); i++)
		if (strncmp(tag, secret_tags[i].prefix, strlen(secret_tags[i].prefix)) == 0)
			return secret_tags[i].shown;
	return tag;
}

bool system_tag_is_secret(const char *tag)
{
	return system_tag_shown(tag) != tag;
}

const char *object_shown(const struct object *o, int field)
{
	const char *text = object_str(o, field);

	return text && o->kind->id == KIND_SYSTEM_TAG && field == SYSTEM_TAG_TAG ? system_tag_shown(text)
										 : text;
}
