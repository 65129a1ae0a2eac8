/* SPDX-License-Identifier: Apache-2.0 */
/* How a file becomes an upload (upload.h): its name, its job. Nothing here blocks. */
#ifndef POOLFS_IMAGE_UPLOAD_CREATE_H
#define POOLFS_IMAGE_UPLOAD_CREATE_H

#include "actions/image/upload_list.h"

/** True if this is the request of an upload, whose URL is `upload://<file name>`. */
bool request_is_upload(const struct request *req);
/** True if the URL of an AddImage is `upload://NAME`: a client will send the bytes. */
bool request_is_sent(const struct request *req);
/**
 * Makes the upload of an image that @req adds and a client will send, and the request for its job, which the caller
 * submits and frees. *@ret_upload (a reference) is held open meanwhile: it is for the caller to upload_close() it, after
 * upload_end() on failure. -EBUSY (too many uploads), -ENOMEM.
 */
int upload_offer(struct uploads *uploads, const struct request *req, struct request **ret_req,
		 struct upload **ret_upload, struct error *e);
/**
 * Creates and opens the file @name of a user, who acts as @account (NULL: the administrator), and submits its job;
 * @reused: the number of a finished upload whose file is written anew, 0 = none; @id: of uploads_reserve(); @task (UPLOAD_BEGIN) is answered
 * when that has begun
 * or was refused. @ret_upload (a reference) and @ret_number are set before. On failure @task is not touched:
 * -EINVAL (not the suffix of an image), -ENAMETOOLONG, -EEXIST, -EBUSY (too many uploads, no usable backup
 * storage), -ENOMEM.
 */
int upload_create(struct uploads *uploads, const char *name, int64_t uid, const char *account, mode_t mode,
		  int64_t reused, int64_t id, struct upload_task *task, struct upload **ret_upload,
		  int64_t *ret_number, struct error *e);
/**
 * Renames the file. If it has been closed since the last write and @name is not temporary, this makes the
 * image, and @task (UPLOAD_CLOSE) is answered then; otherwise it is answered at once. On failure @task is not
 * touched: -EINVAL (not the suffix of an image), -ENAMETOOLONG, -EBUSY (the name is taken), -ESTALE.
 */
int upload_rename(struct upload *u, const char *name, struct upload_task *task, struct error *e);

#endif
