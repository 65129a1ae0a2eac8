/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MigrateVm (behaviour.md 4.1.12): moves a running guest to another host.
 *
 *   1. One change chooses the target host and reserves its capacity: the VM is
 *      Migrating, and its row names the target beside the present host.
 *   2. The target is prepared: networks with the guest's leases, storage, ISOs.
 *   3. libvirt migrates the guest.
 *   4. Both hosts are asked where the guest is, and one change writes that.
 *
 * Events of either host are ignored while a VM is Migrating (sync.c). The outcome
 * is what step 4 finds, whatever step 3 returned. After a kill of the daemon the
 * recovery waits until no migration is in progress any more (the hosts finish it
 * or cancel it without the daemon) and then does step 4; if the guest has not moved, the
 * job begins anew. If nobody can tell, it is Failed: it might move the guest twice.
 *
 * Volumes on local storage are migrated with the guest only where the setting
 * allows it. Their content is copied into standalone files, so they must not have
 * snapshots.
 */
#include "actions/engine/config.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/tags.h"
#include "actions/host/guest.h"
#include "actions/host/wait.h"
#include "actions/operations/table.h"
#include "actions/storage/orphan_file.h"
#include "actions/storage/primary_storage.h"
#include "actions/vm/adopted.h"
#include "actions/vm/describe.h"
#include "actions/vm/iso.h"
#include "actions/vm/lease.h"
#include "actions/vm/migration.h"
#include "actions/vm/nocloud.h"
#include "actions/vm/reconcile.h"
#include "actions/vm/second_copy.h"
#include "actions/vm/state.h"
#include "actions/volume/location.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/migrate.h"
#include "hypervisor/domain/sighting.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/storage/volume.h"

/* ------------------------------------------------------------------ checks */

static int check_local(const struct view *view, const struct object *volume, const struct object *vm,
		       struct error *e)
{
	if (!object_str(volume, VOLUME_HOST_UUID))
		return 0;
	if (!config_bool(view, CONFIG_MIGRATE_LOCAL))
		return error_set(e, EBUSY,
				 "unable to live migrate vm[uuid:%s] with local storage, the setting "
				 "localStoragePrimaryStorage.liveMigrationWithStorage.allow is false",
				 object_uuid(vm));
	if (view_next_where(view, KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, object_uuid(volume), 0))
		return error_set(
			e, EBUSY,
			"unable to live migrate vm[uuid:%s] with local storage, its volume[uuid:%s] has snapshots",
			object_uuid(vm), object_uuid(volume));
	return 0;
}

static int vm_migrate_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);
	const char *host = request_str(req, "hostUuid");

	if (host && object_str_is(vm, VM_HOST_UUID, host))
		return error_set(e, EINVAL, "the vm[uuid:%s] is already on host[uuid:%s]", req->target, host);
	if (tag_value(view, req->target, "pciDevice"))
		return error_set(e, EBUSY,
				 "unable to live migrate vm[uuid:%s], it has PCI devices of its host",
				 req->target);
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, req->target) {
		int r = check_local(view, volume, vm, e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ----------------------------------------------------------------- migrate */

struct move {
	struct job *job;
	const char *uuid;
	char from[UUID_SIZE], to[UUID_SIZE];
};

/* Step 1: chooses the target and reserves its capacity, in the commit in which the job begins. */
static int vm_migrate_begin(struct txn *t, struct job *job, struct error *e)
{
	const char *uuid = job->req->target;
	const struct object *before = view_get(txn_view(t), KIND_VM, uuid);
	_cleanup_free_ const struct object **hosts = NULL;
	struct object *vm;
	size_t count;
	int r;

	if (!before)
		return error_gone(e, KIND_VM, uuid);
	r = vm_migration_targets(txn_view(t), before, request_str(job->req, "hostUuid"), &hosts, &count, e);
	if (r < 0)
		return r;
	r = txn_edit(t, KIND_VM, uuid, &vm, e);
	if (r < 0)
		return r;
	object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_MIGRATING));
	object_set_str(vm, VM_MIGRATION_HOST_UUID, object_uuid(hosts[0]));
	return vm_write(t, before, vm, e);
}

static int put_target_fn(struct txn *t, void *arg, struct error *e)
{
	const struct move *m = arg;

	return vm_put_adopted_on(t, m->uuid, m->to, e);
}

/*
 * A domain that others have made keeps its name: at the target, too, it is known by the row. That is written last, when
 * nothing else there has its uuid, which would be taken for it.
 */
static int name_target(struct move *m, const struct object *vm, struct error *e)
{
	struct hv_sighting s;
	int r;

	if (!vm_is_adopted_on(vm, m->from))
		return 0;
	r = hv_domain_sight(pool_hypervisor(m->job->pool), m->to, m->uuid, NULL, &s, e);
	if (r < 0)
		return r;
	if (s.found && !s.ours)
		return error_set(
			e, EEXIST,
			"host '%s' has a domain of others with the uuid of the VM, '%s'; undefine it there, or "
			"migrate to another host",
			m->to, m->uuid);
	return store_run(pool_store(m->job->pool), put_target_fn, m, e);
}

/* Step 2: the libvirt pools of the VM's volumes, its networks, its media. */
static int prepare_target(struct move *m, const struct view *view, struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, m->uuid), *host = view_get(view, KIND_HOST, m->to);
	int r;

	if (!vm || !host)
		return error_set(e, ENOENT, "VM '%s' or its new host is gone", m->uuid);
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, m->uuid) {
		const struct object *ps =
			view_get(view, KIND_PRIMARY_STORAGE, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID));

		r = ps ? primary_storage_open_pool(m->job->pool, ps, m->to, e) : 0;
		if (r < 0)
			return r;
	}
	r = vm_apply_leases(m->job->pool, view, m->uuid, m->to, e);
	if (r < 0)
		return r;
	r = vm_fetch_isos(m->job, view, m->uuid, m->to, e);
	if (r == 0)
		r = vm_copy_nocloud(m->job, view, vm, host, e);
	return r < 0 ? r : name_target(m, vm, e);
}

/* Step 3. */
static int migrate(struct move *m, const struct view *view, struct error *e)
{
	const char *copied[VM_DISKS_MAX];
	struct hv_migration how = {.managed = request_bool(m->job->req, "migrateFromDestination", false),
				   .copied = copied};
	int r;

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, m->uuid)
		if (object_str(volume, VOLUME_HOST_UUID) && how.copied_count < VM_DISKS_MAX)
			copied[how.copied_count++] = object_uuid(volume);
	r = hv_domain_migrate(pool_hypervisor(m->job->pool), m->from, m->to, m->uuid, &how, job_copy_progress,
			      m->job, e);
	if (r < 0)
		error_wrap(e, "HOST.1009");
	return r;
}

/* ------------------------------------------------------------------ outcome */

/* Where the guest is, according to the hosts. */
enum place { AT_SOURCE, AT_TARGET, NOWHERE, NOT_KNOWN };

struct end {
	const struct move *move;
	enum place place;
	enum vm_state state; /* there */
	bool source_answers, target_answers;
};

struct question {
	const struct move *move;
	enum hv_domain_state state;
};

static int ask_source(void *arg, struct error *e)
{
	struct question *q = arg;
	const struct move *m = q->move;
	struct hypervisor *hv = pool_hypervisor(m->job->pool);
	enum hv_domain_reason reason;
	int r = hv_domain_migrate_wait(hv, m->from, m->uuid, job_copy_progress, m->job, e);

	return r < 0 ? r : hv_domain_state(hv, m->from, m->uuid, &q->state, &reason, e);
}

/*
 * The source is asked first: a guest that it still runs, when its job has ended, has not been handed over to the target. It
 * may have been cut off for a while, from the target, or from here alone: then the migration has not failed, but goes on.
 */
static void ask_both(struct end *end)
{
	const struct move *m = end->move;
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	struct question q = {.move = m};
	enum hv_domain_state at_source, at_target;
	enum hv_domain_reason reason;
	bool source = host_ask_again(m->job, m->from, ask_source, &q, &ignored) == 0;
	bool target = hv_domain_state(pool_hypervisor(m->job->pool), m->to, m->uuid, &at_target, &reason,
				      NULL) == 0;

	at_source = q.state;
	end->source_answers = source;
	end->target_answers = target;
	end->place = NOT_KNOWN;
	if (source && hv_domain_is_up(at_source)) {
		end->place = AT_SOURCE;
		end->state = vm_state_of_domain(at_source);
	} else if (target && at_target == HV_DOMAIN_RUNNING) {
		/* libvirt lets only one of the two run it, so the source's answer is not needed */
		end->place = AT_TARGET;
		end->state = VM_STATE_RUNNING;
	} else if (source && target) {
		end->place = hv_domain_is_up(at_target) ? AT_TARGET : NOWHERE;
		end->state = vm_state_of_domain(at_target);
	}
}

/* Moves the rows of the files on the source's local storage to the target: the NoCloud disk, the volumes. */
static int put_files_moved(struct txn *t, const struct move *m, struct error *e)
{
	const struct object *root = vm_root_volume(txn_view(t), view_get(txn_view(t), KIND_VM, m->uuid));
	const struct object *volume;
	int64_t after = 0;
	int r = root && object_str_is(root, VOLUME_HOST_UUID, m->from)
			? vm_put_nocloud_moved(t, m->uuid, m->from, e)
			: 0;

	if (r < 0)
		return r;
	while ((volume = view_next_where(txn_view(t), KIND_VOLUME, VOLUME_VM_UUID, m->uuid, after))) {
		struct object *moved;

		after = volume->id;
		if (!object_str_is(volume, VOLUME_HOST_UUID, m->from))
			continue;
		moved = object_copy(volume);
		object_set_str(moved, VOLUME_HOST_UUID, m->to);
		r = txn_put(t, moved, NULL, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Step 4: writes the outcome. */
static int end_fn(struct txn *t, void *arg, struct error *e)
{
	const struct end *end = arg;
	const struct move *m = end->move;
	const struct object *before = view_get(txn_view(t), KIND_VM, m->uuid);
	const struct object *target = view_get(txn_view(t), KIND_HOST, m->to);
	struct object *vm;
	int r = txn_edit(t, KIND_VM, m->uuid, &vm, e);

	if (r < 0)
		return r;
	/*
	 * After a move the target stays in the row until the source has been cleaned up: see forget_fn(). A target
	 * that does not answer stays there as long as the guest may run on it.
	 */
	if (end->place != AT_TARGET && (end->place != NOT_KNOWN || end->target_answers))
		object_set_null(vm, VM_MIGRATION_HOST_UUID);
	object_set_null(vm, VM_UNKNOWN_FROM);
	switch (end->place) {
	case AT_SOURCE:
		object_set_str(vm, VM_STATE, vm_state_name(end->state));
		break;
	case AT_TARGET:
		object_set_str(vm, VM_STATE, vm_state_name(end->state));
		object_set_str(vm, VM_HOST_UUID, m->to);
		object_set_str(vm, VM_LAST_HOST_UUID, m->from);
		if (target)
			object_set_str(vm, VM_CLUSTER_UUID, object_str(target, HOST_CLUSTER_UUID));
		break;
	case NOWHERE:
		object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED));
		object_set_str(vm, VM_LAST_HOST_UUID, m->from);
		object_set_null(vm, VM_HOST_UUID);
		break;
	case NOT_KNOWN:
		object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_UNKNOWN));
		object_set_str(vm, VM_UNKNOWN_FROM, vm_state_name(VM_STATE_MIGRATING));
		if (end->source_answers) { /* not there: if it runs, then at the target */
			object_set_str(vm, VM_HOST_UUID, m->to);
			object_set_null(vm, VM_MIGRATION_HOST_UUID);
		}
		break;
	}
	r = vm_write(t, before, vm, e);
	if (r < 0)
		return r;
	if (end->place == NOT_KNOWN) /* the guest may be there */
		return vm_put_nocloud_moved(t, m->uuid, NULL, e);
	return end->place == AT_TARGET ? put_files_moved(t, m, e) : 0;
}

/* Removes what the guest has left on the other host. What cannot be removed does no harm. */
static void clean_up(const struct move *m, enum place place)
{
	_cleanup_view_ struct view *view = store_view(pool_store(m->job->pool));
	struct hypervisor *hv = pool_hypervisor(m->job->pool);

	orphan_files_remove(m->job->pool, m->job->uuid);
	if (place == AT_SOURCE) {
		/* what has come to the target since it was named there may be others' after all */
		vm_settle_domain(m->job->pool, m->to, m->uuid);
		if (vm_is_second_copy(view, m->uuid, m->to))
			vm_settle_second_copy(m->job->pool, m->to, m->uuid);
		(void)hv_domain_undefine(hv, m->to, m->uuid, NULL);
		vm_forget_leases(m->job->pool, view, m->uuid, m->to);
	}
	if (place == AT_TARGET)
		(void)hv_domain_undefine(hv, m->from, m->uuid, NULL);
	/* also when the guest is lost: neither host is asked again while it stays connected */
	vm_settle_domain(m->job->pool, m->to, m->uuid);
	vm_settle_domain(m->job->pool, m->from, m->uuid);
	if (place != AT_TARGET)
		return;
	vm_forget_leases(m->job->pool, view, m->uuid, m->from);
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, m->uuid)
		if (object_str(volume, VOLUME_HOST_UUID))
			(void)hv_volume_delete_moved(
				hv, m->from, object_text(volume, VOLUME_PRIMARY_STORAGE_UUID),
				path_file_name(object_text(volume, VOLUME_INSTALL_PATH)), NULL);
}

/* Everything is done after a move: a recovery has nothing to clean up any more. */
static int forget_fn(struct txn *t, void *arg, struct error *e)
{
	const struct move *m = arg;
	const struct object *before = view_get(txn_view(t), KIND_VM, m->uuid);
	struct object *vm;
	int r;

	if (!before)
		return 0;
	r = txn_edit(t, KIND_VM, m->uuid, &vm, e);
	if (r < 0)
		return r;
	object_set_null(vm, VM_MIGRATION_HOST_UUID);
	return vm_write(t, before, vm, e);
}

/*
 * Step 4: asks both hosts, writes the outcome and cleans up; then reconciles once more, since events were
 * ignored until now. Fails only when the outcome cannot be written.
 */
static int reconcile(struct move *m, enum place *ret_place, struct error *e)
{
	struct end end = {.move = m};
	int r;

	ask_both(&end);
	r = store_run(pool_store(m->job->pool), end_fn, &end, e);
	if (r < 0)
		return r;
	kill_point("migrate-written");
	clean_up(m, end.place);
	if (end.place == AT_SOURCE || end.place == AT_TARGET)
		vm_reconcile(m->job->pool, end.place == AT_TARGET ? m->to : m->from, m->uuid);
	*ret_place = end.place;
	return end.place == AT_TARGET ? store_run(pool_store(m->job->pool), forget_fn, m, e) : 0;
}

static int vm_migrate_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct move m = {.job = job, .uuid = job->req->target};
	_cleanup_(error_done) struct error why = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, m.uuid);
	enum place place;
	int r, written;

	if (!vm)
		return error_gone(e, KIND_VM, m.uuid);
	snprintf(m.from, sizeof(m.from), "%s", object_text(vm, VM_HOST_UUID));
	snprintf(m.to, sizeof(m.to), "%s", object_text(vm, VM_MIGRATION_HOST_UUID));
	kill_point("migrate-begun");
	r = prepare_target(&m, view, &why);
	if (r == 0 && job_should_stop(job))
		r = job_stop_reason(job, &why);
	if (r == 0)
		r = migrate(&m, view, &why);
	kill_point("migrate-moved");
	written = reconcile(&m, &place, e);
	kill_point("migrate-done");
	if (written < 0)
		return written;
	if (place == AT_TARGET)
		return job_result_inventory(job, KIND_VM, m.uuid, ret_result, e);
	if (r < 0)
		return error_move(e, &why);
	return error_set_code(e, EIO, "HOST.1009", "VM '%s' did not arrive on host '%s'", m.uuid, m.to);
}

/* Where the guest is when the row names no target any more, so that the outcome was written. */
static enum place written_place(struct job *job)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *row = view_get(view, KIND_JOB, job->uuid);
	const struct object *vm = view_get(view, KIND_VM, job->req->target);

	if (vm && object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_UNKNOWN)))
		return NOT_KNOWN;
	if (!vm || !vm_active_host(vm))
		return NOWHERE;
	/* it has another host since the job began */
	return row && object_time(vm, VM_HOST_UUID) > object_int(row, JOB_STARTED) ? AT_TARGET : AT_SOURCE;
}

/*
 * A guest that has not moved is where it was, and can be migrated once more; one that is lost is refused then. One that is
 * Unknown may have moved: done once more, it would move twice.
 */
static int vm_migrate_recover(struct job *job, json_t **ret_result, struct error *e)
{
	struct move m = {.job = job, .uuid = job->req->target};
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, m.uuid);
	const char *to = vm ? object_str(vm, VM_MIGRATION_HOST_UUID) : NULL;
	enum place place;
	int r = 0;

	if (to) {
		bool moved = object_str_is(vm, VM_HOST_UUID, to); /* only the cleaning up is left */

		snprintf(m.from, sizeof(m.from), "%s",
			 object_text(vm, moved ? (int)VM_LAST_HOST_UUID : (int)VM_HOST_UUID));
		snprintf(m.to, sizeof(m.to), "%s", to);
		(void)host_wait_connected(job, m.to);
		(void)host_wait_connected(job, m.from);
		r = reconcile(&m, &place, e);
	} else {
		/* the host that has it, if any has, may be yet to come */
		if (written_place(job) == NOT_KNOWN)
			(void)vm_recover_state(job, m.uuid, VM_STATE_RUNNING);
		place = written_place(job);
	}
	if (r < 0)
		return r;
	if (place == AT_TARGET)
		return job_result_inventory(job, KIND_VM, m.uuid, ret_result, e);
	if (place == NOT_KNOWN)
		return error_set_code(
			e, EINTR, "SYS.1000",
			"the daemon ended while VM '%s' was migrating, and its hosts do not say whether it has moved",
			m.uuid);
	return error_undone(
		e, "the daemon ended while VM '%s' was migrating; the VM has the state that its hosts report",
		m.uuid);
}

static const struct operation migrate_vm = {
	.section = "4.1.12",
	.name = "MigrateVm",
	.message = "org.zstack.header.vm.APIMigrateVmMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/actions", NULL},
	.key = "migrateVm",
	.params =
		(const struct param[]){
			P_PATH("vmInstanceUuid", KIND_VM),
			{.name = "hostUuid", .type = PARAM_STRING, .in = IN_BODY, .resource = KIND_HOST},
			{.name = "migrateFromDestination", .type = PARAM_BOOL, .in = IN_BODY},
			{0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.verb = "migrate",
	.states = S_RUNNING | S_PAUSED,
	.state_code = "VM.1008",
	.deadline_s = 3600,
	.help = "migrates the running guest to another host",
	.check = vm_migrate_check,
	.begin = vm_migrate_begin,
	.run = vm_migrate_run,
	.recover = vm_migrate_recover,
};

const struct operation *const operations_vm_migrate[] = {
	&migrate_vm,
	NULL,
};
