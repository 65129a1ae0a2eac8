/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of the OpenAPI document that belong to no single operation of the pool: downloads, and messages. */
#ifndef POOLFS_REST_OPENAPI_PATHS_H
#define POOLFS_REST_OPENAPI_PATHS_H

#include <jansson.h>

/** Adds them to @paths. */
void openapi_add_paths(json_t *paths);

#endif
