/* SPDX-License-Identifier: Apache-2.0 */
/* See quota.h. */
#include "actions/account/quota.h"

#include <inttypes.h>
#include <string.h>

#include "actions/engine/access.h"
#include "actions/engine/config.h"
#include "actions/engine/operation.h"
#include "actions/engine/rows.h"
#include "model/access.h"
#include "model/states.h"

/* ------------------------------------------------------- what objects take */

/* As on the manual's server, a VM counts as running while it is, or may be, on a host. */
static bool vm_is_up(const struct object *vm)
{
	return vm_state_is_in(object_str(vm, VM_STATE), S_STARTING | S_RUNNING | S_STOPPING | S_REBOOTING |
								S_PAUSING | S_PAUSED | S_RESUMING |
								S_MIGRATING | S_UNKNOWN);
}

static int64_t one(const struct object *o)
{
	(void)o;
	return 1;
}

static int64_t vm_kept(const struct object *vm)
{
	return !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_DESTROYED)) &&
	       !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_EXPUNGING));
}

static int64_t vm_up(const struct object *vm)
{
	return vm_is_up(vm);
}

static int64_t vm_up_cpus(const struct object *vm)
{
	return vm_is_up(vm) ? object_int(vm, VM_CPU_NUM) : 0;
}

static int64_t vm_up_memory(const struct object *vm)
{
	return vm_is_up(vm) ? object_int(vm, VM_MEMORY_SIZE) : 0;
}

static int64_t data_volume(const struct object *volume)
{
	return object_str_is(volume, VOLUME_TYPE, "Data") &&
	       !object_str_is(volume, VOLUME_STATUS, STATUS_DELETED);
}

/* Also of deleted volumes, which take their place until they are expunged. */
static int64_t volume_bytes(const struct object *volume)
{
	int64_t size = object_int(volume, VOLUME_SIZE), next = object_int(volume, VOLUME_NEXT_SIZE);

	return next > size ? next : size;
}

static int64_t image_bytes(const struct object *image)
{
	return object_int(image, IMAGE_ACTUAL_SIZE);
}

/* Its default is the setting "quota.<name>". Deleted images count, since their files stay until they are expunged. */
static const struct quota {
	const char *name;
	enum kind_id kind;			 /* whose objects it counts */
	int64_t (*take)(const struct object *o); /* what the object takes of it */
} quotas[] = {
	{"image.num", KIND_IMAGE, one},
	{"image.size", KIND_IMAGE, image_bytes},
	{"l3.num", KIND_L3_NETWORK, one},
	{"snapshot.volume.num", KIND_SNAPSHOT, one},
	{"vm.cpuNum", KIND_VM, vm_up_cpus},
	{"vm.memorySize", KIND_VM, vm_up_memory},
	{"vm.num", KIND_VM, vm_up},
	{"vm.totalNum", KIND_VM, vm_kept},
	{"volume.capacity", KIND_VOLUME, volume_bytes},
	{"volume.data.num", KIND_VOLUME, data_volume},
};

_Static_assert(ARRAY_SIZE(quotas) <= TAKES_MAX, "there are more quotas than numbers in a view");

void quota_takes(const struct object *o, int64_t takes[TAKES_MAX])
{
	for (size_t i = 0; i < ARRAY_SIZE(quotas); i++)
		if (quotas[i].kind == o->kind->id)
			takes[i] = quotas[i].take(o);
}

static const struct quota *find_quota(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(quotas); i++)
		if (strcmp(quotas[i].name, name) == 0)
			return &quotas[i];
	return NULL;
}

/* ------------------------------------------------------------------- limits */

static bool has_quotas(const struct view *view, const char *account)
{
	return account && *account && !access_is_admin(view, account);
}

const struct object *quota_find(const struct view *view, const char *account, const char *name)
{
	view_for_each_where (row, view, KIND_QUOTA, QUOTA_IDENTITY_UUID, account)
		if (object_str_is(row, QUOTA_NAME, name))
			return row;
	return NULL;
}

static int64_t default_of(const struct view *view, const struct quota *q)
{
	char key[64];

	snprintf(key, sizeof(key), "quota.%s", q->name);
	return config_int(view, key);
}

static int64_t limit_of(const struct view *view, const struct quota *q, const char *account)
{
	const struct object *row = quota_find(view, account, q->name);

	return row ? object_int(row, QUOTA_VALUE) : default_of(view, q);
}

/* The sum is kept with the view, so that it costs the same however much the account has. */
static int64_t used_of(const struct view *view, const struct quota *q, const char *account)
{
	return view_taken(view, account, (int)(q - quotas));
}

static int check(const struct view *view, const char *actor, const char *owner, const struct quota *q,
		 int64_t more, struct error *e)
{
	int64_t used = used_of(view, q, owner), limit = limit_of(view, q, owner);

	if (used <= limit && more <= limit - used)
		return 0;
	return error_set_code(e, EDQUOT, "ID.1003",
			      "quota exceeding. Current account is [uuid: %s]. The resource target owner "
			      "account[uuid: %s] exceeds a quota[name: %s, value: %" PRId64
			      "], Current used:%" PRId64 ", Request:%" PRId64,
			      *actor ? actor : ADMIN_ACCOUNT_UUID, owner, q->name, limit, used, more);
}

int quota_check(const struct view *view, const char *actor, const char *owner, const char *name, int64_t more,
		struct error *e)
{
	if (more <= 0 || !has_quotas(view, owner))
		return 0;
	return check(view, actor, owner, find_quota(name), more, e);
}

/* @before counts only if it was the same account's. */
static int64_t taken_before(const struct quota *q, const struct object *before, const char *account)
{
	return before && object_str_is(before, before->kind->owner_field, account) ? q->take(before) : 0;
}

int quota_guard(const struct txn *t, const struct object *before, const struct object *after, struct error *e)
{
	const struct kind *kind = after->kind;
	const char *account;
	int r = 0;

	if (kind->owner != OWNER_SHAREABLE)
		return 0;
	account = object_str(after, kind->owner_field);
	if (!has_quotas(txn_view(t), account))
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(quotas); i++) {
		const struct quota *q = &quotas[i];
		int64_t more;

		if (q->kind != kind->id)
			continue;
		more = q->take(after) - taken_before(q, before, account);
		if (more > 0)
			r = check(txn_view(t), txn_cause(t)->account, account, q, more, e);
	}
	return r;
}

/* --------------------------------------------------------------------- rows */

int quota_put_defaults(struct txn *t, const char *account, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(quotas); i++) {
		struct object *row;
		char uuid[UUID_SIZE];
		int r;

		if (quota_find(txn_view(t), account, quotas[i].name))
			continue;
		uuid_make(uuid);
		row = object_new(kind_get(KIND_QUOTA));
		object_set_str(row, QUOTA_UUID, uuid);
		object_set_str(row, QUOTA_NAME, quotas[i].name);
		object_set_str(row, QUOTA_IDENTITY_UUID, account);
		object_set_str(row, QUOTA_IDENTITY_TYPE, kind_get(KIND_ACCOUNT)->vo);
		object_set_int(row, QUOTA_VALUE, default_of(txn_view(t), &quotas[i]));
		r = txn_put(t, row, NULL, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int drop_unknown(struct txn *t, struct error *e)
{
	const struct object *row;
	int64_t after = 0;

	while ((row = view_next(txn_view(t), KIND_QUOTA, after))) {
		int r;

		after = row->id;
		r = find_quota(object_text(row, QUOTA_NAME)) ? 0 : object_remove(t, row, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int quota_fill(struct txn *t, struct error *e)
{
	const struct object *account;
	int64_t after = 0;
	int r = drop_unknown(t, e);

	while (r == 0 && (account = view_next(txn_view(t), KIND_ACCOUNT, after))) {
		after = account->id;
		if (has_quotas(txn_view(t), object_uuid(account)))
			r = quota_put_defaults(t, object_uuid(account), e);
	}
	return r;
}

json_t *quota_usages(const struct view *view, const char *account)
{
	json_t *list = json_array();

	for (size_t i = 0; list && has_quotas(view, account) && i < ARRAY_SIZE(quotas); i++) {
		const struct quota *q = &quotas[i];

		if (json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "name", q->name, "total",
							  (json_int_t)limit_of(view, q, account), "used",
							  (json_int_t)used_of(view, q, account))) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
