/* SPDX-License-Identifier: Apache-2.0 */
/* See keep.h. */
#include "model/keep.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"
#include "model/clock.h"
#include "model/keep_log.h"
#include "model/keep_pages.h"
#include "model/log.h"

/* How often it is told that there is no room, ns. */
#define COMPLAIN_NS (60 * NS_PER_S)

struct keep {
	pthread_mutex_t lock;
	struct keep_log log; /* lock */
	struct keep_pages pages;
	bool ended;	    /* lock */
	int64_t complained; /* lock; when it was last told that there is no room, ns of CLOCK_MONOTONIC; 0: never */
};

/* What a thread has begun. */
static _Thread_local struct {
	struct keep *keep;
	char *data; /* records */
	size_t len, room;
	size_t count;	   /* records */
	uint64_t reserved; /* bytes of the log */
	/* of keep_watch() */
	void (*save)(void *arg);
	void (*release)(void *arg);
	void *arg;
} begun;

/* ------------------------------------------------------------------ changes */

/* What a record sets or adds: bytes, or who writes them. NULL, NULL: it has none. */
struct source {
	const void *data;
	keep_write_fn *write;
	const void *arg;
};

static void source_copy(const struct source *from, void *to, size_t len)
{
	if (from->write)
		from->write(to, from->arg);
	else if (from->data)
		memcpy(to, from->data, len);
}

/* Adds a record to what the thread has begun, with its room. */
static int stage(struct keep *k, const struct keep_record *r, const struct source *from)
{
	size_t size = keep_record_size(r->len);

	if (begun.room - begun.len < size) {
		size_t room = 2 * begun.room > begun.len + size ? 2 * begun.room : begun.len + size;
		char *grown = realloc(begun.data, room);

		if (!grown)
			return -ENOMEM;
		begun.data = grown;
		begun.room = room;
	}
	memcpy(begun.data + begun.len, r, sizeof(*r));
	source_copy(from, begun.data + begun.len + sizeof(*r), r->len);
	begun.len += size;
	begun.count++;
	begun.reserved += keep_record_room(r);
	keep_index_reserve(&k->log.index, keep_record_room(r));
	return 0;
}

static const struct keep_record *staged_at(size_t at)
{
	return (const struct keep_record *)(begun.data + at);
}

/* Has the thread begun to change this value? */
static bool is_staged(const struct keep_record *r)
{
	for (size_t at = 0; at < begun.len; at += keep_record_size(staged_at(at)->len))
		if (staged_at(at)->type == r->type && staged_at(at)->id == r->id)
			return true;
	return false;
}

/* The length that the value has with the record; 0 for one that removes it. */
static uint64_t length_with(const struct keep *k, const struct keep_record *r, bool stages)
{
	const struct keep_place *p;
	uint64_t len;

	if (r->kind != RECORD_ADD)
		return r->len;
	p = keep_index_find(&k->log.index, r->type, r->id);
	len = p ? p->len : 0;
	for (size_t at = 0; stages && at < begun.len; at += keep_record_size(staged_at(at)->len)) {
		const struct keep_record *s = staged_at(at);

		if (s->type == r->type && s->id == r->id)
			len = s->kind == RECORD_ADD ? len + s->len : s->len;
	}
	return len + r->len;
}

/* The part of change() under the lock. */
static int change_locked(struct keep *k, const struct keep_record *r, const struct source *from, bool stages)
{
	void *to;
	int result;

	if (k->ended)
		return 0;
	result = keep_log_check_room(&k->log, r, length_with(k, r, stages));
	if (result < 0)
		return result;
	if (r->kind == RECORD_REMOVE && !keep_index_find(&k->log.index, r->type, r->id) &&
	    !(stages && is_staged(r)))
		return 0;
	if (stages)
		return stage(k, r, from);
	result = keep_log_make_room(&k->log, keep_record_room(r));
	if (result < 0)
		return result;
	to = keep_log_append(&k->log, r);
	if (to)
		source_copy(from, to, r->len);
	keep_log_publish(&k->log);
	return 0;
}

/* Is it time to tell that there is no room? */
static bool complains(struct keep *k)
{
	int64_t now = clock_monotonic();

	scoped_lock(&k->lock);
	if (k->complained && now - k->complained < COMPLAIN_NS)
		return false;
	k->complained = now;
	return true;
}

/* @now: even if the thread has begun. */
static int change(struct keep *k, const struct keep_record *r, const struct source *from, bool now)
{
	int result;

	if (!k)
		return 0;
	pthread_mutex_lock(&k->lock);
	result = change_locked(k, r, from, begun.keep == k && !now);
	pthread_mutex_unlock(&k->lock);
	if (result < 0 && complains(k))
		log_error(
			"keep", NULL,
			"there is no room for all that the next process has to know: %zu bytes of type %d are "
			"not kept",
			(size_t)r->len, (int)r->type);
	return result;
}

int keep_set(struct keep *k, enum keep_type type, uint64_t id, const void *data, size_t len)
{
	return change(k,
		      &(struct keep_record){
			      .id = id, .len = (uint32_t)len, .type = (uint16_t)type, .kind = RECORD_SET},
		      &(struct source){.data = data}, false);
}

int keep_set_now(struct keep *k, enum keep_type type, uint64_t id, const void *data, size_t len)
{
	return change(k,
		      &(struct keep_record){
			      .id = id, .len = (uint32_t)len, .type = (uint16_t)type, .kind = RECORD_SET},
		      &(struct source){.data = data}, true);
}

int keep_set_by(struct keep *k, enum keep_type type, uint64_t id, size_t len, keep_write_fn *write,
		const void *arg, bool now)
{
	return change(k,
		      &(struct keep_record){
			      .id = id, .len = (uint32_t)len, .type = (uint16_t)type, .kind = RECORD_SET},
		      &(struct source){.write = write, .arg = arg}, now);
}

int keep_add(struct keep *k, enum keep_type type, uint64_t id, const void *data, size_t len)
{
	return change(k,
		      &(struct keep_record){
			      .id = id, .len = (uint32_t)len, .type = (uint16_t)type, .kind = RECORD_ADD},
		      &(struct source){.data = data}, false);
}

void keep_remove(struct keep *k, enum keep_type type, uint64_t id)
{
	(void)change(k, &(struct keep_record){.id = id, .type = (uint16_t)type, .kind = RECORD_REMOVE},
		     &(struct source){0}, false);
}

void keep_remove_now(struct keep *k, enum keep_type type, uint64_t id)
{
	(void)change(k, &(struct keep_record){.id = id, .type = (uint16_t)type, .kind = RECORD_REMOVE},
		     &(struct source){0}, true);
}

bool keep_begin(struct keep *k)
{
	if (!k || begun.keep)
		return false;
	begun.keep = k;
	return true;
}

void keep_watch(struct keep *k, void (*save)(void *arg), void (*release)(void *arg), void *arg)
{
	if (!k || begun.keep != k || begun.save) {
		release(arg);
		return;
	}
	begun.save = save;
	begun.release = release;
	begun.arg = arg;
}

/* Has the thread begun, and has changed something since? */
static bool has_changed(const struct keep *k)
{
	if (!k || begun.keep != k)
		return false;
	if (begun.save)
		begun.save(begun.arg);
	return begun.len != 0;
}

/* Makes valid what the thread has begun: all of it, since there is room for it, or nothing. */
static void write_begun(struct keep *k)
{
	pthread_mutex_lock(&k->lock);
	if (!k->ended && keep_log_make_room(&k->log, begun.reserved) == 0)
		for (size_t at = 0; at < begun.len; at += keep_record_size(staged_at(at)->len)) {
			void *to = keep_log_append(&k->log, staged_at(at));

			if (to)
				memcpy(to, staged_at(at) + 1, staged_at(at)->len);
		}
	keep_log_publish(&k->log);
	keep_index_unreserve(&k->log.index, begun.reserved, begun.count);
	pthread_mutex_unlock(&k->lock);
	begun.len = begun.count = 0;
	begun.reserved = 0;
}

void keep_flush(struct keep *k)
{
	if (has_changed(k))
		write_begun(k);
}

void keep_flush_with(struct keep *k, enum keep_type type, uint64_t id, const void *data, size_t len)
{
	if (!has_changed(k))
		return;
	if (len)
		(void)keep_set(k, type, id, data, len);
	write_begun(k);
}

void keep_commit(struct keep *k)
{
	if (!k || begun.keep != k)
		return;
	keep_flush(k);
	if (begun.save)
		begun.release(begun.arg);
	free(begun.data);
	begun = (__typeof__(begun)){0};
}

/* ------------------------------------------------------------------ reading */

bool keep_has(struct keep *k, enum keep_type type, uint64_t id)
{
	if (!k)
		return false;
	scoped_lock(&k->lock);
	return keep_index_find(&k->log.index, (uint16_t)type, id) != NULL;
}

char *keep_get(struct keep *k, enum keep_type type, uint64_t id, size_t *ret_len)
{
	const struct keep_place *p;
	char *copy;

	if (!k)
		return NULL;
	scoped_lock(&k->lock);
	p = keep_index_find(&k->log.index, (uint16_t)type, id);
	if (!p)
		return NULL;
	copy = malloc(p->len + 1);
	if (!copy)
		return NULL;
	keep_log_copy(&k->log, p, (uint8_t *)copy);
	copy[p->len] = '\0';
	*ret_len = p->len;
	return copy;
}

bool keep_read(struct keep *k, enum keep_type type, uint64_t id, void *ret, size_t size)
{
	const struct keep_place *p;

	if (!k)
		return false;
	scoped_lock(&k->lock);
	p = keep_index_find(&k->log.index, (uint16_t)type, id);
	if (!p || p->len != size)
		return false;
	keep_log_copy(&k->log, p, ret);
	return true;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t *keep_list(struct keep *k, enum keep_type type, size_t *ret_count)
{
	uint64_t *list;
	size_t count = 0;

	*ret_count = 0;
	if (!k)
		return NULL;
	scoped_lock(&k->lock);
	for (const struct keep_place *p = NULL; (p = keep_index_next(&k->log.index, p));)
		count += p->type == type;
	list = count ? calloc(count, sizeof(*list)) : NULL;
	if (!list)
		return NULL;
	for (const struct keep_place *p = NULL; (p = keep_index_next(&k->log.index, p));)
		if (p->type == type)
			list[(*ret_count)++] = p->id;
	qsort(list, count, sizeof(*list), compare);
	return list;
}

void *keep_inbox(struct keep *k)
{
	return keep_log_inbox(&k->log);
}

struct in_hand *keep_in_hand(struct keep *k)
{
	return keep_log_in_hand(&k->log);
}

void keep_forget_in_hand(int fd)
{
	keep_log_forget_in_hand(fd);
}

size_t keep_bytes(struct keep *k, enum keep_type type)
{
	if (!k)
		return 0;
	scoped_lock(&k->lock);
	return k->log.index.bytes[type];
}

void keep_set_room(struct keep *k, uint64_t bytes)
{
	k->log.index.most = bytes;
}

void keep_sizes(struct keep *k, size_t *ret_log, size_t *ret_valid)
{
	scoped_lock(&k->lock);
	*ret_log = k->log.end;
	*ret_valid = k->log.index.valid;
}

/* -------------------------------------------------------------------- texts */

char *keep_text_new(struct keep *k, size_t len)
{
	return k ? keep_pages_take(&k->pages, len) : NULL;
}

uint64_t keep_text_place(const struct keep *k, const char *text)
{
	return keep_log_texts_at() + (uint64_t)(text - k->pages.start);
}

char *keep_text_claim(struct keep *k, uint64_t place, size_t len)
{
	return place < keep_log_texts_at() ? NULL
					   : keep_pages_claim(&k->pages, place - keep_log_texts_at(), len);
}

void keep_texts_settle(struct keep *k)
{
	if (k)
		keep_pages_settle(&k->pages);
}

void keep_text_free(struct keep *k, const char *text, size_t len)
{
	keep_pages_release(&k->pages, text, len);
}

/* ------------------------------------------------------------- open, close */

int keep_new(int *ret_fd, struct error *e)
{
	return keep_log_create(ret_fd, e);
}

int keep_open(int fd, struct keep **ret, struct error *e)
{
	struct keep *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return error_oom(e);
	pthread_mutex_init(&k->lock, NULL);
	r = keep_log_open(&k->log, fd, e);
	if (r == 0 && keep_pages_init(&k->pages, (char *)k->log.map + keep_log_texts_at(), KEEP_TEXTS) < 0)
		r = error_oom(e);
	if (r < 0) {
		keep_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

void keep_end(struct keep *k)
{
	if (!k)
		return;
	keep_pages_end(&k->pages); /* first: what is not removed any more must not lose its text */
	scoped_lock(&k->lock);
	k->ended = true;
}

void keep_free(struct keep *k)
{
	if (!k)
		return;
	keep_pages_done(&k->pages);
	keep_log_done(&k->log);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
