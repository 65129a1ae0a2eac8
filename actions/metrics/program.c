/* SPDX-License-Identifier: Apache-2.0 */
/* See program.h. The names are those of Prometheus' client libraries. */
#include "actions/metrics/program.h"

#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* What /proc/self/stat says; 0 if it cannot be read. */
struct usage {
	uint64_t ticks;	      /* of CPU, user and system */
	uint64_t start_ticks; /* since the boot */
	uint64_t virtual_bytes;
	uint64_t resident_bytes;
	uint64_t threads;
};

/* proc(5): fields 14, 15 (utime, stime), 20 (num_threads), 22 (starttime), 23 (vsize), 24 (rss). */
static void read_usage(struct usage *ret)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/stat", "re");
	char line[1024];
	const char *rest;
	uint64_t user, system, pages;

	*ret = (struct usage){0};
	if (!f || !fgets(line, sizeof(line), f))
		return;
	rest = strrchr(line, ')'); /* the name of the program may have spaces */
	if (!rest ||
	    sscanf(rest + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
		   " %*d %*d %*d %*d %" SCNu64 " %*d %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &user, &system, &ret->threads, &ret->start_ticks, &ret->virtual_bytes, &pages) != 6) {
		*ret = (struct usage){0};
		return;
	}
	ret->ticks = user + system;
	ret->resident_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		(void)closedir(dir);
	return count > 3 ? count - 3 : 0; /* ".", ".." and that of the directory */
}

/* Seconds since 1970 at which the kernel started. */
static double boot_time(void)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return (double)(now.tv_sec - up.tv_sec) + (double)(now.tv_nsec - up.tv_nsec) / 1e9;
}

void metrics_print_program(const struct exposition *x)
{
	const double hertz = (double)sysconf(_SC_CLK_TCK);
	struct rlimit files = {0};
	struct usage usage;

	read_usage(&usage);
	(void)getrlimit(RLIMIT_NOFILE, &files);
	exposition_family(x, "poolfs_build_info", "gauge", NULL, "Always 1; the version of the program.");
	exposition_sample(x, "poolfs_build_info", LABELS("version", POOLFS_VERSION), "1");
	exposition_family(x, "process_cpu_seconds_total", "counter", NULL,
			  "CPU time of the program, seconds.");
	exposition_sample(x, "process_cpu_seconds_total", NULL, "%.2f", (double)usage.ticks / hertz);
	exposition_family(x, "process_start_time_seconds", "gauge", "seconds",
			  "When the program was started, seconds since 1970.");
	exposition_sample(x, "process_start_time_seconds", NULL, "%.2f",
			  boot_time() + (double)usage.start_ticks / hertz);
	exposition_family(x, "process_resident_memory_bytes", "gauge", "bytes",
			  "Memory of the program in RAM.");
	exposition_sample(x, "process_resident_memory_bytes", NULL, "%" PRIu64, usage.resident_bytes);
	exposition_family(x, "process_virtual_memory_bytes", "gauge", "bytes",
			  "Address space of the program.");
	exposition_sample(x, "process_virtual_memory_bytes", NULL, "%" PRIu64, usage.virtual_bytes);
	exposition_family(x, "process_open_fds", "gauge", NULL, "Open files of the program.");
	exposition_sample(x, "process_open_fds", NULL, "%u", count_descriptors());
	exposition_family(x, "process_max_fds", "gauge", NULL, "Maximum number of open files.");
	exposition_sample(x, "process_max_fds", NULL, "%llu", (unsigned long long)files.rlim_cur);
	exposition_family(x, "process_threads", "gauge", NULL, "Threads of the program.");
	exposition_sample(x, "process_threads", NULL, "%" PRIu64, usage.threads);
}
