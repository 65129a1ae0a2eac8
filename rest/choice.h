/* SPDX-License-Identifier: Apache-2.0 */
/* Selects the operation that a request asks for among those of its path (behaviour.md 1.1, 2.7, 2.8). Pure.
 */
#ifndef POOLFS_REST_CHOICE_H
#define POOLFS_REST_CHOICE_H

#include "rest/routes.h"

struct choice {
	const struct route *route;
	json_t *params; /* borrowed from the body: the object with the parameters, or NULL */
};

/**
 * Selects by method and, for PUT, by the members of @body (NULL for methods without one). False when no
 * operation fits: *ret_status and @ret_text (of @size bytes) say why; @path is the path as the text shows it.
 */
bool choose(const struct route_group *group, const char *method, json_t *body, const char *path,
	    struct choice *ret, int *ret_status, char *ret_text, size_t size);
/** True when what @method does on the paths of @group takes parameters from a body. */
bool choice_reads_body(const struct route_group *group, const char *method);
/** The methods of @group as in the field Allow: "GET, HEAD, PUT". */
void choice_list_methods(const struct route_group *group, char *ret_text, size_t size);

#endif
