/* SPDX-License-Identifier: Apache-2.0 */
/* See service.h. */
#include "fs/service.h"

#include "model/cleanup.h"

#ifdef HAVE_SYSTEMD
#include <stdint.h>
#include <sys/statvfs.h>
#include <systemd/sd-daemon.h>

#include "model/error.h"
#include "model/log.h"

#define NS_PER_US 1000
#define US_PER_S  1000000

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

void service_ends(void)
{
	(void)sd_notify(0, "STOPPING=1");
}
#else
void service_ready(void *mountpoint)
{
	(void)mountpoint;
}

void service_ends(void)
{
}
#endif
