/* SPDX-License-Identifier: Apache-2.0 */
/* See affinity.h. */
#include "actions/vm/affinity.h"

#include <string.h>

#include "actions/engine/tags.h"
#include "actions/vm/state.h"
#include "model/states.h"

/* --------------------------------------------------------------- policies */

static const struct policy {
	const char *name, *stored;
	bool hard, together;
} policies[] = {
	{"antiSoft", "ANTISOFT", .hard = false, .together = false},
	{"antiHard", "ANTIHARD", .hard = true, .together = false},
	{"proSoft", "PROSOFT", .hard = false, .together = true},
	{"proHard", "PROHARD", .hard = true, .together = true},
};

const char *affinity_policy(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		if (strcmp(policies[i].name, name) == 0)
			return policies[i].stored;
	return NULL;
}

static const struct policy *policy_of(const struct object *group)
{
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		if (object_str_is(group, AFFINITY_GROUP_POLICY, policies[i].stored))
			return &policies[i];
	return &policies[0];
}

bool affinity_is_hard(const struct object *group)
{
	return policy_of(group)->hard;
}

bool affinity_is_together(const struct object *group)
{
	return policy_of(group)->together;
}

/* ------------------------------------------------------------- membership */

const struct object *affinity_usage_of(const struct view *view, const char *vm)
{
	return view_next_where(view, KIND_AFFINITY_USAGE, AFFINITY_USAGE_RESOURCE_UUID, vm, 0);
}

const struct object *affinity_group_of(const struct view *view, const char *vm)
{
	const struct object *usage = affinity_usage_of(view, vm);

	return usage ? view_get(view, KIND_AFFINITY_GROUP, object_str(usage, AFFINITY_USAGE_GROUP_UUID))
		     : NULL;
}

static int compare_uuids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int affinity_hosts_of(const struct view *view, const struct object *group, const char *vm,
		      struct affinity_hosts *ret)
{
	const char *uuid = object_uuid(group);
	size_t members = view_count_candidates(view, KIND_AFFINITY_USAGE, AFFINITY_USAGE_GROUP_UUID, uuid);

	*ret = (struct affinity_hosts){.uuids = calloc(members + 1, sizeof(ret->uuids[0]))};
	if (!ret->uuids)
		return -ENOMEM;
	view_for_each_where (usage, view, KIND_AFFINITY_USAGE, AFFINITY_USAGE_GROUP_UUID, uuid) {
		const struct object *member =
			view_get(view, KIND_VM, object_str(usage, AFFINITY_USAGE_RESOURCE_UUID));

		if (member && vm_host(member) && strcmp(object_uuid(member), vm) != 0)
			ret->uuids[ret->count++] = vm_host(member);
	}
	qsort(ret->uuids, ret->count, sizeof(ret->uuids[0]), compare_uuids);
	return 0;
}

bool affinity_hosts_have(const struct affinity_hosts *hosts, const char *host)
{
	return hosts->count &&
	       bsearch(&host, hosts->uuids, hosts->count, sizeof(hosts->uuids[0]), compare_uuids);
}

void affinity_hosts_done(struct affinity_hosts *hosts)
{
	free(hosts->uuids);
}

int affinity_join(struct txn *t, const char *group, const char *vm, struct error *e)
{
	struct object *usage = object_new(kind_get(KIND_AFFINITY_USAGE));
	char uuid[UUID_SIZE], tag[64];
	int r;

	uuid_make(uuid);
	object_set_str(usage, AFFINITY_USAGE_UUID, uuid);
	object_set_str(usage, AFFINITY_USAGE_GROUP_UUID, group);
	object_set_str(usage, AFFINITY_USAGE_RESOURCE_UUID, vm);
	object_set_str(usage, AFFINITY_USAGE_RESOURCE_TYPE, kind_get(KIND_VM)->vo);
	r = txn_put(t, usage, NULL, e);
	if (r < 0)
		return r;
	snprintf(tag, sizeof(tag), AFFINITY_TAG "::%s", group);
	return object_add_system_tag(t, KIND_VM, vm, tag, true, e);
}

/* ------------------------------------------------------------------ checks */

int affinity_check_enabled(const struct object *group, struct error *e)
{
	if (object_str_is(group, AFFINITY_GROUP_STATE, STATE_ENABLED))
		return 0;
	return error_set(e, EBUSY, "Can not operate on affinityGroup [uuid: %s] which is not enabled",
			 object_uuid(group));
}

int affinity_check_creation(const struct view *view, const struct request *req, struct error *e)
{
	const char *uuid = request_tag(req, AFFINITY_TAG);
	const struct object *group = view_get(view, KIND_AFFINITY_GROUP, uuid);
	size_t i;
	json_t *tag;

	if (!uuid)
		return 0;
	if (!group)
		return error_set(e, ENOENT, "AffinityGroup [uuid: %s] does not existed", uuid);
	json_array_foreach (req->system_tags, i, tag) {
		const char *other = tag_strip_prefix(json_string_value(tag), AFFINITY_TAG);

		if (other && !strstr(other, uuid))
			return error_set(e, EINVAL,
					 "VM [uuid: %s] has already been added to affinityGroup [uuid: %s]",
					 req->target, uuid);
	}
	return affinity_check_enabled(group, e);
}
