/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads ahead of a program that reads in order: a thread has the next bytes ready while the program handles the last
 * ones. There is no thread, and no memory is taken, before bytes were read in order. Thread-safe.
 */
#ifndef POOLFS_VOLUME_READ_AHEAD_H
#define POOLFS_VOLUME_READ_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes of memory that one takes, at most. */
#define READ_AHEAD_MAX (3 << 20)

struct read_ahead;

/**
 * Reads @size bytes, all of which are there, at @offset. In @buffer are zeros, or what was read before. Blocks. 0 or a negative
 * errno.
 */
typedef int read_ahead_fn(void *arg, void *buffer, size_t size, int64_t offset);

/** Of @size bytes that @read reads, from any thread. NULL without memory. */
struct read_ahead *read_ahead_new(read_ahead_fn *read, void *arg, int64_t size);
/** Waits for the read that is under way. Accepts NULL. */
void read_ahead_free(struct read_ahead *a);
/**
 * Takes bytes that were read ahead: @size, none of them behind the end. False: there are none, and the caller has to read
 * them itself, as the first ones, those after a jump, and those that could not be read. Waits for those under way.
 */
bool read_ahead_take(struct read_ahead *a, void *buffer, size_t size, int64_t offset);

#endif
