/* SPDX-License-Identifier: Apache-2.0 */
/* URLs as they are shown to others: without what only the one who gave them may know. */
#ifndef POOLFS_URL_H
#define POOLFS_URL_H

/**
 * @url with its user information and the values of its query as "******", allocated; other texts are copied as
 * they are. NULL without memory. Any value may be a secret: signatures, tokens and keys have no common names.
 */
char *url_shown(const char *url);

#endif
