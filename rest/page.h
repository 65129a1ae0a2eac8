/* SPDX-License-Identifier: Apache-2.0 */
/* The status page, page.html, embedded in the program. */
#ifndef POOLFS_REST_PAGE_H
#define POOLFS_REST_PAGE_H

extern const char page_start[], page_end[];

#endif
