/* SPDX-License-Identifier: Apache-2.0 */
/* See submission.h. */
#include "fs/class/submission.h"

#include <string.h>

#include "fs/tree/repeat.h"
#include "model/keep.h"

bool submission_find(const struct fs *fs, char ret_job[UUID_SIZE], char **ret_text, size_t *ret_len)
{
	size_t len = 0;
	char *kept = repeat_unique() ? keep_get(fs->keep, KEEP_SUBMISSION, repeat_unique(), &len) : NULL;

	if (!kept || len < UUID_SIZE) {
		free(kept);
		return false;
	}
	memcpy(ret_job, kept, UUID_SIZE);
	if (ret_text) {
		memmove(kept, kept + UUID_SIZE, len - UUID_SIZE + 1);
		*ret_text = kept;
		*ret_len = len - UUID_SIZE;
	} else {
		free(kept);
	}
	return true;
}

void submission_keep(const struct fs *fs, const struct text *text, char job[UUID_SIZE])
{
	uint64_t unique = repeat_unique();

	if (!unique || !fs->keep || submission_find(fs, job, NULL, NULL))
		return;
	(void)keep_set(fs->keep, KEEP_SUBMISSION, unique, job, UUID_SIZE);
	(void)keep_add(fs->keep, KEEP_SUBMISSION, unique, text->data, text->len);
	/* the pool may commit the request before this thread comes to its end */
	keep_flush(fs->keep);
}

bool submission_is_done(const struct fs *fs, char ret_job[UUID_SIZE])
{
	_cleanup_view_ struct view *view = NULL;

	if (!repeat_is() || !submission_find(fs, ret_job, NULL, NULL))
		return false;
	view = store_view(fs->store);
	return view_get(view, KIND_JOB, ret_job) != NULL;
}
