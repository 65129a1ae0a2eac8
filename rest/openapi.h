/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAPI 3.1 document of all routes, generated from the operation table. */
#ifndef POOLFS_REST_OPENAPI_H
#define POOLFS_REST_OPENAPI_H

#include "rest/routes.h"

/** Owned by the caller; NULL when memory is short. @catalog: operations.json. @version: of the program. */
json_t *openapi_make(const struct routes *routes, const json_t *catalog, const char *version);

#endif
