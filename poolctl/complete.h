/* SPDX-License-Identifier: Apache-2.0 */
/* Completion of command lines, for the shells: the files in poolctl/completion call it. */
#ifndef POOLFS_POOLCTL_COMPLETE_H
#define POOLFS_POOLCTL_COMPLETE_H

#include "poolctl/commands.h"

/**
 * Prints what can stand in the place of the last word, one candidate a line. @argv is a command line behind
 * "poolctl", of at least two words or of one that is a verb.
 */
command_fn complete_run;

#endif
