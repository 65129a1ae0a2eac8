/* SPDX-License-Identifier: Apache-2.0 */
/* The program as a service of systemd, which is told when the mount can be used, and whether it still answers. */
#ifndef POOLFS_SERVICE_H
#define POOLFS_SERVICE_H

/**
 * Tells the service manager, if one has started this program and waits for it, that the mount on @mountpoint (a
 * const char *, which must stay) can be used. If it wants signs of life (WatchdogSec=), a thread gives them from now
 * on, each after the mount has answered a request.
 */
void service_ready(void *mountpoint);
/** Tells it that the program is about to end. */
void service_ends(void);

#endif
