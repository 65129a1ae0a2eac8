/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types and limits of parameters, by their rows in the operation table
 * (behaviour.md 1.3 and 1.12). All functions are pure: they need no view and no state.
 */
#ifndef POOLFS_ENGINE_PARAMS_H
#define POOLFS_ENGINE_PARAMS_H

#include "actions/engine/operation.h"

/* The most characters of a user tag. */
#define USER_TAG_LENGTH 2048

/**
 * Converts @body (borrowed, may be NULL) to the typed parameters of @op, with defaults filled in and
 * unknown members left out. @target (may be NULL) is the value of the parameter that names the object; it
 * overrides the body. *ret is owned by the caller. -EINVAL, -ERANGE, -ENOMEM.
 */
int params_type(const struct operation *op, const char *target, const json_t *body, json_t **ret,
		struct error *e);

/**
 * -EINVAL unless the system tag @tag is one line, or for some several, without control characters: it can be shown by a
 * terminal, and written into XML and configuration files. @name is the field's, for the sentence.
 */
int params_check_system_tag(const char *name, const char *tag, struct error *e);
/**
 * -EINVAL unless @tag can be a user tag, wherever it comes from: not empty, lines without control characters. -E2BIG
 * with more than USER_TAG_LENGTH characters.
 */
int params_check_user_tag(const char *name, const char *tag, struct error *e);

/**
 * Parses an integer with an optional suffix K, M, G, T or P (powers of 1024). -EINVAL, -ERANGE, without a
 * sentence.
 */
int params_parse_number(const char *text, int64_t *ret);

#endif
