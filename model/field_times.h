/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The times of an object's fields as they are in the database: runs of fields that have the same time, nine bytes each (the
 * time, ns, in the order of the machine's bytes; how many fields). Most rows have one or two.
 */
#ifndef POOLFS_FIELD_TIMES_H
#define POOLFS_FIELD_TIMES_H

#include <stddef.h>
#include <stdint.h>

#define FIELD_TIMES_RUN ((int)sizeof(int64_t) + 1)

/** Writes @times of @count fields into @ret, which has room for @count runs. Returns the bytes written. */
size_t field_times_write(const int64_t *times, int count, char *ret);
/**
 * Reads the times of the first @count fields from @size bytes. Fields that these do not reach, since whoever wrote them did
 * not know them, have the time @unknown.
 */
void field_times_read(const char *bytes, size_t size, int64_t unknown, int count, int64_t *ret_times);

#endif
