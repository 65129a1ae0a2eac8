/* SPDX-License-Identifier: Apache-2.0 */
/* The program as a service of systemd, which is told when the mount can be used, and whether it still answers. */
#ifndef POOLFS_SERVICE_H
#define POOLFS_SERVICE_H

#include <stdint.h>

/**
 * Tells the service manager, if one has started this program and waits for it, that the mount on @mountpoint (a
 * const char *, which must stay) can be used. If it wants signs of life (WatchdogSec=), a thread gives them from now
 * on, each after the mount has answered a request.
 */
void service_ready(void *mountpoint);
/**
 * Puts the descriptors of the mount into the manager's store (FileDescriptorStoreMax=), from which the next program gets
 * them if this one is killed.
 */
void service_store(int device, int keep);
/** Takes them out again: the mount is gone, or they are of no use. */
void service_forget(void);
/** What the manager hands to this program of them; unchanged if there is nothing. Call it before threads are started. */
void service_take(int *ret_device, int *ret_keep);
/**
 * Nobody may answer for so many seconds: the manager waits so long for the next sign of life, and for the end of a start
 * or reload that is under way, unless it would wait longer anyway.
 */
void service_allow(int64_t seconds);
/** Tells it that the program is about to end. */
void service_ends(void);

#endif
