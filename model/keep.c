/* SPDX-License-Identifier: Apache-2.0 */
/* See keep.h. */
#include "model/keep.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "model/log.h"

#include "model/in_hand.h"

#define MAGIC UINT64_C(0x70656b736c6f6f70)

/* Bytes of one half; pages that are not used take no memory. */
#define HALF	    (UINT64_C(512) << 20)
#define HEADER_SIZE 4096
/* In the header's page; zeros, which are "none", in one that knows nothing of it. */
#define IN_HAND_AT 2048
_Static_assert(IN_HAND_AT + sizeof(struct in_hand) <= HEADER_SIZE, "no room");
/*
 * Bytes that values may take, with what threads have begun. Values longer than SMALL, which programs choose, leave the
 * rest for those without which nothing goes on: handles, requests, what the kernel was given.
 */
#define ROOM		 (HALF / 4 * 3)
#define ROOM_LARGE(room) ((room) / 3 * 2)
#define SMALL		 4096
/* How often it is told that there is no room, s. */
#define COMPLAIN_S 60
/* A log below this is not written anew, and its pages stay. */
#define LOG_MIN (UINT64_C(2) << 20)

struct header {
	uint64_t magic;
	uint32_t layout, unused;
	/* The length of the log, a multiple of 8, and which half it is in, 0 or 1. */
	_Atomic uint64_t state;
};

enum record_kind { RECORD_SET, RECORD_ADD, RECORD_REMOVE };

struct record {
	uint64_t id;
	uint64_t
		prev; /* RECORD_ADD: where in the half the one before is that it continues, plus 1; 0 = none */
	uint32_t len;
	uint16_t type, kind;
	/* and the bytes, filled up to a multiple of 8 */
};

/* Where the last record of a value is. */
struct place {
	uint64_t id, at;
	uint64_t bytes; /* of the log that the value takes */
	uint16_t type;	/* 0: free */
};

/*
 * Values that are kept while there is one of their owner's type with the same number: they are not taken when it is gone,
 * and go with it. 0: they stand alone.
 */
static const uint16_t owners[] = {
	[KEEP_INTERRUPT] = KEEP_REQUEST, [KEEP_REPLY] = KEEP_REQUEST, [KEEP_SUBMISSION] = KEEP_REQUEST,
	[KEEP_WAIT] = KEEP_REQUEST,	 [KEEP_TEXT] = KEEP_HANDLE,   [KEEP_CONTENT] = KEEP_HANDLE,
	[KEEP_ANSWER] = KEEP_HANDLE,	 [KEEP_POLL] = KEEP_HANDLE,   [KEEP_SCRATCH_DATA] = KEEP_SCRATCH,
	[KEEP_DEATHS] = KEEP_REQUEST,
};
#define TYPES ARRAY_SIZE(owners)

struct keep {
	uint8_t *map;
	struct header *header; /* in map */
	pthread_mutex_t lock;
	/* lock */
	struct place *index;
	size_t room, used; /* of index; used counts free ones that were not always free */
	uint64_t end;	   /* of the log: not before the state in the header */
	unsigned half;
	uint64_t valid, limit; /* bytes; the log is written anew above the limit */
	uint64_t bytes[TYPES]; /* of the valid ones */
	uint64_t most;	       /* ROOM, but in tests */
	/* what threads have begun: it has its room in the log and in the index already */
	uint64_t staged;
	size_t staged_count;
	time_t complained; /* when it was last told that there is no room, on CLOCK_MONOTONIC; 0: never */
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

static size_t padded(size_t len)
{
	return (sizeof(struct record) + len + 7) & ~(size_t)7;
}

static uint8_t *half_start(const struct keep *k, unsigned half)
{
	return k->map + HEADER_SIZE + KEEP_INBOX + half * HALF;
}

static struct record *record_at(const struct keep *k, uint64_t at)
{
	return (struct record *)(half_start(k, k->half) + at);
}

/* -------------------------------------------------------------------- index */

static size_t hash(uint16_t type, uint64_t id)
{
	uint64_t h = (id + type) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h ^ h >> 29);
}

/* Deleted places keep their number, and have this type. */
#define PLACE_DELETED UINT16_MAX

static struct place *find(const struct keep *k, uint16_t type, uint64_t id)
{
	for (size_t i = hash(type, id);; i++) {
		struct place *p = &k->index[i & (k->room - 1)];

		if (!p->type)
			return NULL;
		if (p->type == type && p->id == id)
			return p;
	}
}

/* Puts @place into a table that has room and does not have it. */
static void insert(struct place *index, size_t room, const struct place *place)
{
	size_t i = hash(place->type, place->id) & (room - 1);

	while (index[i].type)
		i = (i + 1) & (room - 1);
	index[i] = *place;
}

/* Makes room for one more place, besides those of what threads have begun. */
static int grow_index(struct keep *k)
{
	size_t count = 0, room = 1024;
	struct place *grown;

	if (k->used + k->staged_count + 1 < k->room / 4 * 3)
		return 0;
	for (size_t i = 0; i < k->room; i++)
		count += k->index[i].type && k->index[i].type != PLACE_DELETED;
	while (room < 4 * (count + k->staged_count))
		room *= 2;
	grown = calloc(room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	for (size_t i = 0; i < k->room; i++)
		if (k->index[i].type && k->index[i].type != PLACE_DELETED)
			insert(grown, room, &k->index[i]);
	free(k->index);
	k->index = grown;
	k->room = room;
	k->used = count;
	return 0;
}

/* Counts bytes of the log as valid, or as out of date. */
static void count_bytes(struct keep *k, uint16_t type, uint64_t more, uint64_t less)
{
	k->valid += more - less;
	if (type < TYPES)
		k->bytes[type] += more - less;
}

/* The record at @at is part of the log now. There is room in the index. */
static void note(struct keep *k, uint64_t at)
{
	const struct record *r = record_at(k, at);
	struct place *p = find(k, r->type, r->id);
	struct place new = {.id = r->id, .at = at, .bytes = padded(r->len), .type = r->type};

	if (r->kind == RECORD_REMOVE) {
		if (p) {
			count_bytes(k, r->type, 0, p->bytes);
			p->type = PLACE_DELETED;
		}
		return;
	}
	if (p && r->kind == RECORD_ADD)
		new.bytes += p->bytes;
	count_bytes(k, r->type, new.bytes, p ? p->bytes : 0);
	if (p) {
		*p = new;
		return;
	}
	insert(k->index, k->room, &new);
	k->used++;
}

/* ---------------------------------------------------------------------- log */

static size_t value_length(const struct keep *k, const struct place *p)
{
	size_t len = 0;

	for (uint64_t at = p->at + 1; at; at = record_at(k, at - 1)->prev)
		len += record_at(k, at - 1)->len;
	return len;
}

/* Copies a value of @len bytes. */
static void value_copy(const struct keep *k, const struct place *p, size_t len, uint8_t *ret)
{
	for (uint64_t at = p->at + 1; at; at = record_at(k, at - 1)->prev) {
		const struct record *r = record_at(k, at - 1);

		len -= r->len;
		memcpy(ret + len, r + 1, r->len);
	}
}

static void publish(struct keep *k)
{
	atomic_store_explicit(&k->header->state, k->end | k->half, memory_order_release);
}

/* The log is written anew when it is twice as long as @len. */
static void set_limit(struct keep *k, uint64_t len)
{
	k->limit = 2 * len > LOG_MIN ? 2 * len : LOG_MIN;
	if (k->limit > HALF)
		k->limit = HALF;
}

/* Writes what is valid into the other half. */
static void write_anew(struct keep *k)
{
	uint8_t *to = half_start(k, !k->half), *old = half_start(k, k->half);
	uint64_t end = 0, former = k->end;

	k->valid = 0;
	memset(k->bytes, 0, sizeof(k->bytes));
	for (size_t i = 0; i < k->room; i++) {
		struct place *p = &k->index[i];
		struct record *r = (struct record *)(to + end);
		size_t len;

		if (!p->type || p->type == PLACE_DELETED)
			continue;
		len = value_length(k, p);
		*r = (struct record){.id = p->id, .len = (uint32_t)len, .type = p->type, .kind = RECORD_SET};
		value_copy(k, p, len, (uint8_t *)(r + 1));
		p->at = end;
		p->bytes = padded(len);
		count_bytes(k, p->type, p->bytes, 0);
		end += p->bytes;
	}
	k->half = !k->half;
	k->end = end;
	set_limit(k, end);
	publish(k);
	if (former > LOG_MIN)
		(void)madvise(old + LOG_MIN, (former - LOG_MIN + 4095) & ~UINT64_C(4095), MADV_REMOVE);
}

/* Makes room for @len bytes of records. -ENOSPC: not in the log of a program whose limits were others. */
static int make_room(struct keep *k, uint64_t len)
{
	if (k->end + len > k->limit)
		write_anew(k);
	if (k->end + len > HALF)
		return -ENOSPC;
	if (k->end + len > k->limit)
		set_limit(k, k->end + len);
	return 0;
}

/* Appends a record; to be published. */
static void append_record(struct keep *k, const struct record *r, const void *data)
{
	struct record *put = record_at(k, k->end);
	const struct place *p = r->kind == RECORD_ADD ? find(k, r->type, r->id) : NULL;

	memcpy(put, r, sizeof(*r));
	if (data)
		memcpy(put + 1, data, r->len);
	put->prev = p ? p->at + 1 : 0;
	note(k, k->end);
	k->end += padded(r->len);
}

static void append_removal(struct keep *k, uint16_t type, uint64_t id)
{
	if (find(k, type, id))
		append_record(k, &(struct record){.id = id, .type = type, .kind = RECORD_REMOVE}, NULL);
}

/* Bytes that append() may need for a record. A removal takes along what belongs to the value. */
static uint64_t room_of(const struct record *r)
{
	return r->kind == RECORD_REMOVE ? TYPES * padded(0) : padded(r->len);
}

/* Appends a record with what follows from it, for which there is room in the log and in the index; to be published. */
static void append(struct keep *k, const struct record *r, const void *data)
{
	if (r->kind != RECORD_REMOVE) {
		if (!owners[r->type] || find(k, owners[r->type], r->id))
			append_record(k, r, data);
		return;
	}
	append_removal(k, r->type, r->id);
	for (size_t type = 0; type < TYPES; type++)
		if (owners[type] == r->type)
			append_removal(k, (uint16_t)type, r->id);
}

/* ------------------------------------------------------------------ changes */

/* Is there room for the record, besides what is valid and what threads have begun? */
static int check_room(struct keep *k, const struct record *r)
{
	if (r->kind == RECORD_REMOVE)
		return 0;
	if (r->len > HALF / 4 ||
	    k->valid + k->staged + padded(r->len) > (r->len > SMALL ? ROOM_LARGE(k->most) : k->most))
		return -ENOSPC;
	return grow_index(k);
}

/* Adds a record to what the thread has begun, with its room. */
static int stage(struct keep *k, const struct record *r, const void *data)
{
	size_t size = padded(r->len);

	if (begun.room - begun.len < size) {
		size_t room = 2 * begun.room > begun.len + size ? 2 * begun.room : begun.len + size;
		char *grown = realloc(begun.data, room);

		if (!grown)
			return -ENOMEM;
		begun.data = grown;
		begun.room = room;
	}
	memcpy(begun.data + begun.len, r, sizeof(*r));
	if (data)
		memcpy(begun.data + begun.len + sizeof(*r), data, r->len);
	begun.len += size;
	begun.count++;
	begun.reserved += room_of(r);
	k->staged_count++;
	k->staged += room_of(r);
	return 0;
}

static const struct record *staged_at(size_t at)
{
	return (const struct record *)(begun.data + at);
}

/* Has the thread begun to change this value? */
static bool is_staged(const struct record *r)
{
	for (size_t at = 0; at < begun.len; at += padded(staged_at(at)->len))
		if (staged_at(at)->type == r->type && staged_at(at)->id == r->id)
			return true;
	return false;
}

/* The part of change() under the lock. */
static int change_locked(struct keep *k, const struct record *r, const void *data, bool stages)
{
	int result = check_room(k, r);

	if (result < 0)
		return result;
	if (r->kind == RECORD_REMOVE && !find(k, r->type, r->id) && !(stages && is_staged(r)))
		return 0;
	if (stages)
		return stage(k, r, data);
	result = make_room(k, room_of(r));
	if (result < 0)
		return result;
	append(k, r, data);
	publish(k);
	return 0;
}

/* Is it time to tell that there is no room? */
static bool complains(struct keep *k)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	scoped_lock(&k->lock);
	if (k->complained && now.tv_sec - k->complained < COMPLAIN_S)
		return false;
	k->complained = now.tv_sec ? now.tv_sec : 1;
	return true;
}

/* @now: even if the thread has begun. */
static int change(struct keep *k, const struct record *r, const void *data, bool now)
{
	int result;

	if (!k)
		return 0;
	pthread_mutex_lock(&k->lock);
	result = change_locked(k, r, data, begun.keep == k && !now);
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
	return change(
		k,
		&(struct record){.id = id, .len = (uint32_t)len, .type = (uint16_t)type, .kind = RECORD_SET},
		data, false);
}

int keep_set_now(struct keep *k, enum keep_type type, uint64_t id, const void *data, size_t len)
{
	return change(
		k,
		&(struct record){.id = id, .len = (uint32_t)len, .type = (uint16_t)type, .kind = RECORD_SET},
		data, true);
}

int keep_add(struct keep *k, enum keep_type type, uint64_t id, const void *data, size_t len)
{
	return change(
		k,
		&(struct record){.id = id, .len = (uint32_t)len, .type = (uint16_t)type, .kind = RECORD_ADD},
		data, false);
}

void keep_remove(struct keep *k, enum keep_type type, uint64_t id)
{
	(void)change(k, &(struct record){.id = id, .type = (uint16_t)type, .kind = RECORD_REMOVE}, NULL,
		     false);
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
	if (make_room(k, begun.reserved) == 0)
		for (size_t at = 0; at < begun.len; at += padded(staged_at(at)->len))
			append(k, staged_at(at), staged_at(at) + 1);
	publish(k);
	k->staged -= begun.reserved;
	k->staged_count -= begun.count;
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
	return find(k, (uint16_t)type, id) != NULL;
}

char *keep_get(struct keep *k, enum keep_type type, uint64_t id, size_t *ret_len)
{
	const struct place *p;
	char *copy;
	size_t len;

	if (!k)
		return NULL;
	scoped_lock(&k->lock);
	p = find(k, (uint16_t)type, id);
	if (!p)
		return NULL;
	len = value_length(k, p);
	copy = malloc(len + 1);
	if (!copy)
		return NULL;
	value_copy(k, p, len, (uint8_t *)copy);
	copy[len] = '\0';
	*ret_len = len;
	return copy;
}

bool keep_read(struct keep *k, enum keep_type type, uint64_t id, void *ret, size_t size)
{
	const struct place *p;

	if (!k)
		return false;
	scoped_lock(&k->lock);
	p = find(k, (uint16_t)type, id);
	if (!p || value_length(k, p) != size)
		return false;
	value_copy(k, p, size, ret);
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
	for (size_t i = 0; i < k->room; i++)
		count += k->index[i].type == type;
	list = count ? calloc(count, sizeof(*list)) : NULL;
	if (!list)
		return NULL;
	for (size_t i = 0; i < k->room; i++)
		if (k->index[i].type == type)
			list[(*ret_count)++] = k->index[i].id;
	qsort(list, count, sizeof(*list), compare);
	return list;
}

void *keep_inbox(struct keep *k)
{
	return k->map + HEADER_SIZE;
}

struct in_hand *keep_in_hand(struct keep *k)
{
	return (struct in_hand *)(k->map + IN_HAND_AT);
}

size_t keep_bytes(struct keep *k, enum keep_type type)
{
	if (!k)
		return 0;
	scoped_lock(&k->lock);
	return k->bytes[type];
}

void keep_set_room(struct keep *k, uint64_t bytes)
{
	k->most = bytes;
}

void keep_sizes(struct keep *k, size_t *ret_log, size_t *ret_valid)
{
	scoped_lock(&k->lock);
	*ret_log = k->end;
	*ret_valid = k->valid;
}

/* ------------------------------------------------------------- open, close */

int keep_new(int *ret_fd, struct error *e)
{
	struct header header = {.magic = MAGIC, .layout = KEEP_LAYOUT};
	_cleanup_close_ int fd = memfd_create("poolfs", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)(HEADER_SIZE + KEEP_INBOX + 2 * HALF)) < 0 ||
	    pwrite(fd, &header, sizeof(header), 0) != sizeof(header))
		return error_set(e, errno, "cannot create a file in memory: %s", strerror(errno));
	*ret_fd = steal_fd(&fd);
	return 0;
}

/*
 * Values without their owner, which older versions left behind. They are in the log until it is written anew, which is
 * before anything else is written: they must not belong to a later owner of the same number.
 */
static bool drop_orphans(struct keep *k)
{
	bool any = false;

	for (size_t i = 0; i < k->room; i++) {
		struct place *p = &k->index[i];

		if (!p->type || p->type >= TYPES || !owners[p->type] || find(k, owners[p->type], p->id))
			continue;
		count_bytes(k, p->type, 0, p->bytes);
		p->type = PLACE_DELETED;
		any = true;
	}
	return any;
}

/* Reads the log. */
static int load(struct keep *k, struct error *e)
{
	uint64_t state = atomic_load_explicit(&k->header->state, memory_order_acquire), end;

	if (k->header->magic != MAGIC || k->header->layout != KEEP_LAYOUT)
		return error_set(
			e, EINVAL,
			"what the program before this one has kept is of another version; unmount, and mount again");
	k->half = state & 1;
	end = state & ~UINT64_C(1);
	for (k->end = 0; k->end < end;) {
		const struct record *r = record_at(k, k->end);

		if (end - k->end < sizeof(*r) || end - k->end < padded(r->len) || !r->type)
			return error_set(e, EINVAL, "what the program before this one has kept is damaged");
		if (grow_index(k) < 0)
			return error_oom(e);
		note(k, k->end);
		k->end += padded(r->len);
	}
	set_limit(k, k->end);
	if (drop_orphans(k))
		k->limit = 0;
	return 0;
}

/*
 * If a page of the inbox were not present when the process is killed in read(2), the kernel could not bring it in, and
 * would fail the request. Another process may be receiving into it (fs/upgrade.h), so nothing in it may be written.
 */
static int fill_inbox(struct keep *k, struct error *e)
{
	_Atomic uint8_t *inbox = keep_inbox(k);

	if (madvise(keep_inbox(k), KEEP_INBOX, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return error_set(e, errno, "cannot have memory for what is received: %s", strerror(errno));
	/* before Linux 5.14 */
	for (size_t i = 0; i < KEEP_INBOX; i += 4096)
		(void)atomic_fetch_or(&inbox[i], 0);
	return 0;
}

int keep_open(int fd, struct keep **ret, struct error *e)
{
	struct keep *k = calloc(1, sizeof(*k));
	struct stat st;
	void *map;
	int r;

	if (!k)
		return error_oom(e);
	pthread_mutex_init(&k->lock, NULL);
	k->most = ROOM;
	r = fstat(fd, &st);
	if (r < 0 || (uint64_t)st.st_size != HEADER_SIZE + KEEP_INBOX + 2 * HALF) {
		keep_free(k);
		return error_set(e, EINVAL,
				 "what the program before this one has kept is of another version");
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (map == MAP_FAILED) {
		keep_free(k);
		return error_set(e, errno, "cannot map the memory that is kept: %s", strerror(errno));
	}
	k->map = map;
	k->header = map;
	r = fill_inbox(k, e);
	if (r == 0)
		r = grow_index(k) < 0 ? error_oom(e) : load(k, e);
	if (r < 0) {
		keep_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

void keep_free(struct keep *k)
{
	if (!k)
		return;
	if (k->map)
		(void)munmap(k->map, HEADER_SIZE + KEEP_INBOX + 2 * HALF);
	free(k->index);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
