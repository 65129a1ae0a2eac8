/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of read-only files, and the meaning of files for README: the columns
 * `render` and `meaning` of the node table. Quick, pure functions of a place.
 */
#ifndef POOLFS_FS_CLASS_CONTENT_H
#define POOLFS_FS_CLASS_CONTENT_H

#include "fs/tree/place.h"

struct document *render_version(const struct place *p);
/** The file `sessions/stamp`: programs that cache answers of the `call` files see by its time that the pool has changed. */
struct document *render_stamp(const struct place *p);
struct document *render_features(const struct place *p);
struct document *render_limits(const struct place *p);
struct document *render_caller_error(const struct place *p);
struct document *render_object(const struct place *p);
struct document *render_object_error(const struct place *p);

const char *meaning_folder(const struct place *p);
const char *meaning_operation(const struct place *p);
const char *meaning_field(const struct place *p);

#endif
