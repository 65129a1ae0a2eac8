/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CloneVmInstance (behaviour.md 4.1.51): new VMs with the content of an existing one.
 *
 *   1. For each name, one change writes the rows of the clone: the VM, its tags,
 *      NICs with new addresses, and volumes with their space reserved. The VM is
 *      Starting, so that no other operation touches it, and its row names the job.
 *   2. The disks are copied. Those of a running source are copied into the first
 *      clone as they are at one moment (a backup job of QEMU), and from there into
 *      the others, so that all clones are equal; those of a stopped source are
 *      copied file by file.
 *   3. Each clone is started, or becomes Created.
 *
 * A clone that fails is rolled back, and the answer says why; the others go on.
 * The uuids of the clones are derived from the job's, so that a recovery finds
 * them: it keeps the complete clones and rolls back the rest, which the job makes
 * when it begins anew, with what the source has then. If it may not, or fails then,
 * the answer names the complete ones.
 */
#include <string.h>

#include "actions/account/quota.h"
#include "actions/engine/job_run.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/tags.h"
#include "actions/host/capacity.h"
#include "actions/host/wait.h"
#include "actions/operations/table.h"
#include "actions/vm/clone_rows.h"
#include "actions/vm/describe.h"
#include "actions/vm/disks.h"
#include "actions/vm/firmware.h"
#include "actions/vm/machine.h"
#include "actions/vm/nic.h"
#include "actions/vm/power.h"
#include "actions/vm/reconcile.h"
#include "actions/vm/remove.h"
#include "actions/vm/state.h"
#include "actions/volume/file.h"
#include "actions/volume/location.h"
#include "actions/volume/snapshot_reconcile.h"
#include "actions/volume/volume.h"
#include "hypervisor/domain/disk_copy.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/storage/volume.h"
#include "model/json.h"

/* Most clones of one request. */
#define CLONES_MAX 100

struct clone {
	char uuid[UUID_SIZE];
	const char *name;   /* borrowed from the request */
	struct error error; /* why it failed */
	bool whole;	    /* complete already, when the daemon ended */
};

struct cloning {
	struct job *job;
	bool full, start;
	size_t count;
	struct clone *clones; /* owned */
	/* progress: clones that are filled, and of the present one disks copied and disks in all */
	size_t done, disk, disks;
};

static int cloning_init(struct cloning *c, struct job *job, struct error *e)
{
	const json_t *names = request_list(job->req, "names");

	*c = (struct cloning){
		.job = job,
		.full = request_bool(job->req, "full", false),
		.start = strcmp(request_str(job->req, "strategy"), "JustCreate") != 0,
		.count = json_array_size(names),
	};
	c->clones = calloc(c->count, sizeof(*c->clones));
	if (!c->clones)
		return error_oom(e);
	for (size_t i = 0; i < c->count; i++) {
		uuid_derive(job->uuid, i, c->clones[i].uuid);
		c->clones[i].name = json_string_value(json_array_get(names, i));
	}
	return 0;
}

static void cloning_done(struct cloning *c)
{
	for (size_t i = 0; c->clones && i < c->count; i++)
		error_done(&c->clones[i].error);
	free(c->clones);
}

static bool has_failed(const struct clone *clone)
{
	return error_is_set(&clone->error);
}

/* Whether the clone is still to be made. */
static bool is_due(const struct clone *clone)
{
	return !has_failed(clone) && !clone->whole;
}

static bool any_is_due(const struct cloning *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (is_due(&c->clones[i]))
			return true;
	return false;
}

static bool any_is_whole(const struct cloning *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->clones[i].whole)
			return true;
	return false;
}

static int not_removed(const char *source, struct error *e)
{
	return error_set_code(
		e, EINTR, "SYS.1000",
		"the daemon ended while VM '%s' was being cloned; this clone is removed when its host answers",
		source);
}

/* Sets *ret to whether the clone with this row is complete, so that the row does not name the job any more. */
static int read_whole(const struct object *vm, const char *job, bool *ret, struct error *e)
{
	_cleanup_free_ char *made_by = NULL;

	if (object_read_text(vm, VM_CREATE_SPEC, &made_by) < 0)
		return object_check_texts(vm, e);
	*ret = !made_by || strcmp(made_by, job) != 0;
	return 0;
}

/* ------------------------------------------------------------------ checks */

static int check_names(const struct request *req, struct error *e)
{
	const json_t *names = request_list(req, "names");
	size_t i;
	json_t *name;

	if (json_array_size(names) > CLONES_MAX)
		return error_set(e, EINVAL, "a request can name at most %d clones, not %zu", CLONES_MAX,
				 json_array_size(names));
	json_array_foreach (names, i, name) {
		const char *text = json_string_value(name);

		if (!text || !*text)
			return error_set(e, EINVAL, "field[names] must be a list of names");
		if (strlen(text) > 255)
			return error_set(e, EINVAL, "the name of a clone can have at most 255 characters");
	}
	return 0;
}

/* Full clones need space for all volumes of the source, on each storage that has some of them. */
static int check_room(const struct view *view, const struct object *vm, size_t count, struct error *e)
{
	view_for_each (ps, view, KIND_PRIMARY_STORAGE) {
		int64_t needed = 0, available = capacity_storage_room(view, ps);
		char list[512] = "";
		size_t len = 0;

		view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, object_uuid(vm)) {
			if (!clone_copies(volume, true) ||
			    !object_str_is(volume, VOLUME_PRIMARY_STORAGE_UUID, object_uuid(ps)))
				continue;
			needed += object_int(volume, VOLUME_SIZE) * (int64_t)count;
			if (len < sizeof(list))
				len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
							len ? ", " : "", object_uuid(volume));
		}
		if (needed > available)
			return error_set(
				e, ENOSPC,
				"there are not enough capacity for full vm clone to vm[uuid: %s], volumes[uuid: %s] "
				"on primary storage[uuid: %s] required: %lld bytes, current available capacity is "
				"%lld bytes",
				object_uuid(vm), list, object_uuid(ps), (long long)needed,
				(long long)available);
	}
	return 0;
}

static int vm_clone_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);
	const struct object *root = vm_root_volume(view, vm);

	if (!object_str_is(vm, VM_TYPE, "UserVm"))
		return error_set(e, EBUSY, "The operation only allows on user vm");
	if (!root || !object_str(root, VOLUME_INSTALL_PATH))
		return error_set(e, EBUSY, "vm[uuid:%s] has no root volume that could be cloned",
				 req->target);
	return 0;
}

/* The clones that are still to be made: when the job begins anew, some may be there. */
static size_t count_missing(const struct view *view, const struct request *req)
{
	size_t all = json_array_size(request_list(req, "names")), missing = 0;

	if (!req->due)
		return all;
	for (size_t i = 0; i < all; i++) {
		char uuid[UUID_SIZE];

		uuid_derive(req->job, i, uuid);
		missing += !view_has(view, KIND_VM, uuid);
	}
	return missing;
}

static int vm_clone_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);
	int r = check_names(req, e);
	size_t count;

	if (r < 0)
		return r;
	count = count_missing(view, req);
	r = quota_check(view, req->actor.account, object_str(vm, VM_ACCOUNT_UUID), "vm.totalNum",
			(int64_t)count, e);
	if (r < 0)
		return r;
	return request_bool(req, "full", false) ? check_room(view, vm, count, e) : 0;
}

/* ------------------------------------------------------------------ layout */

struct layout {
	const struct cloning *cloning;
	struct clone *clone;
};

static int layout_fn(struct txn *t, void *arg, struct error *e)
{
	const struct layout *l = arg;
	const struct request *req = l->cloning->job->req;
	_cleanup_object_ const struct object *source = object_ref(request_object(txn_view(t), req));
	const struct object *present = view_get(txn_view(t), KIND_VM, l->clone->uuid);
	int r;

	if (!source)
		return error_gone(e, KIND_VM, req->target);
	if (present) {
		r = read_whole(present, l->cloning->job->uuid, &l->clone->whole, e);
		return r < 0 || l->clone->whole ? r : not_removed(req->target, e);
	}
	return clone_rows_put(t, source,
			      &(struct clone_rows){l->clone->uuid, l->clone->name, req, l->cloning->full}, e);
}

/* ------------------------------------------------------------------ copies */

/* The volume of @vm with this device number; NULL when there is none. */
static const struct object *volume_at(const struct view *view, const char *vm, int64_t device_id)
{
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, vm)
		if (object_int(volume, VOLUME_DEVICE_ID) == device_id)
			return volume;
	return NULL;
}

/* Reports the progress of the job; copying counts as 90 % of it. */
static int copy_progress(void *ctx, int percent)
{
	const struct cloning *c = ctx;
	size_t of_disks = c->disks ? (c->disk * 100 + (size_t)percent) / c->disks : (size_t)percent;

	return job_copy_progress(c->job, (int)((c->done * 100 + of_disks) * 90 / (c->count * 100)));
}

/* Copies the disks of the active source into the clone, all as they are at the same moment. */
static int copy_active(struct cloning *c, const struct view *view, const struct object *source,
		       const char *clone, struct error *e)
{
	struct pool *pool = c->job->pool;
	const char *host = object_text(source, VM_HOST_UUID);
	struct hv_disk_copy copies[VM_DISKS_MAX];
	const char *made[VM_DISKS_MAX];
	char names[VM_DISKS_MAX][64];
	size_t count = 0;
	int r = 0;

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, object_uuid(source)) {
		const struct object *to = volume_at(view, clone, object_int(volume, VOLUME_DEVICE_ID));

		if (!clone_copies(volume, c->full) || !to)
			continue;
		if (count == VM_DISKS_MAX)
			return error_set(e, ENOSPC, "VM '%s' has too many disks", object_uuid(source));
		volume_file_name(to, names[count]);
		made[count] = object_uuid(to);
		copies[count] = (struct hv_disk_copy){.volume = object_uuid(volume),
						      .pool = object_text(to, VOLUME_PRIMARY_STORAGE_UUID),
						      .name = names[count],
						      .format = object_text(to, VOLUME_FORMAT)};
		count++;
	}
	r = hv_disks_copy(pool_hypervisor(pool), host, object_uuid(source), copies, count, copy_progress, c,
			  e);
	for (size_t i = 0; i < count && r == 0; i++)
		r = volume_set_ready(pool, made[i], host, copies[i].path, e);
	for (size_t i = 0; i < count; i++)
		free(copies[i].path);
	return r;
}

static size_t count_copied(const struct cloning *c, const struct view *view, const char *from)
{
	size_t count = 0;

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, from)
		count += clone_copies(volume, c->full);
	return count;
}

/* Copies the files of @from, which has no running guest, into the clone. */
static int copy_files(struct cloning *c, const struct view *view, const char *from, const char *clone,
		      struct error *e)
{
	struct pool *pool = c->job->pool;

	c->disk = 0;
	c->disks = count_copied(c, view, from);
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, from) {
		const struct object *to = volume_at(view, clone, object_int(volume, VOLUME_DEVICE_ID));
		const struct object *host = volume_any_host(view, volume);
		_cleanup_free_ char *path = NULL;
		char name[64];
		int r;

		if (!to || !clone_copies(volume, c->full))
			continue;
		if (!host)
			return error_set_code(e, ENOTCONN, "PS.1003",
					      "no host of primary storage '%s' is connected",
					      object_text(volume, VOLUME_PRIMARY_STORAGE_UUID));
		if (job_should_stop(c->job))
			return job_stop_reason(c->job, e);
		volume_file_name(to, name);
		r = hv_volume_copy(
			pool_hypervisor(pool), object_uuid(host), object_text(volume, VOLUME_INSTALL_PATH),
			object_text(volume, VOLUME_FORMAT), object_text(to, VOLUME_PRIMARY_STORAGE_UUID),
			name, object_text(to, VOLUME_FORMAT), copy_progress, c, &path, e);
		if (r < 0)
			return r;
		r = volume_set_ready(pool, object_uuid(to), object_uuid(host), path, e);
		if (r < 0)
			return r;
		c->disk++;
	}
	return 0;
}

/* Asks the host whether the source's domain is active: the row may not show yet what the guest has done. */
static int ask_active(struct cloning *c, const struct object *source, bool *ret_active, struct error *e)
{
	enum hv_domain_state state;
	enum hv_domain_reason reason;
	int r;

	*ret_active = false;
	if (!object_str(source, VM_HOST_UUID))
		return 0;
	r = hv_domain_state(pool_hypervisor(c->job->pool), object_text(source, VM_HOST_UUID),
			    object_uuid(source), &state, &reason, e);
	*ret_active = r == 0 && hv_domain_is_up(state);
	return r;
}

/*
 * Fills the disks of all clones. A clone that cannot be filled gets the error; the function fails only when
 * none can, or when the job is to stop.
 */
static int copy_all(struct cloning *c, struct error *e)
{
	struct store *store = pool_store(c->job->pool);
	_cleanup_view_ struct view *view = store_view(store);
	const struct object *source = request_object(view, c->job->req);
	struct clone *model =
		NULL; /* of an active source: the first clone, from which the others are copied */
	bool active;
	int r;

	if (!source)
		return error_gone(e, KIND_VM, c->job->req->target);
	r = ask_active(c, source, &active, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->count; i++) {
		struct clone *clone = &c->clones[i];
		_cleanup_view_ struct view *now = store_view(store);

		if (!is_due(clone))
			continue;
		if (active && !model)
			r = copy_active(c, now, source, clone->uuid, e);
		else
			(void)copy_files(c, now, model ? model->uuid : object_uuid(source), clone->uuid,
					 &clone->error);
		if (active && !model && r == 0)
			model = clone;
		c->done = i + 1;
		c->disks = c->disk = 0;
		job_progress(c->job, (int)(c->done * 90 / c->count));
		if (job_should_stop(c->job))
			return job_stop_reason(c->job, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ------------------------------------------------------------------ finish */

struct completion {
	const char *uuid;
	bool created; /* becomes Created; else it has been started */
};

/* The clone is complete: its row no longer names the job. */
static int complete_fn(struct txn *t, void *arg, struct error *e)
{
	const struct completion *done = arg;
	const struct object *before = view_get(txn_view(t), KIND_VM, done->uuid);
	struct object *vm;
	int r = txn_edit(t, KIND_VM, done->uuid, &vm, e);

	if (r < 0)
		return r;
	object_set_null(vm, VM_CREATE_SPEC);
	if (done->created)
		object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_CREATED));
	return vm_write(t, before, vm, e);
}

struct origin {
	const char *clone, *host;
};

static int origin_fn(struct txn *t, void *arg, struct error *e)
{
	const struct origin *o = arg;
	struct object *vm;
	int r = txn_edit(t, KIND_VM, o->clone, &vm, e);

	if (r < 0)
		return r;
	object_set_str(vm, VM_LAST_HOST_UUID, o->host);
	return txn_put(t, vm, NULL, e);
}

/*
 * The clone gets the firmware variables of the source, on the source's host: its first start brings them from
 * there.
 */
static int copy_firmware(struct cloning *c, const struct clone *clone, struct error *e)
{
	struct pool *pool = c->job->pool;
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *source = request_object(view, c->job->req);
	const char *host = source ? object_str(source, VM_HOST_UUID) : NULL;
	struct origin origin = {clone->uuid, host};
	int r;

	if (source && !host)
		origin.host = host = object_str(source, VM_LAST_HOST_UUID);
	if (!host || !vm_has_uefi(view, source))
		return 0;
	/* first the row, so that what is copied is found again */
	r = store_run(pool_store(pool), origin_fn, &origin, e);
	return r < 0 ? r : vm_copy_firmware(pool, host, object_uuid(source), host, clone->uuid, e);
}

/* Starts a clone whose disks are filled, or makes it Created. */
static void finish(struct cloning *c, struct clone *clone)
{
	struct completion done = {clone->uuid, !c->start};
	int r = copy_firmware(c, clone, &clone->error);

	if (r == 0 && c->start)
		r = vm_bring_up(c->job, clone->uuid, VM_STATE_STOPPED, false, &clone->error);
	if (r == 0)
		(void)store_run(pool_store(c->job->pool), complete_fn, &done, &clone->error);
}

static int add_answer(struct cloning *c, struct clone *clone, json_t *list, int *cloned, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(c->job->pool));
	json_t *answer = NULL;

	if (!has_failed(clone) && result_inventory(view, KIND_VM, clone->uuid, &answer, &clone->error) == 0)
		++*cloned;
	else
		answer = json_pack("{s:o}", "error", error_to_json(&clone->error));
	return json_array_append_new(list, answer) < 0 ? error_oom(e) : 0;
}

/* A clone that is neither whole nor has an error of its own has failed with the rest. */
static void fail_others(struct cloning *c, const struct error *why)
{
	for (size_t i = 0; i < c->count; i++)
		if (is_due(&c->clones[i]))
			(void)error_set_code(&c->clones[i].error, why->errnum, why->code, "%s",
					     error_sentence(why));
}

/* {"result": {"numberOfClonedVm", "inventories": [{"inventory"} or {"error"}]}}, in the order of the names */
static int make_answer(struct cloning *c, json_t **ret_result, struct error *e)
{
	_cleanup_json_ json_t *list = json_array();
	int cloned = 0;

	for (size_t i = 0; i < c->count; i++) {
		int r = add_answer(c, &c->clones[i], list, &cloned, e);

		if (r < 0)
			return r;
	}
	*ret_result = json_pack("{s:{s:i, s:O}}", "result", "numberOfClonedVm", cloned, "inventories", list);
	return *ret_result ? 0 : error_oom(e);
}

/*
 * The job ends, with the error @why, although there are clones to be made. Those of a run before are whole, and the answer
 * names them; without any it is the error.
 */
static int end_without_rest(struct cloning *c, struct error *why, json_t **ret_result, struct error *e)
{
	if (!any_is_whole(c))
		return error_move(e, why);
	fail_others(c, why);
	return make_answer(c, ret_result, e);
}

static int vm_clone_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_(cloning_done) struct cloning c = {0};
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r = cloning_init(&c, job, e);

	if (r < 0)
		return r;
	r = snapshot_reconcile_vm(job->pool, job->req->target, &why);
	for (size_t i = 0; i < c.count; i++) {
		struct layout l = {&c, &c.clones[i]};

		(void)store_run(pool_store(job->pool), layout_fn, &l, &c.clones[i].error);
	}
	kill_point("clone-laid-out");
	if (r == 0 && any_is_due(&c))
		r = copy_all(&c, &why);
	kill_point("clone-copied");
	for (size_t i = 0; i < c.count; i++) {
		struct clone *clone = &c.clones[i];

		if (clone->whole)
			continue;
		if (r == 0 && !has_failed(clone))
			finish(&c, clone);
		if (r < 0 || has_failed(clone))
			(void)vm_roll_back(job, clone->uuid);
		kill_point("clone-one-done");
	}
	if (r == 0)
		return make_answer(&c, ret_result, e);
	/* at the end of the daemon, the next one goes on */
	return r == -ECANCELED && pool_is_closing(job->pool) ? error_move(e, &why)
							     : end_without_rest(&c, &why, ret_result, e);
}

/* Keeps a clone that is complete, or started and only has to be completed; rolls back any other. True if that is gone. */
static bool recover_one(struct cloning *c, struct clone *clone)
{
	_cleanup_view_ struct view *view = store_view(pool_store(c->job->pool));
	const struct object *vm = view_get(view, KIND_VM, clone->uuid);
	const struct object *root = vm ? vm_root_volume(view, vm) : NULL;

	if (!vm)
		return true;
	if (read_whole(vm, c->job->uuid, &clone->whole, &clone->error) < 0 || clone->whole)
		return false;
	if (c->start && vm_recover_state(c->job, clone->uuid, VM_STATE_RUNNING) == 0) {
		struct completion done = {clone->uuid, false};

		clone->whole = store_run(pool_store(c->job->pool), complete_fn, &done, &clone->error) == 0;
		return false;
	}
	if (root && !vm_is_in_first_start(view, clone->uuid))
		host_wait_for_storage(c->job, object_str(root, VOLUME_PRIMARY_STORAGE_UUID),
				      object_str(root, VOLUME_HOST_UUID));
	if (vm_roll_back(c->job, clone->uuid))
		return true;
	(void)not_removed(c->job->req->target, &clone->error);
	return false;
}

/* Ends what a killed job has left under way: the host may still be copying into the clones. Fails if it may go on. */
static int end_copy(struct job *job, const struct object *source, struct error *e)
{
	const char *host = source ? object_str(source, VM_HOST_UUID) : NULL;

	if (!host)
		return 0;
	(void)host_wait_connected(job, host);
	return hv_disk_copy_abort(pool_hypervisor(job->pool), host, object_uuid(source),
				  object_text(source, VM_ROOT_VOLUME_UUID), e);
}

/* Whether the job goes on to make the clones that are missing, in this process or, if that is ending, in the next. */
static bool goes_on(const struct job *job)
{
	return job_may_go_on(job) && (pool_is_closing(job->pool) || !job_should_stop(job));
}

static int vm_clone_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *source = request_object(view, job->req);
	_cleanup_(cloning_done) struct cloning c = {0};
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int ended = end_copy(job, source, &why);
	int r = cloning_init(&c, job, e);
	size_t gone = 0;

	if (r < 0)
		return r;
	/* at the end of the daemon, the next one ends it */
	if (ended < 0 && pool_is_closing(job->pool) && job_should_stop(job))
		return job_stop_reason(job, e);
	for (size_t i = 0; i < c.count; i++)
		gone += recover_one(&c, &c.clones[i]);
	/* the disks are copied anew by a host that has them */
	if (gone && source && vm_root_volume(view, source))
		host_wait_for_storage(job,
				      object_str(vm_root_volume(view, source), VOLUME_PRIMARY_STORAGE_UUID),
				      object_str(vm_root_volume(view, source), VOLUME_HOST_UUID));
	if (gone == 0)
		return make_answer(&c, ret_result, e);
	if (ended == 0)
		(void)error_undone(
			&why,
			"the daemon ended while VM '%s' was being cloned; %zu of %zu clones are missing",
			job->req->target, gone, c.count);
	return why.undone && goes_on(job) ? error_move(e, &why) : end_without_rest(&c, &why, ret_result, e);
}

static const struct operation clone_vm_instance = {
	.section = "4.1.51",
	.name = "CloneVmInstance",
	.message = "org.zstack.header.vm.APICloneVmInstanceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/actions", NULL},
	.key = "cloneVmInstance",
	.params = (const struct param[]){P_PATH("vmInstanceUuid", KIND_VM),
					 {.name = "strategy",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .values = (const char *const[]){"InstantStart", "JustCreate", NULL},
					  .default_value = "InstantStart"},
					 {.name = "names",
					  .type = PARAM_LIST,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_NONEMPTY},
					 {.name = "full", .type = PARAM_BOOL, .in = IN_BODY},
					 {0}},
	.results = (const char *const[]){"result:CloneVmInstanceResults", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.verb = "clone",
	.states = S_RUNNING | S_STOPPED | S_PAUSED,
	.deadline_s = 86400,
	.help = "clones the VM, once for each name",
	.allows = vm_clone_allows,
	.check = vm_clone_check,
	.run = vm_clone_run,
	.recover = vm_clone_recover,
};

const struct operation *const operations_vm_clone[] = {
	&clone_vm_instance,
	NULL,
};
