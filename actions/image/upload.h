/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads: images that are written as files.
 *
 * An upload is an AddImage job whose bytes come from a program that writes a
 * file; its URL is `upload://<file name>`. The job begins when the file is
 * created, and its worker does all work on the file, in the order in which it was
 * asked for: everybody else only puts tasks into the upload's queue and is told
 * when they are done. So it is the job that makes an upload safe: rows name the
 * partial file from the first moment, a kill of the daemon is undone by the job's
 * recovery, and cancelling the job ends the upload.
 *
 *	begun ──write──> changed ──close──> made ──all closed──> (ended: Done)
 *	                    ^  └─all closed─┐  │
 *	                    └────write──────┼──┘
 *	                                    └> (ended: Failed, nothing is left)
 *
 * A close makes the image Ready, if the content is good, before it is answered.
 * Since every close of every copy of a descriptor is one, the writing may go on:
 * then the image is not Ready any more until the next close. What was not made at
 * the last close is no image: the writer was killed, or the content was refused.
 *
 * A name with a dot in front is a temporary one, as rsync makes them: closing the
 * file makes nothing, giving it another name does. Nobody having it open, it is
 * gone after UPLOAD_IDLE_S.
 *
 * Self-locking; nothing here blocks but upload_receive().
 */
#ifndef POOLFS_IMAGE_UPLOAD_H
#define POOLFS_IMAGE_UPLOAD_H

#include <sys/stat.h>

#include "actions/engine/job.h"

struct upload;
struct uploads;

struct upload_task;

/* Uploads at one time. */
#define UPLOADS_MAX 16
/* A file with a temporary name that is not open is gone this long after its last use. */
#define UPLOAD_IDLE_S 600
/* Permissions that are kept: as those of `data`, the bytes are not for others. */
#define UPLOAD_MODE 0700
/* Longest name of a file. */
#define UPLOAD_NAME_MAX 255

enum upload_verb {
	UPLOAD_BEGIN,	 /* answered when the job has begun */
	UPLOAD_READ,	 /* `length` bytes at `offset` into `data`; the number of bytes */
	UPLOAD_WRITE,	 /* the `length` bytes of `data` at `offset`, or at the end; the number of bytes */
	UPLOAD_TRUNCATE, /* to `offset` bytes */
	UPLOAD_ALLOCATE, /* fallocate(2) with `mode` */
	UPLOAD_SEEK,	 /* lseek(2) with `mode`; the offset */
	UPLOAD_SYNC,
	UPLOAD_CLOSE, /* makes the image when the content is good; 1, or 0 when there was nothing to do */
};
/** Told the outcome of a task, which is given back: a verb's number, or a negative errno with its sentence.
 */
typedef void upload_done_fn(struct upload_task *task, int64_t result, const struct error *e);

struct upload_task {
	struct upload_task *next; /* the upload's */
	enum upload_verb verb;
	int64_t offset;
	size_t length;
	int64_t extent; /* UPLOAD_ALLOCATE: bytes */
	int mode;
	bool append; /* UPLOAD_WRITE */
	char *data;
	upload_done_fn *done;
	void *arg;
	/* UPLOAD_CLOSE of a rename: the name to go back to when it is refused; the upload's */
	char former[UPLOAD_NAME_MAX + 1];
};

/** @pool: NULL = none, nothing can be created (tests of the tree). NULL without memory. */
struct uploads *uploads_new(struct pool *pool);
/** When no job runs any more. Accepts NULL. */
void uploads_free(struct uploads *uploads);

/**
 * Creates and opens the file @name and hands in its job; @task (UPLOAD_BEGIN) is answered when that has begun
 * or was refused. @ret_upload (a reference) and @ret_number are set before. On failure @task is not touched:
 * -EINVAL (no suffix of an image), -EEXIST, -EBUSY (too many uploads, no backup storage), -ENOMEM.
 */
int upload_create(struct uploads *uploads, const char *name, int64_t uid, mode_t mode,
		  struct upload_task *task, struct upload **ret_upload, int64_t *ret_number, struct error *e);
struct upload *upload_ref(struct upload *u);
/** Accepts NULL. */
void upload_unref(struct upload *u);
DEFINE_CLEANUP(struct upload *, upload_unref)

/** The upload of a file that is listed, with a reference for the caller; NULL when there is none. */
struct upload *uploads_find(struct uploads *uploads, const char *name);
/** The upload with a number, listed or not as long as it is open; as uploads_find(). */
struct upload *uploads_get(struct uploads *uploads, int64_t number);
/** The next upload with a larger number than @after that is listed; as uploads_find(). @ret_name: room for
 * UPLOAD_NAME_MAX + 1. */
struct upload *uploads_next(struct uploads *uploads, int64_t after, char *ret_name);

/** Never used again; above 0. */
int64_t upload_number(const struct upload *u);
/** Mode, owner, size, blocks and mtime of the file. */
void upload_stat(struct upload *u, struct stat *ret);
/** Sets what upload_stat() says; nothing depends on it. @st: its mode, owner and mtime. */
void upload_set_stat(struct upload *u, const struct stat *st);

/** Counts a user of the file. -EBUSY: it @writes, and so does another; -ESTALE: it has ended. */
int upload_open(struct upload *u, bool writes, struct error *e);
/** @wrote: as in upload_open(); upload_create() opens for writing. The last one ends the upload. */
void upload_close(struct upload *u, bool wrote);
/** The thread @writer is about to write (see writer.h). */
void upload_note_writer(struct upload *u, pid_t writer);
/** Queues @task (taken over until it is answered, perhaps before the return). */
void upload_do(struct upload *u, struct upload_task *task);
/** Takes an UPLOAD_BEGIN with this @arg that is not answered yet out of its queue, and ends its upload; NULL
 * when there is none. */
struct upload_task *uploads_withdraw(struct uploads *uploads, const void *arg);

/**
 * Renames the file. Once all that was written has been closed, a name that is no temporary one makes the
 * image: @task (UPLOAD_CLOSE) is answered then, or at once while it is being written. On failure @task is not
 * touched: -EINVAL (no suffix of an image), -EBUSY (the name is taken), -ESTALE.
 */
int upload_rename(struct upload *u, const char *name, struct upload_task *task, struct error *e);
/** Removes the file: the upload ends, nothing is made. */
void upload_remove(struct upload *u);

/** True when the job's image is uploaded as a file; the URL of such a request is `upload://<file name>`. */
bool request_is_upload(const struct request *req);

/** The upload of a job's image, with a reference; NULL when there is none: the daemon was started anew. */
struct upload *uploads_of_image(struct uploads *uploads, const char *image);
/** Waits for something to do. UPLOAD_TASK: it is in *ret_task. UPLOAD_STOP: the job should stop. */
enum upload_event upload_wait(struct upload *u, const struct job *job, struct upload_task **ret_task);
/** Answers a task. */
void upload_answer(struct upload_task *task, int64_t result, const struct error *e);
/** From now on the upload answers all tasks with @e, those that wait too. It is listed no more. */
void upload_end(struct upload *u, const struct error *e);

#endif
