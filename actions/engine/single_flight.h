/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single flight: what many may want to know at a time, and what takes long to find out, is asked once.
 *
 * While the answer about a subject is on its way, who wants it waits for the same one; while it is young, it is given
 * again. Nobody asks, nothing is done. Each subject is asked about in a thread of its own, without a lock, so that one
 * that is silent delays no other, unless there are as many as threads. Self-locking.
 *
 * A subject that always takes longer than anybody waits would never be told of, since its answers are old when the next
 * one asks. So an answer for which somebody did not wait is given to those who do not get the next one in time either.
 */
#ifndef POOLFS_ENGINE_SINGLE_FLIGHT_H
#define POOLFS_ENGINE_SINGLE_FLIGHT_H

#include <stdint.h>

#include "model/ref.h"

struct single_flight;
/* What somebody waits for. */
struct flight;

struct single_flight_options {
	const char *name; /* of the threads, see workers_new() */
	int threads;	  /* subjects that are asked about at a time */
	int64_t kept; /* ns: an answer is forgotten when it is so old, and too old for who wants the next one */
	/*
	 * Finds out about a subject; @before: the last answer that is not forgotten, borrowed; NULL: none. The answer is
	 * immutable; NULL when memory is short.
	 */
	struct ref *(*ask)(void *ctx, const char *subject, const struct ref *before);
	void *ctx;
};

/** NULL when memory is short. */
struct single_flight *single_flight_new(const struct single_flight_options *options);
/** Waits until nobody is asked; then -ESHUTDOWN is the answer. Accepts NULL. */
void single_flight_stop(struct single_flight *s);
/** After single_flight_stop(), when nobody waits any more. Accepts NULL. */
void single_flight_free(struct single_flight *s);

/**
 * Begins to wait for an answer about @subject, a uuid, that is younger than @max_age, ns: asks unless there is one, or is
 * on its way. Always followed by flight_wait(). NULL when memory is short.
 */
struct flight *single_flight_begin(struct single_flight *s, const char *subject, int64_t max_age);
/**
 * Waits until @deadline (CLOCK_MONOTONIC, ns); *ret: the answer, with a reference for the caller. Without one in time it is
 * the last one, if that came late, too; it may be older. -ETIMEDOUT, -ENOMEM, -ESHUTDOWN. Accepts NULL.
 */
int flight_wait(struct flight *flight, int64_t deadline, struct ref **ret);

#endif
