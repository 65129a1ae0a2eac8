/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MD5 of a file while it is being written.
 *
 * Most programs write a file from start to end; then the sum is known with the
 * last byte, and the file need not be read again. Bytes that are skipped read as
 * zeros and are summed as such, up to a limit, since summing a hole takes as long
 * as summing data. For a file that is written in another order no sum is known.
 *
 * Not thread-safe.
 */
#ifndef POOLFS_IMAGE_RUNNING_SUM_H
#define POOLFS_IMAGE_RUNNING_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 32 hex digits and a NUL. */
#define RUNNING_SUM_STRLEN 33
/* Most bytes of holes that are summed. */
#define RUNNING_SUM_HOLES (INT64_C(1) << 30)

struct running_sum;

/** The sum of an empty file; NULL without memory. */
struct running_sum *running_sum_new(void);
/** Accepts NULL. */
void running_sum_free(struct running_sum *s);

/** To be called after @len bytes were written at @offset. */
void running_sum_write(struct running_sum *s, const void *data, size_t len, int64_t offset);
/** To be called when the bytes from @offset on have changed without a write, by a truncation for example. */
/** The bytes so far are not known: there is no sum. */
void running_sum_lose(struct running_sum *s);
void running_sum_cut(struct running_sum *s, int64_t offset);
/** The MD5 of the file so far, which has @size bytes, in lower case; false if it is not known. */
bool running_sum_get(struct running_sum *s, int64_t size, char ret_md5[static RUNNING_SUM_STRLEN]);

#endif
