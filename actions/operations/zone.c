/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on zones. Deleting one deletes everything in it (behaviour.md 5.1),
 * in an order in which each step still finds the hosts that it needs: VMs,
 * networks, primary storage, clusters with their hosts, the zone itself. A step
 * that fails leaves the rest in place; the deletion can be requested again.
 */
#include "actions/cascade/cluster_remove.h"
#include "actions/cascade/l2_network_remove.h"
#include "actions/cascade/primary_storage_remove.h"
#include "actions/engine/rows.h"
#include "actions/operations/table.h"
#include "actions/vm/remove.h"
#include "model/states.h"

static int zone_create_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct object *o;
	int r = object_from_request(txn_view(t), KIND_ZONE, req, &o, e);

	if (r < 0)
		return r;
	object_set_str(o, ZONE_STATE, STATE_ENABLED);
	object_set_str(o, ZONE_TYPE, "zstack");
	return object_create(t, o, req, ret_result, e);
}

/* Data volumes that no VM has are deleted only with deleteMode=Enforcing. */
static int zone_delete_check(const struct view *view, const struct request *req, struct error *e)
{
	if (request_is_enforcing(req))
		return 0;
	view_for_each_where (ps, view, KIND_PRIMARY_STORAGE, PRIMARY_STORAGE_ZONE_UUID, req->target)
		view_for_each_where (volume, view, KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, object_uuid(ps))
			if (object_is_null(volume, VOLUME_VM_UUID))
				return error_set(
					e, ENOTEMPTY,
					"zone '%s' still holds data volume '%s', delete it first or use "
					"deleteMode=Enforcing",
					object_name(request_object(view, req)), object_name(volume));
	return 0;
}

/* ------------------------------------------------------------------- cascade */

/* Removes one object of the zone; @view is the current one. 1 = none was left. */
typedef int step_fn(struct job *job, const struct view *view, const char *zone, struct error *e);

static int remove_next_l2(struct job *job, const struct view *view, const char *zone, struct error *e)
{
	const struct object *l2 = view_next_where(view, KIND_L2_NETWORK, L2_ZONE_UUID, zone, 0);

	return l2 ? l2_network_remove(job, object_uuid(l2), request_is_enforcing(job->req), e) : 1;
}

static int remove_next_storage(struct job *job, const struct view *view, const char *zone, struct error *e)
{
	const struct object *ps =
		view_next_where(view, KIND_PRIMARY_STORAGE, PRIMARY_STORAGE_ZONE_UUID, zone, 0);

	return ps ? primary_storage_remove(job, object_uuid(ps), request_is_enforcing(job->req), e) : 1;
}

static int remove_next_cluster(struct job *job, const struct view *view, const char *zone, struct error *e)
{
	const struct object *cluster = view_next_where(view, KIND_CLUSTER, CLUSTER_ZONE_UUID, zone, 0);

	return cluster ? cluster_remove(job, object_uuid(cluster), request_is_enforcing(job->req), e) : 1;
}

static int remove_zone_rows(struct txn *t, void *arg, struct error *e)
{
	struct object_key *key = arg;
	int r = object_remove_where(t, KIND_ZONE_BACKUP_STORAGE, ZONE_BS_ZONE_UUID, key->uuid, e);

	if (r < 0)
		return r;
	return object_remove_key(t, key, e);
}

/* Repeats @step until it finds nothing more to remove. */
static int repeat_step(struct job *job, step_fn *step, const char *zone, struct error *e)
{
	int r;

	do {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

		if (job_should_stop(job))
			return job_stop_reason(job, e);
		r = step(job, view, zone, e);
	} while (r == 0);
	return r < 0 ? r : 0;
}

static int zone_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	static step_fn *const steps[] = {remove_next_l2, remove_next_storage, remove_next_cluster};
	struct object_key key = {KIND_ZONE, job->req->target};
	int r = vm_remove_all_where(job, VM_ZONE_UUID, key.uuid, e);

	(void)ret_result;
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		r = repeat_step(job, steps[i], key.uuid, e);
		if (r < 0)
			return r;
		job_progress(job, (int)(90 * (i + 1) / ARRAY_SIZE(steps)));
	}
	return store_run(pool_store(job->pool), remove_zone_rows, &key, e);
}

static const struct operation create_zone = {
	.section = "5.1",
	.name = "CreateZone",
	.message = "org.zstack.header.zone.APICreateZoneMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/zones", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME, P_DESCRIPTION, P_RESOURCE_UUID, {0}},
	.results = (const char *const[]){"inventory:ZoneInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_ZONE,
	.where = "zones",
	.flags = OP_ADMIN,
	.error_code = "SYS.1002",
	.help = "creates a zone",
	.apply = zone_create_apply,
};

static const struct operation delete_zone = {
	.section = "5.1",
	.name = "DeleteZone",
	.message = "org.zstack.header.zone.APIDeleteZoneMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/zones/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_ZONE), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_ZONE,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS | OP_ADMIN,
	.error_code = "SYS.1004",
	.help = "deletes the zone and everything in it",
	.check = zone_delete_check,
	.run = zone_delete_run,
	.recover = zone_delete_run,
};

static const struct operation query_zone = {
	.section = "5.1",
	.name = "QueryZone",
	.message = "org.zstack.header.zone.APIQueryZoneMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/zones", "/zones/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_ZONE,
	.flags = OP_SYNC,
	.help = "lists zones",
};

static const struct operation update_zone = {
	.section = "5.1",
	.name = "UpdateZone",
	.message = "org.zstack.header.zone.APIUpdateZoneMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/zones/{uuid}/actions", NULL},
	.key = "updateZone",
	.params = (const struct param[]){P_UUID(KIND_ZONE), P_NEW_NAME, P_DESCRIPTION, {0}},
	.results = (const char *const[]){"inventory:ZoneInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_ZONE,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES | OP_ADMIN,
	.help = "changes the zone's name or description",
	.apply = object_update_apply,
};

static const struct operation change_zone_state = {
	.section = "5.1",
	.name = "ChangeZoneState",
	.message = "org.zstack.header.zone.APIChangeZoneStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/zones/{uuid}/actions", NULL},
	.key = "changeZoneState",
	.params = (const struct param[]){P_UUID(KIND_ZONE), P_STATE_EVENT, {0}},
	.results = (const char *const[]){"inventory:ZoneInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_ZONE,
	.target = "uuid",
	.verb = "change-state",
	.flags = OP_ADMIN,
	.help = "enables or disables the zone",
	.apply = object_change_state_apply,
};

const struct operation *const operations_zone[] = {
	&create_zone, &delete_zone, &query_zone, &update_zone, &change_zone_state, NULL,
};
