/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the operations on a path a request is for (behaviour.md 1.1, 2.7, 2.8). Pure. */
#ifndef POOLFS_REST_CHOICE_H
#define POOLFS_REST_CHOICE_H

#include "rest/routes.h"

struct choice {
	const struct route *route;
	json_t *params; /* borrowed from the body: the object with the parameters, or NULL */
};

/**
 * Chooses by method and, with PUT, by the members of @body (NULL for methods without one). False when there
 * is none: *ret_status and @ret_text (of @size bytes) say why; @path is what the text calls the path.
 */
bool choose(const struct route_group *group, const char *method, json_t *body, const char *path,
	    struct choice *ret, int *ret_status, char *ret_text, size_t size);

#endif
