/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of uploads whose results a test waits for. */
#ifndef POOLFS_UPLOAD_TASK_H
#define POOLFS_UPLOAD_TASK_H

#include "actions/image/upload.h"
#include "actions/image/upload_create.h"
#include "actions/image/upload_list.h"

/* A task and its result. */
struct asked {
	struct upload_task task; /* first member */
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	int64_t result;
	char sentence[256];
};

static inline void asked_done(struct upload_task *task, int64_t result, const struct error *e)
{
	struct asked *a = (struct asked *)task;

	scoped_lock(&a->lock);
	a->result = result;
	snprintf(a->sentence, sizeof(a->sentence), "%s", e ? error_sentence(e) : "");
	a->done = true;
	pthread_cond_signal(&a->cond);
}

static inline struct asked asked_new(enum upload_verb verb)
{
	return (struct asked){.task = {.verb = verb, .done = asked_done},
			      .lock = PTHREAD_MUTEX_INITIALIZER,
			      .cond = PTHREAD_COND_INITIALIZER};
}

static inline int64_t asked_wait(struct asked *a)
{
	scoped_lock(&a->lock);
	while (!a->done)
		pthread_cond_wait(&a->cond, &a->lock);
	return a->result;
}

static inline int64_t asked_run(struct upload *u, struct asked *a)
{
	upload_do(u, &a->task);
	return asked_wait(a);
}

/* As upload_create(), of the user root; does not wait for @begin. */
static inline int asked_create(struct pool *pool, const char *name, struct asked *begin,
			       struct upload **ret_upload, int64_t *ret_number, struct error *e)
{
	*begin = asked_new(UPLOAD_BEGIN);
	return upload_create(pool_uploads(pool), name, 0, NULL, 0600, 0, uploads_reserve(pool_uploads(pool)),
			     &begin->task, ret_upload, ret_number, e);
}

#endif
