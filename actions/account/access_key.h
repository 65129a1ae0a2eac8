/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access keys: an account signs its REST requests with a secret, instead of logging
 * in (`Authorization: ZStack id:signature`, as in later versions of the manual's
 * server). The signature is the HMAC-SHA1 of method, Date and path, in base64. It
 * covers neither query nor body, so whoever reads a request can send others to the
 * same path until its Date is too old: over networks that others can read, TLS is
 * needed as for passwords. One that was used is not refused, since a Date has whole
 * seconds: two creations of one second have the same signature, with any bodies.
 *
 * The secret is stored as it is, since signatures are made of it, and is shown once:
 * in the answer to its creation, which therefore is no job.
 */
#ifndef POOLFS_ACCOUNT_ACCESS_KEY_H
#define POOLFS_ACCOUNT_ACCESS_KEY_H

#include "model/view.h"

/* How far a Date may be from the clock of the pool, s. */
#define ACCESS_KEY_SKEW_S 900
/* How many keys an account may have. */
#define ACCESS_KEYS_MAX 100

/* What an id and a secret are made of. */
#define ACCESS_KEY_ID_LENGTH	 20
#define ACCESS_KEY_SECRET_LENGTH 40

/** A random text of @length letters and digits, into @ret, which has a byte more. */
void access_key_make(char *ret, size_t length);

/* A request as it was signed; all borrowed. */
struct signed_request {
	const char *id, *signature;
	const char *method, *date, *path; /* the path without /zstack and without query, decoded */
	const int *east; /* what the zone means that the date names, seconds; NULL: not known */
};

/**
 * Finds the account that has signed a request, borrowed from @view. @now: ns since 1970. -EACCES with the sentence for
 * the client when the key is unknown or disabled, the date too far from @now, or the signature wrong.
 */
int access_key_verify(const struct view *view, const struct signed_request *request, int64_t now,
		      const char **ret_account, struct error *e);

/**
 * Parses a date as HTTP and the clients write it, "Mon, 02 Jan 2006 15:04:05 ZONE", to seconds since 1970. The zone is
 * GMT, UTC, an offset such as +0800 or GMT+08:00, CST, which is China's, or another, which is @named seconds east of
 * Greenwich; NULL: nobody knows. -EINVAL. Exported for tests.
 */
int access_key_parse_date(const char *text, const int *named, int64_t *ret_seconds);

#endif
