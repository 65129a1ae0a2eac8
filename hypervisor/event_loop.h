/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's one libvirt event loop and the thread that runs it.
 *
 * libvirt knows one event loop per process, so it is shared by everybody and
 * counted: the first event_loop_get() starts the thread, the last
 * event_loop_put() ends it. Keepalive, domain events and streams of every
 * connection need the running loop, so whoever holds a connection holds it.
 */
#ifndef POOLFS_HYPERVISOR_EVENT_LOOP_H
#define POOLFS_HYPERVISOR_EVENT_LOOP_H

#include "model/error.h"

int event_loop_get(struct error *e);
/** Never call it from the loop's own thread, that is, from a libvirt callback. */
void event_loop_put(void);

#endif
