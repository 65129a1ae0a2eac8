/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in the files. The render_* functions are the column `render` of the
 * node table: quick, pure functions of a place. Files without one (listings,
 * Get files) may need a worker or a host and are made by content_start().
 */
#ifndef POOLFS_FS_CLASS_CONTENT_H
#define POOLFS_FS_CLASS_CONTENT_H

#include "fs/tree/place.h"

struct document *render_readme(const struct place *p);
struct document *render_version(const struct place *p);
struct document *render_features(const struct place *p);
struct document *render_limits(const struct place *p);
struct document *render_caller_error(const struct place *p);
struct document *render_create(const struct place *p);
struct document *render_object(const struct place *p);
struct document *render_field(const struct place *p);
struct document *render_menu(const struct place *p);
struct document *render_spec(const struct place *p);
struct document *render_object_error(const struct place *p);
struct document *render_tag(const struct place *p);

mode_t permissions_of_tag(const struct place *p);
mode_t permissions_get(const struct place *p);
mode_t permissions_value(const struct place *p);
/** The operation that writing a value file asks for; NULL when it is read-only. */
const struct operation *field_operation(const struct place *p);

const char *meaning_folder(const struct place *p);
const char *meaning_object(const struct place *p);
const char *meaning_operation(const struct place *p);
const char *meaning_field(const struct place *p);

/** Told the content of a file, or why there is none. @d is handed over. */
typedef void content_fn(void *arg, int result, struct document *d, const struct error *e);
/**
 * Makes the content of any file; @done is called exactly once, perhaps before the return, perhaps later
 * from another thread. What the place borrows need not live longer than this call.
 */
void content_start(const struct place *p, content_fn *done, void *arg);

#endif
