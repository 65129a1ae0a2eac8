/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways that lead to calls: the name of a call, and the functions through which it was made, each at the place from which
 * it called the next one, to the outermost. A loop makes its calls on one way.
 *
 * A way has the same id in each run, and in another build as long as none of the functions on it has changed.
 */
#ifndef POOLFS_FAULTS_WAY_H
#define POOLFS_FAULTS_WAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A way has an id other than 0. */
typedef uint64_t way_id;

/** Reads the symbols of this program; before the other functions are called, which may be done from any thread then. */
void way_begin(void);
/** Forgets all ways. */
void way_forget_all(void);
/** Counts the calls anew, on all ways, or, which is quicker, only on one that has been seen: a call that is made now is the
 * first of its way. */
void way_count_anew(way_id only);
/** This many are the usual ones of each way that is new: way_usual(). */
void way_keep_count(void);

/** Counts a call of this name, which stays, @skip functions above the caller; its way, and the number of calls of it. 0: it
 * is made on a way that is not counted. */
way_id way_of_call(const char *name, int skip, long *ret_number);

/** The @i-th of the ways; 0 when there are not so many. */
way_id way_at(size_t i);
/** How many calls of it there were at way_keep_count(), at least 1. */
long way_usual(size_t i);
/** The name of the call, and the innermost functions of this program on the way to it. */
void way_describe(way_id id, char *ret, size_t size);

#endif
