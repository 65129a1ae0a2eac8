/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One host as its thread and the calls on it share it.
 *
 * Internal to hypervisor/. host_thread.c drives it, connection.c opens its
 * connection, call.c lets workers use that.
 *
 * Locks: host->lock guards what is marked with it, is held for a few
 * instructions only, and never while libvirt or a callback runs. It is taken
 * alone, inside hypervisor->lock, or inside the lock of the host's simulator, never the other way round.
 */
#ifndef POOLFS_HYPERVISOR_HOST_H
#define POOLFS_HYPERVISOR_HOST_H

#include <stdatomic.h>
#include <sys/types.h>

#include <libvirt/libvirt.h>

#include "hypervisor/hypervisor.h"

struct connection;
struct simulator;

/* A wait for an event of a domain; on the stack of the waiting thread, linked into host->waiters. */
struct waiter {
	struct waiter *next;
	const char *uuid;
	const char *alias; /* the device to be removed; NULL = the domain itself is to stop */
	bool refused;	   /* host->lock: the guest will not release the device */
	bool heard; /* host->lock: since the wait began or last returned; a stop removes devices, too */
};

struct host {
	atomic_uint refs;
	const struct hv_events *events; /* borrowed: outlive the host's thread, which alone uses them */
	void *ctx;			/* of the events */
	void (*on_end)(void *ctx);	/* the thread's last call; set before it starts */
	void *on_end_ctx;
	char uuid[33];	/* immutable */
	char *uri;	/* immutable */
	bool simulated; /* immutable: by libvirt's test driver or by the simulator */
	bool here;	/* immutable: its libvirtd runs on this machine */

	pthread_mutex_t lock;
	pthread_cond_t changed;	       /* anything under lock changed; CLOCK_MONOTONIC */
	bool removed;		       /* lock: end, deliver nothing more */
	bool reconnect;		       /* lock: drop the connection and make a new one */
	struct connection *connection; /* lock: the connection in use, NULL when there is none */
	struct waiter *waiters;	       /* lock */
	unsigned int left_behind;      /* lock: openers that hang, and for which nobody waits any more */

	struct simulator *simulator; /* immutable: the machine itself, owned; NULL: the host is libvirt's */
	/* the test driver's state lives in its connection, so one stays open; opener only, of which there is one */
	virConnectPtr cached;
	/* results of the probes; opener that is not left behind, the host's thread resets them between two */
	bool probed, kvm, bandwidth;

	/* the host's thread only */
	void *domains;	     /* what states.c knows of this host's domains */
	bool others_changed; /* a domain that is not ours has started, stopped, ..., which is to be reported */
	enum hv_host_status reported;
	char *reported_sentence;
};

/*
 * Makes a host of which nothing happens before host_thread_start(). @events are borrowed and get @ctx; they
 * must outlive the host's thread.
 */
int host_new(const char *uuid, const char *uri, const struct hv_events *events, void *ctx,
	     struct host **ret_host, struct error *e);
struct host *host_ref(struct host *host);
void host_unref(struct host *host);
/* Tells the thread to end. Nothing new is delivered after this returns. */
void host_end(struct host *host);
void host_request_reconnect(struct host *host);
/* Whether that was asked for and has not begun, see hv_host_is_to_reconnect(). */
bool host_is_to_reconnect(struct host *host);
bool host_is_removed(struct host *host);

/*
 * Listens from now on for the stop of domain @uuid, or for the removal of its device @alias (NULL: only the
 * stop). Both are borrowed until the end of the wait.
 */
void host_wait_begin(struct host *host, struct waiter *waiter, const char *uuid, const char *alias);
/* Waits until the event came (0), @deadline passes (-ETIMEDOUT) or @connection is gone (-ENOTCONN). */
int host_wait(struct host *host, const struct connection *connection, struct waiter *waiter,
	      const struct timespec *deadline);
void host_wait_end(struct host *host, struct waiter *waiter);

/* @ms from now on the clock of host->changed. */
struct timespec deadline_in(int64_t ms);

#endif
