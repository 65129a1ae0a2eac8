/* SPDX-License-Identifier: Apache-2.0 */
/* See turns.h. A thread that has finished a task continues with the next one, of any client. */
#include "actions/engine/turns.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/in_hand.h"

struct task {
	struct task *next;
	void (*fn)(void *arg);
	void *arg;
	uint64_t request; /* for which it was queued */
};

/* A client with tasks that wait or run; all members under the lock. */
struct client {
	struct client *next;
	struct task *head, **tail; /* owned */
	uint64_t served;	   /* number of its last turn */
	bool running;
	char name[];
};

struct turns {
	struct workers *workers; /* immutable */
	int at_once;		 /* immutable */
	pthread_mutex_t lock;
	struct client *clients; /* lock; owned; in the order of arrival */
	int running;		/* lock; tasks */
	uint64_t last;		/* lock; number of the last turn */
};

struct turns *turns_new(struct workers *workers, int at_once)
{
	struct turns *turns = calloc(1, sizeof(*turns));

	if (!turns)
		return NULL;
	turns->workers = workers;
	turns->at_once = at_once;
	pthread_mutex_init(&turns->lock, NULL);
	return turns;
}

void turns_free(struct turns *turns)
{
	if (!turns)
		return;
	pthread_mutex_destroy(&turns->lock);
	free(turns);
}

/* Call with the lock held. NULL when memory is short. */
static struct client *get_client(struct turns *turns, const char *name)
{
	struct client **c = &turns->clients;
	size_t size = strlen(name) + 1;

	while (*c && strcmp((*c)->name, name) != 0)
		c = &(*c)->next;
	if (*c)
		return *c;
	*c = calloc(1, sizeof(**c) + size);
	if (*c) {
		memcpy((*c)->name, name, size);
		(*c)->tail = &(*c)->head;
	}
	return *c;
}

/* Gives the turn to the client served longest ago; NULL if none may begin. Call with the lock held. */
static struct client *give_turn(struct turns *turns)
{
	struct client *best = NULL;

	if (turns->running == turns->at_once)
		return NULL;
	for (struct client *c = turns->clients; c; c = c->next)
		if (!c->running && (!best || c->served < best->served))
			best = c;
	if (!best)
		return NULL;
	best->running = true;
	best->served = ++turns->last;
	turns->running++;
	return best;
}

static struct task *take_task(struct client *c)
{
	struct task *task = c->head;

	c->head = task->next;
	if (!c->head)
		c->tail = &c->head;
	return task;
}

/* Frees the client if it has no more tasks. Call with the lock held. */
static void end_turn(struct turns *turns, struct client *client)
{
	struct client **c = &turns->clients;

	turns->running--;
	client->running = false;
	if (client->head)
		return;
	while (*c != client)
		c = &(*c)->next;
	*c = client->next;
	free(client);
}

static void work(void *arg)
{
	struct turns *turns = arg;
	struct client *c;

	pthread_mutex_lock(&turns->lock);
	while ((c = give_turn(turns))) {
		struct task *task = take_task(c);
		uint64_t former;

		pthread_mutex_unlock(&turns->lock);
		former = in_hand_take(task->request);
		task->fn(task->arg);
		(void)in_hand_set(former);
		free(task);
		pthread_mutex_lock(&turns->lock);
		end_turn(turns, c);
	}
	pthread_mutex_unlock(&turns->lock);
}

int turns_run(struct turns *turns, const char *client, void (*fn)(void *arg), void *arg)
{
	struct task *task = malloc(sizeof(*task));
	struct client *c = NULL;
	bool more = false;

	if (!task)
		return -ENOMEM;
	*task = (struct task){.fn = fn, .arg = arg, .request = in_hand_lend()};
	pthread_mutex_lock(&turns->lock);
	c = get_client(turns, client);
	if (c) {
		*c->tail = task;
		c->tail = &task->next;
		/*
		 * A thread with a turn checks again at its end; another thread can only serve another client.
		 */
		more = !c->running && turns->running < turns->at_once;
	}
	pthread_mutex_unlock(&turns->lock);
	if (!c) {
		in_hand_drop(task->request);
		free(task);
		return -ENOMEM;
	}
	/* If no worker takes it (shutdown, no memory), it is done in this thread. */
	if (more && workers_run(turns->workers, work, turns) < 0)
		work(turns);
	return 0;
}
