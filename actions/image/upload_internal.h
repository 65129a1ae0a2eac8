/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the queue of an upload (upload.c) and the work on its file (upload_receive.c). */
#ifndef POOLFS_IMAGE_UPLOAD_INTERNAL_H
#define POOLFS_IMAGE_UPLOAD_INTERNAL_H

#include "actions/image/upload.h"
#include "actions/image/writer.h"

struct upload {
	struct ref ref;
	struct uploads *uploads; /* immutable */
	int64_t number;		 /* lock of the list; 0 = its name is that of another one now */
	char image[UUID_SIZE];	 /* immutable */
	int64_t id;		 /* immutable: how it is kept */
	struct keep *keep;	 /* immutable; or NULL */
	struct upload *next;	 /* in the list; lock of the list */
	pthread_mutex_t lock;	 /* of everything below */
	pthread_cond_t wake;	 /* there is something to do for the job */
	struct upload_task *head, **tail;
	char file_name[UPLOAD_NAME_MAX + 1];
	char kept_name[UPLOAD_NAME_MAX + 1]; /* without a rename that may still be refused */
	bool is_held; /* of the process before this one, whose opens are not known yet */
	struct stat st;
	struct writer writer;
	unsigned opens, writers;
	int64_t used;	      /* time of the last use, CLOCK_MONOTONIC, ns */
	bool made;	      /* the image is Ready, with everything that was written */
	bool closed;	      /* closed since the last write, under a temporary name */
	bool sent;	      /* immutable: its bytes are sent to a URL; see upload_offer() */
	bool awaited;	      /* it has not been opened for writing yet */
	bool removed;	      /* the file was removed */
	bool done;	      /* its job has ended, and there is the image */
	char same[UUID_SIZE]; /* the image that had the same bytes already; "" = none */
	bool ended;	      /* tasks are answered with `end` */
	struct error end;
};

/** Sets @e to errno and message of @from, unless it is set already. Returns -errno of @from. */
static inline int error_repeat(struct error *e, const struct error *from)
{
	return error_set(e, from->errnum, "%s", error_sentence(from));
}

/** The image to which the name of a finished upload leads. Call with the lock held. */
static inline const char *upload_image(const struct upload *u)
{
	return u->same[0] ? u->same : u->image;
}

/** True for a temporary name, one that starts with a dot. */
static inline bool upload_name_is_temporary(const char *name)
{
	return name[0] == '.';
}

#endif
