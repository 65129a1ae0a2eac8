/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /events: the changes that the account of a session may see, as server-sent events (the HTML standard, "Server-sent
 * events"), as long as the client, the session and the pool are there.
 *
 * The id of an event is its sequence number, its data the line of the file `events`. A client that comes back with that in
 * Last-Event-ID, or as ?since=, gets what has happened meanwhile; when some of it is not known any more, an event `lost`
 * says so. An event `end` tells that the session has ended. Every few seconds a comment shows that the connection works;
 * with it comes an id, so that a client to whom nothing happens does not fall behind.
 */
#ifndef POOLFS_REST_EVENTS_H
#define POOLFS_REST_EVENTS_H

#include "rest/connection.h"

/* Clients of an account that are told at a time. */
#define EVENTS_OF_ONE 32

struct events;

struct events *events_new(void);
/** When nobody is told any more. Accepts NULL. */
void events_free(struct events *events);

/** True for the path of this interface, whatever follows it. */
bool events_is_target(const char *target);
/** The answer to a request for it, which goes on. @events and @mount must exist as long. NULL when memory is short. */
struct response *events_answer(struct events *events, struct mount *mount, struct call_file *file,
			       const struct exchange *x);

#endif
