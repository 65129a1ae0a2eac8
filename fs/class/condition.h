/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests that ask the pool something and so are answered by a worker:
 * lookups and listings in `where`, and what is written to `query` files.
 */
#ifndef POOLFS_FS_CLASS_CONDITION_H
#define POOLFS_FS_CLASS_CONDITION_H

#include "fs/op/ops.h"

/** Answers a lookup in `where` or a directory of conditions. */
void where_lookup(fuse_req_t req, const struct place *dir, const char *name);

/** Told that the handle's list is filled in, or why not (a negative errno). In a worker or at once. */
typedef void where_listed_fn(void *arg, int result);
/**
 * Finds what the directory @dir, open as @h, holds now: sets the handle's view and list. The kernel sends one
 * readdir of an open directory at a time, so nobody else looks at them meanwhile.
 */
void where_list_start(const struct place *dir, struct handle *h, where_listed_fn *done, void *arg);

/** A piece of a query, written to `query`: it ends with a newline or with a write that no buffer filled. */
void ask_write(const struct place *p, struct handle *h, fuse_req_t req, const char *data, size_t len);
/** -EINVAL when a query has been begun but not ended. */
int ask_flush(const struct place *p, const struct handle *h);

#endif
