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
/* What of a log is to be read; those that are not there are empty. Blocking, for workers. */
/** The size of a VM's log and the time of its last change (ns since 1970; 0: there is no log). -errno. */
int console_log_stat(struct pool *pool, const char *uuid, int64_t *ret_size, int64_t *ret_changed);
/**
 * Up to @size bytes of a VM's log from @offset on. Returns their number, 0 at the end. -EACCES when the hypervisor keeps
 * the log for itself, -EOPNOTSUPP when there is none since the VM is on another machine; others of open(2), read(2).
 */
ssize_t console_log_read(struct pool *pool, const char *uuid, void *buffer, size_t size, int64_t offset,
			 struct error *e);

/** Removes the logs of a VM. */
void console_log_remove(struct pool *pool, const char *uuid);
/** Cuts all logs that are too long: their last bytes go to <uuid>.log.0. For the timer. */
int console_logs_trim(struct pool *pool, struct error *e);

#endif
