/* SPDX-License-Identifier: Apache-2.0 */
/* See submission.h. */
#include "fs/tree/submission.h"

#include <string.h>

#include "fs/tree/repeat.h"
#include "model/keep.h"

/* A job without its NUL has a text that there was no room for. */
#define UUID_LENGTH (UUID_SIZE - 1)

int submission_find(const struct fs *fs, char ret_job[UUID_SIZE], char **ret_text, size_t *ret_len,
		    struct error *e)
{
	size_t len = 0;
	_cleanup_free_ char *kept =
		repeat_unique() ? keep_get(fs->keep, KEEP_SUBMISSION, repeat_unique(), &len) : NULL;

	if (!kept || len < UUID_LENGTH)
		return 0;
	snprintf(ret_job, UUID_SIZE, "%s", kept);
	if (!ret_text)
		return 1;
	if (len == UUID_LENGTH)
		return error_set(
			e, EIO,
			"the process that served the mount has ended before the request was done, and "
			"had no room to keep its text; write it again");
	memmove(kept, kept + UUID_SIZE, len - UUID_SIZE + 1);
	*ret_text = steal(&kept);
	*ret_len = len - UUID_SIZE;
	return 1;
}

/* Keeps the job with all of the text, or without it. -ENOSPC, -ENOMEM. */
static int save(struct keep *keep, uint64_t unique, const char *job, const struct text *text)
{
	_cleanup_free_ char *value = malloc(UUID_SIZE + text->len);

	if (value) {
		memcpy(value, job, UUID_SIZE);
		if (text->len)
			memcpy(value + UUID_SIZE, text->data, text->len);
		if (keep_set(keep, KEEP_SUBMISSION, unique, value, UUID_SIZE + text->len) == 0)
			return 0;
	}
	return keep_set(keep, KEEP_SUBMISSION, unique, job, UUID_LENGTH);
}

int submission_keep(const struct fs *fs, const struct text *text, char job[UUID_SIZE], struct error *e)
{
	uint64_t unique = repeat_unique();
	int r;

	if (!unique || !fs->keep || submission_find(fs, job, NULL, NULL, NULL))
		return 0;
	r = save(fs->keep, unique, job, text);
	if (r < 0)
		return error_set(e, -r,
				 "there is no room to remember the request, which might be done twice then; "
				 "it was not done");
	/* the pool may commit the request before this thread comes to its end */
	keep_flush(fs->keep);
	return 0;
}

bool submission_is_done(const struct fs *fs, char ret_job[UUID_SIZE])
{
	_cleanup_view_ struct view *view = NULL;

	if (!repeat_is() || !submission_find(fs, ret_job, NULL, NULL, NULL))
		return false;
	view = store_view(fs->store);
	return view_has(view, KIND_JOB, ret_job);
}
