/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread of one host: connects, reconnects, delivers every callback.
 *
 * Internal to hypervisor/. The parts:
 *   host_thread.c  the thread
 *   host.c         what the thread and the calls on the host share
 *   connection.c   opening one connection, in a separate thread that may hang
 *   states.c       what libvirt's states and events mean for a domain of ours
 *   probe.c        what a host can really do: run guests under KVM, limit traffic
 *
 * Threads and order. Each host has one thread, and all callbacks of a host come
 * from it, one after the other, with no lock held. libvirt's own callbacks (on
 * the event loop thread) only append to the queue of the connection they came
 * from. Because events are registered before the list of domains is taken, and
 * delivered after CONNECTED, in their order, nothing is lost between the two: an event
 * that is older than the list may still follow it, but then so do all events
 * up to the present. Events that change nothing against the list, or against
 * those before, are dropped.
 *
 * A connection that is gone takes its undelivered events with it only after
 * they were delivered: DISCONNECTED is the last word of each connection.
 */
#ifndef POOLFS_HYPERVISOR_HOST_THREAD_H
#define POOLFS_HYPERVISOR_HOST_THREAD_H

#include "hypervisor/host.h"

/*
 * Starts the thread, which ends after host_end(). Its last act is @on_end(@ctx): from then on it uses neither
 * the host's events nor anything else of the caller's. -EAGAIN.
 */
int host_thread_start(struct host *host, void (*on_end)(void *ctx), void *ctx, struct error *e);
/* Waits, @ms at most, until no thread is opening a connection for a host that ended meanwhile. */
void host_thread_await_openers(int64_t ms);

#endif
