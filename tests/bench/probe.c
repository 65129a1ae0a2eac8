/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measurements of tests/bench/run that an interpreter would disturb. What is compared is done in turns, so that
 * what else runs on the machine slows both. Prints lines "NAME VALUE": medians in us, rates per second.
 *
 *     bench-probe latency ROUNDS URI|- DOMAIN|- NAME=PATH...
 *         "NAME.stat"; "NAME.read": open, read to the end, and close; "NAME.then": stat after that; "domain":
 *         virDomainGetState
 *     bench-probe accept SECONDS FILE FOLDER TEXT TEXT
 *         "accept": a write of one of the texts to FILE; "commit": a commit of one row by SQLite (WAL, FULL) in FOLDER;
 *         "fdatasync": that of 4 KiB there
 *     bench-probe submit CLIENTS SECONDS JOBS [open] <LINES
 *         of so many clients at a time, each line "PATH<tab>TEXT" once, until the time is over: "accepted", "refused",
 *         "left", and, until no job of the folder JOBS waits or runs any more, "done". A client opens the PATH of each
 *         line; or ("open") that of its first line, and writes all its TEXTs there
 *     bench-probe start URI DOMAIN MOUNT ROUNDS FILE
 *         "through": a start by the pool; "rest": what it takes besides its virDomainCreateWithFlags, which create_time.c
 *         notes in FILE; "bare": virDomainCreate of the same domain
 *     bench-probe define URI FILE NETWORK ENTRY
 *         "address": adds the <host> ENTRY to the DHCP server of NETWORK; "started": defines and starts the domain in FILE;
 *         then both are gone again
 *     bench-probe events FOLLOWERS CLIENTS RATE SECONDS FILE <PATHS
 *         each client has the `actions` of one object open and changes its description, all at this rate; read in FILE:
 *         "changes", and "lag", the most of any follower
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libvirt/libvirt.h>
#include <poll.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MOST 256
#define WAIT_S	     120
#define READ_MOST    (128 << 10) /* as cat(1) */

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench-probe: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
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

static void print_median(const char *name, const char *what, double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	printf("%s%s %.2f\n", name, what, values[n / 2]);
}

static double *series(int rounds)
{
	double *values = calloc((size_t)rounds, sizeof(*values));

	if (!values)
		die("memory");
	return values;
}

static int number(const char *text)
{
	int n = (int)strtol(text, NULL, 10);

	if (n <= 0) {
		errno = EINVAL;
		die(text);
	}
	return n;
}

/* ------------------------------------------------------------------ latency */

static void read_once(const char *path)
{
	char buffer[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(path);
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	(void)close(fd);
}

static double time_of_stat(const char *path)
{
	double start = now_us();
	struct stat st;

	if (stat(path, &st) < 0)
		die(path);
	return now_us() - start;
}

struct file {
	const char *path;
	char *name;
	double *stats, *reads, *thens;
};

static virDomainPtr domain_open(const char *uri, const char *name)
{
	virConnectPtr conn = strcmp(uri, "-") != 0 ? virConnectOpen(uri) : NULL;
	virDomainPtr domain = conn ? virDomainLookupByName(conn, name) : NULL;

	if (!domain && strcmp(uri, "-") != 0)
		die("libvirt does not know the domain");
	return domain;
}

static int latency(int argc, char **argv)
{
	int rounds = number(argv[0]), count = argc - 3, state;
	virDomainPtr domain = domain_open(argv[1], argv[2]);
	struct file *files = calloc((size_t)count, sizeof(*files));
	double *domains = series(rounds), start;

	for (int k = 0; k < count && files; k++) {
		char *path = strchr(argv[3 + k], '=');

		if (!path)
			die("NAME=PATH");
		*path = '\0';
		files[k] = (struct file){.name = argv[3 + k],
					 .path = path + 1,
					 .stats = series(rounds),
					 .reads = series(rounds),
					 .thens = series(rounds)};
	}
	for (int i = 0; i < rounds; i++)
		for (struct file *f = files; f && f < files + count; f++)
			f->stats[i] = time_of_stat(f->path);
	for (int i = 0; i < rounds; i++) {
		for (struct file *f = files; f && f < files + count; f++) {
			start = now_us();
			read_once(f->path);
			f->reads[i] = now_us() - start;
			f->thens[i] = time_of_stat(f->path);
		}
		start = now_us();
		if (domain && virDomainGetState(domain, &state, NULL, 0) < 0)
			die("virDomainGetState");
		domains[i] = now_us() - start;
	}
	for (struct file *f = files; f && f < files + count; f++) {
		print_median(f->name, ".stat", f->stats, rounds);
		print_median(f->name, ".read", f->reads, rounds);
		print_median(f->name, ".then", f->thens, rounds);
	}
	if (domain)
		print_median("domain", "", domains, rounds);
	return EXIT_SUCCESS;
}

/* ------------------------------------------------------------------- accept */

static sqlite3 *database(const char *folder)
{
	char path[512];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/commit.db", folder);
	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db,
			 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			 "CREATE TABLE IF NOT EXISTS row(id INTEGER PRIMARY KEY, text TEXT)",
			 NULL, NULL, NULL) != SQLITE_OK)
		die(path);
	return db;
}

#define ACCEPTS_MOST 500

static int accept_requests(int argc, char **argv)
{
	int rounds = 0, fd, plain;
	double accepts[ACCEPTS_MOST], commits[ACCEPTS_MOST], syncs[ACCEPTS_MOST], start;
	const double end = now_us() + number(argv[0]) * 1e6;
	static char block[4096];
	sqlite3 *db = database(argv[2]);
	char path[512];

	(void)argc;
	snprintf(path, sizeof(path), "%s/fdatasync", argv[2]);
	plain = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 0; i < ACCEPTS_MOST && now_us() < end; i++, rounds++) {
		const char *text = argv[3 + i % 2];

		fd = open(argv[1], O_WRONLY | O_CLOEXEC);
		start = now_us();
		if (fd < 0 || write(fd, text, strlen(text)) < 0)
			die(argv[1]);
		accepts[i] = now_us() - start;
		(void)close(fd);
		start = now_us();
		if (sqlite3_exec(db,
				 "INSERT INTO row(text) VALUES ('0123456789012345678901234567890123456789')",
				 NULL, NULL, NULL) != SQLITE_OK)
			die("INSERT");
		commits[i] = now_us() - start;
		start = now_us();
		if (pwrite(plain, block, sizeof(block), (off_t)i * 4096) < 0 || fdatasync(plain) < 0)
			die(path);
		syncs[i] = now_us() - start;
	}
	(void)sqlite3_close(db);
	print_median("accept", "", accepts, rounds);
	print_median("commit", "", commits, rounds);
	print_median("fdatasync", "", syncs, rounds);
	return EXIT_SUCCESS;
}

/* ------------------------------------------------------------------- submit */

static struct {
	char *path, *text;
} * lines;
static size_t line_count;
static atomic_size_t next_line, refused;
static double lines_end_us;
static bool keep_open; /* each client writes all to the path of its first line */

/* Of the standard input: "PATH", or "PATH<tab>TEXT". */
static void read_lines(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		char *tab;

		lines = realloc(lines, (line_count + 1) * sizeof(*lines));
		if (!lines)
			die("memory");
		line[n - 1] = '\0';
		tab = strchr(line, '\t');
		if (tab)
			*tab = '\0';
		lines[line_count].path = strdup(line);
		if (!tab || asprintf(&lines[line_count].text, "%s\n", tab + 1) < 0)
			lines[line_count].text = NULL;
		line_count++;
	}
	free(line);
}

/* 0 or -1 with errno. */
static int write_line(int fd, const char *text)
{
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static void *submit_lines(void *arg)
{
	int kept = -1;

	(void)arg;
	for (size_t i; now_us() < lines_end_us && (i = atomic_fetch_add(&next_line, 1)) < line_count;) {
		int fd = kept >= 0 ? kept : open(lines[i].path, O_WRONLY | O_CLOEXEC);

		if (write_line(fd, lines[i].text) < 0 && atomic_fetch_add(&refused, 1) == 0)
			fprintf(stderr, "%s: %s\n", lines[i].path, strerror(errno));
		if (keep_open)
			kept = fd;
		else if (fd >= 0)
			(void)close(fd);
	}
	if (kept >= 0)
		(void)close(kept);
	return NULL;
}

static void run_threads(void *(*main)(void *), int count)
{
	pthread_t threads[THREADS_MOST];

	for (int i = 0; i < count && i < THREADS_MOST; i++)
		if (pthread_create(&threads[i], NULL, main, NULL) != 0)
			die("thread");
	for (int i = 0; i < count && i < THREADS_MOST; i++)
		(void)pthread_join(threads[i], NULL);
}

static bool has_jobs(const char *jobs, const char *state)
{
	char path[512], buffer[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s?q=state=%s&count=true", jobs, state);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);
	if (n < 0)
		die(path);
	(void)close(fd);
	buffer[n] = '\0';
	return !strstr(buffer, "\"total\":0") && !strstr(buffer, "\"total\": 0");
}

static int submit(int argc, char **argv)
{
	double start, accepted;
	size_t wanted, taken;

	keep_open = argc > 3 && strcmp(argv[3], "open") == 0;
	read_lines();
	start = now_us();
	lines_end_us = start + number(argv[1]) * 1e6;
	run_threads(submit_lines, number(argv[0]));
	accepted = now_us() - start;
	taken = atomic_load(&next_line);
	taken = taken < line_count ? taken : line_count;
	wanted = taken - atomic_load(&refused);
	/* a job that begins meanwhile is seen as one that waits */
	while (has_jobs(argv[2], "Queued") || has_jobs(argv[2], "Processing"))
		(void)usleep(10000);
	printf("accepted %.0f\n", (double)wanted * 1e6 / accepted);
	printf("done %.0f\n", (double)wanted * 1e6 / (now_us() - start));
	printf("refused %zu\n", atomic_load(&refused));
	printf("left %zu\n", line_count - taken);
	return EXIT_SUCCESS;
}

/* -------------------------------------------------------------------- start */

static void act(const char *mount, const char *vm, const char *verb)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/vm-instances/%s/actions", mount, vm);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, verb, strlen(verb)) < 0 || fsync(fd) < 0)
		die(verb);
	(void)close(fd);
}

static void wait_stopped(const char *mount, const char *vm)
{
	char path[512], state[64];

	snprintf(path, sizeof(path), "%s/vm-instances/%s/state", mount, vm);
	for (int i = 0; i < WAIT_S * 100; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, state, sizeof(state) - 1);

		if (n < 0)
			die(path);
		(void)close(fd);
		if (strncmp(state, "Stopped", 7) == 0)
			return;
		(void)usleep(10000);
	}
	errno = ETIMEDOUT;
	die(path);
}

/* The number in a file, which is empty then: so it is not taken twice. */
static double take_number(const char *path)
{
	FILE *f = fopen(path, "r+e");
	double value = 0;

	if (!f || fscanf(f, "%lf", &value) != 1 || value <= 0 || ftruncate(fileno(f), 0) < 0)
		die(path);
	(void)fclose(f);
	return value;
}

static int start_domain(int argc, char **argv)
{
	const char *vm = argv[1], *mount = argv[2];
	int rounds = number(argv[3]);
	double *through = series(rounds), *rest = series(rounds), *bare = series(rounds), start;
	virDomainPtr domain = domain_open(argv[0], vm);

	(void)argc;
	act(mount, vm, "stop type=cold\n");
	for (int i = 0; i < rounds; i++) {
		start = now_us();
		act(mount, vm, "start\n");
		through[i] = now_us() - start;
		rest[i] = through[i] - take_number(argv[4]);
		act(mount, vm, "stop type=cold\n");
		start = now_us();
		if (virDomainCreate(domain) < 0)
			die("virDomainCreate");
		bare[i] = now_us() - start;
		(void)virDomainDestroy(domain);
		wait_stopped(mount, vm);
	}
	print_median("through", "", through, rounds);
	print_median("rest", "", rest, rounds);
	print_median("bare", "", bare, rounds);
	return EXIT_SUCCESS;
}

static int define_domain(int argc, char **argv)
{
	virConnectPtr conn = virConnectOpen(argv[0]);
	virNetworkPtr network = conn ? virNetworkLookupByName(conn, argv[2]) : NULL;
	virDomainPtr domain;
	static char xml[1 << 16];
	FILE *f = fopen(argv[1], "re");
	double start;

	(void)argc;
	if (!network || !f || fread(xml, 1, sizeof(xml) - 1, f) == 0)
		die(argv[1]);
	(void)fclose(f);
	start = now_us();
	if (virNetworkUpdate(network, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, VIR_NETWORK_SECTION_IP_DHCP_HOST,
			     -1, argv[3], VIR_NETWORK_UPDATE_AFFECT_LIVE) < 0)
		die("virNetworkUpdate");
	printf("address %.2f\n", now_us() - start);
	start = now_us();
	domain = virDomainDefineXML(conn, xml);
	if (!domain || virDomainCreate(domain) < 0)
		die("virDomainCreate");
	printf("started %.2f\n", now_us() - start);
	(void)virDomainDestroy(domain);
	(void)virDomainUndefine(domain);
	(void)virDomainFree(domain);
	(void)virNetworkUpdate(network, VIR_NETWORK_UPDATE_COMMAND_DELETE, VIR_NETWORK_SECTION_IP_DHCP_HOST,
			       -1, argv[3], VIR_NETWORK_UPDATE_AFFECT_LIVE);
	(void)virNetworkFree(network);
	(void)virConnectClose(conn);
	return EXIT_SUCCESS;
}

/* ------------------------------------------------------------------- events */

static const char *events_file;
static double first_us, interval_us, end_us;
static atomic_size_t next_change, changes;
static atomic_bool over;
static pthread_mutex_t lag_lock = PTHREAD_MUTEX_INITIALIZER;
static double worst_lag_us;
static size_t lines_followed;

/* Writes the time as a description, at the times that the rate says, or as fast as it goes. */
static void *write_times(void *arg)
{
	static atomic_size_t clients;
	const char *path = lines[atomic_fetch_add(&clients, 1) % line_count].path;
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	(void)arg;
	if (fd < 0)
		die(path);
	for (;;) {
		size_t i = atomic_fetch_add(&next_change, 1);
		double due = first_us + (double)i * interval_us, now = now_us();
		char text[64];

		if (now >= end_us || due >= end_us)
			break;
		if (due > now)
			(void)usleep((useconds_t)(due - now));
		snprintf(text, sizeof(text), "update description=t%.0f\n", now_us());
		if (write_line(fd, text) < 0)
			atomic_fetch_add(&refused, 1);
		else
			atomic_fetch_add(&changes, 1);
	}
	(void)close(fd);
	return NULL;
}

/* How old the first change in the text is. */
static double lag_of(const char *text)
{
	const char *time = strstr(text, "\"to\":\"t");

	return time ? now_us() - strtod(time + 7, NULL) : 0;
}

/* Reads what is there, and waits for more: who has read less than there was room for need not ask whether that was all. */
static void *follow(void *arg)
{
	char *buffer = malloc(READ_MOST + 1);
	int fd = open(events_file, O_RDONLY | O_CLOEXEC);
	double worst = 0;
	size_t seen = 0;

	(void)arg;
	if (fd < 0 || !buffer || lseek(fd, 0, SEEK_END) < 0)
		die(events_file);
	for (;;) {
		struct pollfd wait = {.fd = fd, .events = POLLIN | POLLPRI};
		bool last = atomic_load(&over);
		ssize_t n = read(fd, buffer, READ_MOST);
		double lag;

		if (n < 0)
			die(events_file);
		if (n == 0 && last)
			break;
		buffer[n] = '\0';
		lag = lag_of(buffer);
		worst = lag > worst ? lag : worst;
		for (char *p = buffer; (p = strchr(p, '\n')); p++)
			seen++;
		if (n < READ_MOST)
			(void)poll(&wait, 1, 100);
	}
	(void)close(fd);
	free(buffer);
	pthread_mutex_lock(&lag_lock);
	worst_lag_us = worst > worst_lag_us ? worst : worst_lag_us;
	lines_followed += seen;
	pthread_mutex_unlock(&lag_lock);
	return NULL;
}

static int events(int argc, char **argv)
{
	int followers = number(argv[0]), clients = number(argv[1]), seconds = number(argv[3]);
	pthread_t threads[THREADS_MOST];

	(void)argc;
	read_lines();
	events_file = argv[4];
	for (int i = 0; i < followers && i < THREADS_MOST; i++)
		if (pthread_create(&threads[i], NULL, follow, NULL) != 0)
			die("thread");
	(void)usleep(200000);
	interval_us = 1e6 / number(argv[2]);
	first_us = now_us();
	end_us = first_us + seconds * 1e6;
	run_threads(write_times, clients);
	(void)usleep(500000);
	atomic_store(&over, true);
	for (int i = 0; i < followers && i < THREADS_MOST; i++)
		(void)pthread_join(threads[i], NULL);
	printf("changes %.0f\n", (double)atomic_load(&changes) / seconds);
	printf("lag %.2f\n", worst_lag_us);
	printf("lines %zu\n", lines_followed / (size_t)followers);
	printf("refused %zu\n", atomic_load(&refused));
	return EXIT_SUCCESS;
}

/* -------------------------------------------------------------------- main */

static const struct {
	const char *name;
	int least;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"latency", 4, latency},    {"accept", 5, accept_requests}, {"submit", 3, submit},
	{"start", 5, start_domain}, {"define", 4, define_domain},   {"events", 5, events},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (argc >= 2 + commands[i].least && strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	fprintf(stderr, "bench-probe: see the beginning of tests/bench/probe.c\n");
	return 2;
}
