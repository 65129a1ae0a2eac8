/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See workers.h. One lock guards everything; it is not held while a function
 * runs. A thread is started when a task waits and no thread is idle, and stays.
 */
#include "actions/engine/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "model/cleanup.h"
#include "model/in_hand.h"

struct task {
	struct task *next;
	void (*fn)(void *arg);
	void *arg;
	uint64_t request; /* for which it was queued */
};

struct workers {
	const char *name; /* immutable */
	int max;	  /* immutable */
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct task *head, **tail; /* lock */
	size_t waiting;		   /* lock: tasks in the list */
	int idle, count;	   /* lock */
	bool stopping;		   /* lock */
	pthread_t threads[];	   /* written under lock; the first `count` are valid */
};

static void *worker_main(void *arg)
{
	struct workers *w = arg;

	pthread_setname_np(pthread_self(), w->name);
	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct task *task = w->head;

		if (!task) {
			if (w->stopping)
				break;
			w->idle++;
			pthread_cond_wait(&w->work, &w->lock);
			w->idle--;
			continue;
		}
		w->head = task->next;
		w->waiting--;
		if (!w->head)
			w->tail = &w->head;
		pthread_mutex_unlock(&w->lock);
		(void)in_hand_take(task->request);
		task->fn(task->arg);
		(void)in_hand_set(0);
		free(task);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct workers *workers_new(const char *name, int max_threads)
{
	struct workers *w = calloc(1, sizeof(*w) + (size_t)max_threads * sizeof(w->threads[0]));

	if (!w)
		return NULL;
	w->name = name;
	w->max = max_threads;
	w->tail = &w->head;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	return w;
}

static void drop_task(struct task *task)
{
	in_hand_drop(task->request);
	free(task);
}

int workers_run(struct workers *w, void (*fn)(void *arg), void *arg)
{
	struct task *task = malloc(sizeof(*task));

	if (!task)
		return -ENOMEM;
	*task = (struct task){.fn = fn, .arg = arg, .request = in_hand_lend()};
	scoped_lock(&w->lock);
	if (w->stopping) {
		drop_task(task);
		return -ESHUTDOWN;
	}
	if (w->waiting + 1 > (size_t)w->idle && w->count < w->max &&
	    pthread_create(&w->threads[w->count], NULL, worker_main, w) == 0)
		w->count++;
	if (w->count == 0) {
		drop_task(task);
		return -ENOMEM;
	}
	*w->tail = task;
	w->tail = &task->next;
	w->waiting++;
	pthread_cond_signal(&w->work);
	return 0;
}

void workers_stop(struct workers *w)
{
	int count;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	count = w->count;
	w->count = 0;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	for (int i = 0; i < count; i++)
		pthread_join(w->threads[i], NULL);
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	workers_stop(w);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
