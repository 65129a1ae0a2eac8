/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door for programs that act for others, above all poolfs-rest:
 *
 *     sessions/call           calls that need no session, such as a login
 *     sessions/<uuid>/call    calls as the account of that session
 *     operations.json         what can be called
 *
 * One writes a call (see actions/call.h) and reads its answer on the same
 * descriptor. Sessions are not listed: who knows the uuid may pass, and the
 * kernel's walk of the path is the check; a session that ends is noticed by the
 * next call on an open descriptor too.
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
