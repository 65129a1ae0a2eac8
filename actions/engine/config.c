/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of settings. See config.h.
 *
 * To add a setting: one row here, sorted by key, and the code that reads it. Its
 * row in the database appears at the next start.
 */
#include "actions/engine/config.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "actions/engine/ip_network.h"
#include "actions/engine/path_list.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define CHOICE(k, d, help, ...)                                                                              \
	{                                                                                                    \
		.key = (k), .type = SETTING_CHOICE, .values = LIST(__VA_ARGS__), .default_value = (d),       \
		.description = (help)                                                                        \
	}
#define BOOL(k, d, help)                                                                                     \
	{                                                                                                    \
		.key = (k), .type = SETTING_BOOL, .default_value = (d), .description = (help)                \
	}
#define INT(k, low, high, d, help)                                                                           \
	{                                                                                                    \
		.key = (k), .type = SETTING_INT, .min = (low), .max = (high), .default_value = (d),          \
		.description = (help)                                                                        \
	}
#define SIZE(k, d, help)                                                                                     \
	{                                                                                                    \
		.key = (k), .type = SETTING_SIZE, .min = 0, .max = INT64_MAX, .default_value = (d),          \
		.description = (help)                                                                        \
	}
/* Lists that are empty by default. */
#define FOLDERS(k, help)                                                                                     \
	{                                                                                                    \
		.key = (k), .type = SETTING_FOLDERS, .default_value = "", .description = (help)              \
	}
#define NETWORKS(k, help)                                                                                    \
	{                                                                                                    \
		.key = (k), .type = SETTING_NETWORKS, .default_value = "", .description = (help)             \
	}
/* An IP address or the word "auto". */
#define ADDRESS(k, help)                                                                                     \
	{                                                                                                    \
		.key = (k), .type = SETTING_ADDRESS, .default_value = "auto", .description = (help)          \
	}
#define POLICY(k, what)                                                                                      \
	CHOICE(k, "Delay",                                                                                   \
	       "what deleting " what                                                                         \
	       " does: Direct removes it at once, Delay after expungePeriod, Never not by itself",           \
	       "Direct", "Delay", "Never")
#define SECONDS(k, d, help) INT(k, 1, INT32_MAX, d, help)
#define QUOTA(k, d, what)                                                                                    \
	INT("quota." k, 0, INT64_MAX, d, "maximum number of " what " of a new normal account")
#define QUOTA_SIZE(k, d, what) SIZE("quota." k, d, "maximum " what " of a new normal account, in bytes")

/* behaviour.md 3.10 and 3.13, sorted by key for bsearch. */
static const struct setting settings[] = {
	SIZE("backupStorage.reservedCapacity", "1G", "bytes that images must leave free on a backup storage"),
	BOOL("ha.enable", "true", "VMs with an HA level are restarted automatically"),
	SECONDS("ha.fence.timeout", "60", "seconds that a fence command may take before it is killed"),
	SECONDS("ha.neverStopVm.gc.maxRetryIntervalTime", "300",
		"maximum seconds between two attempts of HA to start a VM"),
	SECONDS("ha.neverStopVm.scan.interval", "1",
		"seconds between two checks for NeverStop VMs that are down"),
	INT("host.cpu.overProvisioning.ratio", 1, 1000, "10", "virtual CPUs allocated per logical processor"),
	SECONDS("host.ping.interval", "60", "seconds between two checks of a host"),
	INT("host.ping.maxFailure", 1, 100, "3", "failed checks after which a host is Disconnected"),
	SECONDS("identity.session.cleanup.interval", "3600",
		"seconds between two removals of expired sessions"),
	INT("identity.session.maxConcurrent", 1, INT32_MAX, "500",
	    "maximum number of concurrent sessions of an account"),
	SECONDS("identity.session.timeout", "7200", "seconds without use after which a session expires"),
	POLICY("image.deletionPolicy", "an image"),
	BOOL("image.enableResetPassword", "true", "ChangeVmPassword may change passwords in guests"),
	SECONDS("image.expungeInterval", "3600", "seconds between two checks for images to expunge"),
	SECONDS("image.expungePeriod", "86400", "seconds after which a deleted image is expunged"),
	FOLDERS("image.localPaths",
		"folders with files that normal accounts may add as images, separated by commas"),
	INT("job.ended.maxNum", 1, INT32_MAX, "10000",
	    "maximum number of jobs that are kept after their end, and of failed ones besides; the oldest go first"),
	SECONDS("job.failed.keepPeriod", "604800", "seconds for which a failed job is kept"),
	INT("kvm.dataVolume.maxNum", 1, 59, "24", "maximum number of data volumes of a VM"),
	SIZE("kvm.reservedMemory", "1G", "bytes of memory that VMs must leave free on a host"),
	CHOICE("kvm.vm.cacheMode", "none", "cache mode of disks, from the next start of a VM on", "none",
	       "writethrough", "writeback"),
	CHOICE("kvm.vm.cpuMode", "host-model",
	       "CPU model of guests: host-model is what the hosts of the cluster have in common, none QEMU's oldest",
	       "none", "host-model", "host-passthrough"),
	BOOL("localStoragePrimaryStorage.liveMigrationWithStorage.allow", "false",
	     "VMs with volumes on local storage can be migrated, which copies these volumes"),
	INT("primaryStorage.physicalCapacityThreshold", 1, 100, "90",
	    "percentage of its file system in use above which a primary storage accepts nothing new"),
	SIZE("primaryStorage.reservedCapacity", "1G",
	     "bytes that volumes must leave free on a primary storage"),
	QUOTA("image.num", "20", "images"),
	QUOTA_SIZE("image.size", "10T", "total size of images"),
	QUOTA("l3.num", "20", "L3 networks"),
	QUOTA("snapshot.volume.num", "200", "volume snapshots"),
	QUOTA("vm.cpuNum", "80", "virtual CPUs of running VMs"),
	QUOTA_SIZE("vm.memorySize", "80G", "memory of running VMs"),
	QUOTA("vm.num", "20", "running VMs"),
	QUOTA("vm.totalNum", "20", "VMs"),
	QUOTA_SIZE("volume.capacity", "10T", "total size of volumes"),
	QUOTA("volume.data.num", "40", "data volumes"),
	SECONDS("rest.completedApi.expiredPeriod", "10800",
		"seconds for which the result of a job that did not fail is kept"),
	SECONDS("rest.expiredApi.scanInterval", "3600", "seconds between two removals of old jobs"),
	SECONDS("search.timeLimit", "10", "seconds after which a query is aborted"),
	SECONDS("statistics.maxAge", "5",
		"seconds for which what a host has told about its VMs is used again"),
	NETWORKS(
		"url.allowedNetworks",
		"networks that are not public but that URLs of normal accounts may lead to, such as 10.1.0.0/16, "
		"separated by commas"),
	NETWORKS("url.forbiddenNetworks",
		 "networks that no URL may lead to, not even an administrator's, separated by commas"),
	BOOL("vm.bootMenu", "true", "the firmware offers a boot menu"),
	BOOL("vm.cleanTraffic", "false",
	     "guests cannot send from MAC and IPv4 addresses that are not theirs, nor by IPv6; from the next start"),
	ADDRESS("vm.consoleListenAddress",
		"IP address on which consoles listen from the next start of a VM on; auto is 127.0.0.1 on hosts of "
		"this machine and 0.0.0.0 on others"),
	BOOL("vm.dataVolume.deleteOnVmDestroy", "false", "destroying a VM deletes its data volumes"),
	POLICY("vm.deletionPolicy", "a VM"),
	SECONDS("vm.expungeInterval", "3600", "seconds between two checks for VMs to expunge"),
	SECONDS("vm.expungePeriod", "86400", "seconds after which a destroyed VM is expunged"),
	BOOL("vm.instanceOffering.setNullWhenDeleting", "true",
	     "deleting an offering clears the reference to it in VMs"),
	BOOL("vm.kvmHiddenState", "false", "KVM is hidden from guests"),
	CHOICE("vm.machineType", "q35", "machine type of new VMs; others keep theirs", "pc", "q35"),
	BOOL("vm.numa", "false",
	     "CPUs and memory of running VMs can be changed; what they were started with stays"),
	CHOICE("vm.videoType", "cirrus", "video card of guests", "cirrus", "vga", "qxl", "virtio"),
	POLICY("volume.deletionPolicy", "a data volume"),
	SECONDS("volume.expungeInterval", "3600", "seconds between two checks for volumes to expunge"),
	SECONDS("volume.expungePeriod", "86400", "seconds after which a deleted volume is expunged"),
	SECONDS("volume.refreshVolumeSizeInterval", "3600",
		"seconds between two measurements of the bytes that volumes take (actualSize)"),
	/* volume/snapshot_create.c */
	INT("volumeSnapshot.incrementalSnapshot.maxNum", 1, 190, "128",
	    "maximum number of snapshots in one chain"),
};

#undef LIST
#undef CHOICE
#undef BOOL
#undef INT
#undef SIZE
#undef FOLDERS
#undef NETWORKS
#undef ADDRESS
#undef POLICY
#undef SECONDS
#undef QUOTA
#undef QUOTA_SIZE

/* ------------------------------------------------------------------ lookup */

static int setting_compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct setting *)row)->key);
}

const struct setting *settings_all(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(settings);
	return settings;
}

static const struct setting *setting_find(const char *key)
{
	return bsearch(key, settings, ARRAY_SIZE(settings), sizeof(settings[0]), setting_compare);
}

/* A key is "category.name". */
static int category_length(const struct setting *s)
{
	return (int)strcspn(s->key, ".");
}

static const char *setting_name(const struct setting *s)
{
	return s->key + category_length(s) + 1;
}

static bool row_is_of(const struct object *row, const struct setting *s)
{
	const char *category = object_text(row, GLOBAL_CONFIG_CATEGORY);
	size_t len = (size_t)category_length(s);

	return strncmp(category, s->key, len) == 0 && category[len] == '\0' &&
	       object_str_is(row, GLOBAL_CONFIG_NAME, setting_name(s));
}

static const struct object *setting_row(const struct view *view, const struct setting *s)
{
	view_for_each_where (row, view, KIND_GLOBAL_CONFIG, GLOBAL_CONFIG_NAME, setting_name(s))
		if (row_is_of(row, s))
			return row;
	return NULL;
}

const struct setting *setting_of_row(const struct object *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (row_is_of(row, &settings[i]))
			return &settings[i];
	return NULL;
}

/* ------------------------------------------------------------------ values */

/* Parses a decimal number, if @sized with an optional K, M, G or T. False for other text or above 63 bits. */
static bool parse_number(const char *text, bool sized, int64_t *ret_number)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	long long number;
	int shift = 0;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno)
		return false;
	unit = sized && *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		shift = 10 * (int)(unit - units + 1);
		end++;
	}
	if (*end || number > INT64_MAX >> shift)
		return false;
	*ret_number = number << shift;
	return true;
}

/* @takes: what the setting accepts. */
static int refuse_value(const struct setting *s, const char *value, const char *takes, struct error *e)
{
	return error_set(e, EINVAL, "'%s' is not a valid value of setting '%s', it takes %s", value, s->key,
			 takes);
}

static int check_choice(const struct setting *s, const char *value, struct error *e)
{
	char takes[256] = "one of";
	size_t len = strlen(takes);

	for (const char *const *v = s->values; *v; v++) {
		if (strcmp(*v, value) == 0)
			return 0;
		len += (size_t)snprintf(takes + len, sizeof(takes) - len, "%s %s", v == s->values ? "" : ",",
					*v);
	}
	return refuse_value(s, value, takes, e);
}

static int check_networks(const char *value, struct error *e)
{
	struct ip_network network;
	int r;

	do
		r = ip_network_next(&value, &network, e);
	while (r > 0);
	return r;
}

static int check_folders(const char *value, struct error *e)
{
	char folder[PATH_MAX];
	int r;

	do
		r = path_list_next(&value, folder, e);
	while (r > 0);
	return r;
}

static bool is_address(const char *text)
{
	struct in6_addr address; /* has room for both */

	return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

int setting_check_value(const struct setting *s, const char *value, struct error *e)
{
	int64_t number;

	switch (s->type) {
	case SETTING_CHOICE:
		return check_choice(s, value, e);
	case SETTING_BOOL:
		if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
			return 0;
		return refuse_value(s, value, "true or false", e);
	case SETTING_ADDRESS:
		if (strcmp(value, "auto") == 0 || is_address(value))
			return 0;
		return refuse_value(s, value, "an IP address or auto", e);
	case SETTING_INT:
	case SETTING_SIZE:
		if (!parse_number(value, s->type == SETTING_SIZE, &number))
			return refuse_value(s, value,
					    s->type == SETTING_SIZE
						    ? "a number of bytes or one with K, M, G or T"
						    : "a number",
					    e);
		if (number < s->min || number > s->max)
			return error_set(e, ERANGE,
					 "'%s' is not a valid value of setting '%s', it must be in range of "
					 "[%" PRId64 ", %" PRId64 "]",
					 value, s->key, s->min, s->max);
		return 0;
	case SETTING_FOLDERS:
		return check_folders(value, e);
	case SETTING_NETWORKS:
		return check_networks(value, e);
	}
	return 0;
}

const char *config_str(const struct view *view, const char *key)
{
	const struct setting *s = setting_find(key);
	const struct object *row;

	assert(s);
	row = setting_row(view, s);
	return row && object_str(row, GLOBAL_CONFIG_VALUE) ? object_str(row, GLOBAL_CONFIG_VALUE)
							   : s->default_value;
}

int64_t config_int(const struct view *view, const char *key)
{
	int64_t number = 0;

	/* Values are checked before they are stored: only one that was tampered with gets the default. */
	if (!parse_number(config_str(view, key), true, &number))
		(void)parse_number(setting_find(key)->default_value, true, &number);
	return number;
}

bool config_bool(const struct view *view, const char *key)
{
	return strcmp(config_str(view, key), "true") == 0;
}

/* -------------------------------------------------------------------- rows */

static int put_new_row(struct txn *t, const struct setting *s, struct error *e)
{
	_cleanup_free_ char *category = strndup(s->key, (size_t)category_length(s));
	struct object *o = category ? object_new(kind_get(KIND_GLOBAL_CONFIG)) : NULL;
	char uuid[UUID_SIZE];

	if (!o)
		return error_oom(e);
	uuid_make(uuid);
	object_set_str(o, GLOBAL_CONFIG_UUID, uuid);
	object_set_str(o, GLOBAL_CONFIG_NAME, setting_name(s));
	object_set_str(o, GLOBAL_CONFIG_CATEGORY, category);
	object_set_str(o, GLOBAL_CONFIG_DESCRIPTION, s->description);
	object_set_str(o, GLOBAL_CONFIG_VALUE, s->default_value);
	object_set_str(o, GLOBAL_CONFIG_DEFAULT_VALUE, s->default_value);
	return txn_put(t, o, NULL, e);
}

/* A new version may change descriptions and defaults; settings that nobody changed get the new default. */
static int refresh_row(struct txn *t, const struct setting *s, const struct object *row, struct error *e)
{
	struct object *copy = object_copy(row);

	if (object_str_is(row, GLOBAL_CONFIG_VALUE, object_str(row, GLOBAL_CONFIG_DEFAULT_VALUE)))
		object_set_str(copy, GLOBAL_CONFIG_VALUE, s->default_value);
	object_set_str(copy, GLOBAL_CONFIG_DESCRIPTION, s->description);
	object_set_str(copy, GLOBAL_CONFIG_DEFAULT_VALUE, s->default_value);
	return txn_put(t, copy, NULL, e);
}

/* Settings of earlier versions that had no effect. */
static int remove_old_rows(struct txn *t, struct error *e)
{
	static const struct setting old[] = {{.key = "kvm.host.syncLevel"}};

	for (size_t i = 0; i < ARRAY_SIZE(old); i++) {
		const struct object *row = setting_row(txn_view(t), &old[i]);
		int r = row ? txn_remove(t, row, e) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int config_fill(struct txn *t, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct object *row = setting_row(txn_view(t), &settings[i]);
		int r = row ? refresh_row(t, &settings[i], row, e) : put_new_row(t, &settings[i], e);

		if (r < 0)
			return r;
	}
	return remove_old_rows(t, e);
}
