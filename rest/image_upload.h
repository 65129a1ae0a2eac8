/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that clients send: `POST` or `PUT /zstack/v1/uploads/SECRET/NAME`, the URL
 * that AddImage with a URL `upload://NAME` puts into the installPath of its image. The
 * secret is all that is needed. The body is the file, or a form with it
 * (multipart/form-data), as the clients of the manual's server send it; its size is
 * that of the body, or X-IMAGE-SIZE. When it is answered with success, the image is
 * there; if not all of it arrives, or it is refused, the image is gone.
 */
#ifndef POOLFS_REST_IMAGE_UPLOAD_H
#define POOLFS_REST_IMAGE_UPLOAD_H

#include "rest/connection.h"

/** True when @target is such a path. */
bool image_upload_is_target(const char *target);
/** True when the request has a body for image_upload_answer() to read. */
bool image_upload_reads_body(const struct http_head *head);
/** The answer to a request for it, after the body has been received. A reference; NULL when memory is short. Blocks. */
struct response *image_upload_answer(const struct mount *mount, const struct exchange *x);

#endif
