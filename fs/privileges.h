/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon of root does without: whoever takes it over cannot do more than it. */
#ifndef POOLFS_PRIVILEGES_H
#define POOLFS_PRIVILEGES_H

#include "model/error.h"

/**
 * Takes from this process, and all that it starts, what it does not need. Before the first thread and before the
 * mount. As root: all capabilities but those to mount, to use files of others, and to see how the process ended
 * that wrote an upload; new privileges by execve(2); ptrace(2) by others. Core dumps, which would have the
 * secrets of guests in them, as anybody. -EPERM, -errno.
 */
int privileges_drop(struct error *e);

#endif
