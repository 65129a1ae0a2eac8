/* SPDX-License-Identifier: Apache-2.0 */
/* What the queue of an upload (upload.c) and the work on its file (image/upload_receive.c) share. */
#ifndef POOLFS_IMAGE_UPLOAD_INTERNAL_H
#define POOLFS_IMAGE_UPLOAD_INTERNAL_H

#include "actions/image/upload.h"
#include "actions/image/writer.h"

struct upload {
	struct ref ref;
	struct uploads *uploads; /* immutable */
	int64_t number;		 /* immutable */
	char image[UUID_SIZE];	 /* immutable */
	struct upload *next;	 /* the list's; lock of uploads */
	pthread_mutex_t lock;	 /* of all that follows */
	pthread_cond_t wake;	 /* there is something to do for the job */
	struct upload_task *head, **tail;
	char file_name[UPLOAD_NAME_MAX + 1];
	struct stat st;
	struct writer writer;
	unsigned opens, writers;
	int64_t used; /* ns: last time anybody did anything with it */
	bool made;    /* the image is Ready, with all that was written */
	bool closed;  /* a close has found all that was written, under a temporary name */
	bool removed;
	bool ended; /* tasks are answered with `end` */
	struct error end;
};

/* What the job has to do next. */
enum upload_event { UPLOAD_TASK, UPLOAD_END, UPLOAD_STOP };
/** A temporary name, with a dot in front. */
static inline bool upload_name_is_temporary(const char *name)
{
	return name[0] == '.';
}

#endif
