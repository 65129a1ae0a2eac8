/* SPDX-License-Identifier: Apache-2.0 */
/* The schemas of what operations answer: inventories and results, from operations.json. */
#ifndef POOLFS_REST_OPENAPI_TYPES_H
#define POOLFS_REST_OPENAPI_TYPES_H

#include <jansson.h>

/** The schemas of all inventories, and of the structures in results that are none. Owned by the caller. */
json_t *openapi_types(const json_t *catalog);
/** The schema of the result of an operation, a row of the catalog. Owned by the caller. */
json_t *openapi_result(const json_t *operation);
/** Sets a member of @json; takes over @value. What does not fit into the memory is left out. */
void openapi_set(json_t *json, const char *name, json_t *value);
/** {"$ref": ...} to a schema of this name. Owned by the caller. */
json_t *openapi_reference(const char *name);

#endif
