/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typing and limits of parameters, by their rows in the operation table
 * (behaviour.md 1.3 and 1.12). Needs nothing but the text: no view, no state.
 */
#ifndef POOLFS_ENGINE_PARAMS_H
#define POOLFS_ENGINE_PARAMS_H

#include "actions/engine/operation.h"

/**
 * Makes the typed parameters of @op out of @body (borrowed, may be NULL): each one converted to its type,
 * defaults filled in, unknown members left out. @target (may be NULL) is the value of the parameter that
 * names the object and wins over the body. *ret is owned by the caller. -EINVAL, -ERANGE, -ENOMEM.
 */
int params_type(const struct operation *op, const char *target, const json_t *body, json_t **ret,
		struct error *e);

/** Reads a whole number that may carry K, M, G, T or P (powers of 1024). -EINVAL, -ERANGE. */
int params_parse_number(const char *text, int64_t *ret);

#endif
