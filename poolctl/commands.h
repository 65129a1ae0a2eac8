/* SPDX-License-Identifier: Apache-2.0 */
/* The type of the functions that do the commands of poolctl. */
#ifndef POOLFS_POOLCTL_COMMANDS_H
#define POOLFS_POOLCTL_COMMANDS_H

#include "poolctl/tree.h"

/** @argv has what stands behind the command. Prints on standard output. */
typedef int command_fn(const struct tree *t, int argc, char **argv, struct error *e);

#endif
