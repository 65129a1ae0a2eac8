/* SPDX-License-Identifier: Apache-2.0 */
/* See placement_filters.h. */
#include "actions/vm/placement_filters.h"

#include <inttypes.h>
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/tags.h"
#include "actions/host/topology.h"
#include "actions/storage/storage_choice.h"
#include "model/states.h"

static bool is(const char *wanted, const char *have)
{
	return !wanted || (have && strcmp(wanted, have) == 0);
}

static bool in_wanted_location(const struct placement_search *s, const struct object *host)
{
	return is(s->want->zone, object_str(host, HOST_ZONE_UUID)) &&
	       is(s->want->cluster, object_str(host, HOST_CLUSTER_UUID)) &&
	       is(s->want->host, object_uuid(host));
}

static int no_location(const struct placement_search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "No host with zoneUuid=%s clusterUuid=%s hostUuid=%s",
			      s->want->zone ? s->want->zone : "", s->want->cluster ? s->want->cluster : "",
			      s->want->host ? s->want->host : "");
}

static bool has_networks(const struct placement_search *s, const struct object *host)
{
	for (size_t i = 0; i < s->want->l3_count; i++) {
		const struct object *l3 = view_get(s->view, KIND_L3_NETWORK, s->want->l3_networks[i]);

		if (!l3 || !cluster_has_l2(s->view, object_str(host, HOST_CLUSTER_UUID),
					   object_str(l3, L3_L2_NETWORK_UUID)))
			return false;
	}
	return true;
}

static int no_networks(const struct placement_search *s, struct error *e)
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

static bool is_enabled(const struct placement_search *s, const struct object *host)
{
	const struct object *cluster = view_get(s->view, KIND_CLUSTER, object_str(host, HOST_CLUSTER_UUID));
	const struct object *zone = view_get(s->view, KIND_ZONE, object_str(host, HOST_ZONE_UUID));

	return object_str_is(host, HOST_STATE, STATE_ENABLED) && cluster &&
	       object_str_is(cluster, CLUSTER_STATE, STATE_ENABLED) && zone &&
	       object_str_is(zone, ZONE_STATE, STATE_ENABLED);
}

static int none_enabled(const struct placement_search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "no Enabled hosts found in the [%zu] candidate hosts", s->count);
}

static bool is_connected(const struct placement_search *s, const struct object *host)
{
	(void)s;
	return object_str_is(host, HOST_STATUS, STATUS_CONNECTED);
}

static int none_connected(const struct placement_search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "no Connected hosts found in the [%zu] candidate hosts", s->count);
}

static bool reaches_image(const struct placement_search *s, const struct object *host)
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

static int image_out_of_reach(const struct placement_search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "no host found in zones that attaches to backup storage where image[%s] is on",
			      s->want->image);
}

static bool has_capacity(const struct placement_search *s, const struct object *host)
{
	return object_int(host, HOST_AVAILABLE_CPU) >= s->want->cpu_num &&
	       object_int(host, HOST_AVAILABLE_MEMORY) - config_int(s->view, "kvm.reservedMemory") >=
		       s->want->memory;
}

static int no_capacity(const struct placement_search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "no host having cpu[%d], memory[%" PRId64 " bytes] found", s->want->cpu_num,
			      s->want->memory);
}

/* What of the room of a storage the new volumes of this search take. */
struct taken {
	const struct object *ps;
	int64_t bytes;
};

/* The storage with the most room, the oldest of several. @taken: what the @count storages there have lost. */
static const struct object *roomiest(const struct placement_search *s, const struct storage_wish *wish,
				     const struct taken *taken, size_t count)
{
	const struct object *best = NULL;
	int64_t most = 0;

	view_for_each (ps, s->view, KIND_PRIMARY_STORAGE) {
		int64_t room, used = 0;

		for (size_t i = 0; i < count; i++)
			used += taken[i].ps == ps ? taken[i].bytes : 0;
		if (!storage_fits(s->view, ps, wish, used, &room) || (best && room <= most))
			continue;
		best = ps;
		most = room;
	}
	return best;
}

const struct object *placement_storage_on(const struct placement_search *s, const struct object *host)
{
	struct storage_wish wish = {.cluster = object_text(host, HOST_CLUSTER_UUID),
				    .storage = s->want->primary_storage,
				    .strategy = s->want->root_strategy,
				    .size = s->want->storage_needed};

	return roomiest(s, &wish, NULL, 0);
}

/* True when there is room for the new data volumes, too, each where its offering allows. */
static bool has_room_for_data(const struct placement_search *s, const struct object *host,
			      const struct object *root_storage)
{
	_cleanup_free_ struct taken *taken = calloc(s->want->data_count + 1, sizeof(*taken));

	if (!taken)
		return false;
	taken[0] = (struct taken){root_storage, s->want->storage_needed};
	for (size_t i = 0; i < s->want->data_count; i++) {
		const struct new_disk *disk = &s->want->data[i];
		struct storage_wish wish = {.cluster = object_text(host, HOST_CLUSTER_UUID),
					    .storage = s->want->data_storage,
					    .strategy = disk->strategy,
					    .size = disk->size};
		const struct object *ps = roomiest(s, &wish, taken, i + 1);

		if (!ps)
			return false;
		taken[i + 1] = (struct taken){ps, disk->size};
	}
	return true;
}

/* True when the host reaches the volume, or the volume has no file yet. */
static bool has_volume(const struct placement_search *s, const struct object *host,
		       const struct object *volume)
{
	const char *ps = volume ? object_str(volume, VOLUME_PRIMARY_STORAGE_UUID) : NULL;

	if (!ps || !object_str(volume, VOLUME_INSTALL_PATH))
		return true;
	return cluster_has_primary_storage(s->view, object_str(host, HOST_CLUSTER_UUID), ps) &&
	       (s->want->volumes_move || is(object_str(volume, VOLUME_HOST_UUID), object_uuid(host)));
}

static bool has_volumes(const struct placement_search *s, const struct object *host)
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

static bool has_storage(const struct placement_search *s, const struct object *host)
{
	const struct object *root_storage = placement_storage_on(s, host);

	return root_storage && has_room_for_data(s, host, root_storage) && has_volumes(s, host);
}

static int no_storage(const struct placement_search *s, struct error *e)
{
	int64_t needed = s->want->storage_needed;

	for (size_t i = 0; i < s->want->data_count; i++)
		needed += s->want->data[i].size;
	if (needed)
		return error_set_code(
			e, ENOSPC, "PS.1000",
			"cannot find available primary storage[state: Enabled, status: Connected, available "
			"capacity %" PRId64
			" bytes]. Check the state/status of primary storage and make sure they have been "
			"attached to clusters",
			needed);
	return error_set_code(
		e, ENOSPC, "HOST_ALLOCATION.1000",
		"no host found in clusters which have attached to all primary storage[%s] where vm[uuid:%s]'s "
		"volumes locate",
		s->want->primary_storage ? s->want->primary_storage : "", s->want->vm);
}

static bool is_not_avoided(const struct placement_search *s, const struct object *host)
{
	return !s->want->avoid_host || strcmp(s->want->avoid_host, object_uuid(host)) != 0;
}

static int only_avoided(const struct placement_search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "after rule out avoided host[%s], there is no host left in candidates",
			      s->want->avoid_host);
}

bool placement_has_member(const struct placement_search *s, const struct object *host)
{
	return s->group && affinity_hosts_have(&s->taken, object_uuid(host));
}

static bool obeys_group(const struct placement_search *s, const struct object *host)
{
	if (!s->group || !affinity_is_hard(s->group))
		return true;
	return affinity_is_together(s->group) ? !s->together || placement_has_member(s, host)
					      : !placement_has_member(s, host);
}

static int only_taken(const struct placement_search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "affinityGroup [uuid:%s] reserve host [uuid:%s] for vm [uuid: %s] failed",
			      object_uuid(s->group), object_uuid(s->hosts[0]), s->want->vm);
}

bool placement_names_host(const struct placement_search *s, const char *prefix, const struct object *host)
{
	view_for_each_where (row, s->view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, s->want->vm) {
		const char *named = tag_strip_prefix(object_text(row, SYSTEM_TAG_TAG), prefix);

		if (named && strcmp(named, object_uuid(host)) == 0)
			return true;
	}
	return false;
}

static bool is_required(const struct placement_search *s, const struct object *host)
{
	return !s->has_required || placement_names_host(s, REQUIRED_HOST_TAG, host);
}

static int none_required(const struct placement_search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "vm[uuid:%s] may be on the hosts of its system tags " REQUIRED_HOST_TAG
			      " only, and none of the [%zu] candidate hosts is one of them",
			      s->want->vm, s->count);
}

/* Whether the words of a host have this one. */
static bool has_part(const char *parts, const char *word)
{
	size_t len = strlen(word);

	for (; *parts; parts += strcspn(parts, " "), parts += *parts == ' ')
		if (strncmp(parts, word, len) == 0 && (parts[len] == ' ' || !parts[len]))
			return true;
	return false;
}

/* A host that has not said what it can make is tried. A guest does not find another architecture. */
static bool makes_machine(const struct placement_search *s, const struct object *host)
{
	const struct object *last = view_get(s->view, KIND_HOST, s->want->last_host);
	const char *parts = object_str(host, HOST_MACHINE_PARTS), *arch = object_str(host, HOST_ARCH);

	for (size_t i = 0; parts && s->parts[i]; i++)
		if (!has_part(parts, s->parts[i]))
			return false;
	return !last || !arch || is(object_str(last, HOST_ARCH), arch);
}

static int none_makes_machine(const struct placement_search *s, struct error *e)
{
	char needs[40] = "";
	size_t len = 0;

	for (size_t i = 0; s->parts[i]; i++)
		len += (size_t)snprintf(needs + len, sizeof(needs) - len, "%s%s", i ? ", " : "", s->parts[i]);
	if (!len)
		return error_set_code(
			e, ENOSPC, "HOST_ALLOCATION.1000",
			"none of the [%zu] candidate hosts has the architecture of the VM's last one",
			s->count);
	return error_set_code(
		e, ENOSPC, "HOST_ALLOCATION.1000",
		"none of the [%zu] candidate hosts has what the VM's machine needs: %s. On Debian, UEFI "
		"and Secure Boot are in the package ovmf, a TPM is in swtpm; reconnect the host after "
		"their installation",
		s->count, needs);
}

/* The VM that is placed is one of those on the host. */
static bool counts_already(const struct placement_search *s, const struct object *host)
{
	const struct object *vm = view_get(s->view, KIND_VM, s->want->vm);

	return vm && object_str_is(vm, VM_HOST_UUID, object_uuid(host));
}

int64_t placement_count_others(const struct placement_search *s, const struct object *host)
{
	return (int64_t)view_count_candidates(s->view, KIND_VM, VM_HOST_UUID, object_uuid(host)) -
	       counts_already(s, host);
}

static bool has_room_for_vm(const struct placement_search *s, const struct object *host)
{
	/* Look at each of them only when the host seems to be full. */
	return !s->vms_max || placement_count_others(s, host) < s->vms_max ||
	       (int64_t)view_count_where(s->view, KIND_VM, VM_HOST_UUID, object_uuid(host)) -
			       counts_already(s, host) <
		       s->vms_max;
}

static int only_full(const struct placement_search *s, struct error *e)
{
	return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
			      "no host found with less than %" PRId64 " VMs, the most that a host may have",
			      s->vms_max);
}

/* In the order of behaviour.md 3.6. */
static const struct placement_filter filters[] = {
	{"place", "it is not in the requested zone or cluster, or not the requested host", in_wanted_location,
	 no_location},
	{"networks", "its cluster does not reach every L3 network of the VM", has_networks, no_networks},
	{"state", "it, its cluster or its zone is not Enabled", is_enabled, none_enabled},
	{"status", "it is not Connected", is_connected, none_connected},
	{"image", "no backup storage of its zone has the image", reaches_image, image_out_of_reach},
	{"capacity", "it does not have enough free CPU or memory", has_capacity, no_capacity},
	{"storage", "it reaches no primary storage that holds the volumes or has room for them", has_storage,
	 no_storage},
	{"machine", "it lacks what the VM's machine needs: its architecture, UEFI, Secure Boot or a TPM",
	 makes_machine, none_makes_machine},
	{"required", "no system tag " REQUIRED_HOST_TAG " of the VM names it", is_required, none_required},
	{"avoided", "the request excludes it", is_not_avoided, only_avoided},
	{"affinity",
	 "members of the VM's affinity group are there, or are elsewhere, against the policy of the group",
	 obeys_group, only_taken},
	{"instances", "it has as many VMs as the strategy allows", has_room_for_vm, only_full},
};

const struct placement_filter *placement_filter(size_t i)
{
	return i < ARRAY_SIZE(filters) ? &filters[i] : NULL;
}

static bool would_do(const struct placement_search *s, const struct object *host)
{
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		if (filters[i].keeps != is_connected && !filters[i].keeps(s, host))
			return false;
	return true;
}

bool placement_awaits_host(const struct placement_search *s)
{
	view_for_each (host, s->view, KIND_HOST)
		if (object_str_is(host, HOST_STATUS, STATUS_CONNECTING) && would_do(s, host))
			return true;
	return false;
}
