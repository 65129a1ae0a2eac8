/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes that the model takes per VM, by kind: those of the objects, without texts that have left memory, and those of
 * the maps and indexes that find them. Each VM has a root volume, a NIC, two ended jobs and two system tags, as in a pool
 * that is used; with `created`, only one ended job, as after JustCreate.
 *
 *     bench-memory [number of VMs] [created]
 */
#include <inttypes.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "model/store.h"
#include "model/uuid.h"

static unsigned vm_count = 20000;
static bool created;

/* Of the processors, so that what else runs does not matter. */
static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* As random as a real one. */
static const char *uuid(unsigned kind, unsigned n)
{
	static char ring[16][UUID_SIZE];
	static int next;
	char *u = ring[next++ % 16];
	uint64_t x = (((uint64_t)kind << 32) + n + 1) * UINT64_C(0x9E3779B97F4A7C15), y;

	x ^= x >> 31;
	y = x * UINT64_C(0xBF58476D1CE4E5B9);
	snprintf(u, UUID_SIZE, "%016jx%016jx", (uintmax_t)(x * UINT64_C(0x94D049BB133111EB)),
		 (uintmax_t)(y ^ y >> 29));
	return u;
}

static struct object *make(enum kind_id kind, unsigned n)
{
	struct object *o = object_new(kind_get(kind));

	object_set_str(o, FIELD_UUID, uuid(kind, n));
	return o;
}

static void set_text(struct object *o, int field, const char *format, ...) _printf_(3, 4);
static void set_text(struct object *o, int field, const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	object_set_str(o, field, text);
}

#define REQUEST                                                                                              \
	"{\"operation\":\"CreateVmInstance\",\"target\":\"%s\",\"params\":{\"name\":\"web-server-%u\","      \
	"\"instanceOfferingUuid\":\"%s\",\"imageUuid\":\"%s\",\"l3NetworkUuids\":[\"%s\"],"                  \
	"\"strategy\":\"JustCreate\",\"resourceUuid\":\"%s\"},\"systemTags\":[],\"userTags\":[]"
#define INVENTORY                                                                                              \
	"{\"inventory\":{\"uuid\":\"%s\",\"name\":\"web-server-%u\",\"zoneUuid\":\"%s\",\"imageUuid\":\"%s\"," \
	"\"instanceOfferingUuid\":\"%s\",\"platform\":\"Linux\",\"defaultL3NetworkUuid\":\"%s\","              \
	"\"type\":\"UserVm\",\"hypervisorType\":\"KVM\",\"memorySize\":134217728,\"cpuNum\":1,"                \
	"\"cpuSpeed\":0,\"allocatorStrategy\":\"LeastVmPreferredHostAllocatorStrategy\","                      \
	"\"createDate\":\"Nov 29, 2026 7:54:50 AM\",\"lastOpDate\":\"Nov 29, 2026 7:%02u:%02u AM\","           \
	"\"state\":\"%s\",\"vmNics\":[%s],\"allVolumes\":[%s],\"internalId\":%u}}"
#define NIC_INVENTORY                                                                                        \
	"{\"uuid\":\"%s\",\"vmInstanceUuid\":\"%s\",\"usedIpUuid\":\"%s\",\"l3NetworkUuid\":\"%s\","         \
	"\"ip\":\"10.1.%u.%u\",\"mac\":\"fa:%02x:%02x:%02x:%02x:00\",\"netmask\":\"255.255.0.0\","           \
	"\"gateway\":\"10.1.0.1\",\"deviceId\":0,\"createDate\":\"Nov 29, 2026 7:54:50 AM\","                \
	"\"lastOpDate\":\"Nov 29, 2026 7:54:50 AM\"}"
#define VOLUME_INVENTORY                                                                                              \
	"{\"uuid\":\"%s\",\"name\":\"ROOT-for-web-server-%u\",\"primaryStorageUuid\":\"%s\","                         \
	"\"vmInstanceUuid\":\"%s\",\"rootImageUuid\":\"%s\",\"installPath\":\"%s\",\"type\":\"Root\","                \
	"\"format\":\"qcow2\",\"size\":1073741824,\"actualSize\":196616,\"deviceId\":0,\"state\":\"Enabled\","        \
	"\"status\":\"Ready\",\"createDate\":\"Nov 29, 2026 7:54:50 AM\",\"lastOpDate\":\"Nov 29, 2026 7:54:50 AM\"," \
	"\"isShareable\":false}"

static int put_job(struct txn *t, unsigned i, bool start, struct error *e)
{
	struct object *o = make(KIND_JOB, 2 * i + start);
	char nic[1024] = "", volume[1024] = "", path[128];

	snprintf(path, sizeof(path), "/var/lib/poolfs/volumes/%s.qcow2", uuid(KIND_VOLUME, i));
	if (start) {
		snprintf(nic, sizeof(nic), NIC_INVENTORY, uuid(KIND_NIC, i), uuid(KIND_VM, i), uuid(90, i),
			 uuid(KIND_L3_NETWORK, 0), i >> 8, i & 255, i & 255, i >> 3 & 255, i >> 8 & 255,
			 i >> 16 & 255);
		snprintf(volume, sizeof(volume), VOLUME_INVENTORY, uuid(KIND_VOLUME, i), i,
			 uuid(KIND_PRIMARY_STORAGE, 0), uuid(KIND_VM, i), uuid(KIND_IMAGE, i % 5), path);
	}
	object_set_str(o, JOB_STATE, "Done");
	object_set_int(o, JOB_PROGRESS, 100);
	object_set_str(o, JOB_OPERATION, start ? "StartVmInstance" : "CreateVmInstance");
	set_text(o, JOB_RESOURCE, "vm-instances/%s", uuid(KIND_VM, i));
	if (start)
		set_text(
			o, JOB_REQUEST,
			"{\"operation\":\"StartVmInstance\",\"target\":\"%s\",\"params\":{},\"systemTags\":[],\"userTags\":[]}",
			uuid(KIND_VM, i));
	else
		set_text(o, JOB_REQUEST, REQUEST "}", uuid(KIND_VM, i), i,
			 uuid(KIND_INSTANCE_OFFERING, i % 7), uuid(KIND_IMAGE, i % 5),
			 uuid(KIND_L3_NETWORK, 0), uuid(KIND_VM, i));
	set_text(o, JOB_RESULT, INVENTORY, uuid(KIND_VM, i), i, uuid(KIND_ZONE, 0), uuid(KIND_IMAGE, i % 5),
		 uuid(KIND_INSTANCE_OFFERING, i % 7), uuid(KIND_L3_NETWORK, 0), i / 60 % 60, i % 60,
		 start ? "Running" : "Created", nic, volume, i);
	object_set_int(o, JOB_CREATED, store_now());
	object_set_int(o, JOB_STARTED, store_now());
	object_set_int(o, JOB_FINISHED, store_now());
	object_set_str(o, JOB_RESOURCE_UUID, uuid(KIND_VM, i));
	set_text(o, JOB_DIGEST, "%s%s", uuid(91, i), uuid(92, i));
	object_set_str(o, JOB_SOURCE, "fs");
	object_set_int(o, JOB_UID, 0);
	object_set_int(o, JOB_DEADLINE, store_now() + 3600 * NS_PER_S);
	return txn_put(t, o, NULL, e);
}

static int put_vm(struct txn *t, unsigned i, struct error *e)
{
	struct object *o = make(KIND_VM, i);

	set_text(o, VM_NAME, "web-server-%u", i);
	object_set_str(o, VM_ZONE_UUID, uuid(KIND_ZONE, 0));
	object_set_str(o, VM_IMAGE_UUID, uuid(KIND_IMAGE, i % 5));
	object_set_str(o, VM_INSTANCE_OFFERING_UUID, uuid(KIND_INSTANCE_OFFERING, i % 7));
	object_set_str(o, VM_PLATFORM, "Linux");
	object_set_str(o, VM_DEFAULT_L3_UUID, uuid(KIND_L3_NETWORK, 0));
	object_set_str(o, VM_TYPE, "UserVm");
	object_set_str(o, VM_HYPERVISOR_TYPE, "KVM");
	object_set_int(o, VM_MEMORY_SIZE, INT64_C(128) << 20);
	object_set_int(o, VM_CPU_NUM, 1);
	object_set_int(o, VM_CPU_SPEED, 0);
	object_set_str(o, VM_ALLOCATOR_STRATEGY, "LeastVmPreferredHostAllocatorStrategy");
	object_set_str(o, VM_STATE, created ? "Created" : "Running");
	object_set_int(o, VM_INTERNAL_ID, i);
	object_set_str(o, VM_ACCOUNT_UUID, uuid(KIND_ACCOUNT, 0));
	object_set_str(o, VM_MACHINE_TYPE, "q35");
	if (created) {
		set_text(o, VM_CREATE_SPEC,
			 REQUEST ",\"uid\":0,\"account\":\"\",\"source\":\"fs\",\"scheduler\":\"\"}",
			 uuid(KIND_VM, i), i, uuid(KIND_INSTANCE_OFFERING, i % 7), uuid(KIND_IMAGE, i % 5),
			 uuid(KIND_L3_NETWORK, 0), uuid(KIND_VM, i));
		return txn_put(t, o, NULL, e);
	}
	object_set_str(o, VM_CLUSTER_UUID, uuid(KIND_CLUSTER, 0));
	object_set_str(o, VM_HOST_UUID, uuid(KIND_HOST, i % 50));
	object_set_str(o, VM_LAST_HOST_UUID, uuid(KIND_HOST, i % 50));
	object_set_str(o, VM_ROOT_VOLUME_UUID, uuid(KIND_VOLUME, i));
	set_text(
		o, VM_PLACEMENT,
		"{\"time\":%jd,\"strategy\":\"LeastVmPreferredHostAllocatorStrategy\",\"hosts\":50,\"chosen\":\"%s\","
		"\"rejected\":{}}",
		(intmax_t)store_now(), uuid(KIND_HOST, i % 50));
	return txn_put(t, o, NULL, e);
}

static int put_parts(struct txn *t, unsigned i, struct error *e)
{
	struct object *o = make(KIND_VOLUME, i);
	int r;

	set_text(o, VOLUME_NAME, "ROOT-for-web-server-%u", i);
	object_set_str(o, VOLUME_PRIMARY_STORAGE_UUID, uuid(KIND_PRIMARY_STORAGE, 0));
	object_set_str(o, VOLUME_VM_UUID, uuid(KIND_VM, i));
	object_set_str(o, VOLUME_ROOT_IMAGE_UUID, uuid(KIND_IMAGE, i % 5));
	set_text(o, VOLUME_INSTALL_PATH, "/var/lib/poolfs/volumes/%s.qcow2", uuid(KIND_VOLUME, i));
	object_set_str(o, VOLUME_TYPE, "Root");
	object_set_str(o, VOLUME_FORMAT, "qcow2");
	object_set_int(o, VOLUME_SIZE, 1 << 30);
	object_set_int(o, VOLUME_ACTUAL_SIZE, 196616 + i % 1000 * 4096);
	object_set_int(o, VOLUME_DEVICE_ID, 0);
	object_set_str(o, VOLUME_STATE, "Enabled");
	object_set_str(o, VOLUME_STATUS, "Ready");
	object_set_int(o, VOLUME_IS_SHAREABLE, 0);
	object_set_str(o, VOLUME_ACCOUNT_UUID, uuid(KIND_ACCOUNT, 0));
	r = txn_put(t, o, NULL, e);
	if (r < 0)
		return r;
	o = make(KIND_NIC, i);
	object_set_str(o, NIC_VM_UUID, uuid(KIND_VM, i));
	object_set_str(o, NIC_USED_IP_UUID, uuid(90, i));
	object_set_str(o, NIC_L3_UUID, uuid(KIND_L3_NETWORK, 0));
	set_text(o, NIC_IP, "10.1.%u.%u", i >> 8, i & 255);
	set_text(o, NIC_MAC, "fa:%02x:%02x:%02x:%02x:00", i & 255, i >> 3 & 255, i >> 8 & 255, i >> 16 & 255);
	object_set_str(o, NIC_NETMASK, "255.255.0.0");
	object_set_str(o, NIC_GATEWAY, "10.1.0.1");
	set_text(o, NIC_INTERNAL_NAME, "vnic%u.0", i);
	object_set_int(o, NIC_DEVICE_ID, 0);
	r = txn_put(t, o, NULL, e);
	for (unsigned k = 0; k < 2 && r == 0; k++) {
		o = make(KIND_SYSTEM_TAG, 2 * i + k);
		object_set_int(o, SYSTEM_TAG_INHERENT, 0);
		object_set_str(o, SYSTEM_TAG_RESOURCE_UUID, uuid(KIND_VM, i));
		object_set_str(o, SYSTEM_TAG_RESOURCE_TYPE, "VmInstanceVO");
		object_set_str(o, SYSTEM_TAG_TAG, k ? "ha::NeverStop" : "vmConsoleMode::vnc");
		object_set_str(o, SYSTEM_TAG_TYPE, "System");
		r = txn_put(t, o, NULL, e);
	}
	return r == 0 ? put_job(t, i, true, e) : r;
}

static unsigned next_vm;

/* A few VMs, as a group of requests would be. */
static int fill(struct txn *t, void *arg, struct error *e)
{
	int r = 0;

	if (!arg) {
		struct object *o = make(KIND_ZONE, 0);

		object_set_str(o, ZONE_NAME, "zone");
		return txn_put(t, o, NULL, e);
	}
	for (unsigned n = 0; n < 50 && next_vm < vm_count && r == 0; n++, next_vm++) {
		r = put_vm(t, next_vm, e);
		if (r == 0)
			r = put_job(t, next_vm, false, e);
		if (r == 0 && !created)
			r = put_parts(t, next_vm, e);
	}
	return r;
}

static size_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static long resident_kib(void)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	if (f)
		(void)fclose(f);
	return kib;
}

/* What the maps take that find the objects of a kind: a view that borrows them. */
static size_t bytes_of_maps(const struct view *view, enum kind_id kind)
{
	size_t before = allocated(), after;
	struct view *maps = view_new();

	view_for_each (o, view, kind)
		if (!maps || view_put(maps, o) < 0)
			exit(1);
	after = allocated();
	view_unref(maps);
	return after - before;
}

static void print_kind(const struct view *view, enum kind_id kind, struct view *copies)
{
	size_t before, maps, both, count = view_count(view, kind);

	if (count < vm_count)
		return;
	view_for_each (o, view, kind)
		(void)o; /* those in blocks are made, and stay as long as the view */
	before = allocated();
	maps = bytes_of_maps(view, kind);
	view_for_each (o, view, kind) {
		_cleanup_object_ struct object *copy = object_copy(o);
		_cleanup_object_ const struct object *left = copy ? object_leave(copy) : NULL;

		if (!left || view_put(copies, left) < 0)
			exit(1);
	}
	for (int64_t id = 1; id <= view_last_id(view, kind); id += BLOCK_IDS)
		view_rest(copies, kind, id);
	both = allocated() - before;
	if (kind_get(kind)->end_field >= 0) {
		printf("%-16s %8zu objects %8.1f bytes each in blocks and maps; per VM %8.1f\n",
		       kind_get(kind)->name, count, (double)both / (double)count, (double)both / vm_count);
		return;
	}
	printf("%-16s %8zu objects %8.1f bytes each, %8.1f in maps; per VM %8.1f\n", kind_get(kind)->name,
	       count, (double)(both - maps) / (double)count, (double)maps / (double)count,
	       (double)both / vm_count);
}

static struct store *open_store(const char *dir)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct store *store;

	if (store_open(dir, NULL, &store, &e) < 0) {
		fprintf(stderr, "%s\n", error_sentence(&e));
		exit(1);
	}
	return store;
}

static void print_totals(const char *when, size_t base)
{
	printf("%-16s %10.1f bytes per VM allocated, SQLite %.1f MB; resident %ld KiB\n", when,
	       (double)(allocated() - base) / vm_count, (double)sqlite3_memory_used() / 1e6, resident_kib());
}

/* In a process of its own, so that what it leaves behind is not measured later. */
static void write_pool(const char *dir)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	size_t base = allocated();
	double start = now_ms();
	struct store *store = open_store(dir);
	int r = store_run(store, fill, NULL, &e);

	while (next_vm < vm_count && r == 0)
		r = store_run(store, fill, &vm_count, &e);
	if (r < 0) {
		fprintf(stderr, "%s\n", error_sentence(&e));
		exit(1);
	}
	printf("%u VMs written in %.0f ms of processor time\n", vm_count, now_ms() - start);
	print_totals("as written", base);
	store_close(store);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/poolfs-bench-XXXXXX", command[64];
	_cleanup_view_ struct view *view = NULL, *copies = NULL;
	struct store *store;
	double start;
	size_t base;
	int status;

	if (argc > 1)
		vm_count = (unsigned)atoi(argv[1]);
	created = argc > 2 && strcmp(argv[2], "created") == 0;
	if (!mkdtemp(dir) || vm_count == 0)
		return 1;
	if (fork() == 0) {
		write_pool(dir);
		return 0;
	}
	if (wait(&status) < 0 || status != 0)
		return 1;
	base = allocated();
	start = now_ms();
	store = open_store(dir);
	printf("opened in %.0f ms of processor time\n", now_ms() - start);
	print_totals("as loaded", base);
	view = store_view(store);
	copies = view_new();
	for (int k = KIND_NONE + 1; k < KIND_COUNT && copies; k++)
		print_kind(view, (enum kind_id)k, copies);
	store_close(store);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	return system(command) == 0 ? 0 : 1;
}
