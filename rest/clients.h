/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is connected, and who must go when there are too many.
 *
 * Every connection has a seat. As long as one waits for its client (for a request,
 * for the rest of one, for the reader of an answer) its seat can be given to a
 * newcomer: that of the address with the most connections goes first, of these the
 * one that waits for the longest time. So slow clients, however many, keep nobody
 * out; only connections whose requests are being answered do.
 *
 * The addresses of an IPv6 network of 64 bits count as one. Connections of a trusted
 * proxy have no limit of their own and are the last to go; instead, the requests of
 * each client behind it are counted. Self-locking.
 */
#ifndef POOLFS_REST_CLIENTS_H
#define POOLFS_REST_CLIENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "rest/stream.h"

struct clients;
struct client;

struct seat {
	struct seat *prev, *next; /* the lock of the clients */
	struct client *client;	  /* immutable while seated */
	struct stream *stream;	  /* borrowed; immutable while seated */
	bool trusted;		  /* immutable while seated: of a proxy */
	atomic_llong since;	  /* ms: it waits since then; 0: it does not; -1: it must go */
};

/** At most @connections at a time, and @of_one from one address. NULL when memory is short. */
struct clients *clients_new(int connections, int of_one);
/** Waits until nobody is seated any more. Accepts NULL. */
void clients_free(struct clients *clients);

/** Seats a connection from @address, which begins to wait. False when it must be closed: all others work. */
bool clients_seat(struct clients *clients, struct seat *seat, const char *address, bool trusted,
		  struct stream *stream);
/** Gives the seat up. To be called before its stream is freed. */
void clients_leave(struct clients *clients, struct seat *seat);
/** The connection waits for its client from now on. False when it must go. */
bool seat_wait(struct seat *seat);
/** The connection does not wait any more. False when it must go. */
bool seat_work(struct seat *seat);

/** Counts a request of the client @address behind a trusted proxy; NULL when it has too many. */
struct client *clients_begin_request(struct clients *clients, const char *address);
/** Accepts NULL. */
void clients_end_request(struct clients *clients, struct client *client);

/** Makes one waiting connection go, if there is one. */
void clients_make_room(struct clients *clients);
/** Makes all waiting connections go, and those that work after their answer. */
void clients_dismiss(struct clients *clients);
/** Seconds since the last one left; 0 while somebody is seated. */
int clients_quiet(struct clients *clients);

#endif
