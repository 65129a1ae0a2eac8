/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of a Get file, as they are after the `?` of its name. Pure. */
#ifndef POOLFS_FS_CLASS_PARAMETERS_H
#define POOLFS_FS_CLASS_PARAMETERS_H

#include <jansson.h>

#include "actions/engine/operation.h"

/**
 * Parses `a=b&c=d` with percent-escapes as parameters of @op: numbers and booleans by their type, lists as
 * repeated names. Owned by the caller. -EINVAL for an unknown name or a bad escape.
 */
int query_parameters(const struct operation *op, const char *text, json_t **ret_params, struct error *e);

#endif
