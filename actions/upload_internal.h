/* SPDX-License-Identifier: Apache-2.0 */
/* What the queue of an upload (upload.c) and the work on its file (image_upload.c) share. */
#ifndef POOLFS_UPLOAD_INTERNAL_H
#define POOLFS_UPLOAD_INTERNAL_H

#include "actions/upload.h"
#include "actions/writer.h"

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

/** The upload of a job's image, with a reference; NULL when there is none: the daemon was started anew. */
struct upload *uploads_of_image(struct uploads *uploads, const char *image);
/** Waits for something to do. UPLOAD_TASK: it is in *ret_task. UPLOAD_STOP: the job should stop. */
enum upload_event upload_wait(struct upload *u, const struct job *job, struct upload_task **ret_task);
/** Answers a task. */
void upload_answer(struct upload_task *task, int64_t result, const struct error *e);
/** From now on the upload answers all tasks with @e, those that wait too. It is listed no more. */
void upload_end(struct upload *u, const struct error *e);
/** A temporary name, with a dot in front. */
static inline bool upload_name_is_temporary(const char *name)
{
	return name[0] == '.';
}

#endif
