/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a VM could be started, migrated to or created: the Get operations 4.1.14,
 * 4.1.15, 4.1.28, 4.1.45 and 4.1.46 of the manual. They compute a placement
 * (vm/placement.c) without carrying it out, so the answer is what the operation
 * itself would choose. When nothing qualifies the answer is an empty list, not an
 * error.
 */
#include "actions/engine/request.h"
#include "actions/engine/result.h"
#include "actions/host/topology.h"
#include "actions/image/image.h"
#include "actions/image/rules.h"
#include "actions/operations/table.h"
#include "actions/vm/creation_size.h"
#include "actions/vm/first_start.h"
#include "actions/vm/migration.h"
#include "actions/vm/nic.h"
#include "actions/vm/placement.h"
#include "actions/volume/size.h"
#include "model/json.h"
#include "model/states.h"

/* ------------------------------------------------------------------ lists */

/* All hosts that satisfy @want, the best first. No host is not an error: the count is 0. */
static int list_hosts(const struct view *view, const struct placement *want, const struct object ***ret_hosts,
		      size_t *ret_count, struct error *e)
{
	_cleanup_(error_done) struct error nowhere = ERROR_INIT;
	int r = placement_list(view, want, ret_hosts, ret_count, &nowhere);

	if (r == -ENOSPC) {
		*ret_count = 0;
		return 0;
	}
	return r < 0 ? error_move(e, &nowhere) : 0;
}

/* The inventories of the hosts, or of their clusters or zones (@field names them), each once. */
static int render_places(const struct view *view, const struct request *req, const struct object **hosts,
			 size_t count, enum kind_id kind, int field, json_t **ret_list, struct error *e)
{
	_cleanup_json_ json_t *list = json_array();

	if (!list)
		return error_oom(e);
	for (size_t i = 0; i < count; i++) {
		bool seen = false;
		int r;

		for (size_t k = 0; k < i && !seen; k++)
			seen = object_str_is(hosts[k], field, object_str(hosts[i], field));
		if (seen)
			continue;
		r = result_list_add(list, view, req, view_get(view, kind, object_str(hosts[i], field)), e);
		if (r < 0)
			return r;
	}
	*ret_list = steal(&list);
	return 0;
}

/* ------------------------------------------------------------ an existing VM */

static int vm_migration_hosts_get(struct pool *pool, const struct view *view, const struct request *req,
				  json_t **ret_result, struct error *e)
{
	_cleanup_(error_done) struct error nowhere = ERROR_INIT;
	_cleanup_free_ const struct object **hosts = NULL;
	json_t *list = NULL;
	size_t count = 0;
	int r = vm_migration_targets(view, request_object(view, req), NULL, &hosts, &count, &nowhere);

	(void)pool;
	if (r < 0 && r != -ENOSPC)
		return error_move(e, &nowhere);
	r = render_places(view, req, hosts, count, KIND_HOST, HOST_UUID, &list, e);
	return r < 0 ? r : result_inventories(list, ret_result, e);
}

static int vm_starting_hosts_get(struct pool *pool, const struct view *view, const struct request *req,
				 json_t **ret_result, struct error *e)
{
	_cleanup_free_ const struct object **hosts = NULL;
	_cleanup_json_ json_t *host_list = NULL, *cluster_list = NULL;
	const char *networks[VM_NICS_MAX];
	struct placement want;
	size_t count;
	int r;

	(void)pool;
	placement_for_vm(view, request_object(view, req), &want, networks);
	r = list_hosts(view, &want, &hosts, &count, e);
	if (r < 0)
		return r;
	r = render_places(view, req, hosts, count, KIND_HOST, HOST_UUID, &host_list, e);
	if (r < 0)
		return r;
	r = render_places(view, req, hosts, count, KIND_CLUSTER, HOST_CLUSTER_UUID, &cluster_list, e);
	if (r < 0)
		return r;
	/* Under the names of the manual's table, and under those of its example. */
	*ret_result = json_pack("{s:O, s:O, s:O, s:O}", "hosts", host_list, "clusters", cluster_list,
				"hostInventories", host_list, "clusterInventories", cluster_list);
	return *ret_result ? 0 : error_oom(e);
}

/* ------------------------------------------------------------------ a new VM */

static int check_image_place(const struct view *view, const struct object *image, const char *zone,
			     struct error *e)
{
	if (!zone && view_count_where(view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, object_uuid(image)) > 1)
		return error_set(
			e, EINVAL,
			"zoneUuid must be set because the image[name:%s, uuid:%s] is on multiple backup storage",
			object_name(image), object_uuid(image));
	if (zone && !image_is_in_zone(view, object_uuid(image), zone))
		return error_set(
			e, EINVAL,
			"the image[uuid:%s] is not on any backup storage that has been attached to the zone[uuid:%s]",
			object_uuid(image), zone);
	return 0;
}

/* An ISO says nothing about the size of the root volume. */
static bool lacks_root_disk(const struct request *req, const struct object *image)
{
	return image_is_iso(image) && !request_has(req, "rootDiskOfferingUuid") &&
	       !request_int(req, "rootDiskSize", 0);
}

/* The requirements of a new VM with these parameters, except for CPUs, memory and storage. */
static void placement_for_request(const struct request *req, struct placement *ret,
				  const char *networks[VM_NICS_MAX])
{
	const json_t *list = request_list(req, "l3NetworkUuids");

	*ret = (struct placement){
		.vm = "",
		.zone = request_str(req, "zoneUuid"),
		.cluster = request_str(req, "clusterUuid"),
		.l3_networks = networks,
		.image = request_str(req, "imageUuid"),
	};
	for (size_t i = 0; i < json_array_size(list) && i < VM_NICS_MAX; i++)
		networks[ret->l3_count++] = json_string_value(json_array_get(list, i));
}

static int vm_creation_places_get(struct pool *pool, const struct view *view, const struct request *req,
				  json_t **ret_result, struct error *e)
{
	const struct object *image = view_get(view, KIND_IMAGE, request_str(req, "imageUuid"));
	const struct object *offering =
		view_get(view, KIND_INSTANCE_OFFERING, request_str(req, "instanceOfferingUuid"));
	const struct vm_size size = creation_vm_size(view, req);
	_cleanup_free_ struct new_disk *disks = NULL;
	_cleanup_json_ json_t *zones = NULL, *clusters = NULL, *host_list = NULL;
	_cleanup_free_ const struct object **hosts = NULL;
	const char *networks[VM_NICS_MAX];
	struct placement want;
	size_t count = 0;
	int r;

	(void)pool;
	placement_for_request(req, &want, networks);
	if (lacks_root_disk(req, image))
		return error_set(e, EINVAL,
				 "the image[name:%s, uuid:%s] is an ISO, rootDiskOfferingUuid must be set",
				 object_name(image), object_uuid(image));
	r = check_image_place(view, image, want.zone, e);
	if (r < 0)
		return r;
	r = creation_check_sizes(view, req, image, e);
	if (r < 0)
		return r;
	if (offering)
		want.strategy = object_str(offering, INSTANCE_OFFERING_ALLOCATOR_STRATEGY);
	want.cpu_num = (int)size.cpus;
	want.memory = size.memory;
	r = vm_place_disks(view, req, image, &want, &disks, e);
	if (r < 0)
		return r;
	r = list_hosts(view, &want, &hosts, &count, e);
	if (r < 0)
		return r;
	r = render_places(view, req, hosts, count, KIND_ZONE, HOST_ZONE_UUID, &zones, e);
	if (r < 0)
		return r;
	r = render_places(view, req, hosts, count, KIND_CLUSTER, HOST_CLUSTER_UUID, &clusters, e);
	if (r < 0)
		return r;
	r = render_places(view, req, hosts, count, KIND_HOST, HOST_UUID, &host_list, e);
	if (r < 0)
		return r;
	*ret_result = json_pack("{s:O, s:O, s:O}", "zones", zones, "clusters", clusters, "hosts", host_list);
	return *ret_result ? 0 : error_oom(e);
}

/* The inventories of the primary storage that could have the volume @disk of a VM as in @want. */
static int list_storages(const struct view *view, const struct request *req, struct placement want,
			 const struct new_disk *disk, json_t **ret_list, struct error *e)
{
	_cleanup_json_ json_t *list = json_array();

	if (!list)
		return error_oom(e);
	want.storage_needed = disk->size;
	want.root_strategy = disk->strategy;
	want.data_count = 0;
	view_for_each (ps, view, KIND_PRIMARY_STORAGE) {
		_cleanup_free_ const struct object **hosts = NULL;
		size_t count;
		int r;

		want.primary_storage = object_uuid(ps);
		r = list_hosts(view, &want, &hosts, &count, e);
		if (r == 0 && count)
			r = result_list_add(list, view, req, ps, e);
		if (r < 0)
			return r;
	}
	*ret_list = steal(&list);
	return 0;
}

static int vm_creation_storages_get(struct pool *pool, const struct view *view, const struct request *req,
				    json_t **ret_result, struct error *e)
{
	const struct object *image = view_get(view, KIND_IMAGE, request_str(req, "imageUuid"));
	const json_t *offerings = request_list(req, "dataDiskOfferingUuids");
	const json_t *sizes = request_list(req, "dataDiskSizes");
	const size_t count = json_array_size(offerings);
	_cleanup_json_ json_t *root = NULL, *data = json_object();
	_cleanup_free_ struct new_disk *disks = NULL;
	const char *networks[VM_NICS_MAX];
	struct placement want;
	int r;

	(void)pool;
	if (!data)
		return error_oom(e);
	placement_for_request(req, &want, networks);
	if (lacks_root_disk(req, image))
		return error_set(e, EINVAL, "rootVolumeOffering is needed when image media type is ISO");
	r = creation_check_disks(req, image, e);
	if (r < 0)
		return r;
	r = vm_place_disks(view, req, image, &want, &disks, e);
	if (r < 0)
		return r;
	r = list_storages(view, req, want, &(struct new_disk){want.storage_needed, want.root_strategy}, &root,
			  e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < want.data_count; i++) {
		const char *name = i < count ? json_string_value(json_array_get(offerings, i))
					     : json_string_value(json_array_get(sizes, i - count));
		json_t *list = NULL;

		r = list_storages(view, req, want, &disks[i], &list, e);
		if (r < 0)
			return r;
		if (json_object_set_new(data, name, list) < 0)
			return error_oom(e);
	}
	*ret_result =
		json_pack("{s:O, s:O}", "rootVolumePrimaryStorages", root, "dataVolumePrimaryStorages", data);
	return *ret_result ? 0 : error_oom(e);
}

/* ------------------------------------------------------- networks and images */

static bool cluster_has_storage(const struct view *view, const char *cluster)
{
	return view_next_where(view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_CLUSTER_UUID, cluster, 0) !=
	       NULL;
}

/* True when a cluster of the zone has primary storage and reaches the L3 networks. */
static bool zone_has_networks(const struct view *view, const char *zone, const char *const *l3s, size_t count)
{
	view_for_each_where (cluster, view, KIND_CLUSTER, CLUSTER_ZONE_UUID, zone) {
		bool reaches = cluster_has_storage(view, object_uuid(cluster));

		for (size_t i = 0; i < count && reaches; i++) {
			const struct object *l3 = view_get(view, KIND_L3_NETWORK, l3s[i]);

			reaches = l3 && cluster_has_l2(view, object_uuid(cluster),
						       object_str(l3, L3_L2_NETWORK_UUID));
		}
		if (reaches)
			return true;
	}
	return false;
}

static int networks_of_image(const struct view *view, const struct request *req, const char *zone,
			     const char *image, json_t *list, struct error *e)
{
	if (!image_is_in_zone(view, image, zone))
		return 0;
	view_for_each (l3, view, KIND_L3_NETWORK) {
		const char *uuid = object_uuid(l3);
		int r;

		if (!object_str_is(l3, L3_ZONE_UUID, zone) || !zone_has_networks(view, zone, &uuid, 1))
			continue;
		r = result_list_add(list, view, req, l3, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int images_of_networks(const struct view *view, const struct request *req,
			      const struct placement *want, json_t *list, struct error *e)
{
	if (!zone_has_networks(view, want->zone, want->l3_networks, want->l3_count))
		return 0;
	view_for_each (image, view, KIND_IMAGE) {
		bool boots =
			image_is_iso(image) || object_str_is(image, IMAGE_MEDIA_TYPE, "RootVolumeTemplate");
		int r;

		if (!boots || !object_str_is(image, IMAGE_STATUS, STATUS_READY) ||
		    object_int(image, IMAGE_SYSTEM) ||
		    !image_is_in_zone(view, object_uuid(image), want->zone))
			continue;
		r = result_list_add(list, view, req, image, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int vm_networks_images_get(struct pool *pool, const struct view *view, const struct request *req,
				  json_t **ret_result, struct error *e)
{
	const char *networks[VM_NICS_MAX];
	struct placement want;
	_cleanup_json_ json_t *list = json_array();
	int r;

	(void)pool;
	if (!list)
		return error_oom(e);
	placement_for_request(req, &want, networks);
	if (!want.image && !want.l3_count)
		return error_set(e, EINVAL, "either l3NetworkUuids or imageUuid must be set");
	r = want.image ? networks_of_image(view, req, want.zone, want.image, list, e)
		       : images_of_networks(view, req, &want, list, e);
	return r < 0 ? r : result_inventories(steal(&list), ret_result, e);
}

/* --------------------------------------------------------------- the rows */

/* A parameter that names objects of a kind. */
#define P_OBJECTS(pname, ptype, pflags, pkind)                                                               \
	{                                                                                                    \
		.name = (pname), .type = (ptype), .in = IN_QUERY, .flags = (pflags), .resource = (pkind)     \
	}
/* What the VM would have, but its CPUs and memory. */
#define P_NEW_VM                                                                                             \
	P_OBJECTS("imageUuid", PARAM_STRING, PARAM_REQUIRED, KIND_IMAGE),                                    \
		P_OBJECTS("l3NetworkUuids", PARAM_LIST, PARAM_REQUIRED | PARAM_NONEMPTY, KIND_L3_NETWORK),   \
		P_OBJECTS("rootDiskOfferingUuid", PARAM_STRING, 0, KIND_DISK_OFFERING),                      \
		P_OBJECTS("dataDiskOfferingUuids", PARAM_LIST, PARAM_NONEMPTY, KIND_DISK_OFFERING),          \
		P_OBJECTS("zoneUuid", PARAM_STRING, PARAM_MAYBE, KIND_ZONE),                                 \
		P_OBJECTS("clusterUuid", PARAM_STRING, PARAM_MAYBE, KIND_CLUSTER),                           \
		P_OBJECTS("defaultL3NetworkUuid", PARAM_STRING, PARAM_MAYBE, KIND_L3_NETWORK),               \
		{.name = "rootDiskSize", .type = PARAM_LONG, .in = IN_QUERY, .max = INT64_MAX},              \
	{                                                                                                    \
		.name = "dataDiskSizes", .type = PARAM_LIST, .in = IN_QUERY                                  \
	}

static const struct operation get_vm_migration_candidate_hosts = {
	.section = "4.1.14",
	.name = "GetVmMigrationCandidateHosts",
	.message = "org.zstack.header.vm.APIGetVmMigrationCandidateHostsMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/migration-target-hosts", NULL},
	.params = (const struct param[]){P_PATH("vmInstanceUuid", KIND_VM), {0}},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "HostInventory",
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.where = "migration-target-hosts",
	.flags = OP_SYNC,
	.states = S_RUNNING | S_PAUSED,
	.help = "hosts to which the VM could be migrated",
	.get = vm_migration_hosts_get,
};

static const struct operation get_candidate_primary_storages_for_creating_vm = {
	.section = "4.1.15",
	.name = "GetCandidatePrimaryStoragesForCreatingVm",
	.message = "org.zstack.header.vm.APIGetCandidatePrimaryStoragesForCreatingVmMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/candidate-storages", NULL},
	.params = (const struct param[]){P_NEW_VM, {0}},
	.results = (const char *const[]){"rootVolumePrimaryStorages:List", "dataVolumePrimaryStorages:Map",
					 NULL},
	.form = FORM_COLLECTION_GET,
	.kind = KIND_VM,
	.where = "vm-instances/candidate-storages",
	.flags = OP_SYNC,
	.help = "primary storage that could hold the volumes of a new VM",
	.get = vm_creation_storages_get,
};

static const struct operation get_interdependent_l3_networks_images = {
	.section = "4.1.28",
	.name = "GetInterdependentL3NetworksImages",
	.message = "org.zstack.header.vm.APIGetInterdependentL3NetworksImagesMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/images-l3networks/dependencies", NULL},
	.params = (const struct param[]){P_OBJECTS("zoneUuid", PARAM_STRING, PARAM_REQUIRED, KIND_ZONE),
					 P_OBJECTS("l3NetworkUuids", PARAM_LIST, PARAM_NONEMPTY,
						   KIND_L3_NETWORK),
					 P_OBJECTS("imageUuid", PARAM_STRING, 0, KIND_IMAGE),
					 {0}},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "L3NetworkInventory|ImageInventory",
	.form = FORM_COLLECTION_GET,
	.kind = KIND_VM,
	.where = "images-l3networks/dependencies",
	.flags = OP_SYNC,
	.help = "L3 networks that an image can be used with, or images that L3 networks can be used with",
	.get = vm_networks_images_get,
};

static const struct operation get_candidate_zones_clusters_hosts_for_creating_vm = {
	.section = "4.1.45",
	.name = "GetCandidateZonesClustersHostsForCreatingVm",
	.message = "org.zstack.header.vm.APIGetCandidateZonesClustersHostsForCreatingVmMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/candidate-destinations", NULL},
	.params =
		(const struct param[]){
			{.name = "instanceOfferingUuid",
			 .type = PARAM_STRING,
			 .in = IN_QUERY,
			 .flags = PARAM_REQUIRED,
			 .unless = "cpuNum",
			 .resource = KIND_INSTANCE_OFFERING},
			P_NEW_VM,
			{.name = "cpuNum", .type = PARAM_INT, .in = IN_QUERY, .max = 1024},
			{.name = "memorySize", .type = PARAM_LONG, .in = IN_QUERY, .max = INT64_MAX},
			{0}},
	.results = (const char *const[]){"zones:List", "clusters:List", "hosts:List", NULL},
	.form = FORM_COLLECTION_GET,
	.kind = KIND_VM,
	.where = "vm-instances/candidate-destinations",
	.flags = OP_SYNC,
	.help = "zones, clusters and hosts that could run a new VM",
	.get = vm_creation_places_get,
};

static const struct operation get_vm_starting_candidate_clusters_hosts = {
	.section = "4.1.46",
	.name = "GetVmStartingCandidateClustersHosts",
	.message = "org.zstack.header.vm.APIGetVmStartingCandidateClustersHostsMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/starting-target-hosts", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"hosts:List", "clusters:List", NULL},
	.own_results = (const char *const[]){"hostInventories:[HostInventory]",
					     "clusterInventories:[ClusterInventory]", NULL},
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "uuid",
	.where = "starting-target-hosts",
	.flags = OP_SYNC,
	.states = S_STOPPED,
	.help = "hosts and clusters on which the VM could be started",
	.get = vm_starting_hosts_get,
};

const struct operation *const operations_vm_candidates[] = {
	&get_vm_migration_candidate_hosts,	   &get_candidate_primary_storages_for_creating_vm,
	&get_interdependent_l3_networks_images,	   &get_candidate_zones_clusters_hosts_for_creating_vm,
	&get_vm_starting_candidate_clusters_hosts, NULL,
};
