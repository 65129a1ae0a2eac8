/* SPDX-License-Identifier: Apache-2.0 */
/* Following the changes of the pool. */
#ifndef POOLFS_POOLCTL_WATCH_H
#define POOLFS_POOLCTL_WATCH_H

#include "poolctl/commands.h"

/** `watch [NAME]`: a line for each change, of one object or of all, until it is interrupted. */
command_fn watch_run;

#endif
