/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placement: which host runs a VM (behaviour.md 3.6).
 *
 * A table of filters, each of which rules hosts out and has a sentence for the
 * case that it leaves none; then a table of strategies, each of which orders
 * what is left. To add a rule, add a row. Everything here only looks.
 */
#include "actions/vm/placement.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/tags.h"
#include "actions/host/capacity.h"
#include "actions/host/topology.h"
#include "actions/vm/affinity.h"
#include "actions/volume/location.h"
#include "model/states.h"

/* Most hosts that one placement looks at. */
#define CANDIDATES_MAX 4096
/* At most as many VMs on a host as the offering's tag maxInstancePerHost::<n> says. */
#define MAX_INSTANCE_STRATEGY "MaxInstancePerHostHostAllocatorStrategy"

struct search {
	const struct view *view;
	const struct placement *want;
	const struct object **hosts; /* owned array of candidates, borrowed from the view */
	size_t count;
	const struct object *group;  /* Enabled affinity group of the VM, or NULL */
	struct affinity_hosts taken; /* where its other members are */
	int64_t most;		     /* VMs that a host may have, 0 = any number */
	json_t *ruled_out;	     /* owned; filter -> row ids of hosts; NULL: nobody asks */
};

static bool is(const char *wanted, const char *have)
{
	return !wanted || (have && strcmp(wanted, have) == 0);
}

/* --------------------------------------------------------------- filters */

static bool in_wanted_place(const struct search *s, const struct object *host)
{
	return is(s->want->zone, object_str(host, HOST_ZONE_UUID)) &&
	       is(s->want->cluster, object_str(host, HOST_CLUSTER_UUID)) &&
	       is(s->want->host, object_uuid(host));
}

static int no_place(const struct search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "No host with zoneUuid=%s clusterUuid=%s hostUuid=%s",
			      s->want->zone ? s->want->zone : "", s->want->cluster ? s->want->cluster : "",
			      s->want->host ? s->want->host : "");
}

static bool has_networks(const struct search *s, const struct object *host)
{
	for (size_t i = 0; i < s->want->l3_count; i++) {
		const struct object *l3 = view_get(s->view, KIND_L3_NETWORK, s->want->l3_networks[i]);

		if (!l3 || !cluster_has_l2(s->view, object_str(host, HOST_CLUSTER_UUID),
					   object_str(l3, L3_L2_NETWORK_UUID)))
			return false;
	}
	return true;
}

static int no_networks(const struct search *s, struct error *e)
{
	char list[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < s->want->l3_count && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
					s->want->l3_networks[i]);
	return error_set_code(
		e, ENOSPC, "HOST_ALLOCATION.1000",
		"no host found in clusters that has attached to L2Networks which have L3Networks[%s]", list);
}

static bool is_enabled(const struct search *s, const struct object *host)
{
	const struct object *cluster = view_get(s->view, KIND_CLUSTER, object_str(host, HOST_CLUSTER_UUID));
	const struct object *zone = view_get(s->view, KIND_ZONE, object_str(host, HOST_ZONE_UUID));

	return object_str_is(host, HOST_STATE, STATE_ENABLED) && cluster &&
	       object_str_is(cluster, CLUSTER_STATE, STATE_ENABLED) && zone &&
	       object_str_is(zone, ZONE_STATE, STATE_ENABLED);
}

static int none_enabled(const struct search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "no Enabled hosts found in the [%zu] candidate hosts", s->count);
}

static bool is_connected(const struct search *s, const struct object *host)
{
	(void)s;
	return object_str_is(host, HOST_STATUS, STATUS_CONNECTED);
}

static int none_connected(const struct search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "no Connected hosts found in the [%zu] candidate hosts", s->count);
}

static bool reaches_image(const struct search *s, const struct object *host)
{
	if (!s->want->image)
		return true;
	view_for_each_where (ref, s->view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, s->want->image) {
		if (object_str_is(ref, IMAGE_REF_STATUS, STATUS_READY) &&
		    zone_has_backup_storage(s->view, object_str(host, HOST_ZONE_UUID),
					    object_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID)))
			return true;
	}
	return false;
}

static int image_out_of_reach(const struct search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "no host found in zones that attaches to backup storage where image[%s] is on",
			      s->want->image);
}

static bool has_capacity(const struct search *s, const struct object *host)
{
	return object_int(host, HOST_AVAILABLE_CPU) >= s->want->cpu_num &&
	       object_int(host, HOST_AVAILABLE_MEMORY) - config_int(s->view, "kvm.reservedMemory") >=
		       s->want->memory;
}

static int no_capacity(const struct search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "no host having cpu[%d], memory[%" PRId64 " bytes] found", s->want->cpu_num,
			      s->want->memory);
}

/* The first primary storage of the host's cluster that could take the new volumes. */
static const struct object *storage_for(const struct search *s, const struct object *host)
{
	view_for_each (ps, s->view, KIND_PRIMARY_STORAGE) {
		if (!is(s->want->primary_storage, object_uuid(ps)) ||
		    !cluster_has_primary_storage(s->view, object_str(host, HOST_CLUSTER_UUID),
						 object_uuid(ps)) ||
		    !object_str_is(ps, PRIMARY_STORAGE_STATE, STATE_ENABLED) ||
		    !object_str_is(ps, PRIMARY_STORAGE_STATUS, STATUS_CONNECTED))
			continue;
		if (!s->want->storage_needed || capacity_storage_room(s->view, ps) >= s->want->storage_needed)
			return ps;
	}
	return NULL;
}

/* Is a volume that is there where the host gets at it? */
static bool has_volume(const struct search *s, const struct object *host, const struct object *volume)
{
	const char *ps = volume ? object_str(volume, VOLUME_PRIMARY_STORAGE_UUID) : NULL;

	if (!ps || !object_str(volume, VOLUME_INSTALL_PATH))
		return true;
	return cluster_has_primary_storage(s->view, object_str(host, HOST_CLUSTER_UUID), ps) &&
	       (s->want->volumes_move || is(object_str(volume, VOLUME_HOST_UUID), object_uuid(host)));
}

static bool has_volumes(const struct search *s, const struct object *host)
{
	view_for_each_where (volume, s->view, KIND_VOLUME, VOLUME_VM_UUID, s->want->vm)
		if (!has_volume(s, host, volume))
			return false;
	view_for_each_where (ref, s->view, KIND_SHAREABLE_REF, SHAREABLE_REF_VM_UUID, s->want->vm)
		if (!has_volume(s, host,
				view_get(s->view, KIND_VOLUME, object_str(ref, SHAREABLE_REF_VOLUME_UUID))))
			return false;
	return true;
}

static bool has_storage(const struct search *s, const struct object *host)
{
	return storage_for(s, host) && has_volumes(s, host);
}

static int no_storage(const struct search *s, struct error *e)
{
	if (s->want->storage_needed)
		return error_set_code(
			e, ENOSPC, "PS.1000",
			"cannot find available primary storage[state: Enabled, status: Connected, available "
			"capacity %" PRId64
			" bytes]. Check the state/status of primary storage and make sure they have been "
			"attached to clusters",
			s->want->storage_needed);
	return error_set_code(
		e, ENOSPC, "HOST_ALLOCATION.1000",
		"no host found in clusters which have attached to all primary storage[%s] where vm[uuid:%s]'s "
		"volumes locate",
		s->want->primary_storage ? s->want->primary_storage : "", s->want->vm);
}

static bool is_not_avoided(const struct search *s, const struct object *host)
{
	return !s->want->avoid_host || strcmp(s->want->avoid_host, object_uuid(host)) != 0;
}

static int only_avoided(const struct search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "after rule out avoided host[%s], there is no host left in candidates",
			      s->want->avoid_host);
}

static bool has_member(const struct search *s, const struct object *host)
{
	return s->group && affinity_hosts_have(&s->taken, object_uuid(host));
}

static bool obeys_group(const struct search *s, const struct object *host)
{
	return !s->group || !object_str_is(s->group, AFFINITY_GROUP_POLICY, "ANTIHARD") ||
	       !has_member(s, host);
}

static int only_taken(const struct search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "affinityGroup [uuid:%s] reserve host [uuid:%s] for vm [uuid: %s] failed",
			      object_uuid(s->group), object_uuid(s->hosts[0]), s->want->vm);
}

/* How many other VMs are on the host, or on their way to it. */
static int64_t count_others(const struct search *s, const struct object *host)
{
	const struct object *vm = view_get(s->view, KIND_VM, s->want->vm);
	bool counted = vm && object_str_is(vm, VM_HOST_UUID, object_uuid(host));

	return (int64_t)view_count_where(s->view, KIND_VM, VM_HOST_UUID, object_uuid(host)) - counted;
}

static bool has_place_left(const struct search *s, const struct object *host)
{
	return !s->most || count_others(s, host) < s->most;
}

static int only_full(const struct search *s, struct error *e)
{
	return error_set_code(
		e, ENOSPC, "HOST_ALLOCATION.1000",
		"no host found with less than %" PRId64 " VMs, which is most that a host may have", s->most);
}

/* In the order of behaviour.md 3.6. @why is what `placement` says of a host that was ruled out. */
static const struct filter {
	const char *name, *why;
	bool (*keeps)(const struct search *s, const struct object *host);
	int (*sentence)(const struct search *s, struct error *e);
} filters[] = {
	{"place", "it is not in the zone or cluster, or not the host, that was asked for", in_wanted_place,
	 no_place},
	{"networks", "its cluster does not reach every L3 network of the VM", has_networks, no_networks},
	{"state", "it, its cluster or its zone is not Enabled", is_enabled, none_enabled},
	{"status", "it is not Connected", is_connected, none_connected},
	{"image", "no backup storage of its zone has the image", reaches_image, image_out_of_reach},
	{"capacity", "its free CPU or memory does not suffice", has_capacity, no_capacity},
	{"storage", "it reaches no primary storage that has the volumes, or room for them", has_storage,
	 no_storage},
	{"avoided", "it was to be avoided", is_not_avoided, only_avoided},
	{"affinity", "another member of the VM's affinity group is there", obeys_group, only_taken},
	{"instances", "it has as many VMs as the strategy allows", has_place_left, only_full},
};

/*
 * Each gives a host a cost; the cheapest wins, the oldest among equals. Before all of them goes what an
 * antiSoft group would rather not have.
 */

static int64_t cost_vm_count(const struct search *s, const struct object *host)
{
	return count_others(s, host);
}

static int64_t cost_random(const struct search *s, const struct object *host)
{
	(void)s;
	(void)host;
	return randombytes_random();
}

static int64_t cost_last_host(const struct search *s, const struct object *host)
{
	return s->want->last_host && strcmp(s->want->last_host, object_uuid(host)) == 0
		       ? -1
		       : cost_random(s, host);
}

static int64_t cost_cpu_use(const struct search *s, const struct object *host)
{
	(void)s;
	return object_int(host, HOST_TOTAL_CPU) - object_int(host, HOST_AVAILABLE_CPU);
}

static int64_t cost_memory_use(const struct search *s, const struct object *host)
{
	(void)s;
	return object_int(host, HOST_TOTAL_MEMORY) - object_int(host, HOST_AVAILABLE_MEMORY);
}

static const struct strategy {
	const char *name;
	bool automatic; /* taken when a place is asked for or a VM is moved; not for offerings */
	int64_t (*cost)(const struct search *s, const struct object *host);
} strategies[] = {
	{"LeastVmPreferredHostAllocatorStrategy", false, cost_vm_count},
	{"DefaultHostAllocatorStrategy", false, cost_random},
	{"LastHostPreferredAllocatorStrategy", false, cost_last_host},
	{"MinimumCPUUsageHostAllocatorStrategy", false, cost_cpu_use},
	{"MinimumMemoryUsageHostAllocatorStrategy", false, cost_memory_use},
	{MAX_INSTANCE_STRATEGY, false, cost_vm_count},
	{"DesignatedHostAllocatorStrategy", true, cost_last_host},
	{"MigrateVmAllocatorStrategy", true, cost_vm_count},
};

static const struct strategy *find_strategy(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(strategies); i++)
		if (strcmp(strategies[i].name, name) == 0)
			return &strategies[i];
	return NULL;
}

bool placement_strategy_is_known(const char *name)
{
	return find_strategy(name) != NULL;
}

const char *placement_strategy(size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < ARRAY_SIZE(strategies); k++)
		if (!strategies[k].automatic && n++ == i)
			return strategies[k].name;
	return NULL;
}

/* ------------------------------------------------------------------ search */

void placement_for_vm(const struct view *view, const struct object *vm, struct placement *ret,
		      const char *networks[VM_NICS_MAX])
{
	const struct object *root = vm_root_volume(view, vm);

	*ret = (struct placement){
		.vm = object_uuid(vm),
		.zone = object_str(vm, VM_ZONE_UUID),
		.strategy = strategies[0].name,
		.cpu_num = (int)object_int(vm, VM_CPU_NUM),
		.memory = object_int(vm, VM_MEMORY_SIZE),
		.l3_networks = networks,
		.primary_storage = root ? object_str(root, VOLUME_PRIMARY_STORAGE_UUID) : NULL,
		.last_host = object_str(vm, VM_LAST_HOST_UUID),
	};
	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, object_uuid(vm))
		if (ret->l3_count < VM_NICS_MAX)
			networks[ret->l3_count++] = object_str(nic, NIC_L3_UUID);
}

static void search_done(struct search *s)
{
	free(s->hosts);
	affinity_hosts_done(&s->taken);
	json_decref(s->ruled_out);
}

/* The limit of the VM's own strategy, whatever strategy places it this time. */
static int64_t most_vms(const struct view *view, const struct object *vm)
{
	const char *tag = vm && object_str_is(vm, VM_ALLOCATOR_STRATEGY, MAX_INSTANCE_STRATEGY)
				  ? tag_value(view, object_uuid(vm), "maxInstancePerHost")
				  : NULL;

	return tag ? strtoll(tag, NULL, 10) : 0;
}

static int search_begin(struct search *s, const struct view *view, const struct placement *want,
			struct error *e)
{
	size_t all = view_count(view, KIND_HOST), room = all < CANDIDATES_MAX ? all : CANDIDATES_MAX;
	const struct object *vm = view_get(view, KIND_VM, want->vm);
	const struct object *group = vm ? affinity_group_of(view, want->vm) : NULL;

	*s = (struct search){.view = view, .want = want, .most = most_vms(view, vm)};
	s->hosts = calloc(room + 1, sizeof(s->hosts[0]));
	if (want->ret_report)
		s->ruled_out = json_object();
	if (group && object_str_is(group, AFFINITY_GROUP_STATE, STATE_ENABLED))
		s->group = group;
	if (!s->hosts || (want->ret_report && !s->ruled_out) ||
	    (s->group && affinity_hosts_of(view, group, want->vm, &s->taken) < 0))
		return error_oom(e);
	view_for_each (host, view, KIND_HOST)
		if (s->count < room)
			s->hosts[s->count++] = host;
	return 0;
}

static void note_ruled_out(struct search *s, const struct filter *f, const struct object *host)
{
	json_t *list = json_object_get(s->ruled_out, f->name);

	if (!s->ruled_out)
		return;
	if (!list) {
		list = json_array();
		(void)json_object_set_new(s->ruled_out, f->name, list);
	}
	(void)json_array_append_new(list, json_integer(host->id));
}

/* -ENOSPC with the sentence of the filter that left nothing. */
static int apply_filters(struct search *s, struct error *e)
{
	for (size_t f = 0; f < ARRAY_SIZE(filters); f++) {
		size_t kept = 0;

		for (size_t i = 0; i < s->count; i++) {
			if (filters[f].keeps(s, s->hosts[i]))
				s->hosts[kept++] = s->hosts[i];
			else
				note_ruled_out(s, &filters[f], s->hosts[i]);
		}
		if (kept == 0)
			return filters[f].sentence(s, e); /* with all those that came here */
		s->count = kept;
	}
	return 0;
}

struct ranked {
	const struct object *host;
	bool crowded;
	int64_t cost;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->crowded != y->crowded)
		return x->crowded ? 1 : -1;
	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	return x->host->id < y->host->id ? -1 : x->host->id > y->host->id;
}

/* Orders what the filters left: the best first. */
static int rank(struct search *s, const struct strategy *strategy, struct error *e)
{
	_cleanup_free_ struct ranked *ranked = calloc(s->count + 1, sizeof(*ranked));

	if (!ranked)
		return error_oom(e);
	for (size_t i = 0; i < s->count; i++)
		ranked[i] = (struct ranked){s->hosts[i], has_member(s, s->hosts[i]),
					    strategy->cost(s, s->hosts[i])};
	qsort(ranked, s->count, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < s->count; i++)
		s->hosts[i] = ranked[i].host;
	return 0;
}

static int search_all(struct search *s, const struct view *view, const struct placement *want,
		      struct error *e)
{
	const struct strategy *strategy = find_strategy(want->strategy);
	int r = search_begin(s, view, want, e);

	if (r == 0)
		r = apply_filters(s, e);
	return r < 0 ? r : rank(s, strategy ? strategy : &strategies[0], e);
}

static json_t *report(const struct search *s, const struct object *taken, const struct error *e)
{
	const char *strategy = s->want->strategy ? s->want->strategy : strategies[0].name;
	json_t *json = json_pack("{s:I, s:s, s:O}", "time", (json_int_t)store_now(), "strategy", strategy,
				 "ruledOut", s->ruled_out);

	if (json && taken)
		(void)json_object_set_new(json, "host", json_integer(taken->id));
	if (json && !taken && e)
		(void)json_object_set_new(json, "error", json_string(error_sentence(e)));
	return json;
}

int placement_choose(const struct view *view, const struct placement *want, const struct object **ret_host,
		     const struct object **ret_ps, struct error *e)
{
	_cleanup_(search_done) struct search s;
	int r = search_all(&s, view, want, e);

	if (r == 0) {
		*ret_host = s.hosts[0];
		if (ret_ps)
			*ret_ps = storage_for(&s, s.hosts[0]);
	}
	if (s.ruled_out)
		*want->ret_report = report(&s, r == 0 ? s.hosts[0] : NULL, e);
	return r;
}

int placement_list(const struct view *view, const struct placement *want, const struct object ***ret_hosts,
		   size_t *ret_count, struct error *e)
{
	_cleanup_(search_done) struct search s;
	int r = search_all(&s, view, want, e);

	if (r < 0)
		return r;
	*ret_count = s.count;
	*ret_hosts = steal(&s.hosts);
	return 0;
}

/* --------------------------------------------------------------- the report */

void vm_set_placement(struct object *vm, const json_t *report)
{
	char *text = report ? json_dumps(report, JSON_COMPACT) : NULL;

	object_set_str(vm, VM_PLACEMENT, text);
	free(text);
}

static json_t *explain(const struct view *view, const struct filter *f, const json_t *row)
{
	const struct object *host = view_get_id(view, KIND_HOST, json_integer_value(row));

	return host ? json_pack("{s:s, s:s, s:s, s:s}", "hostUuid", object_uuid(host), "name",
				object_name(host), "filter", f->name, "reason", f->why)
		    : NULL;
}

/* Hosts that are gone by now are left out. */
json_t *placement_explain(const struct view *view, const json_t *ruled_out)
{
	json_t *list = json_array(), *row;
	size_t i;

	for (size_t f = 0; f < ARRAY_SIZE(filters); f++) {
		json_array_foreach (json_object_get(ruled_out, filters[f].name), i, row) {
			json_t *line = explain(view, &filters[f], row);

			if (line)
				(void)json_array_append_new(list, line);
		}
	}
	return list;
}

/* ----------------------------------------------------------------- the end */

struct note {
	const char *uuid;
	const json_t *report;
};

static int note_fn(struct txn *t, void *arg, struct error *e)
{
	const struct note *note = arg;
	const struct object *before = view_get(txn_view(t), KIND_VM, note->uuid);
	struct object *vm = before ? object_copy(before) : NULL;

	if (!vm)
		return 0;
	vm_set_placement(vm, note->report);
	return txn_put(t, vm, NULL, e);
}

void vm_note_placement(struct pool *pool, const char *uuid, const json_t *report)
{
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	struct note note = {uuid, report};

	if (report)
		(void)store_run(pool_store(pool), note_fn, &note, &ignored);
}
