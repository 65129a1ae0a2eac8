/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MD5 of a file while it is being written.
 *
 * Most programs write a file from its beginning to its end; then the sum is
 * there with the last byte, and nothing need be read again. What is passed over
 * reads as zeros and is summed as such, up to a limit: the sum of a hole takes as
 * long as that of data. A file that was written in another order has no sum here.
 *
 * For one thread at a time.
 */
#ifndef POOLFS_IMAGE_RUNNING_SUM_H
#define POOLFS_IMAGE_RUNNING_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 32 hex digits and the NUL. */
#define RUNNING_SUM_STRLEN 33
/* Bytes of holes that are summed. */
#define RUNNING_SUM_HOLES (INT64_C(1) << 30)

struct running_sum;

/** NULL without memory. */
struct running_sum *running_sum_new(void);
/** Accepts NULL. */
void running_sum_free(struct running_sum *s);

/** @len bytes were written at @offset. */
void running_sum_write(struct running_sum *s, const void *data, size_t len, int64_t offset);
/** What is at @offset and behind it is no more what was written, or never was. */
void running_sum_cut(struct running_sum *s, int64_t offset);
/** The sum of the file, which has @size bytes, as it is now; false when it is not known. More may be written.
 */
bool running_sum_get(struct running_sum *s, int64_t size, char ret_md5[static RUNNING_SUM_STRLEN]);

#endif
