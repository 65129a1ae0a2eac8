/* SPDX-License-Identifier: Apache-2.0 */
/* The operation table as a document, for programs (operations.json). */
#ifndef POOLFS_ENGINE_CATALOG_H
#define POOLFS_ENGINE_CATALOG_H

#include <jansson.h>

/** The operation table as JSON: what REST routes and OpenAPI are made of. Owned by the caller; NULL without
 * memory. */
json_t *operations_to_json(void);

#endif
