/* SPDX-License-Identifier: Apache-2.0 */
/* See event_loop.h. */
#include "hypervisor/event_loop.h"

#include <stdatomic.h>
#include <stdbool.h>

#include <libvirt/libvirt.h>

#include "hypervisor/errors.h"

/* Held over starting and ending the thread, never while the loop runs a callback of ours. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int users;   /* under lock */
static bool registered;	     /* under lock: it cannot be unregistered */
static int wake_timer = -1;  /* under lock */
static pthread_t thread;     /* under lock */
static atomic_bool stopping; /* read by the thread */

static void woken(int timer, void *opaque)
{
	(void)opaque;
	(void)virEventUpdateTimeout(timer, -1);
}

static void *run(void *arg)
{
	(void)arg;
	while (!atomic_load(&stopping))
		(void)virEventRunDefaultImpl();
	return NULL;
}

int event_loop_get(struct error *e)
{
	scoped_lock(&lock);

	if (users > 0) {
		users++;
		return 0;
	}
	virt_errors_silence();
	if (virInitialize() < 0 || (!registered && virEventRegisterDefaultImpl() < 0))
		return error_set_virt(e, NULL, "cannot start libvirt's event loop");
	registered = true;
	wake_timer = virEventAddTimeout(-1, woken, NULL, NULL);
	if (wake_timer < 0)
		return error_set_virt(e, NULL, "cannot start libvirt's event loop");
	atomic_store(&stopping, false);
	if (pthread_create(&thread, NULL, run, NULL) != 0) {
		(void)virEventRemoveTimeout(wake_timer);
		return error_set(e, EAGAIN, "cannot start a thread for libvirt's events");
	}
	(void)pthread_setname_np(thread, "hv-events");
	users = 1;
	return 0;
}

void event_loop_put(void)
{
	scoped_lock(&lock);

	if (--users > 0)
		return;
	atomic_store(&stopping, true);
	(void)virEventUpdateTimeout(wake_timer, 0);
	(void)pthread_join(thread, NULL);
	(void)virEventRemoveTimeout(wake_timer);
}
