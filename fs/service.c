/* SPDX-License-Identifier: Apache-2.0 */
/* See service.h. */
#include "fs/service.h"

#include "model/cleanup.h"

#ifdef HAVE_SYSTEMD
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>
#include <systemd/sd-daemon.h>

#include "model/error.h"
#include "model/log.h"

#define NS_PER_US 1000
#define US_PER_S  1000000

/* By these the manager knows the descriptors. */
#define DEVICE_NAME "poolfs-device"
#define KEEP_NAME   "poolfs-keep"

struct watchdog {
	const char *mountpoint;
	struct timespec pause;
};

/* Whoever serves the mount answers statvfs(3); when nobody does, this waits, and the service manager acts. */
static void *watchdog_main(void *arg)
{
	const struct watchdog *w = arg;
	struct statvfs st;

	pthread_setname_np(pthread_self(), "watchdog");
	for (;;) {
		(void)statvfs(w->mountpoint, &st);
		(void)sd_notify(0, "WATCHDOG=1");
		(void)nanosleep(&w->pause, NULL);
	}
	return NULL;
}

static int watchdog_start(const char *mountpoint, uint64_t period_us)
{
	static struct watchdog w; /* of the only thread */
	uint64_t pause_us = period_us / 3;
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	w = (struct watchdog){.mountpoint = mountpoint,
			      .pause = {.tv_sec = (time_t)(pause_us / US_PER_S),
					.tv_nsec = (long)(pause_us % US_PER_S * NS_PER_US)}};
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, watchdog_main, &w);
	pthread_attr_destroy(&attr);
	return -r;
}

void service_ready(void *mountpoint)
{
	uint64_t period_us;
	int r = 0;

	(void)sd_notifyf(0, "READY=1\nSTATUS=The pool is mounted on %s", (const char *)mountpoint);
	if (sd_watchdog_enabled(0, &period_us) > 0)
		r = watchdog_start(mountpoint, period_us);
	if (r < 0)
		log_error("service", NULL, "cannot start the thread of the watchdog: %s", strerror(-r));
}

void service_store(int device, int keep)
{
	(void)sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=" DEVICE_NAME, &device, 1);
	(void)sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=" KEEP_NAME, &keep, 1);
}

void service_forget(void)
{
	(void)sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" DEVICE_NAME);
	(void)sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" KEEP_NAME);
}

void service_take(int *ret_device, int *ret_keep)
{
	char **names = NULL;
	int device = -1, keep = -1, count = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < count; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		int *ret = strcmp(names[i], DEVICE_NAME) == 0 ? &device
			   : strcmp(names[i], KEEP_NAME) == 0 ? &keep
							      : NULL;

		if (ret && *ret < 0)
			*ret = fd;
		else
			(void)close(fd); /* stored twice */
		free(names[i]);
	}
	free(names);
	if (device >= 0 && keep >= 0) {
		*ret_device = device;
		*ret_keep = keep;
		return;
	}
	if (device >= 0)
		(void)close(device);
	if (keep >= 0)
		(void)close(keep);
}

/* The manager applies it to the watchdog as well, until the next WATCHDOG=1: see service_extend_timeout() in systemd. */
void service_allow(int64_t seconds)
{
	(void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRId64, seconds * US_PER_S);
}

void service_ends(void)
{
	(void)sd_notify(0, "STOPPING=1");
}
#else
void service_ready(void *mountpoint)
{
	(void)mountpoint;
}

void service_store(int device, int keep)
{
	(void)device;
	(void)keep;
}

void service_forget(void)
{
}

void service_take(int *ret_device, int *ret_keep)
{
	(void)ret_device;
	(void)ret_keep;
}

void service_allow(int64_t seconds)
{
	(void)seconds;
}

void service_ends(void)
{
}
#endif
