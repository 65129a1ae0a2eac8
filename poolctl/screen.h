/* SPDX-License-Identifier: Apache-2.0 */
/* What poolctl prints: tables, bars, numbers of bytes. All texts are made safe for a terminal. */
#ifndef POOLFS_POOLCTL_SCREEN_H
#define POOLFS_POOLCTL_SCREEN_H

#include <jansson.h>
#include <stdint.h>

#include "model/error.h"

/* Size of the text of a bar with its final NUL. */
#define BAR_SIZE 64

/** "[#####.....]  50%" of @part in @whole, @width signs wide; empty if @whole is 0. Returns @ret. */
const char *screen_bar(double part, double whole, int width, char ret[BAR_SIZE]);
/** "1.5G". Returns @ret. */
const char *screen_bytes(int64_t bytes, char ret[16]);

/**
 * Prints a list of lists of texts as a table whose columns are as wide as their texts; the first row is the
 * heading. The last column is not cut, the others at 40 characters. -ENOMEM, also if @rows is NULL: it is not whole
 * (json_add_item()).
 */
int screen_table(const json_t *rows, struct error *e);
/** The value of a member as one line of text, owned by the caller. NULL when out of memory. */
char *screen_value(const json_t *value);

#endif
