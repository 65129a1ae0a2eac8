/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads of exported images: `/zstack/v1/exports/SECRET/NAME`, where the secret
 * is all that is needed, so that any program can fetch it. A part can be requested
 * with Range (one range, RFC 9110 section 14), and If-Range with the ETag.
 */
#ifndef POOLFS_REST_EXPORT_H
#define POOLFS_REST_EXPORT_H

#include "rest/connection.h"

/** True when @target is such a path. */
bool export_is_target(const char *target);
/** The answer to a request for it. A reference; NULL when memory is short. May block. */
struct response *export_answer(const struct mount *mount, const struct exchange *x);

#endif
