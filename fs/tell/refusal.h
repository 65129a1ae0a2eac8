/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the kernel that are refused although they are no requests to the pool:
 * mkdir, rm, mv, chmod, ln, opening a file for writing. Programs get the errno; the
 * sentence in `last-error` is for people, who would otherwise find there why an
 * earlier request has failed.
 *
 * What the kernel refuses by itself never arrives here: missing permissions, names
 * that exist already, names that do not exist.
 */
#ifndef POOLFS_FS_TELL_REFUSAL_H
#define POOLFS_FS_TELL_REFUSAL_H

#include <fuse_lowlevel.h>

#include "model/error.h"
#include "model/object.h"

enum refused {
	REFUSED_MAKE,
	REFUSED_LINK,
	REFUSED_REMOVE,
	REFUSED_RENAME,
	REFUSED_CHANGE,
	REFUSED_OPEN,
	REFUSED_READ
};

/**
 * Answers @req with the negative errno @result and explains that in `last-error`. @name: what was refused, @o:
 * the object that it belongs to; each may be NULL.
 */
void refusal_reply(fuse_req_t req, enum refused what, int result, const struct object *o, const char *name);
/** Answers @req with the negative errno @result; the message of @e goes to `last-error`. @e: NULL or not set if there is none. */
void refusal_reply_error(fuse_req_t req, int result, const struct error *e);

#endif
