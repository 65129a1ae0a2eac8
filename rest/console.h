/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The consoles of VMs as websockets: `/websockify?token=TOKEN`, or `/` with the same query, as noVNC asks for them. The
 * pool says where the console is that a token gives access to, and once more when it is connected; nothing else can be
 * reached. There is a limit for all consoles, one for each account, and one for each token.
 */
#ifndef POOLFS_REST_CONSOLE_H
#define POOLFS_REST_CONSOLE_H

#include "rest/connection.h"

struct consoles;

/** @mount is borrowed. NULL when memory is short. */
struct consoles *consoles_new(struct mount *mount);
/** When no connection is served any more. Accepts NULL. */
void consoles_free(struct consoles *consoles);

/** True for a request that asks for a console. */
bool console_is_asked(const struct http_head *head);
/** Answers it. Blocks. */
struct response *console_answer(struct consoles *consoles, struct call_file *file, const struct exchange *x);

#endif
