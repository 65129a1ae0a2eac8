/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See bootstrap.h. A database that has an account is not new: the admin account is
 * the only object created here that cannot be deleted.
 */
#include "actions/bootstrap.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "actions/account/account.h"
#include "actions/account/quota.h"
#include "actions/account/sharing.h"
#include "actions/engine/access.h"
#include "actions/engine/config.h"
#include "actions/engine/rows.h"
#include "actions/host/uri.h"
#include "actions/storage/storage_type.h"
#include "actions/storage/storage_choice.h"
#include "actions/vm/placement.h"
#include "hypervisor/host_uri.h"
#include "model/durable.h"
#include "model/log.h"
#include "model/states.h"

#define MEBIBYTE (INT64_C(1) << 20)
#define GIBIBYTE (INT64_C(1) << 30)
/* The maximum number of networks of this machine that are considered. */
#define USED_MAX 512

/* ------------------------------------------------------------- the subnet */

/* 10.123.0.0/24 and 131 further ones in steps of 0.1.0.0: rarely used, and easy to distinguish. */
#define SUBNET_FIRST  0x0a7b0000u
#define SUBNET_STEP   0x00010000u
#define SUBNET_COUNT  132
#define SUBNET_PREFIX 24

static bool overlaps_any(struct ipv4_network network, const struct ipv4_network *used, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ipv4_range_overlaps(ipv4_network_range(network), ipv4_network_range(used[i])))
			return true;
	return false;
}

struct ipv4_network bootstrap_choose_subnet(const struct ipv4_network *used, size_t count)
{
	for (uint32_t i = 0; i < SUBNET_COUNT; i++) {
		struct ipv4_network network = {SUBNET_FIRST + i * SUBNET_STEP, SUBNET_PREFIX};

		if (!overlaps_any(network, used, count))
			return network;
	}
	return (struct ipv4_network){SUBNET_FIRST, SUBNET_PREFIX};
}

static void add_used(struct ipv4_network *used, size_t *count, uint32_t address, uint32_t netmask)
{
	int prefix = ipv4_netmask_prefix(netmask);

	/* A default route covers all addresses, but does not use them. */
	if (prefix > 0 && *count < USED_MAX)
		used[(*count)++] = ipv4_network_of(address, (uint8_t)prefix);
}

static uint32_t host_order(const struct sockaddr *address)
{
	struct sockaddr_in in;

	memcpy(&in, address, sizeof(in));
	return ntohl(in.sin_addr.s_addr);
}

static void add_interfaces(struct ipv4_network *used, size_t *count)
{
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list) < 0)
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_netmask && i->ifa_addr->sa_family == AF_INET)
			add_used(used, count, host_order(i->ifa_addr), host_order(i->ifa_netmask));
	freeifaddrs(list);
}

/* The kernel prints addresses there as they are in memory, that is in network byte order. */
static void add_routes(struct ipv4_network *used, size_t *count)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/net/route", "re");
	unsigned destination, netmask;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %x %*x %*x %*d %*d %*d %x", &destination, &netmask) == 2)
			add_used(used, count, ntohl(destination), ntohl(netmask));
}

static struct ipv4_network free_subnet(void)
{
	struct ipv4_network used[USED_MAX];
	size_t count = 0;

	add_interfaces(used, &count);
	add_routes(used, &count);
	return bootstrap_choose_subnet(used, count);
}

/* --------------------------------------------------------------- the pool */

/* What is determined before the change, since it blocks or can fail, and the uuids that link the objects. */
struct plan {
	char hash[ACCOUNT_HASH_SIZE];
	char hostname[256];
	char *primary, *backup; /* owned: folders */
	char *address;		/* owned: of the host */
	const char *uri;
	struct ipv4_network subnet;
	int64_t backup_total, backup_available; /* bytes */
	char zone[UUID_SIZE], cluster[UUID_SIZE], host[UUID_SIZE], primary_uuid[UUID_SIZE],
		backup_uuid[UUID_SIZE], l2[UUID_SIZE], l3[UUID_SIZE];
};

static void plan_done(struct plan *plan)
{
	sodium_memzero(plan->hash, sizeof(plan->hash));
	free(plan->primary);
	free(plan->backup);
	free(plan->address);
}

/*
 * Only the daemon uses the folder of images; the user of the hypervisor must be able to traverse that of
 * volumes.
 */
static int prepare_folders(struct plan *plan, const char *state_dir, struct error *e)
{
	struct statvfs fs;
	int r;

	if (asprintf(&plan->primary, "%s/primary", state_dir) < 0) {
		plan->primary = NULL;
		return error_oom(e);
	}
	if (asprintf(&plan->backup, "%s/backup", state_dir) < 0) {
		plan->backup = NULL;
		return error_oom(e);
	}
	r = durable_folder_make(plan->primary, 0711, e);
	if (r < 0)
		return r;
	r = durable_folder_make(plan->backup, 0700, e);
	if (r < 0)
		return r;
	if (statvfs(plan->backup, &fs) < 0)
		return error_set(e, errno, "cannot measure '%s': %s", plan->backup, strerror(errno));
	plan->backup_total = (int64_t)(fs.f_blocks * fs.f_frsize);
	plan->backup_available = (int64_t)(fs.f_bavail * fs.f_frsize);
	return 0;
}

static int plan_make(struct plan *plan, const struct pool_options *options, struct error *e)
{
	char *const uuids[] = {plan->zone,	  plan->cluster, plan->host, plan->primary_uuid,
			       plan->backup_uuid, plan->l2,	 plan->l3};
	const char *uri = options->uri ? options->uri : POOL_DEFAULT_URI;
	int r = hv_uri_check(uri, e);

	if (r < 0)
		return r;
	r = account_hash_first(options->admin_password_file, options->state_dir, plan->hash, e);
	if (r < 0)
		return r;
	r = prepare_folders(plan, options->state_dir, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(uuids); i++)
		uuid_make(uuids[i]);
	plan->uri = uri;
	plan->address = host_address_of_uri(uri);
	if (gethostname(plan->hostname, sizeof(plan->hostname)) < 0)
		plan->hostname[0] = '\0';
	plan->hostname[sizeof(plan->hostname) - 1] = '\0';
	plan->subnet = free_subnet();
	return 0;
}

/*
 * A new object with uuid (NULL: a random one) and name; NULL when memory is short, which txn_put() reports.
 */
static struct object *start(enum kind_id kind, const char *uuid, const char *name)
{
	struct object *o = object_new(kind_get(kind));
	char made[UUID_SIZE];

	if (!o)
		return NULL;
	if (!uuid)
		uuid_make(made);
	object_set_str(o, FIELD_UUID, uuid ? uuid : made);
	object_set_str(o, o->kind->name_field, name);
	return o;
}

static int put_account(struct txn *t, const struct plan *plan, struct error *e)
{
	struct object *o = start(KIND_ACCOUNT, ADMIN_ACCOUNT_UUID, "admin");

	object_set_str(o, ACCOUNT_TYPE, "SystemAdmin");
	object_set_str(o, ACCOUNT_PASSWORD_HASH, plan->hash);
	return txn_put(t, o, NULL, e);
}

static int put_zone(struct txn *t, const struct plan *plan, struct error *e)
{
	struct object *o = start(KIND_ZONE, plan->zone, "zone1");

	object_set_str(o, ZONE_STATE, STATE_ENABLED);
	object_set_str(o, ZONE_TYPE, "zstack");
	return txn_put(t, o, NULL, e);
}

static int put_cluster(struct txn *t, const struct plan *plan, struct error *e)
{
	struct object *o = start(KIND_CLUSTER, plan->cluster, "cluster1");

	object_set_str(o, CLUSTER_STATE, STATE_ENABLED);
	object_set_str(o, CLUSTER_HYPERVISOR_TYPE, host_hypervisor_type_of_uri(plan->uri));
	object_set_str(o, CLUSTER_ZONE_UUID, plan->zone);
	object_set_str(o, CLUSTER_TYPE, "zstack");
	return txn_put(t, o, NULL, e);
}

static int put_host(struct txn *t, const struct plan *plan, struct error *e)
{
	const char *name = plan->address ? plan->address : plan->hostname[0] ? plan->hostname : "host1";
	struct object *o = start(KIND_HOST, plan->host, name);

	object_set_str(o, HOST_ZONE_UUID, plan->zone);
	object_set_str(o, HOST_CLUSTER_UUID, plan->cluster);
	object_set_str(o, HOST_MANAGEMENT_IP, plan->address ? plan->address : "127.0.0.1");
	object_set_str(o, HOST_HYPERVISOR_TYPE, host_hypervisor_type_of_uri(plan->uri));
	object_set_str(o, HOST_STATE, STATE_ENABLED);
	object_set_str(o, HOST_STATUS, STATUS_CONNECTING);
	object_set_str(o, HOST_STATUS_REASON, "connecting");
	object_set_str(o, HOST_URI, plan->uri);
	return txn_put(t, o, NULL, e);
}

/* Its capacity and status are determined when the host has connected. */
static int put_primary_storage(struct txn *t, const struct plan *plan, struct error *e)
{
	struct object *o = start(KIND_PRIMARY_STORAGE, plan->primary_uuid, "local");
	int r;

	object_set_str(o, PRIMARY_STORAGE_ZONE_UUID, plan->zone);
	object_set_str(o, PRIMARY_STORAGE_URL, plan->primary);
	object_set_str(o, PRIMARY_STORAGE_MOUNT_PATH, plan->primary);
	object_set_str(o, PRIMARY_STORAGE_TYPE, storage_type_local.name);
	object_set_str(o, PRIMARY_STORAGE_STATE, STATE_ENABLED);
	object_set_str(o, PRIMARY_STORAGE_STATUS, STATUS_CONNECTING);
	r = txn_put(t, o, NULL, e);
	return r < 0 ? r
		     : link_put(t, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_CLUSTER_UUID, plan->cluster,
				CLUSTER_PS_PRIMARY_STORAGE_UUID, plan->primary_uuid, e);
}

static int put_backup_storage(struct txn *t, const struct plan *plan, struct error *e)
{
	struct object *o = start(KIND_BACKUP_STORAGE, plan->backup_uuid, "images");
	int r;

	object_set_str(o, BACKUP_STORAGE_URL, plan->backup);
	object_set_int(o, BACKUP_STORAGE_TOTAL, plan->backup_total);
	object_set_int(o, BACKUP_STORAGE_AVAILABLE, plan->backup_available);
	object_set_str(o, BACKUP_STORAGE_TYPE, "ImageStoreBackupStorage");
	object_set_str(o, BACKUP_STORAGE_STATE, STATE_ENABLED);
	object_set_str(o, BACKUP_STORAGE_STATUS, STATUS_CONNECTED);
	object_set_str(o, BACKUP_STORAGE_HOSTNAME, "127.0.0.1");
	r = txn_put(t, o, NULL, e);
	return r < 0 ? r
		     : link_put(t, KIND_ZONE_BACKUP_STORAGE, ZONE_BS_ZONE_UUID, plan->zone,
				ZONE_BS_BACKUP_STORAGE_UUID, plan->backup_uuid, e);
}

static int put_l2_network(struct txn *t, const struct plan *plan, struct error *e)
{
	struct object *o = start(KIND_L2_NETWORK, plan->l2, "wire1");
	int r;

	object_set_str(o, L2_ZONE_UUID, plan->zone);
	object_set_str(o, L2_PHYSICAL_INTERFACE, "virbr-poolfs"); /* "virbr": libvirt creates the bridge */
	object_set_str(o, L2_TYPE, "L2NoVlanNetwork");
	r = txn_put(t, o, NULL, e);
	return r < 0 ? r
		     : link_put(t, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, plan->cluster,
				CLUSTER_L2_L2_NETWORK_UUID, plan->l2, e);
}

static int put_l3_network(struct txn *t, const struct plan *plan, struct error *e)
{
	struct object *o = start(KIND_L3_NETWORK, plan->l3, "network1");

	object_set_str(o, L3_TYPE, "L3BasicNetwork");
	object_set_str(o, L3_ZONE_UUID, plan->zone);
	object_set_str(o, L3_L2_NETWORK_UUID, plan->l2);
	object_set_str(o, L3_STATE, STATE_ENABLED);
	object_set_int(o, L3_SYSTEM, false);
	object_set_str(o, L3_CATEGORY, "Private");
	object_set_str(o, L3_ACCOUNT_UUID, ADMIN_ACCOUNT_UUID);
	return txn_put(t, o, NULL, e);
}

static int put_ip_range(struct txn *t, const struct plan *plan, struct error *e)
{
	struct ipv4_range hosts = ipv4_network_hosts(plan->subnet);
	struct object *o = start(KIND_IP_RANGE, NULL, "range1");
	char text[IPV4_CIDR_STRLEN];

	object_set_str(o, IP_RANGE_L3_NETWORK_UUID, plan->l3);
	object_set_str(o, IP_RANGE_GATEWAY, ipv4_format(hosts.first, text));
	object_set_str(o, IP_RANGE_START_IP, ipv4_format(hosts.first + 1, text));
	object_set_str(o, IP_RANGE_END_IP, ipv4_format(hosts.last, text));
	object_set_str(o, IP_RANGE_NETMASK, ipv4_format(ipv4_prefix_netmask(plan->subnet.prefix), text));
	object_set_str(o, IP_RANGE_NETWORK_CIDR, ipv4_network_format(plan->subnet, text));
	return txn_put(t, o, NULL, e);
}

static int put_instance_offering(struct txn *t, const struct plan *plan, struct error *e)
{
	struct object *o = start(KIND_INSTANCE_OFFERING, NULL, "small");

	(void)plan;
	object_set_int(o, INSTANCE_OFFERING_CPU_NUM, 1);
	object_set_int(o, INSTANCE_OFFERING_CPU_SPEED, 0);
	object_set_int(o, INSTANCE_OFFERING_MEMORY_SIZE, 128 * MEBIBYTE);
	object_set_str(o, INSTANCE_OFFERING_TYPE, "UserVm");
	object_set_str(o, INSTANCE_OFFERING_ALLOCATOR_STRATEGY, HOST_STRATEGY_DEFAULT);
	object_set_int(o, INSTANCE_OFFERING_SORT_KEY, 0);
	object_set_str(o, INSTANCE_OFFERING_STATE, STATE_ENABLED);
	object_set_str(o, INSTANCE_OFFERING_ACCOUNT_UUID, ADMIN_ACCOUNT_UUID);
	return txn_put(t, o, NULL, e);
}

static int put_disk_offering(struct txn *t, const struct plan *plan, struct error *e)
{
	struct object *o = start(KIND_DISK_OFFERING, NULL, "1G");

	(void)plan;
	object_set_int(o, DISK_OFFERING_DISK_SIZE, GIBIBYTE);
	object_set_int(o, DISK_OFFERING_SORT_KEY, 0);
	object_set_str(o, DISK_OFFERING_STATE, STATE_ENABLED);
	object_set_str(o, DISK_OFFERING_TYPE, "zstack");
	object_set_str(o, DISK_OFFERING_ALLOCATOR_STRATEGY, STORAGE_STRATEGY_DEFAULT);
	object_set_str(o, DISK_OFFERING_ACCOUNT_UUID, ADMIN_ACCOUNT_UUID);
	return txn_put(t, o, NULL, e);
}

static int put_pool(struct txn *t, void *arg, struct error *e)
{
	/* What any VM needs, so that a new account can make one at once. */
	static const enum kind_id public[] = {KIND_L3_NETWORK, KIND_INSTANCE_OFFERING, KIND_DISK_OFFERING};
	static int (*const steps[])(struct txn *, const struct plan *, struct error *) = {
		put_account,	    put_zone,	    put_cluster,    put_host,	  put_primary_storage,
		put_backup_storage, put_l2_network, put_l3_network, put_ip_range, put_instance_offering,
		put_disk_offering,
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int r = steps[i](t, arg, e);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(public); i++) {
		int r = share_put(t, view_next(txn_view(t), public[i], 0), NULL, NULL, e);

		if (r < 0)
			return r;
	}
	return config_fill(t, e);
}

/* What an older version left otherwise. */
static int update_pool(struct txn *t, void *arg, struct error *e)
{
	static int (*const steps[])(struct txn *, struct error *) = {
		config_fill,
		quota_fill,
	};

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int r = steps[i](t, e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Options of a new pool may stand in a file for ever; but who wants another host must not wait for it. */
static void warn_of_unused_uri(const struct view *view, const struct pool_options *options)
{
	if (!options->uri || options->resumes)
		return;
	view_for_each (host, view, KIND_HOST)
		if (object_str_is(host, HOST_URI, options->uri))
			return;
	log_warning(
		"pool", NULL,
		"the option uri=%s is for a new pool and has no effect; the hosts of this one are in hosts/",
		options->uri);
}

int pool_bootstrap(struct store *store, const struct pool_options *options, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(store);
	_cleanup_(plan_done) struct plan plan = {0};
	int r;

	if (view_count(view, KIND_ACCOUNT)) {
		warn_of_unused_uri(view, options);
		return store_run(store, update_pool, NULL, e);
	}
	r = plan_make(&plan, options, e);
	return r < 0 ? r : store_run(store, put_pool, &plan, e);
}
