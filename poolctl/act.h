/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: verbs of objects, and creations. */
#ifndef POOLFS_POOLCTL_ACT_H
#define POOLFS_POOLCTL_ACT_H

#include "poolctl/commands.h"

/** `VERB NAME [PARAMETER=VALUE...] [--wait]`: @argv begins with the verb. */
command_fn act_verb;
/** `create KIND NAME [--OPTION VALUE...] [--wait]` */
command_fn act_create;
/** The operation that creates what @word means, a kind or the directory of a `create` file. Borrowed. */
int act_find_creation(const struct tree *t, const char *word, const json_t **ret, struct error *e);
/** For tree_find(): true for kinds that have the verb @arg. */
bool act_kind_has_verb(const struct tree *t, const json_t *kind, const void *arg);

#endif
