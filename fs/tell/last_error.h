/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages in the `last-error` files: why the last request of a user, and the
 * last on an object, failed; "ok" if it succeeded. Held in memory, and kept (model/keep.h). A job that
 * fails later sets them too. Self-locking.
 */
#ifndef POOLFS_FS_TELL_LAST_ERROR_H
#define POOLFS_FS_TELL_LAST_ERROR_H

#include <sys/types.h>

#include "model/store.h"

struct keep;
struct last_errors;

/** With those of the process before this one; @keep may be NULL. NULL if out of memory. */
struct last_errors *last_errors_new(struct keep *keep);
/** Accepts NULL. */
void last_errors_free(struct last_errors *errors);

/** Records the outcome of a request of @uid and, unless NULL, on @o. @e NULL or empty: it was accepted. */
void last_error_set(struct last_errors *errors, uid_t uid, const struct object *o, const struct error *e);
/**
 * The program that writes the upload of @image was told why that fails: the failure of its job, which ends after
 * the last close, is no news, and does not replace what other requests were told meanwhile.
 */
void last_error_told(struct last_errors *errors, const char *image);
/** Records failed jobs, forgets objects that are gone. Called in the store's writer thread. */
void last_errors_observe(struct last_errors *errors, const struct view *view, const struct change *changes,
			 size_t count);

/** The file: the message and a newline. @born: its timestamp if nothing ever failed. NULL if out of memory.
 */
struct document *last_error_of_user(struct last_errors *errors, uid_t uid, int64_t born);
struct document *last_error_of_object(struct last_errors *errors, const struct object *o, int64_t born);

#endif
