/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See placement.h. The filters rule hosts out, then a strategy orders what is
 * left. To add a strategy, add a row to the table here; to add a filter, one to
 * that of placement_filters.c. Everything but vm_note_placement() only reads.
 */
#include "actions/vm/placement.h"

#include <sodium.h>
#include <string.h>

#include "actions/engine/tags.h"
#include "actions/vm/affinity.h"
#include "actions/vm/machine.h"
#include "actions/vm/placement_filters.h"
#include "actions/volume/location.h"
#include "model/json.h"
#include "model/states.h"

/* At most so many hosts are looked at for one placement. */
#define CANDIDATES_MAX 4096
/* Limits the VMs on a host to the number in the offering's tag maxInstancePerHost::<n>. */
#define MAX_INSTANCE_STRATEGY "MaxInstancePerHostHostAllocatorStrategy"

/* ------------------------------------------------------------- strategies */

/*
 * A strategy gives each host a cost; the cheapest wins, among equals the oldest. Whatever the cost, hosts that
 * the VM's affinity group prefers come first, then the one that has the state of its TPM, then those that its
 * tags PREFERRED_HOST_TAG name.
 */

static int64_t cost_vm_count(const struct placement_search *s, const struct object *host)
{
	return placement_count_others(s, host);
}

static int64_t cost_random(const struct placement_search *s, const struct object *host)
{
	(void)s;
	(void)host;
	return randombytes_random();
}

static int64_t cost_last_host(const struct placement_search *s, const struct object *host)
{
	return s->want->last_host && strcmp(s->want->last_host, object_uuid(host)) == 0
		       ? -1
		       : cost_random(s, host);
}

/* What is promised to VMs, in millionths: for hosts whose load was not measured. */
static int64_t promised(const struct object *host, int total_field, int available_field)
{
	int64_t total = object_int(host, total_field), available = object_int(host, available_field);

	return total > 0 ? (int64_t)((double)(total - available) / (double)total * 1e6) : 0;
}

static int64_t cost_cpu_use(const struct placement_search *s, const struct object *host)
{
	const struct host_load *load = host_loads_find(s->want->loads, object_uuid(host));

	return load ? load->cpu : promised(host, HOST_TOTAL_CPU, HOST_AVAILABLE_CPU);
}

static int64_t cost_memory_use(const struct placement_search *s, const struct object *host)
{
	const struct host_load *load = host_loads_find(s->want->loads, object_uuid(host));

	return load ? load->memory : promised(host, HOST_TOTAL_MEMORY, HOST_AVAILABLE_MEMORY);
}

static const struct strategy {
	const char *name;
	bool internal; /* for a requested location and for migration; not for offerings */
	int64_t (*cost)(const struct placement_search *s, const struct object *host);
} strategies[] = {
	/* the first is the default */
	{HOST_STRATEGY_DEFAULT, false, cost_vm_count},
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

bool placement_goes_by_load(const char *strategy)
{
	const struct strategy *s = find_strategy(strategy);

	return s && (s->cost == cost_cpu_use || s->cost == cost_memory_use);
}

bool placement_strategy_is_known(const char *name)
{
	return find_strategy(name) != NULL;
}

const char *placement_strategy(size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < ARRAY_SIZE(strategies); k++)
		if (!strategies[k].internal && n++ == i)
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

static void search_done(struct placement_search *s)
{
	free(s->hosts);
	affinity_hosts_done(&s->taken);
	json_decref(s->ruled_out);
}

/* The limit of the strategy in the VM's row, also when this search uses another one. */
static int64_t vms_max(const struct view *view, const struct object *vm)
{
	const char *tag = vm && object_str_is(vm, VM_ALLOCATOR_STRATEGY, MAX_INSTANCE_STRATEGY)
				  ? tag_value(view, object_uuid(vm), "maxInstancePerHost")
				  : NULL;

	return tag ? strtoll(tag, NULL, 10) : 0;
}

static int search_begin(struct placement_search *s, const struct view *view, const struct placement *want,
			struct error *e)
{
	size_t all = view_count(view, KIND_HOST), room = all < CANDIDATES_MAX ? all : CANDIDATES_MAX;
	const struct object *vm = view_get(view, KIND_VM, want->vm);
	const struct object *group = vm ? affinity_group_of(view, want->vm) : NULL;

	*s = (struct placement_search){.view = view, .want = want, .vms_max = vms_max(view, vm)};
	s->hosts = calloc(room + 1, sizeof(s->hosts[0]));
	if (want->ret_report)
		s->ruled_out = json_object();
	if (vm) {
		s->has_required = tag_value(view, want->vm, REQUIRED_HOST_TAG) != NULL;
		vm_machine_needs(view, vm, s->parts);
	}
	if (group && object_str_is(group, AFFINITY_GROUP_STATE, STATE_ENABLED))
		s->group = group;
	if (!s->hosts || (want->ret_report && !s->ruled_out) ||
	    (s->group && affinity_hosts_of(view, group, want->vm, &s->taken) < 0))
		return error_oom(e);
	view_for_each (host, view, KIND_HOST) {
		/* with members whose host is dead nobody can be together */
		if (s->group && affinity_is_together(s->group) &&
		    object_str_is(host, HOST_STATUS, STATUS_CONNECTED) && placement_has_member(s, host))
			s->together = true;
		if (s->count < room)
			s->hosts[s->count++] = host;
	}
	return 0;
}

static void note_ruled_out(struct placement_search *s, const struct placement_filter *f,
			   const struct object *host)
{
	if (!s->ruled_out)
		return;
	if (!json_object_get(s->ruled_out, f->name))
		json_add_member(&s->ruled_out, f->name, json_array());
	if (json_array_append_new(json_object_get(s->ruled_out, f->name), json_integer(host->id)) < 0)
		json_decref(steal(&s->ruled_out)); /* no report, rather than one that is not whole */
}

/* -ENOSPC with the sentence of the filter that left no host. */
static int apply_filters(struct placement_search *s, struct error *e)
{
	const struct placement_filter *filter;

	for (size_t f = 0; (filter = placement_filter(f)); f++) {
		size_t left = 0;

		for (size_t i = 0; i < s->count; i++) {
			if (filter->keeps(s, s->hosts[i]))
				s->hosts[left++] = s->hosts[i];
			else
				note_ruled_out(s, filter, s->hosts[i]);
		}
		if (left == 0) {
			if (placement_awaits_host(s))
				error_may_pass(e);
			return filter->sentence(s, e); /* s->count still includes those just ruled out */
		}
		s->count = left;
	}
	return 0;
}

struct ranked {
	const struct object *host;
	bool against_group, without_tpm, other; /* than the preferred ones */
	int64_t cost;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->against_group != y->against_group)
		return x->against_group ? 1 : -1;
	if (x->without_tpm != y->without_tpm)
		return x->without_tpm ? 1 : -1;
	if (x->other != y->other)
		return x->other ? 1 : -1;
	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	return x->host->id < y->host->id ? -1 : x->host->id > y->host->id;
}

/* Orders what the filters left: the best first. */
static int rank(struct placement_search *s, const struct strategy *strategy, struct error *e)
{
	_cleanup_free_ struct ranked *ranked = calloc(s->count + 1, sizeof(*ranked));
	bool has_tpm = false;

	if (!ranked)
		return error_oom(e);
	for (size_t i = 0; s->parts[i]; i++)
		has_tpm = has_tpm || strcmp(s->parts[i], "tpm") == 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct object *host = s->hosts[i];

		ranked[i] = (struct ranked){
			.host = host,
			.against_group =
				s->group && placement_has_member(s, host) != affinity_is_together(s->group),
			.without_tpm = has_tpm && s->want->last_host &&
				       strcmp(s->want->last_host, object_uuid(host)) != 0,
			.other = !placement_names_host(s, PREFERRED_HOST_TAG, host),
			.cost = strategy->cost(s, host),
		};
	}
	qsort(ranked, s->count, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < s->count; i++)
		s->hosts[i] = ranked[i].host;
	return 0;
}

static int search_all(struct placement_search *s, const struct view *view, const struct placement *want,
		      struct error *e)
{
	const struct strategy *strategy = find_strategy(want->strategy);
	int r = search_begin(s, view, want, e);

	if (r < 0)
		return r;
	r = apply_filters(s, e);
	return r < 0 ? r : rank(s, strategy ? strategy : &strategies[0], e);
}

static json_t *report(const struct placement_search *s, const struct object *taken, const struct error *e)
{
	const char *strategy = s->want->strategy ? s->want->strategy : strategies[0].name;
	json_t *json = json_pack("{s:I, s:s, s:O}", "time", (json_int_t)store_now(), "strategy", strategy,
				 "ruledOut", s->ruled_out);

	if (taken)
		json_add_member(&json, "host", json_integer(taken->id));
	if (!taken && e)
		json_add_member(&json, "error", json_string(error_sentence(e)));
	return json;
}

int placement_choose(const struct view *view, const struct placement *want, const struct object **ret_host,
		     const struct object **ret_ps, struct error *e)
{
	_cleanup_(search_done) struct placement_search s;
	int r = search_all(&s, view, want, e);

	if (r == 0) {
		*ret_host = s.hosts[0];
		if (ret_ps)
			*ret_ps = placement_storage_on(&s, s.hosts[0]);
	}
	if (s.ruled_out)
		*want->ret_report = report(&s, r == 0 ? s.hosts[0] : NULL, e);
	return r;
}

int placement_list(const struct view *view, const struct placement *want, const struct object ***ret_hosts,
		   size_t *ret_count, struct error *e)
{
	_cleanup_(search_done) struct placement_search s;
	int r = search_all(&s, view, want, e);

	if (r < 0)
		return r;
	*ret_count = s.count;
	*ret_hosts = steal(&s.hosts);
	return 0;
}

/* ------------------------------------------------------------------ report */

void vm_set_placement(struct object *vm, const json_t *report)
{
	char *text = report ? json_text(report, JSON_COMPACT) : NULL;

	object_set_str(vm, VM_PLACEMENT, text);
	free(text);
}

/* A line for the host with this row, if it is still there. */
static void explain(json_t **list, const struct view *view, const struct placement_filter *f,
		    const json_t *row)
{
	const struct object *host = view_get_id(view, KIND_HOST, json_integer_value(row));

	if (host)
		json_add_item(list, json_pack("{s:s, s:s, s:s, s:s}", "hostUuid", object_uuid(host), "name",
					      object_name(host), "filter", f->name, "reason", f->why));
}

json_t *placement_explain(const struct view *view, const json_t *ruled_out)
{
	const struct placement_filter *filter;
	json_t *list = json_array(), *row;
	size_t i;

	for (size_t f = 0; (filter = placement_filter(f)); f++) {
		json_array_foreach (json_object_get(ruled_out, filter->name), i, row) {
			explain(&list, view, filter, row);
		}
	}
	return list;
}

struct note {
	const char *uuid;
	const json_t *report;
};

static int note_fn(struct txn *t, void *arg, struct error *e)
{
	const struct note *note = arg;
	const struct object *before = view_get(txn_view(t), KIND_VM, note->uuid);
	struct object *vm;

	if (!before)
		return 0;
	vm = object_copy(before);
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
