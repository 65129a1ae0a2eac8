/* SPDX-License-Identifier: Apache-2.0 */
/* The schemas of what operations answer: inventories and results, from operations.json. */
#ifndef POOLFS_REST_OPENAPI_TYPES_H
#define POOLFS_REST_OPENAPI_TYPES_H

#include <stdbool.h>
#include <jansson.h>

/** The schemas of all inventories, and of the structures in results that are none. Owned by the caller. */
json_t *openapi_types(const json_t *catalog);
/** The schema of the result of an operation, a row of the catalog. Owned by the caller. */
json_t *openapi_result(const json_t *operation);
/** The thread begins another document. */
void openapi_begin(void);
/** False when openapi_set() or openapi_add() of this thread has had no memory since, so that something is missing. */
bool openapi_is_whole(void);
/** Sets a member of @json; takes over @value, which is NULL if it could not be made. */
void openapi_set(json_t *json, const char *name, json_t *value);
/** The same with an item of a list. */
void openapi_add(json_t *list, json_t *value);
/** {"$ref": ...} to a schema of this name. Owned by the caller. */
json_t *openapi_reference(const char *name);

#endif
