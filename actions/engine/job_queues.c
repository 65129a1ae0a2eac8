/* SPDX-License-Identifier: Apache-2.0 */
/* See job_queues.h. */
#include "actions/engine/job_queues.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"

/* The jobs of one object, in order. */
struct queue {
	char uuid[UUID_SIZE]; /* first member: the key of the search tree */
	struct job_place *head, *tail;
};

/* A job's place in one queue. */
struct job_place {
	struct job_entry *entry;
	struct queue *queue;
	struct job_place *next; /* the next one in that queue */
};

struct job_queues {
	void *queues; /* tsearch trees, which are balanced: of struct queue, */
	void *jobs;   /* and of struct job_entry */
};

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct job_queues *job_queues_new(void)
{
	return calloc(1, sizeof(struct job_queues));
}

static void entry_done(struct job_entry *entry)
{
	free(entry->in);
	entry->in = NULL;
}

void job_queues_free(struct job_queues *q, void (*free_entry)(struct job_entry *entry))
{
	if (!q)
		return;
	tdestroy(q->queues, free);
	while (q->jobs) {
		struct job_entry *entry = *(struct job_entry **)q->jobs; /* of the root of the tree */

		tdelete(entry, &q->jobs, compare);
		entry_done(entry);
		free_entry(entry);
	}
	free(q);
}

/* NULL when memory is short. */
static struct queue *get_queue(struct job_queues *q, const char *uuid)
{
	struct queue *made, **slot = tfind(uuid, &q->queues, compare);

	if (slot)
		return *slot;
	made = calloc(1, sizeof(*made));
	if (!made)
		return NULL;
	snprintf(made->uuid, sizeof(made->uuid), "%s", uuid);
	slot = tsearch(made, &q->queues, compare);
	if (!slot) {
		free(made);
		return NULL;
	}
	return made;
}

static void remove_if_empty(struct job_queues *q, struct queue *queue)
{
	if (queue->head)
		return;
	tdelete(queue, &q->queues, compare);
	free(queue);
}

static void append(struct job_place *place)
{
	struct queue *queue = place->queue;

	if (queue->tail) {
		queue->tail->next = place;
		place->entry->blocked++;
	} else {
		queue->head = place;
	}
	queue->tail = place;
}

/* Notes one more queue of the entry; false when memory is short. */
static bool find_queue(struct job_queues *q, struct job_entry *entry, const char *uuid)
{
	struct queue *queue = get_queue(q, uuid);

	if (!queue)
		return false;
	entry->in[entry->count++] = (struct job_place){.entry = entry, .queue = queue};
	return true;
}

/* Notes the queues of all objects that the job names; false when memory is short. */
static bool find_queues(struct job_queues *q, const struct view *view, const struct object *job,
			struct job_entry *entry)
{
	const char *second = object_str(job, JOB_QUEUE2);

	if (!find_queue(q, entry, object_text(job, JOB_QUEUE)))
		return false;
	if (second && !object_str_is(job, JOB_QUEUE, second) && !find_queue(q, entry, second))
		return false;
	view_for_each_where (ref, view, KIND_QUEUE_REF, QUEUE_REF_JOB_UUID, object_uuid(job))
		if (!find_queue(q, entry, object_text(ref, QUEUE_REF_OBJECT_UUID)))
			return false;
	return true;
}

int job_queues_enter(struct job_queues *q, const struct view *view, const struct object *job,
		     struct job_entry *entry)
{
	size_t most = 2 + view_count_candidates(view, KIND_QUEUE_REF, QUEUE_REF_JOB_UUID, object_uuid(job));

	entry->in = calloc(most, sizeof(*entry->in));
	if (!entry->in)
		return -ENOMEM;
	snprintf(entry->job, sizeof(entry->job), "%s", object_uuid(job));
	if (find_queues(q, view, job, entry) && tsearch(entry, &q->jobs, compare)) {
		for (size_t i = 0; i < entry->count; i++)
			append(&entry->in[i]);
		return 0;
	}
	for (size_t i = 0; i < entry->count; i++)
		remove_if_empty(q, entry->in[i].queue);
	entry_done(entry);
	return -ENOMEM;
}

struct job_entry *job_queues_find(struct job_queues *q, const char *job)
{
	struct job_entry **slot = tfind(job, &q->jobs, compare);

	return slot ? *slot : NULL;
}

struct job_entry *job_queues_leave(struct job_queues *q, struct job_entry *entry)
{
	struct job_entry *ready = NULL, **tail = &ready;

	tdelete(entry, &q->jobs, compare);
	for (size_t i = 0; i < entry->count; i++) {
		struct queue *queue = entry->in[i].queue;
		struct job_place *next = entry->in[i].next;

		queue->head = next;
		if (!next) {
			remove_if_empty(q, queue);
		} else if (--next->entry->blocked == 0) {
			*tail = next->entry;
			tail = &next->entry->next_ready;
			*tail = NULL;
		}
	}
	entry->count = 0;
	entry_done(entry);
	return ready;
}

bool job_queues_are_empty(const struct job_queues *q)
{
	return !q->jobs;
}
