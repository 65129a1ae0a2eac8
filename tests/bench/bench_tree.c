/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cost of the tree: latency of reading `state`, of accepting an action, of a
 * start compared with virDomainCreate() of the very same domain, and memory per
 * VM, with 10, 1,000 and 10,000 VMs; and of queries compared with SQLite for the
 * same query to the same database.
 *
 *     bench-tree [VMS...]             on libvirt's test driver
 *     bench-tree --uri URI IMAGE      the start alone, on a real host (10 VMs of IMAGE, a qcow2 file)
 *
 * Prints medians and ratios against something measured in the same run (a file
 * on tmpfs, fsync of 4 KiB, virDomainCreate). Not a test: it asserts nothing
 * about time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libvirt/libvirt.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READS  2000
#define ASKS   50
#define STARTS 15

static char folder[] = "/tmp/poolfs-bench-XXXXXX";
static char mount_point[64], state_dir[64];
static const char *program;
static pid_t daemon_pid;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench-tree: %s: %s\n", what, strerror(errno));
	if (daemon_pid > 0)
		(void)kill(daemon_pid, SIGTERM);
	exit(1);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

static double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return values[n / 2];
}

/* ------------------------------------------------------------------- files */

static char *path_of(const char *relative)
{
	char *path;

	if (asprintf(&path, "%s/%s", mount_point, relative) < 0)
		die("memory");
	return path;
}

static char *read_file(const char *path)
{
	static char buffer[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);

	if (n < 0)
		die(path);
	(void)close(fd);
	buffer[n] = '\0';
	buffer[strcspn(buffer, "\n")] = '\0';
	return buffer;
}

/* The first object of a collection. */
static char *first_uuid(const char *collection)
{
	char *path = path_of(collection), *uuid = NULL;
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		die(path);
	while (!uuid && (entry = readdir(dir)))
		if (strlen(entry->d_name) == 32)
			uuid = strdup(entry->d_name);
	(void)closedir(dir);
	free(path);
	return uuid;
}

/* Writes a request and, when @wait, waits for its job. */
static void request(const char *relative, const char *text, bool wait)
{
	char *path = path_of(relative);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		char *error = path_of("last-error");

		fprintf(stderr, "%s: %s\n", text, read_file(error));
		die(path);
	}
	if (wait && fsync(fd) < 0)
		die(path);
	(void)close(fd);
	free(path);
}

/* -------------------------------------------------------------------- pool */

static void mount_pool(const char *uri)
{
	char state_option[128], uri_option[512];
	char *version;

	if (!mkdtemp(folder))
		die(folder);
	snprintf(mount_point, sizeof(mount_point), "%s/mount", folder);
	snprintf(state_dir, sizeof(state_dir), "%s/state", folder);
	if (mkdir(mount_point, 0755) < 0 || mkdir(state_dir, 0711) < 0)
		die(folder);
	snprintf(state_option, sizeof(state_option), "state=%s", state_dir);
	snprintf(uri_option, sizeof(uri_option), "uri=%s", uri);
	daemon_pid = fork();
	if (daemon_pid == 0) {
		execl(program, program, "-f", "-o", state_option, "-o", uri_option, mount_point,
		      (char *)NULL);
		_exit(127);
	}
	version = path_of("version");
	for (int i = 0; i < 200 && access(version, R_OK) < 0; i++)
		(void)usleep(50000);
	free(version);
	/* The host connects in the background. */
	char *status = NULL, *host = first_uuid("hosts");

	if (asprintf(&status, "%s/hosts/%s/status", mount_point, host) < 0)
		die("memory");
	for (int i = 0; i < 600 && strcmp(read_file(status), "Connected") != 0; i++)
		(void)usleep(50000);
	free(status);
	free(host);
}

static void unmount_pool(void)
{
	char command[256];

	(void)kill(daemon_pid, SIGTERM);
	(void)waitpid(daemon_pid, NULL, 0);
	daemon_pid = 0;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		fprintf(stderr, "bench-tree: cannot remove '%s'\n", folder);
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
}

/* The process that serves: the child of the supervisor. */
static int worker_pid(void)
{
	char path[64];
	int pid = daemon_pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", daemon_pid, daemon_pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%d", &pid) != 1)
		die(path);
	(void)fclose(f);
	return pid;
}

static long memory_kib(void)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", worker_pid());
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	if (f)
		(void)fclose(f);
	return kib;
}

/* Room for many VMs: a large simulated host and a large range of addresses. */
static void make_room(int vms)
{
	char text[1024], where[128];
	char *cluster = first_uuid("clusters"), *l3 = first_uuid("l3-networks"),
	     *range = first_uuid("l3-networks/ip-ranges");

	snprintf(where, sizeof(where), "l3-networks/ip-ranges/%s/actions", range);
	request(where, "delete\n", true);
	free(range);
	snprintf(
		text, sizeof(text),
		"{\"name\":\"large\",\"managementIp\":\"10.9.9.9\",\"clusterUuid\":\"%s\",\"cpuCapacity\":4096,"
		"\"memoryCapacity\":%lld}",
		cluster, (vms + 100LL) << 28);
	request("hosts/simulators/create", text, true);
	snprintf(where, sizeof(where), "l3-networks/%s/actions", l3);
	request(where,
		"add-ip-range name=large startIp=10.200.0.10 endIp=10.200.200.250 netmask=255.255.0.0 gateway=10.200.0.1",
		true);
	free(cluster);
	free(l3);
}

static char *add_image(const char *file, const char *format)
{
	char text[1024];
	char *bs = first_uuid("backup-storage"), *uuid;

	snprintf(
		text, sizeof(text),
		"{\"name\":\"bench\",\"url\":\"file://%s\",\"format\":\"%s\",\"backupStorageUuids\":[\"%s\"]}",
		file, format, bs);
	request("images/create", text, true);
	uuid = first_uuid("images");
	free(bs);
	return uuid;
}

static void create_vms(int from, int to, const char *image)
{
	char *offering = first_uuid("instance-offerings"), *l3 = first_uuid("l3-networks");

	for (int i = from; i < to; i++) {
		char text[1024];

		snprintf(
			text, sizeof(text),
			"{\"name\":\"vm%05d\",\"imageUuid\":\"%s\",\"instanceOfferingUuid\":\"%s\",\"l3NetworkUuids\":[\"%s\"]}",
			i, image, offering, l3);
		request("vm-instances/create", text, i == to - 1 || i % 200 == 0);
	}
	free(offering);
	free(l3);
}

/* ------------------------------------------------------------------ measures */

/* Median of open, read and close. */
static double read_latency(const char *path)
{
	static double times[READS];

	for (int i = 0; i < READS; i++) {
		double start = now_us();

		(void)read_file(path);
		times[i] = now_us() - start;
	}
	return median(times, READS);
}

static double write_latency(const char *path, const char *const texts[2], int n)
{
	static double times[READS];

	for (int i = 0; i < n; i++) {
		const char *text = texts[i % 2];
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		double start = now_us();

		if (fd < 0 || write(fd, text, strlen(text)) < 0)
			die(path);
		times[i] = now_us() - start;
		(void)close(fd);
	}
	return median(times, n);
}

/* The minimum cost of an acknowledged write on this disk. */
static double fsync_latency(void)
{
	static double times[200];
	static char block[4096];
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/fsync", state_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 0; i < 200; i++) {
		double start = now_us();

		if (pwrite(fd, block, sizeof(block), (off_t)i * 4096) < 0 || fdatasync(fd) < 0)
			die(path);
		times[i] = now_us() - start;
	}
	(void)close(fd);
	return median(times, 200);
}

static void report_vm(int vms, long base_kib, double plain_read, double sync_cost, double last_create)
{
	static const char *const renames[2] = {"one\n", "two\n"};
	char *vm = first_uuid("vm-instances"), *path, relative[128];
	double read_us, accept_us;

	snprintf(relative, sizeof(relative), "vm-instances/%s/state", vm);
	path = path_of(relative);
	read_us = read_latency(path);
	free(path);
	snprintf(relative, sizeof(relative), "vm-instances/%s/name", vm);
	path = path_of(relative);
	accept_us = write_latency(path, renames, 200);
	free(path);
	printf("%6d VMs: read state %6.1f us (%.1f x a file on tmpfs)  accept an action %7.1f us (%.1f x fdatasync)  "
	       "create %7.1f us each  %.1f KiB per VM\n",
	       vms, read_us, read_us / plain_read, accept_us, accept_us / sync_cost, last_create,
	       (double)(memory_kib() - base_kib) / vms);
	free(vm);
}

/* Median of a whole SQLite query, including reading the text of the rows. */
static double sqlite_latency(sqlite3 *db, const char *sql)
{
	static double times[ASKS];

	for (int i = 0; i < ASKS; i++) {
		double start = now_us();
		sqlite3_stmt *stmt;

		if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
			die(sql);
		while (sqlite3_step(stmt) == SQLITE_ROW)
			(void)sqlite3_column_text(stmt, 0);
		sqlite3_finalize(stmt);
		times[i] = now_us() - start;
	}
	return median(times, ASKS);
}

/* A query by the name of its file (stat, open, read, close) and by `query` (write, read). */
static void report_query(sqlite3 *db, const char *query, const char *sql)
{
	static double by_name[ASKS], by_file[ASKS];
	static char answer[1 << 16];
	char relative[256], *path, *file = path_of("vm-instances/query");
	int fd = open(file, O_RDWR | O_CLOEXEC);
	double sqlite_us = sqlite_latency(db, sql);

	snprintf(relative, sizeof(relative), "vm-instances?%s", query);
	path = path_of(relative);
	for (int i = 0; i < ASKS; i++) {
		double start = now_us();

		(void)read_file(path);
		by_name[i] = now_us() - start;
		start = now_us();
		if (fd < 0 || pwrite(fd, query, strlen(query), 0) < 0 ||
		    pread(fd, answer, sizeof(answer), 0) < 0)
			die(query);
		by_file[i] = now_us() - start;
	}
	(void)close(fd);
	printf("        %-40s by name %8.1f us  by `query` %8.1f us  SQLite %8.1f us\n", query,
	       median(by_name, ASKS), median(by_file, ASKS), sqlite_us);
	free(path);
	free(file);
}

static void report_queries(void)
{
	char path[128];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/pool.db", state_dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		die(path);
	report_query(db, "q=name=two&fields=uuid",
		     "SELECT uuid FROM vm WHERE name = 'two' COLLATE NOCASE LIMIT 1000");
	report_query(db, "q=name~=%25nothing%25&fields=uuid",
		     "SELECT uuid FROM vm WHERE name LIKE '%nothing%' LIMIT 1000");
	report_query(
		db, "q=vmNics.deviceId>5&fields=uuid",
		"SELECT uuid FROM vm WHERE uuid IN (SELECT vmInstanceUuid FROM nic WHERE deviceId > 5) LIMIT 1000");
	report_query(db, "limit=100&fields=uuid", "SELECT uuid FROM vm ORDER BY id LIMIT 100");
	(void)sqlite3_close(db);
}

static double plain_read_latency(void)
{
	static const char path[] = "/dev/shm/poolfs-bench";
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	double us;

	if (fd < 0 || write(fd, "Running\n", 8) != 8)
		die(path);
	(void)close(fd);
	us = read_latency(path);
	(void)unlink(path);
	return us;
}

static void bench_scale(const int *sizes, int n)
{
	char image[128];
	double plain = plain_read_latency(), sync_cost;
	long base;
	int have = 0;
	char *uuid;

	mount_pool("test:///default");
	make_room(sizes[n - 1]);
	snprintf(image, sizeof(image), "%s/image.raw", folder);
	if (truncate(image, 0) < 0 && errno == ENOENT)
		(void)close(open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
	if (truncate(image, 1 << 20) < 0)
		die(image);
	uuid = add_image(image, "raw");
	base = memory_kib();
	sync_cost = fsync_latency();
	printf("a file on tmpfs: %.1f us; fdatasync of 4 KiB: %.1f us\n", plain, sync_cost);
	for (int i = 0; i < n; i++) {
		double start = now_us();

		create_vms(have, sizes[i], uuid);
		start = (now_us() - start) / (sizes[i] - have);
		have = sizes[i];
		report_vm(have, base, plain, sync_cost, start);
		report_queries();
	}
	free(uuid);
	unmount_pool();
}

/* The start of one VM through the tree, and of the same domain by libvirt alone. */
static void bench_start(const char *uri, const char *file)
{
	double through[STARTS], raw[STARTS], a, b;
	char relative[128], text[1024];
	char *image, *vm, *offering;
	virDomainPtr domain;
	virConnectPtr conn;

	mount_pool(uri);
	image = add_image(file, "qcow2");
	offering = first_uuid("instance-offerings");
	(void)offering;
	create_vms(0, 1, image);
	vm = first_uuid("vm-instances");
	conn = virConnectOpen(uri);
	domain = conn ? virDomainLookupByName(conn, vm) : NULL;
	if (!domain)
		die("libvirt does not know the domain");
	snprintf(relative, sizeof(relative), "vm-instances/%s/actions", vm);
	snprintf(text, sizeof(text), "%s/vm-instances/%s/state", mount_point, vm);
	request(relative, "stop type=cold\n", true);
	for (int i = 0; i < STARTS; i++) {
		double start = now_us();

		request(relative, "start\n", true);
		through[i] = now_us() - start;
		request(relative, "stop type=cold\n", true);
		start = now_us();
		if (virDomainCreate(domain) < 0)
			die("virDomainCreate");
		raw[i] = now_us() - start;
		(void)virDomainDestroy(domain);
		for (int k = 0; k < 200 && strcmp(read_file(text), "Stopped") != 0; k++)
			(void)usleep(10000);
	}
	a = median(through, STARTS);
	b = median(raw, STARTS);
	printf("start through the tree %.2f ms, virDomainCreate of the same domain %.2f ms: %.2f ms more, ratio %.3f\n",
	       a / 1e3, b / 1e3, (a - b) / 1e3, a / b);
	(void)virDomainFree(domain);
	(void)virConnectClose(conn);
	snprintf(relative, sizeof(relative), "vm-instances/%s/actions", vm);
	request(relative, "destroy\n", true);
	request(relative, "expunge\n", true);
	free(image);
	free(offering);
	free(vm);
	unmount_pool();
}

int main(int argc, char **argv)
{
	static const int usual[] = {10, 1000, 10000};
	int sizes[16], n = 0;

	program = getenv("POOLFS") ? getenv("POOLFS") : "build/poolfs";
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc == 4 && strcmp(argv[1], "--uri") == 0) {
		bench_start(argv[2], argv[3]);
		return 0;
	}
	for (int i = 1; i < argc && n < 16; i++)
		sizes[n++] = (int)strtol(argv[i], NULL, 10);
	bench_scale(n ? sizes : usual, n ? n : 3);
	return 0;
}
