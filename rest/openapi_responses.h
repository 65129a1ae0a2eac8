/* SPDX-License-Identifier: Apache-2.0 */
/* The answers in the OpenAPI document: each status, with its body and the header fields that come with it. */
#ifndef POOLFS_REST_OPENAPI_RESPONSES_H
#define POOLFS_REST_OPENAPI_RESPONSES_H

#include <jansson.h>

#include "rest/routes.h"

/**
 * The answers to the operation of @route, by status. @operations: the rows of the catalog. Owned by the caller, as are
 * those of the following functions.
 */
json_t *openapi_responses(const json_t *operations, const struct route *route);
/** Adds that of another operation on the same path with the same method to @responses. */
void openapi_add_result(json_t *responses, const struct route *route);
/**
 * An answer with a body of the type @media, and with the header fields @own (ended by NULL; NULL: none) beside those
 * that all answers have. Takes over @schema.
 */
json_t *openapi_response(const char *description, const char *const *own, const char *media, json_t *schema);
/** Adds the answers that any request can get to @responses. */
void openapi_add_refusals(json_t *responses);
/** The answers that any request can get, by the names of response_statuses(). */
json_t *openapi_common_responses(void);
/** The header fields, by name. */
json_t *openapi_headers(void);

#endif
