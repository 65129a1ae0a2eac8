/* SPDX-License-Identifier: Apache-2.0 */
/* The work on the file of an upload, in the worker of its job. */
#ifndef POOLFS_IMAGE_UPLOAD_RECEIVE_H
#define POOLFS_IMAGE_UPLOAD_RECEIVE_H

#include "actions/engine/job.h"

/**
 * Runs the job of an upload once the image's rows are written, or (@resumes) after a process that did was killed: receives the bytes until the upload ends. On
 * failure neither rows nor files of the image are left. If a file of the same name became an image with the same
 * bytes shortly before, *@ret_same is the uuid of that image, else "", and nothing of this one is left.
 * Blocking.
 */
int upload_receive(struct job *job, bool resumes, char ret_same[UUID_SIZE], struct error *e);

#endif
