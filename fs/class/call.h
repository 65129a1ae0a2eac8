/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `call` files, for programs that act on behalf of others, mainly poolfs-rest:
 *
 *     sessions/call           calls that need no session, such as a login
 *     sessions/<uuid>/call    calls as the account of that session
 *     operations.json         the operations that can be called
 *
 * A call (see actions/call.h) is written and its answer read on the same
 * descriptor. Sessions are not listed: knowing the uuid gives access, and the
 * lookup of the path checks it; each call on an open descriptor checks again that
 * the session still exists.
 */
#ifndef POOLFS_FS_CLASS_CALL_H
#define POOLFS_FS_CLASS_CALL_H

#include "fs/tree/class.h"

extern const struct file_class class_call;

/* Columns of the node table. */
bool sessions_find(const struct place *dir, const char *name, struct node *ret);
int64_t sessions_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
struct document *render_call(const struct place *p);
struct document *render_operations(const struct place *p);

#endif
