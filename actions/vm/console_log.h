/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guests write to their serial consoles, in the folder console/ of the state. Where virtlogd writes the logs
 * it keeps them small; where QEMU writes them itself, the pool does, in the same form: <uuid>.log and older text
 * in <uuid>.log.0 and so on.
 */
#ifndef POOLFS_VM_CONSOLE_LOG_H
#define POOLFS_VM_CONSOLE_LOG_H

#include "actions/engine/pool.h"

/* Bytes above which the log of a VM is cut, and that are kept of it. As in virtlogd. */
#define CONSOLE_LOG_BYTES (2 << 20)

/** The path of a VM's log; "" when it would be too long. */
void console_log_path(struct pool *pool, const char *uuid, char ret_path[4096]);
/** Removes the logs of a VM. */
void console_log_remove(struct pool *pool, const char *uuid);
/** Cuts all logs that are too long: their last bytes go to <uuid>.log.0. For the timer. */
int console_logs_trim(struct pool *pool, struct error *e);

#endif
