/* SPDX-License-Identifier: Apache-2.0 */
/* See crowd.h. */
#include "fs/op/crowd.h"

#include <string.h>

#include "model/cleanup.h"
#include "model/clock.h"

/* How long a thread has the turn that does not open the file: it may have wanted its attributes alone. */
#define HOLD_NS (NS_PER_S / 1000)

struct held {
	struct held *next;
	fuse_req_t req;
	fuse_ino_t parent;
	char name[]; /* of a file in the node table: short */
};

struct crowd {
	crowd_lookup_fn *lookup; /* immutable */
	uint64_t node; /* the file that many look up; that of another one is not held back meanwhile */
	pid_t turn;    /* the thread whose turn it is; 0: none's */
	int64_t since; /* when it got it; CLOCK_MONOTONIC, ns */
	struct held *head, **tail; /* owned; in the order in which they came */
};

struct crowd *crowd_new(crowd_lookup_fn *lookup)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	if (!crowd)
		return NULL;
	crowd->lookup = lookup;
	crowd->tail = &crowd->head;
	return crowd;
}

void crowd_free(struct crowd *crowd)
{
	free(crowd);
}

static void give_turn(struct crowd *crowd, pid_t thread)
{
	crowd->turn = thread;
	crowd->since = clock_monotonic();
}

/* Is whose turn it is done, or slow? */
static bool is_free(const struct crowd *crowd)
{
	return !crowd->turn || clock_monotonic() - crowd->since > HOLD_NS;
}

bool crowd_hold(struct crowd *crowd, struct node node, fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const uint64_t number = node_pack(node);
	const pid_t thread = fuse_req_ctx(req)->pid;
	struct held *held;
	size_t len;

	/* a thread of another PID namespace has no number */
	if (!crowd || !thread || (crowd->head && crowd->node != number))
		return false;
	if (crowd->node != number || crowd->turn == thread || (!crowd->head && is_free(crowd))) {
		crowd->node = number;
		if (crowd->turn != thread)
			give_turn(crowd, thread);
		return false;
	}
	len = strlen(name) + 1;
	held = malloc(sizeof(*held) + len);
	if (!held)
		return false;
	*held = (struct held){.req = req, .parent = parent};
	memcpy(held->name, name, len);
	*crowd->tail = held;
	crowd->tail = &held->next;
	return true;
}

void crowd_note_open(struct crowd *crowd, struct node node, fuse_req_t req)
{
	if (crowd && crowd->turn == fuse_req_ctx(req)->pid && crowd->node == node_pack(node))
		crowd->turn = 0;
}

bool crowd_waits(const struct crowd *crowd)
{
	return crowd && crowd->head;
}

static void answer_next(struct crowd *crowd)
{
	_cleanup_free_ struct held *held = crowd->head;

	crowd->head = held->next;
	if (!crowd->head)
		crowd->tail = &crowd->head;
	give_turn(crowd, fuse_req_ctx(held->req)->pid);
	crowd->lookup(held->req, held->parent, held->name);
}

void crowd_go_on(struct crowd *crowd)
{
	if (crowd_waits(crowd) && is_free(crowd))
		answer_next(crowd);
}

void crowd_end(struct crowd *crowd)
{
	while (crowd_waits(crowd))
		answer_next(crowd);
}
