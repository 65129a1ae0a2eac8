/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as tables, and one with all its members. */
#ifndef POOLFS_POOLCTL_LIST_H
#define POOLFS_POOLCTL_LIST_H

#include "poolctl/commands.h"

/** `ls [KIND]`: the objects of a kind with their most telling members, or the kinds. */
command_fn list_run;
/** `show NAME...` */
command_fn list_show;

#endif
