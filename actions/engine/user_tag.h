/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User tags as names with values: the tag `name=value` gives `name` a value, the tag
 * `name` gives it an empty one. Extended attributes show them in this form.
 */
#ifndef POOLFS_ENGINE_USER_TAG_H
#define POOLFS_ENGINE_USER_TAG_H

#include "actions/engine/pool.h"

/**
 * Returns the length of the name in a tag; *ret_value (may be NULL) is its value, borrowed from @tag, "" when
 * there is none.
 */
size_t tag_split(const char *tag, const char **ret_value);

/* TAG_SET_NEW: only if the object has no tag of this name; TAG_SET_PRESENT: only if it has one. */
enum tag_set { TAG_SET, TAG_SET_NEW, TAG_SET_PRESENT };

/**
 * Makes @value the only value of @name on the object (NULL: removes the name), as one change that is
 * durable when @done is called. @done gets -EEXIST for TAG_SET_NEW, -ENODATA for TAG_SET_PRESENT and for the
 * removal of a tag that does not exist, -ENOENT when the object is gone. When the function itself fails
 * (-EINVAL, -E2BIG, -EROFS, -ENOMEM, -ESHUTDOWN), @done is not called. Does not block.
 */
int pool_set_user_tag(struct pool *pool, enum kind_id kind, const char *uuid, const char *name,
		      const char *value, enum tag_set how, txn_done_fn *done, void *arg, struct error *e);

#endif
