/* SPDX-License-Identifier: Apache-2.0 */
/* The text written to a value file, as the JSON of the parameter that it sets. Pure. */
#ifndef POOLFS_FS_CLASS_VALUE_TEXT_H
#define POOLFS_FS_CLASS_VALUE_TEXT_H

#include <jansson.h>

#include "actions/engine/operation.h"
#include "fs/tree/class.h"

/* Longest text that a value file accepts, bytes. */
#define VALUE_LENGTH 65536

/**
 * Parses @text as a value of the type of @param: text as it is, without one final newline; a decimal number,
 * with K, M, G or T for powers of 1024; true or false; JSON for lists and maps. All but texts may end with any
 * number of newlines.
 * The limits of the parameter are not checked here. -EINVAL, -ERANGE (number too large), -EFBIG.
 */
int value_parse(const struct param *param, const char *text, size_t len, json_t **ret_value, struct error *e);

/**
 * A text, number or truth value that arrives in pieces: TEXT_WHOLE with the end of its line, TEXT_OPEN while it
 * can become valid, else the error of value_parse().
 */
int value_check_piece(const struct param *param, const char *text, size_t len, struct error *e);
/** The length of @text without a character that is not complete at the end. */
size_t text_whole_characters(const char *text, size_t len);
/** True if a text that is refused so far could be accepted with more pieces. */
bool value_may_grow(const struct param *param, const char *text, size_t len);

#endif
