/* SPDX-License-Identifier: Apache-2.0 */
/* The text written to a value file, as the JSON of the parameter that it sets. Pure. */
#ifndef POOLFS_FS_CLASS_VALUE_TEXT_H
#define POOLFS_FS_CLASS_VALUE_TEXT_H

#include <jansson.h>

#include "actions/engine/operation.h"

/* Longest text that a value file accepts, bytes. */
#define VALUE_LENGTH 65536

/**
 * Parses @text, without one final newline, as a value of the type of @param: text as it is; a decimal number,
 * with K, M, G or T for powers of 1024; true or false; JSON for lists and maps.
 * The limits of the parameter are not checked here. -EINVAL, -ERANGE (number too large), -EFBIG.
 */
int value_parse(const struct param *param, const char *text, size_t len, json_t **ret_value, struct error *e);

#endif
