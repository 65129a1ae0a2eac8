/* SPDX-License-Identifier: Apache-2.0 */
/* The uploads there are (upload.h), and their names. Self-locking; nothing here blocks. */
#ifndef POOLFS_IMAGE_UPLOAD_LIST_H
#define POOLFS_IMAGE_UPLOAD_LIST_H

#include "actions/image/upload.h"

/**
 * With the uploads of the process before this one, which do not end before uploads_release(). @pool: NULL = none,
 * nothing can be created (in tests of the tree). NULL without memory.
 */
struct uploads *uploads_new(struct pool *pool);
/** All opens of these are known now. */
void uploads_release(struct uploads *uploads);
/** To be called when no job runs any more. Accepts NULL. */
void uploads_free(struct uploads *uploads);

/** A number for an upload to be created, by which it is known in the next process, too. */
int64_t uploads_reserve(struct uploads *uploads);
/** The upload of such a number, with a reference for the caller; NULL if there is none. */
struct upload *uploads_find_id(struct uploads *uploads, int64_t id);

/** The upload that has this name, listed or finished, with a reference for the caller; NULL if there is none. */
struct upload *uploads_find(struct uploads *uploads, const char *name);
/** The upload with this number, listed, or still open though it is not; as uploads_find(). */
struct upload *uploads_get(struct uploads *uploads, int64_t number);
/**
 * The first listed upload with a number above @after; as uploads_find(). @ret_name: UPLOAD_NAME_MAX + 1
 * bytes.
 */
struct upload *uploads_next(struct uploads *uploads, int64_t after, char *ret_name);
/** The upload of an image, with a reference for the caller; NULL if there is none, as after a restart. */
struct upload *uploads_of_image(struct uploads *uploads, const char *image);
/**
 * The finished uploads of this name: the image of the one after *@position (NULL = the first), also if the file
 * was removed. False at the end.
 */
bool uploads_find_image(struct uploads *uploads, const char *name, size_t *position,
			char ret_image[UUID_SIZE]);

/** @wrote: as in upload_open(); upload_create() opens for writing. The last close ends the upload. */
void upload_close(struct upload *u, bool wrote);
/**
 * Takes an UPLOAD_BEGIN with this @arg that has not been answered out of its queue, and ends its upload; the
 * task is the caller's again. NULL if there is none.
 */
struct upload_task *uploads_withdraw(struct uploads *uploads, const void *arg);

/** Their pool, borrowed; NULL: none. */
struct pool *uploads_pool(const struct uploads *uploads);
/**
 * Adds @u, and gives it its number; @reused: as for upload_create(). -EEXIST: the name is being uploaded, -EBUSY: too
 * many are.
 */
int uploads_add(struct uploads *uploads, struct upload *u, int64_t reused, struct error *e);
/** Changes the name of @u. If that makes the image, @task is queued, *ret_queued. -EBUSY, -ESTALE. */
int uploads_rename(struct upload *u, const char *name, struct upload_task *task, bool *ret_queued,
		   struct error *e);

#endif
