/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poolfs-box: runs one of QEMU's programs on images of users, with less than root has.
 *
 *     poolfs-box [--read-only] [--network] [--parent PID] PROGRAM ARGUMENT...
 *
 * The program has no capability but that to read (and, unless --read-only, to write) files of others, since the
 * files of guests belong to the user of their hypervisor; it starts no process and no other program; without
 * --network it has no sockets but local ones; with --read-only alone no file grows. With --parent it ends with the
 * thread that has started it, of the process PID. See model/sandbox.h.
 *
 * Exits with 126 and one sentence when the box cannot be made, with 127 when there is no such program.
 */
#include <cap-ng.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "model/cleanup.h"
#include "model/sandbox.h"

/* Address space, bytes: QEMU's programs need half a GiB with all their libraries. */
#define MEMORY_MAX (UINT64_C(4) << 30)
#define FILES_MAX  4096

/*
 * How malloc(3) of the program keeps memory: qemu-nbd takes a buffer for each request, of up to 1 MiB, and frees it. By
 * default each is a mapping of its own, so that the kernel clears its pages anew for every byte that is read.
 */
static const char *const malloc_settings[][2] = {
	{"MALLOC_MMAP_THRESHOLD_", "4194304"},
	{"MALLOC_TRIM_THRESHOLD_", "16777216"},
};

#define STATUS_NO_BOX	  126
#define STATUS_NO_PROGRAM 127

struct box {
	bool read_only, network;
	pid_t parent; /* 0: outlives it */
};

static int drop_capabilities(const struct box *box)
{
	bool can_bound;

	if (capng_get_caps_process() < 0)
		return -EPERM;
	/* if not, no new privileges are enough */
	can_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
			 CAP_DAC_READ_SEARCH) < 0)
		return -EINVAL;
	if (!box->read_only && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
					    CAP_DAC_OVERRIDE) < 0)
		return -EINVAL;
	return capng_apply(can_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}

/* What takes from the process; @program is where execve(2) will find the path. */
static int enter(const struct box *box, const char *program)
{
	int r = geteuid() == 0 ? drop_capabilities(box) : 0;

	/* after the capabilities, whose change would undo it */
	if (r == 0 && box->parent)
		r = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? -errno
		    : getppid() != box->parent			  ? -ESRCH
								  : 0;
	if (r == 0)
		r = sandbox_close();
	if (r == 0)
		r = sandbox_limit(RLIMIT_NOFILE, FILES_MAX);
	if (r == 0 && box->read_only && !box->network) /* Ceph writes a log */
		r = sandbox_limit(RLIMIT_FSIZE, 0);
#ifndef SANITIZED
	if (r == 0)
		r = sandbox_limit(RLIMIT_AS, MEMORY_MAX);
#endif
	return r < 0 ? r : sandbox_refuse_calls(box->network, program);
}

/* -ENOMEM. What the environment has already is left. */
static int keep_buffers(void)
{
	for (size_t i = 0; i < sizeof(malloc_settings) / sizeof(*malloc_settings); i++)
		if (setenv(malloc_settings[i][0], malloc_settings[i][1], 0) < 0)
			return -errno;
	return 0;
}

/* The path of a program in PATH, in memory that is not its own any more after execve(2); NULL = not found. */
static const char *find(const char *name)
{
	const char *path = getenv("PATH");
	char *copy = strdup(path ? path : "/usr/bin:/bin"), *rest = copy, *dir;
	size_t room = (path ? strlen(path) : 16) + strlen(name) + 2;
	char *found = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	while (copy && found != MAP_FAILED && (dir = strsep(&rest, ":"))) {
		(void)snprintf(found, room, "%s/%s", dir, name);
		if (*dir == '/' && access(found, X_OK) == 0)
			break;
		*found = '\0';
	}
	free(copy);
	return found != MAP_FAILED && *found ? found : NULL;
}

int main(int argc, char **argv)
{
	struct box box = {0};
	const char *program;
	int i = 1, r;

	for (; i < argc && argv[i][0] == '-'; i++) {
		box.read_only = box.read_only || strcmp(argv[i], "--read-only") == 0;
		box.network = box.network || strcmp(argv[i], "--network") == 0;
		if (strcmp(argv[i], "--parent") == 0 && i + 1 < argc)
			box.parent = (pid_t)atoi(argv[++i]);
	}
	if (i == argc) {
		fputs("usage: poolfs-box [--read-only] [--network] [--parent PID] PROGRAM ARGUMENT...\n",
		      stderr);
		return STATUS_NO_BOX;
	}
	program = find(argv[i]);
	if (!program) {
		fprintf(stderr, "the program %s is not installed on this machine\n", argv[i]);
		return STATUS_NO_PROGRAM;
	}
	r = keep_buffers();
	if (r == 0)
		r = enter(&box, program);
	if (r < 0) {
		fprintf(stderr, "cannot confine %s: %s\n", argv[i], strerror(-r));
		return STATUS_NO_BOX;
	}
	(void)execve(program, argv + i, environ);
	fprintf(stderr, "cannot run %s: %s\n", program, strerror(errno));
	return STATUS_NO_PROGRAM;
}
