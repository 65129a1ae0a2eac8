/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that a mount does not die with.
 *
 * The supervisor mounts, and has /dev/fuse open for as long as the mount lasts. The
 * pool is served by another process, the worker (fs/session.h), which it forks and to
 * which it hands the descriptor. When the worker is killed, the kernel does not notice:
 * requests wait, and the next worker goes on where the last one was (fs/receive.h).
 *
 *	start ──> worker opens the pool ──> mount ──> ready ──> worker serves <──┐
 *	               │ error: the end, no mount                │ killed: again ┘
 *	                                                         └ ended: unmount, the end
 *
 * A worker that has ended is followed by another one at once, unless workers serve nothing (fs/not_serving.h). The
 * supervisor can become another program, with the mount (fs/upgrade.h).
 *
 * It has one thread (as a service another one, which asks the mount whether it answers), waits in poll(2), and opens
 * neither the pool nor a connection, so that there is little that can kill it. If something does, the worker goes on
 * serving, and unmounts at its own end.
 *
 * Signals: SIGTERM and SIGINT end the mount, whether the supervisor or the worker gets
 * them, and so does SIGHUP unless the log is a file: then both open it again.
 *
 * Under systemd the supervisor is the main process of the unit (fs/service.h).
 */
#ifndef POOLFS_FS_SUPERVISOR_H
#define POOLFS_FS_SUPERVISOR_H

#include "fs/session.h"

/**
 * Mounts, and has the mount served until it is told to end. Blocks. Call it before the first thread is started.
 * The error of the first worker, of the mount, or of the last worker.
 */
int supervisor_run(const struct session_options *options, struct error *e);

#endif
