/* SPDX-License-Identifier: Apache-2.0 */
/* See top.h. */
#include "poolctl/top.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <time.h>

#include "model/json.h"
#include "poolctl/names.h"
#include "poolctl/screen.h"

#define INTERVAL_MS 2000
#define BAR_WIDTH   12
/* VMs that are shown; running ones come first. */
#define VMS_SHOWN 30

/* CPU seconds of VMs at the last look, by uuid; and when that was. */
struct sample {
	json_t *seconds; /* owned */
	double time;	 /* s */
};

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static int draw_hosts(const json_t *hosts, struct error *e)
{
	_cleanup_json_ json_t *rows =
		json_pack("[[s,s,s,s]]", "HOST", "STATUS", "CPU PROMISED", "MEMORY PROMISED");
	const json_t *host;
	char cpu[BAR_SIZE], memory[BAR_SIZE];
	size_t i;

	json_array_foreach (hosts, i, host) {
		double cpus = number(host, "totalCpuCapacity"), bytes = number(host, "totalMemoryCapacity");

		json_add_item(&rows,
			      json_pack("[s,s,s,s]", member_text(host, "name"), member_text(host, "status"),
					screen_bar(cpus - number(host, "availableCpuCapacity"), cpus,
						   BAR_WIDTH, cpu),
					screen_bar(bytes - number(host, "availableMemoryCapacity"), bytes,
						   BAR_WIDTH, memory)));
	}
	return screen_table(rows, e);
}

/* CPU seconds that the VM has used; -1: not known. */
static double cpu_seconds(const struct tree *t, const char *uuid)
{
	_cleanup_free_ char *text = NULL;
	char path[TREE_PATH_SIZE];

	snprintf(path, sizeof(path), "vm-instances/%s/stats/cpuSeconds", uuid);
	return tree_read(t, path, &text, NULL) == 0 ? strtod(text, NULL) : -1;
}

/* How much of its CPUs a VM has used since the last look. */
static const char *cpu_bar(const struct tree *t, const json_t *vm, const struct sample *last,
			   json_t **seconds, char ret[BAR_SIZE])
{
	const char *uuid = member_text(vm, "uuid");
	const json_t *before = json_object_get(last->seconds, uuid);
	double used = cpu_seconds(t, uuid), passed = now() - last->time;

	*ret = '\0';
	if (used < 0)
		return ret;
	json_add_member(seconds, uuid, json_real(used));
	if (before && passed > 0)
		(void)screen_bar((used - json_real_value(before)) / passed, number(vm, "cpuNum"), BAR_WIDTH,
				 ret);
	return ret;
}

static const char *host_name(const json_t *hosts, const char *uuid)
{
	const json_t *host;
	size_t i;

	json_array_foreach (hosts, i, host)
		if (strcmp(member_text(host, "uuid"), uuid) == 0)
			return member_text(host, "name");
	return "";
}

static int draw_vms(const struct tree *t, const json_t *vms, const json_t *hosts, struct sample *last,
		    struct error *e)
{
	_cleanup_json_ json_t *rows =
		json_pack("[[s,s,s,s,s,s]]", "VM", "STATE", "HOST", "CPUS", "MEMORY", "CPU USED");
	json_t *seconds = json_object();
	size_t i, running = 0, shown = 0, count = json_array_size(vms);
	char bytes[16], bar[BAR_SIZE];
	const json_t *vm;
	int r;

	for (int pass = 0; pass < 2; pass++)
		json_array_foreach (vms, i, vm) {
			bool runs = strcmp(member_text(vm, "state"), "Running") == 0;

			if (runs != (pass == 0))
				continue;
			running += runs;
			if (shown >= VMS_SHOWN)
				continue;
			shown++;
			json_add_item(
				&rows,
				json_pack("[s,s,s,I,s,s]", member_text(vm, "name"), member_text(vm, "state"),
					  host_name(hosts, member_text(vm, "hostUuid")),
					  json_integer_value(json_object_get(vm, "cpuNum")),
					  screen_bytes(json_integer_value(json_object_get(vm, "memorySize")),
						       bytes),
					  runs ? cpu_bar(t, vm, last, &seconds, bar) : ""));
		}
	printf("\n%zu VMs, %zu running\n", count, running);
	r = shown ? screen_table(rows, e) : 0;
	if (shown < count)
		printf("... and %zu more\n", count - shown);
	json_decref(last->seconds);
	last->seconds = seconds;
	last->time = now();
	return r == 0 && !seconds ? error_oom(e) : r;
}

static int draw_jobs(const struct tree *t, const json_t *jobs, struct error *e)
{
	_cleanup_json_ json_t *known = json_object(),
			      *rows = json_pack("[[s,s,s,s]]", "JOB", "STATE", "PROGRESS", "OBJECT");
	char bar[BAR_SIZE], object[NAMES_PATH_SIZE];
	const json_t *job;
	size_t i;

	printf("\n%zu jobs under way\n", json_array_size(jobs));
	json_array_foreach (jobs, i, job)
		json_add_item(&rows,
			      json_pack("[s,s,s,s]", member_text(job, "operation"), member_text(job, "state"),
					screen_bar(number(job, "progress"), 100, BAR_WIDTH, bar),
					names_of_path(t, known, member_text(job, "resource"), object)));
	return json_array_size(jobs) ? screen_table(rows, e) : 0;
}

static int draw(const struct tree *t, struct sample *last, struct error *e)
{
	_cleanup_json_ json_t *hosts = NULL, *vms = NULL, *jobs = NULL;
	int r = tree_read_list(t, "hosts/inventories", &hosts, e);

	if (r == 0)
		r = tree_read_list(t, "vm-instances?q=state!=Destroyed&sort=+name", &vms, e);
	if (r == 0)
		r = tree_read_list(t, "api-jobs?q=state?=Queued,Processing&limit=20", &jobs, e);
	if (r < 0)
		return r;
	r = draw_hosts(hosts, e);
	if (r == 0)
		r = draw_vms(t, vms, hosts, last, e);
	if (r == 0)
		r = draw_jobs(t, jobs, e);
	(void)fflush(stdout);
	return r;
}

/* Waits for the next look; false when the user wants no more. */
static bool pause_for_key(void)
{
	struct pollfd poller = {.fd = STDIN_FILENO, .events = POLLIN};
	char key;

	return poll(&poller, 1, INTERVAL_MS) <= 0 || read(STDIN_FILENO, &key, 1) != 1 ||
	       (key != 'q' && key != 'Q' && key != 3);
}

int top_run(const struct tree *t, int argc, char **argv, struct error *e)
{
	struct sample last = {0};
	struct termios before, raw;
	int r = 0;

	if ((argc > 0 && strcmp(argv[0], "--once") == 0) || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &before) < 0) {
		r = draw(t, &last, e);
		json_decref(last.seconds);
		return r;
	}
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	do {
		printf("\033[H\033[2J");
		r = draw(t, &last, e);
	} while (r == 0 && pause_for_key());
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
	json_decref(last.seconds);
	return r;
}
