/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads: images that are written as files.
 *
 * An upload is an AddImage job whose bytes come from a program that writes a
 * file; its URL is `upload://<file name>`. The job begins when the file is
 * created, and its worker does all work on the file, in the order of the requests:
 * other threads only queue tasks for the upload, and are called back when these
 * are done. So the job makes the upload safe: rows name the partial file from the
 * start, the recovery of the job cleans up after a kill of the daemon, and
 * cancelling the job ends the upload.
 *
 *	begun ──write──> changed ──close──> made ──all closed──> (ended: Done)
 *	                    ^  └─all closed─┐  │
 *	                    └────write──────┼──┘
 *	                                    └> (ended: Failed, nothing is left)
 *
 * A close makes the image Ready, if the content is acceptable, before it is
 * answered. Each copy of a descriptor has a close of its own, so writes may follow:
 * then the image is not Ready until the next close. If the last close does not make
 * an image, because the writer was killed or the content was refused, there is none.
 *
 * A name that starts with a dot is temporary, as rsync uses them: closing the file
 * makes no image, renaming it does. When it is not open, it is removed after
 * UPLOAD_IDLE_S.
 *
 * An image can also be there before its upload: AddImage with a URL `upload://NAME`
 * makes the rows of an image that is awaited, and the job of its upload, and is done.
 * Then its file is opened by the uuid of that job, which is a part of the URL that a
 * client sends the bytes to. What they are is said by the request, not by the name of
 * the file; when it has been said how many they are (UPLOAD_ALLOCATE), all of them must
 * have arrived when the file is closed.
 *
 * An upload outlives the process (model/keep.h) as its job does: the next process finds
 * the partial file and goes on (upload_resume()).
 *
 * Self-locking. Nothing here blocks but upload_wait().
 */
#ifndef POOLFS_IMAGE_UPLOAD_H
#define POOLFS_IMAGE_UPLOAD_H

#include <sys/stat.h>

#include "actions/engine/job.h"

struct upload;
struct uploads;
struct upload_task;

/*
 * The name of a file that has become an image stays for a while, for programs that
 * set its mode and times, or look at it, after they have closed it: it can be read,
 * and is that of the image. Writing it anew, or a file of the same name, begins
 * another upload; if that has the same bytes as the image, it becomes no second one.
 */
#define UPLOAD_KEEP_S	 60 /* after the last use */
#define UPLOADS_KEPT_MAX 256

/* Largest number of uploads at a time. */
#define UPLOADS_MAX 16
/* A file with a temporary name that is not open, or one that is awaited, is removed this long after its last use, seconds. */
#define UPLOAD_IDLE_S 600
/* The permission bits that are stored: as for `data`, other users may not read the bytes. */
#define UPLOAD_MODE 0700
/* Longest name of a file, bytes. */
#define UPLOAD_NAME_MAX 255

/* What a task does, and its result if that is not just 0. */
enum upload_verb {
	UPLOAD_BEGIN,	 /* does nothing; answered when the job has begun */
	UPLOAD_READ,	 /* `length` bytes at `offset` into `data`. The number of bytes */
	UPLOAD_WRITE,	 /* the `length` bytes of `data` to `offset` or the end. The number of bytes */
	UPLOAD_TRUNCATE, /* to `offset` bytes */
	UPLOAD_ALLOCATE, /* fallocate(2) with `mode`; of a file that is sent, says how many bytes will come */
	UPLOAD_SEEK,	 /* lseek(2) with `mode`. The offset */
	UPLOAD_SYNC,	 /* fsync(2) */
	UPLOAD_CLOSE,	 /* makes the image if the content is acceptable. 1; 0 if nothing was to do */
};

/** Returns a task to its owner with its result: that of the verb, or a negative errno with the error. */
typedef void upload_done_fn(struct upload_task *task, int64_t result, const struct error *e);

struct upload_task {
	struct upload_task *next; /* private to the queue */
	enum upload_verb verb;
	int64_t offset;
	size_t length;
	int64_t extent; /* UPLOAD_ALLOCATE: bytes */
	int mode;
	bool append; /* UPLOAD_WRITE */
	uint64_t
		id; /* UPLOAD_WRITE with `append`: of KEEP_SUBMISSION, which says where an earlier process began it */
	char *data;
	upload_done_fn *done;
	void *arg;
	/* UPLOAD_CLOSE of a rename: the name to restore if it is refused; private */
	char former[UPLOAD_NAME_MAX + 1];
};

/** That of uploads_reserve(). */
int64_t upload_id(const struct upload *u);
/** True if its bytes are sent to a URL, see upload_offer(). */
bool upload_is_sent(const struct upload *u);
/** Counts an open of the process before this one. */
void upload_revive(struct upload *u, bool writes);
/** A reference for the caller; returns @u. */
struct upload *upload_ref(struct upload *u);
/** Accepts NULL. */
void upload_unref(struct upload *u);
DEFINE_CLEANUP(struct upload *, upload_unref)

/** True if the upload has become an image; *@ret_image is its uuid then. */
bool upload_is_finished(struct upload *u, char ret_image[UUID_SIZE], char ret_name[UPLOAD_NAME_MAX + 1]);
/** The number of the upload: above 0. */
int64_t upload_number(const struct upload *u);
/** The uuid of the image that the upload is to become, which its job has as its resource. */
const char *upload_target(const struct upload *u);
/** Mode, owner, size, blocks and mtime of the file. */
void upload_stat(struct upload *u, struct stat *ret);
/** Sets what upload_stat() returns as mode, owner and mtime, from @st; nothing else depends on them. */
void upload_set_stat(struct upload *u, const struct stat *st);

/**
 * Opens the file once more. -EBUSY if it @writes and so does another, -ESTALE if the upload has ended, or the image that
 * was sent is there.
 */
int upload_open(struct upload *u, bool writes, struct error *e);
/** Notes that the thread @writer is about to write (see writer.h). */
void upload_note_writer(struct upload *u, pid_t writer);
/** Queues @task, which is the upload's until it is answered; that may be before the return. */
void upload_do(struct upload *u, struct upload_task *task);

/** Removes the file: ends the upload without an image. */
void upload_remove(struct upload *u);

/* What the job has to do next. */
enum upload_event { UPLOAD_TASK, UPLOAD_END, UPLOAD_STOP };
/** A new one, open for writing. @id: of uploads_reserve(). A reference for the caller; NULL without memory. */
struct upload *upload_new(struct uploads *uploads, struct pool *pool, const char *name, const char *image,
			  int64_t id, uid_t uid, mode_t mode);
/** Makes a new one that nobody knows yet one that is sent and awaited. It is open, but not for writing. */
void upload_await(struct upload *u);
/** One of the process before this one; NULL: it has ended. Its opens are not known yet. -ENOMEM. */
int upload_load(struct uploads *uploads, struct pool *pool, const struct view *view, int64_t id,
		struct upload **ret);
/** Keeps what has changed. Call with the lock of the upload held. */
void upload_save(const struct upload *u);
/**
 * Waits for a task, *ret_task, which must be answered. UPLOAD_END: no more tasks will come; UPLOAD_STOP: @job
 * should stop. Blocking: for the worker of the upload.
 */
enum upload_event upload_wait(struct upload *u, const struct job *job, struct upload_task **ret_task);
/** Queues a task. Call with the lock of the upload held. */
void upload_push(struct upload *u, struct upload_task *task);
/** As uploads_withdraw(), of this upload. */
struct upload_task *upload_withdraw(struct upload *u, const void *arg);
/** -@errnum: a file of this name is being uploaded. */
int upload_error_uploading(const char *file_name, int errnum, struct error *e);
/** -ESTALE: the upload has ended. Call with its lock held. */
int upload_error_ended(const struct upload *u, struct error *e);
/** Answers a task with its result; @e: NULL = no error. */
void upload_answer(struct upload_task *task, int64_t result, const struct error *e);
/** Takes an upload that has become an image out of work; its name stays for a while. */
void upload_finish(struct upload *u);

/** Ends the upload: all queued and later tasks are answered with @e, and it is no longer listed. */
void upload_end(struct upload *u, const struct error *e);

#endif
