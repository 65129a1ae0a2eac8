/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the status page, embedded in the program: page.html, page.css and page*.js. */
#ifndef POOLFS_REST_PAGE_H
#define POOLFS_REST_PAGE_H

struct page_file {
	const char *target, *type; /* in the request line, and of its content */
	const char *start, *end;
};

/** The file at @target; NULL if it is none of the page's. Static. */
const struct page_file *page_find(const char *target);

#endif
