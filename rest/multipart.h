/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A form that is sent as multipart/form-data (RFC 7578), as it arrives: the bytes
 * of its first file, that is the first part with a file name. Pure.
 */
#ifndef POOLFS_REST_MULTIPART_H
#define POOLFS_REST_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#define MULTIPART_BOUNDARY 70 /* characters of a boundary (RFC 2046, 5.1.1) */

struct multipart {
	char delimiter[4 + MULTIPART_BOUNDARY + 1]; /* CR LF, two hyphens, the boundary */
	size_t length;				    /* of it */
	size_t matched;				    /* bytes of it that have arrived */
	size_t lent; /* those that belong to the line before, and so are no content in any case */
	int state;
	char line[1024]; /* of the head of a part */
	size_t line_length;
	bool is_file;  /* this part is one */
	bool found;    /* the file has begun */
	bool complete; /* and ended */
};

/** True when the value of a field Content-Type (NULL: none) says that the body is such a form. */
bool multipart_is(const char *content_type);
/** False when it has no valid boundary. */
bool multipart_init(struct multipart *m, const char *content_type);
/**
 * Takes bytes off @data, and at most one run of the file's bytes, *ret_len at *ret_content (in @data or in @m). Returns
 * how many were taken; -1 for a form that must be refused. To be called until all are taken.
 */
long multipart_take(struct multipart *m, const char *data, size_t len, const char **ret_content,
		    size_t *ret_len);

#endif
