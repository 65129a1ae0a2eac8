/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the pool: notes how long each virDomainCreateWithFlags takes, us, in the file that BENCH_CREATE_TIME names. Two
 * starts of one machine differ by more than what the pool adds to one, so bench-probe subtracts the call from the start
 * that it is a part of.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What the pool starts is not measured. */
__attribute__((constructor)) static void begin(void)
{
	(void)unsetenv("LD_PRELOAD");
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void note(double us)
{
	const char *path = getenv("BENCH_CREATE_TIME");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	(void)dprintf(fd, "%.2f\n", us);
	(void)close(fd);
}

int virDomainCreateWithFlags(virDomainPtr domain, unsigned int flags)
{
	int (*create)(virDomainPtr domain, unsigned int flags);
	double start = now_us();
	int r;

	*(void **)&create = dlsym(RTLD_NEXT, "virDomainCreateWithFlags");
	r = create(domain, flags);
	note(now_us() - start);
	return r;
}
