/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User tags as names with values: the tag `name=value` is the name's value, the
 * tag `name` says that its value is empty. This is what extended attributes show.
 */
#ifndef POOLFS_ENGINE_USER_TAG_H
#define POOLFS_ENGINE_USER_TAG_H

#include "actions/engine/pool.h"

/* Longest user tag, bytes. */
#define USER_TAG_LENGTH 2048

/** Length of the name in a tag; *ret_value (may be NULL) is the value behind it, "" when there is none. */
size_t tag_split(const char *tag, const char **ret_value);

enum tag_set { TAG_SET, TAG_SET_NEW, TAG_SET_PRESENT };

/**
 * Makes @value (NULL: none, the name goes) the only value of @name on the object, as one change that is
 * durable when @done is told. -EEXIST for TAG_SET_NEW, -ENODATA for TAG_SET_PRESENT and for removing what is
 * not there, -ENOENT when the object is gone. Failing itself (-EINVAL, -E2BIG, -EROFS, -ENOMEM) it does not
 * call @done.
 */
int pool_set_user_tag(struct pool *pool, enum kind_id kind, const char *uuid, const char *name,
		      const char *value, enum tag_set how, txn_done_fn *done, void *arg, struct error *e);

#endif
