/* SPDX-License-Identifier: Apache-2.0 */
/* See handle.h. */
#include "fs/tree/handle.h"

#include <string.h>

#include "fs/tree/by_name.h"
#include "fs/tree/gathered.h"
#include "fs/tree/where_list.h"

/* The kernel's own limit of open files is far below. */
#define HANDLES_MAX (1u << 24)

struct slot {
	struct handle *handle; /* owned; NULL: free */
	uint32_t generation;   /* incremented with each use, so stale numbers are detected */
	uint32_t next_free;
};

struct handles {
	struct gathered *gathered; /* immutable; owned */
	pthread_mutex_t lock;
	struct slot *slots; /* lock; owned; slot 0 is never used */
	uint32_t count;	    /* lock */
	uint32_t free;	    /* lock; first free slot, 0 = none */
};

struct handles *handles_new(void)
{
	struct handles *handles = calloc(1, sizeof(*handles));

	if (!handles)
		return NULL;
	handles->gathered = gathered_new();
	if (!handles->gathered) {
		free(handles);
		return NULL;
	}
	handles->count = 1;
	pthread_mutex_init(&handles->lock, NULL);
	return handles;
}

void handles_free(struct handles *handles)
{
	if (!handles)
		return;
	for (uint32_t i = 1; i < handles->count; i++)
		handle_unref(handles->slots[i].handle);
	pthread_mutex_destroy(&handles->lock);
	gathered_free(handles->gathered);
	free(handles->slots);
	free(handles);
}

static void handle_destroy(struct ref *self)
{
	struct handle *h = (struct handle *)self;

	object_unref(h->object);
	if (h->state)
		h->state_free(h->state);
	document_unref(h->content);
	document_unref(h->answer);
	gather_reset(&h->gather);
	handle_set_view(h, NULL, NULL, NULL);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

struct handle *handle_new(struct node node, mode_t mode, const struct object *o, const struct caller *caller)
{
	struct handle *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	ref_init(&h->ref, handle_destroy);
	h->node = node;
	h->mode = mode;
	h->object = object_ref(o);
	h->caller = *caller;
	h->caller.account = NULL;
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

/* A free slot; 0 when there is none. Call with the lock held. */
static uint32_t take_slot(struct handles *handles)
{
	uint32_t i = handles->free;

	if (i) {
		handles->free = handles->slots[i].next_free;
		return i;
	}
	/* The capacity doubles, so it is full whenever the count is a power of two. */
	if (handles->count == 1 || (handles->count & (handles->count - 1)) == 0) {
		struct slot *grown =
			handles->count < HANDLES_MAX
				? reallocarray(handles->slots, 2 * (size_t)handles->count, sizeof(*grown))
				: NULL;

		if (!grown)
			return 0;
		memset(grown + handles->count, 0, handles->count * sizeof(*grown));
		handles->slots = grown;
	}
	return handles->count++;
}

int handles_add(struct handles *handles, struct handle *h)
{
	uint32_t i;

	scoped_lock(&handles->lock);
	i = take_slot(handles);
	if (!i)
		return handles->count < HANDLES_MAX ? -ENOMEM : -ENFILE;
	ref_get(&h->ref);
	handles->slots[i].handle = h;
	h->number = (uint64_t)++handles->slots[i].generation << 32 | i;
	return 0;
}

static struct slot *find_slot(struct handles *handles, uint64_t number)
{
	uint32_t i = (uint32_t)number;
	struct slot *slot = i && i < handles->count ? &handles->slots[i] : NULL;

	return slot && slot->handle && slot->generation == (uint32_t)(number >> 32) ? slot : NULL;
}

struct handle *handles_get(struct handles *handles, uint64_t number)
{
	struct slot *slot;

	scoped_lock(&handles->lock);
	slot = find_slot(handles, number);
	if (!slot)
		return NULL;
	ref_get(&slot->handle->ref);
	return slot->handle;
}

struct handle *handles_find(struct handles *handles, struct node node)
{
	scoped_lock(&handles->lock);
	for (uint32_t i = 1; i < handles->count; i++) {
		struct handle *h = handles->slots[i].handle;

		if (h && node_pack(h->node) == node_pack(node)) {
			ref_get(&h->ref);
			return h;
		}
	}
	return NULL;
}

void handles_remove(struct handles *handles, uint64_t number)
{
	struct handle *h = NULL;
	struct slot *slot;

	pthread_mutex_lock(&handles->lock);
	slot = find_slot(handles, number);
	if (slot) {
		h = steal(&slot->handle);
		slot->next_free = handles->free;
		handles->free = (uint32_t)number;
	}
	pthread_mutex_unlock(&handles->lock);
	if (h) {
		atomic_store(&h->closed, true);
		gather_reset(&h->gather);
		handles_count_gather(handles, h, h->gatherer);
	}
	handle_unref(h);
}

int handles_check_gather(struct handles *handles, const struct handle *h, uid_t uid, size_t len,
			 struct error *e)
{
	return gathered_check(handles->gathered, uid, h->charged, h->gather.len + len, e);
}

void handles_count_gather(struct handles *handles, struct handle *h, uid_t uid)
{
	if (h->charged && h->gatherer != uid) {
		gathered_move(handles->gathered, h->gatherer, h->charged, 0);
		h->charged = 0;
	}
	gathered_move(handles->gathered, uid, h->charged, h->gather.room);
	h->gatherer = uid;
	h->charged = h->gather.room;
}

void handle_set_view(struct handle *h, struct view *view, struct ranks *ranks, struct where_list *list)
{
	where_list_free(h->list);
	ranks_free(h->ranks);
	view_unref(h->view);
	h->view = view;
	h->ranks = ranks;
	h->list = list;
}

void handle_set_answer(struct handle *h, struct document *answer)
{
	struct document *old;

	pthread_mutex_lock(&h->lock);
	old = h->answer;
	h->answer = answer;
	pthread_mutex_unlock(&h->lock);
	document_unref(old);
}

void handle_begin_answer(struct handle *h)
{
	h->requested = true;
	h->base_set = false;
	handle_set_answer(h, NULL);
}

/* Call without the lock. */
static struct document *get_answer(struct handle *h)
{
	scoped_lock(&h->lock);
	return document_ref(h->answer);
}

struct document *handle_document(struct handle *h)
{
	struct document *d = get_answer(h);

	return d || h->requested ? d : document_ref(h->content);
}

struct document *handle_read(struct handle *h, off_t offset, off_t *ret_offset)
{
	struct document *d = handle_document(h);

	*ret_offset = offset;
	if (!h->requested)
		return d;
	/*
	 * After `cat vm.json >&3` the descriptor's offset is at the end of what was written, after a seek it
	 * is anywhere: the answer begins at the offset of the first read.
	 */
	if (!h->base_set || offset < h->base) {
		h->base = offset;
		h->base_set = true;
	}
	*ret_offset = offset - h->base;
	return d;
}

int gather_append(struct gather *g, const char *data, size_t len, size_t limit)
{
	if (len > limit - g->len)
		return -EFBIG;
	if (g->room - g->len < len) {
		size_t room = 2 * g->room > g->len + len ? 2 * g->room : g->len + len;
		char *grown = realloc(g->data, room);

		if (!grown)
			return -ENOMEM;
		g->data = grown;
		g->room = room;
	}
	memcpy(g->data + g->len, data, len);
	g->len += len;
	return 0;
}

void gather_reset(struct gather *g)
{
	free(g->data);
	*g = (struct gather){0};
}
