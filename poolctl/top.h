/* SPDX-License-Identifier: Apache-2.0 */
/* What the pool is doing, live. */
#ifndef POOLFS_POOLCTL_TOP_H
#define POOLFS_POOLCTL_TOP_H

#include "poolctl/commands.h"

/** `top [--once]`: hosts, VMs and jobs, drawn anew every two seconds; q ends it. */
command_fn top_run;

#endif
