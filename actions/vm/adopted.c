/* SPDX-License-Identifier: Apache-2.0 */
/* See adopted.h. */
#include "actions/vm/adopted.h"

#include <string.h>

#include "actions/engine/operation.h"
#include "actions/host/guest.h"
#include "hypervisor/domain/sighting.h"
#include "hypervisor/domain/survey.h"
#include "model/log.h"

/* --------------------------------------------------------- hosts in a row */

#define UUID_LENGTH (UUID_SIZE - 1)

/* The next host of the list at *@at, which moves on; false after the last. */
static bool next_host(const char **at, char ret[UUID_SIZE])
{
	if (strlen(*at) < UUID_LENGTH)
		return false;
	snprintf(ret, UUID_SIZE, "%.*s", (int)UUID_LENGTH, *at);
	*at += UUID_LENGTH;
	*at += **at == ' ';
	return true;
}

int vm_put_adopted_on(struct txn *t, const char *uuid, const char *host, struct error *e)
{
	const struct object *vm = view_get(txn_view(t), KIND_VM, uuid);
	_cleanup_free_ char *hosts = NULL;
	struct object *copy;

	if (!vm)
		return error_gone(e, KIND_VM, uuid);
	if (vm_is_adopted_on(vm, host))
		return 0;
	if (asprintf(&hosts, "%s%s%s", object_text(vm, VM_DOMAIN_HOSTS),
		     object_str(vm, VM_DOMAIN_HOSTS) ? " " : "", host) < 0)
		return error_oom(e);
	copy = object_copy(vm);
	object_set_str(copy, VM_DOMAIN_HOSTS, hosts);
	return txn_put(t, copy, NULL, e);
}

static int clear_targets(struct txn *t, const char *uuid, struct error *e)
{
	const struct object *volume;
	int64_t after = 0;
	int r = 0;

	while (r == 0 && (volume = view_next_where(txn_view(t), KIND_VOLUME, VOLUME_VM_UUID, uuid, after))) {
		struct object *copy;

		after = volume->id;
		if (!object_str(volume, VOLUME_DOMAIN_TARGET))
			continue;
		copy = object_copy(volume);
		object_set_null(copy, VOLUME_DOMAIN_TARGET);
		r = txn_put(t, copy, NULL, e);
	}
	return r;
}

/* The hosts of the VM without @host, and without those that have left the pool; NULL when memory is short. */
static char *hosts_without(const struct view *view, const struct object *vm, const char *host)
{
	const char *list = object_text(vm, VM_DOMAIN_HOSTS), *at = list;
	size_t size = strlen(list) + 1, used = 0;
	char *left = calloc(1, size), one[UUID_SIZE];

	while (left && next_host(&at, one))
		if (strcmp(one, host) != 0 && view_get(view, KIND_HOST, one))
			used += (size_t)snprintf(left + used, size - used, "%s%s", used ? " " : "", one);
	return left;
}

int vm_put_own_domain(struct txn *t, const char *uuid, const char *host, struct error *e)
{
	const struct object *vm = view_get(txn_view(t), KIND_VM, uuid);
	const char *place = vm ? vm_place(vm) : NULL;
	_cleanup_free_ char *left = NULL;
	struct object *copy;
	bool none;
	int r;

	if (!vm || !object_str(vm, VM_DOMAIN_HOSTS))
		return 0;
	left = hosts_without(txn_view(t), vm, host);
	if (!left)
		return error_oom(e);
	none = !*left;
	copy = object_copy(vm);
	object_set_str(copy, VM_DOMAIN_HOSTS, none ? NULL : left);
	if (!place || !strstr(left, place))
		object_set_null(copy, VM_DOMAIN_NAME);
	r = txn_put(t, copy, NULL, e);
	return r < 0 || !none ? r : clear_targets(t, uuid, e);
}

/* The VM has, or had when it was there last, a domain that others have made. */
static bool is_adopted(const struct object *vm, const char *host)
{
	const char *place = vm_place(vm);

	return vm_is_adopted_on(vm, host) ||
	       (object_str(vm, VM_DOMAIN_NAME) && place && strcmp(place, host) == 0);
}

struct settling {
	const char *host, *uuid;
	struct hv_sighting sighting;
	bool has_files;
};

/* The files of the VM's volumes and of their snapshots, borrowed from @view, then NULL; NULL when memory is short. */
static const char **list_files(const struct view *view, const char *vm)
{
	size_t count = 1, n = 0;
	const char **files;

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, vm)
		count += 1 + view_count_where(view, KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, object_uuid(volume));
	files = calloc(count, sizeof(*files));
	if (!files)
		return NULL;
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, vm) {
		if (object_str(volume, VOLUME_INSTALL_PATH))
			files[n++] = object_str(volume, VOLUME_INSTALL_PATH);
		view_for_each_where (snapshot, view, KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, object_uuid(volume))
			if (object_str(snapshot, SNAPSHOT_INSTALL_PATH))
				files[n++] = object_str(snapshot, SNAPSHOT_INSTALL_PATH);
	}
	return files;
}

/*
 * Has the pool made what was seen there? The name does not say so of a domain that had the uuid as its name when it was
 * adopted, such as one that was released before; then only the start itself does.
 */
static bool is_own(const struct object *vm, const struct settling *s)
{
	return s->sighting.own &&
	       (!vm_is_adopted_on(vm, s->host) || !object_str_is(vm, VM_DOMAIN_NAME, s->uuid));
}

/* The VM neither is nor was last on the host, nor is about to be. */
static bool is_elsewhere(const struct object *vm, const char *host)
{
	const char *place = vm_place(vm);

	return !object_str_is(vm, VM_MIGRATION_HOST_UUID, host) && (!place || strcmp(place, host) != 0);
}

/* Does the host have something else of the uuid, which others have made while nobody could see it? */
static bool is_replaced(const struct object *vm, const struct settling *s)
{
	return s->sighting.found && !s->sighting.own && s->has_files && !s->sighting.uses &&
	       is_elsewhere(vm, s->host);
}

static bool is_gone(const struct object *vm, const struct settling *s)
{
	return !s->sighting.found && (is_elsewhere(vm, s->host) ||
				      (!object_str_is(vm, VM_MIGRATION_HOST_UUID, s->host) &&
				       vm_state_is_in(object_str(vm, VM_STATE), S_DESTROYED | S_EXPUNGING)));
}

static int settle_fn(struct txn *t, void *arg, struct error *e)
{
	const struct settling *s = arg;
	const struct object *vm = view_get(txn_view(t), KIND_VM, s->uuid);

	if (!vm || !(is_gone(vm, s) || is_own(vm, s) || is_replaced(vm, s)))
		return 0;
	if (is_replaced(vm, s))
		log_warning("vm", s->uuid, "host %s has a domain of the same uuid, which is another one",
			    s->host);
	return vm_put_own_domain(t, s->uuid, s->host, e);
}

void vm_settle_domain(struct pool *pool, const char *host, const char *uuid)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);
	struct settling s = {.host = host, .uuid = uuid};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ const char **files = NULL;

	if (!vm || !is_adopted(vm, host))
		return;
	files = list_files(view, uuid);
	if (!files || hv_domain_sight(pool_hypervisor(pool), host, uuid, files, &s.sighting, NULL) < 0)
		return;
	s.has_files = *files;
	if (store_run(pool_store(pool), settle_fn, &s, &e) < 0)
		log_error("vm", uuid, "%s", error_sentence(&e));
}

void vm_settle_left(struct pool *pool, const char *host)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	view_for_each (vm, view, KIND_VM)
		if (vm_is_adopted_on(vm, host) && is_elsewhere(vm, host))
			vm_settle_domain(pool, host, object_uuid(vm));
}

/* ------------------------------------------------- the hypervisor's table */

static int tell(const struct view *view, const struct object *vm, const char *host, struct error *e)
{
	struct hv_adopted_disk disks[SURVEY_DISKS];
	struct hv_adopted_nic nics[SURVEY_NICS];
	size_t disk_count = 0, nic_count = 0;

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, object_uuid(vm)) {
		struct hv_adopted_disk *disk = &disks[disk_count];

		/* volumes that were attached since are not of that time */
		if (!object_str(volume, VOLUME_DOMAIN_TARGET) || disk_count == SURVEY_DISKS)
			continue;
		snprintf(disk->volume, sizeof(disk->volume), "%s", object_uuid(volume));
		snprintf(disk->target, sizeof(disk->target), "%s", object_text(volume, VOLUME_DOMAIN_TARGET));
		disk_count++;
	}
	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, object_uuid(vm)) {
		if (nic_count == SURVEY_NICS)
			break;
		nics[nic_count].device_id = (int)object_int(nic, NIC_DEVICE_ID);
		snprintf(nics[nic_count].mac, sizeof(nics[nic_count].mac), "%s", object_text(nic, NIC_MAC));
		nic_count++;
	}
	return hv_adopt_domain(host, object_uuid(vm), disks, disk_count, nics, nic_count, e);
}

/* What has changed from one row to the other; NULL: no row. */
static int follow_row(const struct view *view, const struct object *before, const struct object *after,
		      struct error *e)
{
	const char *was = before ? object_text(before, VM_DOMAIN_HOSTS) : "";
	const char *is = after ? object_text(after, VM_DOMAIN_HOSTS) : "", *at;
	char host[UUID_SIZE];

	if (strcmp(was, is) == 0)
		return 0;
	for (at = was; next_host(&at, host);)
		if (!strstr(is, host))
			hv_release_domain(host, object_uuid(before));
	for (at = is; next_host(&at, host);) {
		int r = strstr(was, host) ? 0 : tell(view, after, host, e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The devices of the VM have changed. NULL: of none. */
static int tell_again(const struct view *view, const char *uuid, struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);
	const char *at = vm ? object_text(vm, VM_DOMAIN_HOSTS) : "";
	char host[UUID_SIZE];
	int r = 0;

	while (r == 0 && next_host(&at, host))
		r = tell(view, vm, host, e);
	return r;
}

/* A device that has come, gone or changed, or gone over to another VM; its row has the uuid of its VM in @field. */
static int follow_device(const struct view *view, const struct object *before, const struct object *after,
			 int field, struct error *e)
{
	int r = before ? tell_again(view, object_str(before, field), e) : 0;

	return r < 0 || !after ? r : tell_again(view, object_str(after, field), e);
}

/* The field that names the VM whose row or device it is; -1: neither. */
static int vm_field(const struct kind *kind)
{
	return kind->id == KIND_VM	 ? (int)VM_UUID
	       : kind->id == KIND_NIC	 ? (int)NIC_VM_UUID
	       : kind->id == KIND_VOLUME ? (int)VOLUME_VM_UUID
					 : -1;
}

/* In the writer thread: who is told that a change has been committed finds it in the table. */
static void observe(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	(void)ctx;
	for (size_t i = 0; i < count; i++) {
		const struct object *before = changes[i].before, *after = changes[i].after;
		const struct object *any = after ? after : before;
		_cleanup_(error_done) struct error e = ERROR_INIT;
		int field = vm_field(any->kind), r = 0;

		if (any->kind->id == KIND_VM)
			r = follow_row(view, before, after, &e);
		else if (field >= 0)
			r = follow_device(view, before, after, field, &e);
		if (r < 0)
			log_error("vm", object_text(any, field), "%s", error_sentence(&e));
	}
}

/* Before rows had hosts, the domain's was where the VM was. */
static int fill_hosts_fn(struct txn *t, void *arg, struct error *e)
{
	const struct object *vm;
	int64_t after = 0;
	int r = 0;

	(void)arg;
	while (r == 0 && (vm = view_next(txn_view(t), KIND_VM, after))) {
		after = vm->id;
		if (object_str(vm, VM_DOMAIN_NAME) && !object_str(vm, VM_DOMAIN_HOSTS) && vm_place(vm))
			r = vm_put_adopted_on(t, object_uuid(vm), vm_place(vm), e);
	}
	return r;
}

int vm_adopted_start(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = NULL;
	int r = store_run(pool_store(pool), fill_hosts_fn, NULL, e);

	if (r == 0)
		r = pool_observe(pool, observe, NULL, e);
	if (r < 0)
		return r;
	view = store_view(pool_store(pool));
	view_for_each (vm, view, KIND_VM) {
		r = follow_row(view, NULL, vm, e);
		if (r < 0)
			return r;
	}
	return 0;
}
