/* SPDX-License-Identifier: Apache-2.0 */
/* The work on the file of an upload, in the thread of its job. */
#ifndef POOLFS_IMAGE_UPLOAD_RECEIVE_H
#define POOLFS_IMAGE_UPLOAD_RECEIVE_H

#include <sys/stat.h>

#include "actions/engine/job.h"

/**
 * The work of an upload's job, once the image's rows are there: receives the bytes until the upload ends. On
 * failure nothing is left of the image. Blocking.
 */
int upload_receive(struct job *job, struct error *e);

#endif
