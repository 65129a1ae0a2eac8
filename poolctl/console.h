/* SPDX-License-Identifier: Apache-2.0 */
/* The screen and the serial console of a VM. */
#ifndef POOLFS_POOLCTL_CONSOLE_H
#define POOLFS_POOLCTL_CONSOLE_H

#include "poolctl/commands.h"

/** `console NAME [--no-follow]`: where its screen is, and what its serial console prints. */
command_fn console_run;

#endif
