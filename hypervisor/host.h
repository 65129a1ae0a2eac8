/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One host: its thread, its connection, what is known of its domains.
 *
 * Internal to hypervisor/. The parts:
 *   host.c     the host's thread: connects, reconnects, delivers every callback
 *   connect.c  opening one connection, in a thread of its own that may hang
 *   states.c   what libvirt's states and events mean for a domain of ours
 *   probe.c    what a host can really do: run guests under KVM, limit traffic
 *
 * Threads and order. Each host has one thread, and all callbacks of a host come
 * from it, one after the other, with no lock held. libvirt's own callbacks (on
 * the event loop thread) only append to the queue of the connection they came
 * from. Because events are registered before the list of domains is taken, and
 * delivered after it, in their order, nothing is lost between the two: an event
 * that is older than the list may still follow it, but then so do all events
 * up to the present, and the last one delivered tells the truth. Events that
 * change nothing against the list are dropped.
 *
 * A connection that is gone takes its undelivered events with it only after
 * they were delivered: DISCONNECTED is the last word of each connection.
 *
 * Locks: host->lock guards what is marked with it, is held for a few
 * instructions only, and never while libvirt or a callback runs. It is taken
 * alone or inside hypervisor->lock, never the other way round.
 */
#ifndef POOLFS_HYPERVISOR_HOST_H
#define POOLFS_HYPERVISOR_HOST_H

#include <stdatomic.h>
#include <sys/types.h>

#include <libvirt/libvirt.h>

#include "hypervisor/hypervisor.h"
#include "hypervisor/states.h"

struct host;

#define CONNECTION_CALLBACKS 4

/* One open connection to a host. Counted: libvirt's callbacks and calls under way may outlive its use. */
struct connection {
	atomic_uint refs;
	struct host *host;		     /* immutable, holds a reference */
	virConnectPtr conn;		     /* immutable; closed by connection_close() alone */
	int callbacks[CONNECTION_CALLBACKS]; /* registrations, -1 = none; opener, then the host's thread */
	struct hv_host_info info;	     /* immutable once open */
	uid_t qemu_uid;			     /* immutable: who files must belong to; (uid_t)-1 = not known */
	gid_t qemu_gid;
	struct event *events; /* host->lock: first of the queue */
	struct event **tail;  /* host->lock */
	int close_reason;     /* host->lock: VIR_CONNECT_CLOSE_REASON_*, -1 while open */
};

/* Somebody who waits for an event of a domain; lives on the waiter's stack, linked into host->waiters. */
struct waiter {
	struct waiter *next;
	const char *uuid;
	const char *alias; /* the device that shall go; NULL = the domain itself shall stop */
	bool heard; /* host->lock: since the wait began or was last answered; a stop takes devices along */
};

struct host {
	atomic_uint refs;
	struct hypervisor *hv; /* borrowed: outlives the host's thread, which alone uses it */
	char uuid[33];	       /* immutable */
	char *uri;	       /* immutable */
	bool simulated;	       /* immutable */

	pthread_mutex_t lock;
	pthread_cond_t changed;	       /* anything under lock changed; CLOCK_MONOTONIC */
	bool removed;		       /* lock: end, deliver nothing more */
	bool reconnect;		       /* lock: drop the connection and make a new one */
	struct connection *connection; /* lock: the connection in use, NULL when there is none */
	struct waiter *waiters;	       /* lock */

	/* the test driver's state lives in its connection, so one is kept; opener only, one at a time */
	virConnectPtr kept;
	/* results of the probes; opener only, the host's thread resets them between two openers */
	bool probed, kvm, bandwidth;

	/* the host's thread only */
	void *domains; /* what states.c knows of this host's domains */
	enum hv_host_status reported;
	char *reported_sentence;
};

/* Makes a host and starts its thread. The thread holds @hv until hypervisor_thread_ended(). */
int host_new(struct hypervisor *hv, const char *uuid, const char *uri, struct host **ret_host,
	     struct error *e);
struct host *host_ref(struct host *host);
void host_unref(struct host *host);
/* Tells the thread to end. Nothing new is delivered after this returns. */
void host_end(struct host *host);
void host_request_reconnect(struct host *host);
/* Waits, @ms at most, until no thread is opening a connection for a host that ended meanwhile. */
void host_await_openers(int64_t ms);

/* Appends an event to the connection's queue. Called on the event loop thread. */
void connection_queue_event(struct connection *connection, struct event *event);
void connection_set_closed(struct connection *connection, int reason);
struct connection *connection_ref(struct connection *connection);
void connection_unref(struct connection *connection);

/*
 * connect.c: opens @host's connection, registers events, probes when asked and takes the list of
 * domains. May hang for as long as libvirt does. @opened is called as soon as libvirt has answered.
 */
int connection_open(struct host *host, void (*opened)(void *ctx), void *ctx,
		    struct connection **ret_connection, struct listed_domain **ret_domains, size_t *ret_count,
		    struct error *e);
/* Ends the registrations, closes the connection and drops the caller's reference. Accepts NULL. */
void connection_close(struct connection *connection);

/* hypervisor.c, for the hosts' threads. */
const struct hv_events *hypervisor_events(struct hypervisor *hv, void **ret_ctx);
void hypervisor_thread_ended(struct hypervisor *hv);

/* A call from outside on a connected host: holds host and connection until hv_call_end(). */
struct hv_call {
	struct host *host;
	struct connection *connection;
	virConnectPtr conn; /* connection->conn */
	bool simulated;
};

/* -ENOENT for an unknown host, -ENOTCONN (HOST.1010) when it is not connected. */
int hv_call_begin(struct hypervisor *hv, const char *host_uuid, struct hv_call *ret_call, struct error *e);
void hv_call_end(struct hv_call *call);
#define _cleanup_call_ _cleanup_(hv_call_end)

/*
 * Listens from now on for the stop of domain @uuid, or for the removal of its device @alias (NULL: only the
 * stop). Both are borrowed until the end of the wait.
 */
void host_wait_begin(struct host *host, struct waiter *waiter, const char *uuid, const char *alias);
/* Waits until it was heard (0), @deadline passes (-ETIMEDOUT) or the call's connection is gone (-ENOTCONN).
 */
int host_wait(const struct hv_call *call, struct waiter *waiter, const struct timespec *deadline);
void host_wait_end(struct host *host, struct waiter *waiter);

/* @ms from now on the clock of host->changed. */
struct timespec deadline_in(int64_t ms);

#endif
