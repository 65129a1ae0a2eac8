/* SPDX-License-Identifier: Apache-2.0 */
/* The operation table as a document, for programs (operations.json). */
#ifndef POOLFS_ENGINE_CATALOG_H
#define POOLFS_ENGINE_CATALOG_H

#include <jansson.h>

/** The operation table as JSON, from which REST routes and OpenAPI are made. Owned by the caller; NULL when
 * memory is short. */
json_t *operations_to_json(void);

#endif
