/* SPDX-License-Identifier: Apache-2.0 */
/* `VERB --help` and `create KIND --help`: the parameters, from the table of operations. */
#ifndef POOLFS_POOLCTL_HELP_H
#define POOLFS_POOLCTL_HELP_H

#include "poolctl/commands.h"

/** @argv: the words before --help, the command first. */
command_fn help_run;

#endif
