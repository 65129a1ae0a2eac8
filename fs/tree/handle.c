/* SPDX-License-Identifier: Apache-2.0 */
/* See handle.h. */
#include "fs/tree/handle.h"

#include <string.h>

#include "fs/tree/by_name.h"
#include "fs/tree/class.h"
#include "fs/tree/gathered.h"
#include "fs/tree/handle_internal.h"
#include "fs/tree/where_list.h"

/* More than there is memory for. The lower half of a number has room for 2^32. */
#define HANDLES_MAX (1u << 24)

/* More than there are open files on which programs wait. With more of them, a free copy may be taken for one in use. */
#define COPY_HASHES 16384

struct slot {
	struct handle *handle; /* owned; NULL: free */
	uint32_t generation;   /* of the handle */
	uint32_t next_free;
};

struct handles {
	struct keep *keep;	   /* immutable; or NULL */
	struct gathered *gathered; /* immutable; owned */
	pthread_mutex_t lock;
	struct slot *slots; /* lock; owned; slot 0 is never used */
	uint32_t count;	    /* lock */
	uint32_t free;	    /* lock; first free slot, 0 = none */
	/*
	 * lock; the generation that was given out last, of all processes: a request to close a file, which the next process
	 * repeats although it is done, must not close another one.
	 */
	uint32_t generation;
	unsigned last_copy; /* lock */
	/* lock; how many handles are open of the copies of nodes with this hash */
	uint32_t copies[COPY_HASHES];
};

/* A content up to this size is kept as soon as it is seen, a longer one when its reader is in the middle of it. */
#define CONTENT_SMALL 4096

struct handles *handles_new(struct keep *keep)
{
	struct handles *handles = calloc(1, sizeof(*handles));

	if (!handles)
		return NULL;
	handles->gathered = gathered_new();
	if (!handles->gathered) {
		free(handles);
		return NULL;
	}
	handles->keep = keep;
	(void)keep_read(keep, KEEP_HANDLE_LAST, 0, &handles->generation, sizeof(handles->generation));
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
	free(h->saved);
	free(h);
}

struct handle *handle_new(struct node node, mode_t mode, const struct view *view, const struct caller *caller)
{
	bool of_object = view && node.kind != KIND_NONE;
	const struct object *o = of_object ? view_get_id(view, node.kind, node.row) : NULL;
	/* one that is not in memory is not gone */
	bool unread = of_object && !o && view_has_id(view, node.kind, node.row);
	struct handle *h = unread ? NULL : calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	ref_init(&h->ref, handle_destroy);
	h->node = node;
	h->mode = mode;
	h->object = o ? object_ref(o) : NULL;
	h->caller = *caller;
	h->caller.account = NULL;
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

/* --------------------------------------------------------------------- keep */

/* The text is longer than what is kept of it, or another. -ENOSPC, -ENOMEM: what is kept stays as it was. */
static int save_text(struct handle *h)
{
	struct gather *g = &h->gather;
	int r = 0;

	if (g->len == h->saved_text && g->saved == g->len)
		return 0;
	if (!g->len)
		keep_remove(h->keep, KEEP_TEXT, h->number);
	else if (h->saved_text && g->saved == h->saved_text)
		r = keep_add(h->keep, KEEP_TEXT, h->number, g->data + g->saved, g->len - g->saved);
	else
		r = keep_set(h->keep, KEEP_TEXT, h->number, g->data, g->len);
	if (r == 0)
		g->saved = h->saved_text = g->len;
	return r;
}

#define KEPT_INITIAL(type, name, value) .name = (type)(value),

/* Keeps what has changed. For the thread that receives requests, or before others know the handle. -ENOSPC, -ENOMEM. */
static int save(struct handle *h)
{
	bool keeps = h->keep && !atomic_load(&h->closed);
	int lost = keeps ? save_text(h) : 0, r;
	struct kept_handle now = {KEPT_VALUES(KEPT_INITIAL, KEPT_INITIAL)};

	if (lost < 0)
		now.refused = -lost; /* a text that is not kept whole goes on nowhere else */
	if (!keeps || (h->saved && memcmp(h->saved, &now, sizeof(now)) == 0))
		return 0;
	r = keep_set(h->keep, KEEP_HANDLE, h->number, &now, sizeof(now));
	if (r < 0)
		return r;
	if (!h->saved)
		h->saved = malloc(sizeof(now));
	if (h->saved)
		*h->saved = now;
	return 0;
}

/*
 * Which object a file that can be written belongs to: it may be deleted, and who has done that through the handle, waits
 * for it there. -ENOSPC, -ENOMEM.
 */
static int save_object(const struct handle *h)
{
	if (!h->object || !S_ISREG(h->mode) || !(h->mode & 0222))
		return 0;
	return keep_set(h->keep, KEEP_OBJECT, h->number, object_uuid(h->object), UUID_SIZE);
}

/* All of a handle that is new. -ENOSPC, -ENOMEM: nothing of it is kept. */
static int save_new(struct handle *h)
{
	int r = save(h);

	if (r == 0)
		r = save_object(h);
	if (r < 0)
		keep_remove(h->keep, KEEP_HANDLE, h->number);
	return r;
}

static void handle_save(void *handle)
{
	(void)save(handle);
}

/* How a document is kept: with its bytes, or with the number of them, or (0) without. */
struct keeping {
	const struct document *d;
	bool all;
	uint64_t number;
};

static size_t keeping_length(const struct keeping *k)
{
	return sizeof(struct kept_content) + (k->all ? k->d->len : k->number ? sizeof(k->number) : 0);
}

static void write_keeping(void *to, const void *arg)
{
	const struct keeping *k = arg;
	struct kept_content head = {.mtime = k->d->mtime, .len = k->d->len};
	char *rest = (char *)to + sizeof(head);

	memcpy(to, &head, sizeof(head));
	if (k->all)
		document_copy(k->d, rest);
	else if (k->number)
		memcpy(rest, &k->number, sizeof(k->number));
}

/* Keeps it as @type. @now: as keep_set_now(). -ENOSPC, -ENOMEM: the former one stays. */
static int save_document(struct handle *h, enum keep_type type, const struct keeping *k, bool now)
{
	return keep_set_by(h->keep, type, h->number, keeping_length(k), write_keeping, k, now);
}

/* What is to be kept of a content whose reader has come to @end. */
static struct keeping choose_keeping(const struct handle *h, struct document *d, size_t end)
{
	struct keeping k = {.d = d};

	if (d->len > CONTENT_SMALL && end >= d->len)
		return k;
	if (d->pieces && d->len > CONTENT_SMALL)
		k.number = document_keep(d, h->keep, HANDLE_LISTINGS);
	else
		k.all = keep_bytes(h->keep, KEEP_CONTENT) + d->len <= HANDLE_CONTENTS;
	return k;
}

/* Under the lock. @now, errors: as save_document(). */
static int keep_content(struct handle *h, const struct keeping *k, bool now)
{
	int r = save_document(h, KEEP_CONTENT, k, now);

	if (r == 0)
		h->shown = (struct shown){
			.mtime = k->d->mtime, .len = k->d->len, .known = true, .kept = k->all || k->number};
	return r;
}

void handle_note_read(struct handle *h, struct document *d, size_t end)
{
	bool wants_all = d->len <= CONTENT_SMALL || end < d->len;
	struct keeping k;

	if (!h->keep || h->requested)
		return;
	scoped_lock(&h->lock);
	if (h->shown.known && h->shown.mtime == d->mtime && h->shown.len == d->len &&
	    (h->shown.kept || !wants_all))
		return;
	k = choose_keeping(h, d, end);
	if (h->shown.known && h->shown.mtime == d->mtime && h->shown.len == d->len && !k.all && !k.number)
		return;
	/* At once: another process may show it as well as make it again. What the thread has begun would hold a copy. */
	if (keep_content(h, &k, true) < 0) {
		keep_remove(h->keep, KEEP_CONTENT, h->number);
		h->shown.known = false; /* what is lost is whether another process shows the same */
	}
}

int handle_keep_content(struct handle *h)
{
	if (!h->keep)
		return 0;
	scoped_lock(&h->lock);
	return keep_content(h, &(struct keeping){.d = h->content, .all = true}, false);
}

void handle_set_content(struct handle *h, struct document *d)
{
	scoped_lock(&h->lock);
	if (h->content)
		document_unref(d);
	else
		h->content = d;
	atomic_store(&h->lost, false);
}

int handle_check_content(struct handle *h, off_t offset)
{
	scoped_lock(&h->lock);
	if (!h->content || !h->shown.known ||
	    (h->content->mtime == h->shown.mtime && h->content->len == h->shown.len))
		return 0;
	if (offset == 0) {
		h->shown.known = false; /* it is read anew */
		return 0;
	}
	return offset >= (off_t)h->shown.len ? 1 : -ESTALE;
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

static uint32_t *copy_count(struct handles *handles, struct node node)
{
	uint64_t hash = node_pack(node) * UINT64_C(0x9e3779b97f4a7c15);

	return &handles->copies[((hash >> 40) + node.copy) % COPY_HASHES];
}

unsigned handles_choose_copy(struct handles *handles, struct node node)
{
	scoped_lock(&handles->lock);
	for (unsigned i = 0; i < NODE_COPY_MAX; i++) {
		handles->last_copy = handles->last_copy % NODE_COPY_MAX + 1;
		node.copy = handles->last_copy;
		if (!*copy_count(handles, node))
			break;
	}
	return node.copy;
}

/* A handle came into the table, or left it. Call with the lock held. */
static void count_copy(struct handles *handles, const struct handle *h, int by)
{
	if (h->node.copy)
		*copy_count(handles, h->node) += (uint32_t)by;
}

/* Frees the slot of a handle, which is left to the caller. Call with the lock held. */
static struct handle *free_slot(struct handles *handles, uint32_t i)
{
	struct slot *slot = &handles->slots[i];
	struct handle *h = steal(&slot->handle);

	count_copy(handles, h, -1);
	slot->next_free = handles->free;
	handles->free = i;
	return h;
}

/* Of the numbers of a handle that comes into the slot @i. -ENOSPC, -ENOMEM. Call with the lock held. */
static int give_number(struct handles *handles, uint32_t i, struct handle *h)
{
	uint32_t generation = ++handles->generation;

	handles->slots[i].generation = generation;
	h->number = (uint64_t)generation << 32 | i;
	return keep_set_now(handles->keep, KEEP_HANDLE_LAST, 0, &generation, sizeof(generation));
}

int handles_add(struct handles *handles, struct handle *h)
{
	uint32_t i;
	int r;

	scoped_lock(&handles->lock);
	i = take_slot(handles);
	if (!i)
		return handles->count < HANDLES_MAX ? -ENOMEM : -ENFILE;
	ref_get(&h->ref);
	handles->slots[i].handle = h;
	count_copy(handles, h, 1);
	h->keep = handles->keep;
	r = give_number(handles, i, h);
	if (r == 0)
		r = save_new(h);
	if (r < 0)
		handle_unref(free_slot(handles, i));
	return r;
}

int handles_place(struct handles *handles, struct handle *h)
{
	uint32_t i = (uint32_t)h->number;

	while (handles->count <= i) {
		uint32_t free = take_slot(handles);

		if (!free)
			return -ENOMEM;
	}
	handles->slots[i].handle = h;
	handles->slots[i].generation = (uint32_t)(h->number >> 32);
	if (handles->generation < handles->slots[i].generation) /* of a version that kept none */
		handles->generation = handles->slots[i].generation;
	count_copy(handles, h, 1);
	return 0;
}

void handles_settle(struct handles *handles)
{
	for (uint32_t i = 1; i < handles->count; i++)
		if (!handles->slots[i].handle) {
			handles->slots[i].next_free = handles->free;
			handles->free = i;
		}
}

static struct slot *find_slot(struct handles *handles, uint64_t number)
{
	uint32_t i = (uint32_t)number;
	struct slot *slot = i && i < handles->count ? &handles->slots[i] : NULL;

	return slot && slot->handle && slot->generation == (uint32_t)(number >> 32) ? slot : NULL;
}

static void release(void *handle)
{
	handle_unref(handle);
}

struct handle *handles_get(struct handles *handles, uint64_t number)
{
	const struct slot *slot;
	struct handle *h;

	pthread_mutex_lock(&handles->lock);
	slot = find_slot(handles, number);
	h = slot ? slot->handle : NULL;
	if (h)
		ref_get(&h->ref);
	pthread_mutex_unlock(&handles->lock);
	if (h && h->keep) {
		ref_get(&h->ref);
		keep_watch(h->keep, handle_save, release, h);
	}
	return h;
}

struct handle *handles_find(struct handles *handles, struct node node)
{
	scoped_lock(&handles->lock);
	for (uint32_t i = 1; i < handles->count; i++) {
		struct handle *h = handles->slots[i].handle;

		if (h && node_pack_copy(h->node) == node_pack_copy(node)) {
			ref_get(&h->ref);
			return h;
		}
	}
	return NULL;
}

void handles_remove(struct handles *handles, uint64_t number)
{
	struct handle *h = NULL;

	pthread_mutex_lock(&handles->lock);
	if (find_slot(handles, number))
		h = free_slot(handles, (uint32_t)number);
	pthread_mutex_unlock(&handles->lock);
	if (h) {
		atomic_store(&h->closed, true);
		keep_remove(h->keep, KEEP_HANDLE, h->number);
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

/*
 * Call with the lock held. That there is none is valid at once: the next one may come from another thread, before what
 * this one has begun is made valid.
 */
static void save_answer(struct handle *h, const struct document *answer)
{
	if (!h->keep || atomic_load(&h->closed))
		return;
	if ((!answer || keep_bytes(h->keep, KEEP_ANSWER) + answer->len > HANDLE_CONTENTS ||
	     save_document(h, KEEP_ANSWER, &(struct keeping){.d = answer, .all = true}, false) < 0) &&
	    keep_set_now(h->keep, KEEP_ANSWER, h->number, "", 0) < 0)
		keep_remove(h->keep, KEEP_ANSWER, h->number);
}

void handle_set_answer(struct handle *h, struct document *answer)
{
	struct document *old;

	pthread_mutex_lock(&h->lock);
	old = h->answer;
	h->answer = answer;
	if (old || answer)
		save_answer(h, answer);
	pthread_mutex_unlock(&h->lock);
	document_unref(old);
}

void handle_ask(struct handle *h)
{
	scoped_lock(&h->lock);
	h->asked++;
}

void handle_answered(struct handle *h)
{
	struct handle_wait *list = NULL;

	pthread_mutex_lock(&h->lock);
	if (--h->asked == 0) {
		list = h->wait;
		h->wait = NULL;
	}
	pthread_mutex_unlock(&h->lock);
	while (list) {
		struct handle_wait *w = list;

		list = w->next;
		w->answered(w);
	}
}

bool handle_wait(struct handle *h, struct handle_wait *w)
{
	scoped_lock(&h->lock);
	if (!h->asked)
		return false;
	w->next = h->wait;
	h->wait = w;
	return true;
}

void handle_begin_answer(struct handle *h)
{
	h->requested = true;
	h->base_set = false;
	handle_set_answer(h, NULL);
}

struct document *handle_document(struct handle *h)
{
	scoped_lock(&h->lock);
	return document_ref(h->answer || h->requested ? h->answer : h->content);
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
