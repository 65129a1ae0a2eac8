/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store takes for what requests do: processor time of the process, and pages in the log of the database, of each.
 * One after the other, and in groups of 64, as with so many clients.
 *
 *     bench-store [number of VMs]
 *         "value": a value of a VM changes, and its job is written, which is done
 *         "job": a job is accepted, begins, changes the state of its VM twice, and ends: five changes
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "model/store.h"
#include "model/uuid.h"

#define GROUP	   64
#define PAGE_BYTES (4096 + 24) /* with the header of a frame */

static const char request[] =
	"{\"operation\":\"UpdateVmInstance\",\"target\":\"0123456789abcdef0123456789abcdef\","
	"\"params\":{\"description\":\"number 1\"},\"systemTags\":[],\"userTags\":[]}";
static const char result[] =
	"{\"inventory\":{\"uuid\":\"0123456789abcdef0123456789abcdef\",\"name\":\"web-server-1\","
	"\"zoneUuid\":\"1123456789abcdef0123456789abcdef\",\"imageUuid\":\"2123456789abcdef0123456789abcdef\","
	"\"instanceOfferingUuid\":\"3123456789abcdef0123456789abcdef\",\"platform\":\"Linux\","
	"\"defaultL3NetworkUuid\":\"4123456789abcdef0123456789abcdef\",\"type\":\"UserVm\","
	"\"hypervisorType\":\"KVM\",\"memorySize\":134217728,\"cpuNum\":1,\"cpuSpeed\":0,"
	"\"allocatorStrategy\":\"LeastVmPreferredHostAllocatorStrategy\",\"createDate\":\"Nov 29, 2026 7:54:50 AM\","
	"\"lastOpDate\":\"Nov 29, 2026 7:54:51 AM\",\"state\":\"Running\",\"vmNics\":[{\"uuid\":"
	"\"5123456789abcdef0123456789abcdef\",\"vmInstanceUuid\":\"6123456789abcdef0123456789abcdef\","
	"\"l3NetworkUuid\":\"7123456789abcdef0123456789abcdef\",\"ip\":\"10.1.0.1\",\"mac\":\"fa:00:00:00:00:00\","
	"\"netmask\":\"255.255.0.0\",\"gateway\":\"10.1.0.1\",\"deviceId\":0}],\"allVolumes\":[{\"uuid\":"
	"\"8123456789abcdef0123456789abcdef\",\"name\":\"ROOT-for-web-server-1\",\"type\":\"Root\","
	"\"format\":\"qcow2\",\"size\":1073741824,\"actualSize\":196616,\"deviceId\":0,\"state\":\"Enabled\"}],"
	"\"internalId\":1}}";

static unsigned vm_count = 10000;
static char (*vms)[UUID_SIZE], dir[] = "/var/tmp/poolfs-bench-XXXXXX";
static struct store *store;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static unsigned left; /* lock; of a group */

static void must(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "bench-store: %s\n", what);
	exit(EXIT_FAILURE);
}

/* One client: its VM and its job. */
struct client {
	const char *vm;
	char job[UUID_SIZE];
	unsigned number;
};

static int put_job(struct txn *t, struct client *c, const char *state, struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_JOB, c->job);
	struct object *o = before ? object_copy(before) : object_new(kind_get(KIND_JOB));
	char resource[64];

	object_set_str(o, JOB_STATE, state);
	if (strcmp(state, "Processing") == 0) {
		object_set_int(o, JOB_STARTED, txn_now(t));
		return txn_put(t, o, NULL, e);
	}
	if (strcmp(state, "Done") == 0) {
		object_set_int(o, JOB_PROGRESS, 100);
		object_set_str(o, JOB_RESULT, result);
		object_set_int(o, JOB_FINISHED, txn_now(t));
		object_set_null(o, JOB_QUEUE);
		object_set_null(o, JOB_SECRET_REQUEST);
	}
	if (before)
		return txn_put(t, o, NULL, e);
	snprintf(resource, sizeof(resource), "vm-instances/%s", c->vm);
	object_set_str(o, JOB_UUID, c->job);
	object_set_str(o, JOB_OPERATION, "UpdateVmInstance");
	object_set_str(o, JOB_RESOURCE, resource);
	object_set_str(o, JOB_RESOURCE_UUID, c->vm);
	object_set_str(o, JOB_REQUEST, request);
	object_set_str(o, JOB_DIGEST, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	object_set_str(o, JOB_SOURCE, "fs");
	object_set_int(o, JOB_UID, 0);
	object_set_int(o, JOB_DEADLINE, txn_now(t) + 600 * NS_PER_S);
	if (strcmp(state, "Queued") == 0) {
		object_set_str(o, JOB_QUEUE, c->vm);
		object_set_str(o, JOB_SECRET_REQUEST, request);
	}
	return txn_put(t, o, NULL, e);
}

static int set_vm(struct txn *t, struct client *c, int field, const char *text, struct error *e)
{
	struct object *vm;
	int r = txn_edit(t, KIND_VM, c->vm, &vm, e);

	if (r < 0)
		return r;
	object_set_str(vm, field, text);
	return txn_put(t, vm, NULL, e);
}

static int value_fn(struct txn *t, void *arg, struct error *e)
{
	struct client *c = arg;
	char text[32];
	int r;

	snprintf(text, sizeof(text), "number %u", c->number);
	r = set_vm(t, c, VM_DESCRIPTION, text, e);
	return r < 0 ? r : put_job(t, c, "Done", e);
}

static int accept_fn(struct txn *t, void *arg, struct error *e)
{
	return put_job(t, arg, "Queued", e);
}

static int begin_fn(struct txn *t, void *arg, struct error *e)
{
	return put_job(t, arg, "Processing", e);
}

static int starting_fn(struct txn *t, void *arg, struct error *e)
{
	return set_vm(t, arg, VM_STATE, "Starting", e);
}

static int running_fn(struct txn *t, void *arg, struct error *e)
{
	return set_vm(t, arg, VM_STATE, "Running", e);
}

static int end_fn(struct txn *t, void *arg, struct error *e)
{
	return put_job(t, arg, "Done", e);
}

static void one_done(void *arg, int r, struct error *e)
{
	(void)arg;
	must(r >= 0, error_sentence(e));
	pthread_mutex_lock(&lock);
	if (--left == 0)
		pthread_cond_signal(&cond);
	pthread_mutex_unlock(&lock);
}

/* Holds the store until the whole group is in the queue. */
static int wait_fn(struct txn *t, void *arg, struct error *e)
{
	(void)t, (void)arg, (void)e;
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	return 0;
}

static void run_group(txn_fn *fn, struct client *clients, unsigned count)
{
	pthread_mutex_lock(&lock);
	left = count;
	must(store_post(store, wait_fn, NULL, NULL) == 0, "store_post");
	for (unsigned i = 0; i < count; i++)
		must(store_post(store, fn, &clients[i], one_done) == 0, "store_post");
	while (left)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* Bytes that this process has written to disks. */
static double written(void)
{
	char line[128];
	double bytes = 0;
	FILE *f = fopen("/proc/self/io", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "write_bytes: %lf", &bytes) == 1)
			break;
	if (f)
		(void)fclose(f);
	return bytes;
}

static void measure(const char *name, unsigned group, unsigned rounds, txn_fn *const *fns, int count)
{
	struct client clients[GROUP];
	double start = now_us(), bytes = written();
	static unsigned next;

	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned k = 0; k < group; k++) {
			clients[k] = (struct client){.vm = vms[next * 7919U % vm_count], .number = next};
			next++;
			uuid_make(clients[k].job);
		}
		for (int k = 0; k < count; k++)
			run_group(fns[k], clients, group);
	}
	printf("%-6s groups of %2u: %7.1f us of processor time, %5.2f pages each\n", name, group,
	       (now_us() - start) / rounds / group, (written() - bytes) / PAGE_BYTES / rounds / group);
}

static int fill_fn(struct txn *t, void *arg, struct error *e)
{
	unsigned first = *(unsigned *)arg;
	int r = 0;

	for (unsigned i = first; i < first + 1000 && i < vm_count && r == 0; i++) {
		struct object *o = object_new(kind_get(KIND_VM));
		struct client c = {.vm = vms[i]};
		char name[32];

		snprintf(name, sizeof(name), "web-server-%u", i);
		object_set_str(o, VM_UUID, vms[i]);
		object_set_str(o, VM_NAME, name);
		object_set_str(o, VM_TYPE, "UserVm");
		object_set_str(o, VM_PLATFORM, "Linux");
		object_set_str(o, VM_HYPERVISOR_TYPE, "KVM");
		object_set_str(o, VM_STATE, "Stopped");
		object_set_str(o, VM_IMAGE_UUID, "2123456789abcdef0123456789abcdef");
		object_set_str(o, VM_INSTANCE_OFFERING_UUID, "3123456789abcdef0123456789abcdef");
		object_set_int(o, VM_MEMORY_SIZE, INT64_C(128) << 20);
		object_set_int(o, VM_CPU_NUM, 1);
		r = txn_put(t, o, NULL, e);
		uuid_make(c.job);
		if (r == 0)
			r = put_job(t, &c, "Done", e);
	}
	return r;
}

int main(int argc, char **argv)
{
	static txn_fn *const value[] = {value_fn};
	static txn_fn *const job[] = {accept_fn, begin_fn, starting_fn, running_fn, end_fn};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char command[64];

	if (argc > 1)
		vm_count = (unsigned)strtoul(argv[1], NULL, 10);
	vms = calloc(vm_count, sizeof(*vms));
	must(vms && vm_count >= GROUP && mkdtemp(dir) && store_open(dir, NULL, &store, &e) == 0,
	     "cannot open");
	for (unsigned i = 0; i < vm_count; i++)
		uuid_make(vms[i]);
	for (unsigned i = 0; i < vm_count; i += 1000)
		must(store_run(store, fill_fn, &i, &e) == 0, error_sentence(&e));
	measure("value", 1, 1000, value, 1);
	measure("value", GROUP, 100, value, 1);
	measure("job", 1, 200, job, 5);
	measure("job", GROUP, 50, job, 5);
	store_close(store);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	return system(command) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
