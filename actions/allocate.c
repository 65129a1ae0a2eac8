/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placement: which host runs a VM (behaviour.md 3.6).
 *
 * A table of filters, each of which rules hosts out and has a sentence for the
 * case that it leaves none; then a table of strategies, each of which orders
 * what is left. To add a rule, add a row. Everything here only looks.
 */
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "capacity.h"
#include "config.h"
#include "topology.h"
#include "vm.h"

/* Most hosts that one placement looks at. */
#define CANDIDATES_MAX 4096

struct search {
	const struct view *view;
	const struct placement *want;
	const struct object **hosts; /* candidates, borrowed from the view */
	size_t count;
};

static bool is(const char *wanted, const char *have)
{
	return !wanted || (have && strcmp(wanted, have) == 0);
}

/* --------------------------------------------------------------- filters */

static bool in_wanted_place(const struct search *s, const struct object *host)
{
	return is(s->want->zone, object_str(host, HOST_ZONE_UUID)) &&
	       is(s->want->cluster, object_str(host, HOST_CLUSTER_UUID)) && is(s->want->host, object_uuid(host));
}

static int no_place(const struct search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000", "No host with zoneUuid=%s clusterUuid=%s hostUuid=%s",
			      s->want->zone ? s->want->zone : "", s->want->cluster ? s->want->cluster : "",
			      s->want->host ? s->want->host : "");
}

static bool has_networks(const struct search *s, const struct object *host)
{
	for (size_t i = 0; i < s->want->l3_count; i++) {
		const struct object *l3 = view_get(s->view, KIND_L3_NETWORK, s->want->l3_networks[i]);

		if (!l3 || !cluster_has_l2(s->view, object_str(host, HOST_CLUSTER_UUID), object_str(l3, L3_L2_NETWORK_UUID)))
			return false;
	}
	return true;
}

static int no_networks(const struct search *s, struct error *e)
{
	char list[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < s->want->l3_count && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "", s->want->l3_networks[i]);
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "no host found in clusters that has attached to L2Networks which have L3Networks[%s]", list);
}

static bool is_enabled(const struct search *s, const struct object *host)
{
	const struct object *cluster = view_get(s->view, KIND_CLUSTER, object_str(host, HOST_CLUSTER_UUID));
	const struct object *zone = view_get(s->view, KIND_ZONE, object_str(host, HOST_ZONE_UUID));

	return object_str_is(host, HOST_STATE, "Enabled") && cluster && object_str_is(cluster, CLUSTER_STATE, "Enabled") &&
	       zone && object_str_is(zone, ZONE_STATE, "Enabled");
}

static int none_enabled(const struct search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000", "no Enabled hosts found in the [%zu] candidate hosts",
			      s->count);
}

static bool is_connected(const struct search *s, const struct object *host)
{
	(void)s;
	return object_str_is(host, HOST_STATUS, "Connected");
}

static int none_connected(const struct search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000", "no Connected hosts found in the [%zu] candidate hosts",
			      s->count);
}

static bool reaches_image(const struct search *s, const struct object *host)
{
	if (!s->want->image)
		return true;
	view_for_each_where(ref, s->view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, s->want->image)
	{
		if (object_str_is(ref, IMAGE_REF_STATUS, "Ready") &&
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
	       object_int(host, HOST_AVAILABLE_MEMORY) - config_int(s->view, "kvm.reservedMemory") >= s->want->memory;
}

static int no_capacity(const struct search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000", "no host having cpu[%d], memory[%" PRId64 " bytes] found",
			      s->want->cpu_num, s->want->memory);
}

/* The first primary storage of the host's cluster that could take the new volumes. */
static const struct object *storage_for(const struct search *s, const struct object *host)
{
	int64_t reserve = config_int(s->view, "primaryStorage.reservedCapacity");

	view_for_each(ps, s->view, KIND_PRIMARY_STORAGE)
	{
		if (!is(s->want->primary_storage, object_uuid(ps)) ||
		    !cluster_has_primary_storage(s->view, object_str(host, HOST_CLUSTER_UUID), object_uuid(ps)) ||
		    !object_str_is(ps, PRIMARY_STORAGE_STATE, "Enabled") ||
		    !object_str_is(ps, PRIMARY_STORAGE_STATUS, "Connected"))
			continue;
		if (!s->want->storage_needed ||
		    object_int(ps, PRIMARY_STORAGE_AVAILABLE) - reserve >= s->want->storage_needed)
			return ps;
	}
	return NULL;
}

static bool has_storage(const struct search *s, const struct object *host)
{
	return is(s->want->volume_host, object_uuid(host)) && storage_for(s, host);
}

static int no_storage(const struct search *s, struct error *e)
{
	if (s->want->storage_needed)
		return error_set_code(e, ENOSPC, "PS.1000",
				      "cannot find available primary storage[state: Enabled, status: Connected, available "
				      "capacity %" PRId64
				      " bytes]. Check the state/status of primary storage and make sure they have been "
				      "attached to clusters",
				      s->want->storage_needed);
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
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
			      "after rule out avoided host[%s], there is no host left in candidates", s->want->avoid_host);
}

static const struct filter {
	const char *name;
	bool (*keeps)(const struct search *s, const struct object *host);
	int (*sentence)(const struct search *s, struct error *e);
} filters[] = {
	{"place", in_wanted_place, no_place},
	{"networks", has_networks, no_networks},
	{"state", is_enabled, none_enabled},
	{"status", is_connected, none_connected},
	{"image", reaches_image, image_out_of_reach},
	{"capacity", has_capacity, no_capacity},
	{"storage", has_storage, no_storage},
	{"avoided", is_not_avoided, only_avoided},
};

/* ------------------------------------------------------------- strategies */

/* Each gives a host a cost; the cheapest wins, the oldest among equals. */

static int64_t cost_vm_count(const struct search *s, const struct object *host)
{
	return (int64_t)view_count_where(s->view, KIND_VM, VM_HOST_UUID, object_uuid(host));
}

static int64_t cost_random(const struct search *s, const struct object *host)
{
	(void)s;
	(void)host;
	return randombytes_random();
}

static int64_t cost_last_host(const struct search *s, const struct object *host)
{
	return s->want->last_host && strcmp(s->want->last_host, object_uuid(host)) == 0 ? -1 : cost_random(s, host);
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
	int64_t (*cost)(const struct search *s, const struct object *host);
} strategies[] = {
	{"LeastVmPreferredHostAllocatorStrategy", cost_vm_count},
	{"DefaultHostAllocatorStrategy", cost_random},
	{"LastHostPreferredAllocatorStrategy", cost_last_host},
	{"DesignatedHostAllocatorStrategy", cost_last_host},
	{"MigrateVmAllocatorStrategy", cost_vm_count},
	{"MinimumCPUUsageHostAllocatorStrategy", cost_cpu_use},
	{"MinimumMemoryUsageHostAllocatorStrategy", cost_memory_use},
	{"MaxInstancePerHostHostAllocatorStrategy", cost_vm_count},
};

static const struct strategy *find_strategy(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(strategies); i++)
		if (strcmp(strategies[i].name, name) == 0)
			return &strategies[i];
	return &strategies[0];
}

/* ------------------------------------------------------------------ choice */

static int apply_filters(struct search *s, struct error *e)
{
	for (size_t f = 0; f < ARRAY_SIZE(filters); f++) {
		size_t before = s->count, kept = 0;

		for (size_t i = 0; i < s->count; i++)
			if (filters[f].keeps(s, s->hosts[i]))
				s->hosts[kept++] = s->hosts[i];
		if (kept == 0) {
			s->count = before;
			return filters[f].sentence(s, e);
		}
		s->count = kept;
	}
	return 0;
}

int placement_choose(const struct view *view, const struct placement *want, const struct object **ret_host,
		     const struct object **ret_ps, struct error *e)
{
	const struct strategy *strategy = find_strategy(want->strategy);
	size_t room = view_count(view, KIND_HOST) < CANDIDATES_MAX ? view_count(view, KIND_HOST) : CANDIDATES_MAX;
	_cleanup_free_ const struct object **hosts = calloc(room + 1, sizeof(*hosts));
	struct search s = {.view = view, .want = want, .hosts = hosts};
	const struct object *best = NULL;
	int64_t best_cost = 0;
	int r;

	if (!hosts)
		return error_set(e, ENOMEM, "out of memory");
	view_for_each(host, view, KIND_HOST)
	{
		if (s.count < room)
			s.hosts[s.count++] = host;
	}
	r = apply_filters(&s, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < s.count; i++) {
		int64_t cost = strategy->cost(&s, s.hosts[i]);

		if (!best || cost < best_cost) {
			best = s.hosts[i];
			best_cost = cost;
		}
	}
	*ret_host = best;
	if (ret_ps)
		*ret_ps = storage_for(&s, best);
	return 0;
}
