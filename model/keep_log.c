/* SPDX-License-Identifier: Apache-2.0 */
/* See keep_log.h. */
#include "model/keep_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/cleanup.h"
#include "model/in_hand.h"

#define MAGIC UINT64_C(0x70656b736c6f6f70)

/* Bytes of one half; pages that are not used take no memory. */
#define HALF	    (UINT64_C(512) << 20)
#define HEADER_SIZE 4096
#define TEXTS_AT    (HEADER_SIZE + KEEP_INBOX + 2 * HALF)
#define FILE_SIZE   (TEXTS_AT + KEEP_TEXTS)
/* In the header's page; zeros, which are "none", in one that knows nothing of it. */
#define IN_HAND_AT 2048
_Static_assert(IN_HAND_AT + sizeof(struct in_hand) <= HEADER_SIZE, "no room");
/* Bytes that values may take, with what threads have begun. */
#define ROOM (HALF / 4 * 3)
/* The longest one. */
#define VALUE_MAX (HALF / 4)
/* Values that were added to take more of the log than they need. So much of the room is worth writing it anew. */
#define WASTE(room) ((room) / 8)
/* A log below this is not written anew, and its pages stay. */
#define LOG_MIN (UINT64_C(2) << 20)

struct keep_header {
	uint64_t magic;
	uint32_t layout, unused;
	/* The length of the log, a multiple of 8, and which half it is in, 0 or 1. */
	_Atomic uint64_t state;
};

/*
 * Values that are kept while there is one of their owner's type with the same number: they are not taken when it is gone,
 * and go with it. 0: they stand alone.
 */
static const uint16_t owners[KEEP_TYPES] = {
	[KEEP_INTERRUPT] = KEEP_REQUEST, [KEEP_REPLY] = KEEP_REQUEST, [KEEP_SUBMISSION] = KEEP_REQUEST,
	[KEEP_WAIT] = KEEP_REQUEST,	 [KEEP_TEXT] = KEEP_HANDLE,   [KEEP_CONTENT] = KEEP_HANDLE,
	[KEEP_ANSWER] = KEEP_HANDLE,	 [KEEP_POLL] = KEEP_HANDLE,   [KEEP_SCRATCH_DATA] = KEEP_SCRATCH,
	[KEEP_DEATHS] = KEEP_REQUEST,	 [KEEP_OBJECT] = KEEP_HANDLE,
};

size_t keep_record_size(size_t len)
{
	return (sizeof(struct keep_record) + len + 7) & ~(size_t)7;
}

uint64_t keep_record_room(const struct keep_record *r)
{
	return r->kind == RECORD_REMOVE ? KEEP_TYPES * keep_record_size(0) : keep_record_size(r->len);
}

static uint8_t *half_start(const struct keep_log *log, unsigned half)
{
	return log->map + HEADER_SIZE + KEEP_INBOX + half * HALF;
}

static struct keep_record *record_at(const struct keep_log *log, uint64_t at)
{
	return (struct keep_record *)(half_start(log, log->half) + at);
}

uint64_t keep_log_texts_at(void)
{
	return TEXTS_AT;
}

void *keep_log_inbox(const struct keep_log *log)
{
	return log->map + HEADER_SIZE;
}

struct in_hand *keep_log_in_hand(const struct keep_log *log)
{
	return (struct in_hand *)(log->map + IN_HAND_AT);
}

void keep_log_forget_in_hand(int fd)
{
	static const struct in_hand nothing;

	(void)!pwrite(fd, &nothing, sizeof(nothing), IN_HAND_AT);
}

/* ------------------------------------------------------------------ reading */

void keep_log_copy(const struct keep_log *log, const struct keep_place *p, uint8_t *ret)
{
	size_t len = p->len;

	for (uint64_t at = p->at + 1; at; at = record_at(log, at - 1)->prev) {
		const struct keep_record *r = record_at(log, at - 1);

		len -= r->len;
		memcpy(ret + len, r + 1, r->len);
	}
}

/* ------------------------------------------------------------------ writing */

void keep_log_publish(struct keep_log *log)
{
	atomic_store_explicit(&log->header->state, log->end | log->half, memory_order_release);
}

/* The record at @at is part of the log now. There is room in the index. */
static void note(struct keep_log *log, uint64_t at)
{
	const struct keep_record *r = record_at(log, at);
	struct keep_place *p = r->kind == RECORD_SET ? NULL : keep_index_find(&log->index, r->type, r->id);
	struct keep_place new = {
		.id = r->id, .at = at, .len = r->len, .bytes = keep_record_size(r->len), .type = r->type};

	if (r->kind == RECORD_REMOVE) {
		if (p)
			keep_index_remove(&log->index, p);
		return;
	}
	if (p) {
		new.len += p->len;
		new.bytes += p->bytes;
		new.waste = new.bytes - keep_record_size(new.len);
	}
	keep_index_put(&log->index, &new);
}

/* The log is written anew when it is twice as long as @len. */
static void set_limit(struct keep_log *log, uint64_t len)
{
	log->limit = 2 * len > LOG_MIN ? 2 * len : LOG_MIN;
	if (log->limit > HALF)
		log->limit = HALF;
}

/* Writes what is valid into the other half. */
static void write_anew(struct keep_log *log)
{
	uint8_t *to = half_start(log, !log->half), *old = half_start(log, log->half);
	uint64_t end = 0, former = log->end;

	for (struct keep_place *p = NULL; (p = keep_index_next(&log->index, p));) {
		struct keep_record *r = (struct keep_record *)(to + end);
		struct keep_place moved = {.id = p->id,
					   .at = end,
					   .len = p->len,
					   .bytes = keep_record_size(p->len),
					   .type = p->type};

		*r = (struct keep_record){
			.id = p->id, .len = (uint32_t)p->len, .type = p->type, .kind = RECORD_SET};
		keep_log_copy(log, p, (uint8_t *)(r + 1));
		keep_index_put(&log->index, &moved);
		end += moved.bytes;
	}
	log->half = !log->half;
	log->end = end;
	set_limit(log, end);
	keep_log_publish(log);
	if (former > LOG_MIN)
		(void)madvise(old + LOG_MIN, (former - LOG_MIN + 4095) & ~UINT64_C(4095), MADV_REMOVE);
}

int keep_log_check_room(struct keep_log *log, const struct keep_record *r, uint64_t len)
{
	size_t size = keep_record_size(r->len);
	int result;

	if (r->kind == RECORD_REMOVE)
		return 0;
	if (len > VALUE_MAX)
		return -ENOSPC;
	result = keep_index_check_room(&log->index, len, size);
	if (result != -ENOSPC || log->index.waste < WASTE(log->index.most))
		return result;
	write_anew(log);
	return keep_index_check_room(&log->index, len, size);
}

int keep_log_make_room(struct keep_log *log, uint64_t len)
{
	if (log->end + len > log->limit)
		write_anew(log);
	if (log->end + len > HALF)
		return -ENOSPC;
	if (log->end + len > log->limit)
		set_limit(log, log->end + len);
	return 0;
}

/* To be published. Returns where its bytes belong. */
static void *append_record(struct keep_log *log, const struct keep_record *r)
{
	struct keep_record *put = record_at(log, log->end);
	const struct keep_place *p =
		r->kind == RECORD_ADD ? keep_index_find(&log->index, r->type, r->id) : NULL;

	memcpy(put, r, sizeof(*r));
	put->prev = p ? p->at + 1 : 0;
	note(log, log->end);
	log->end += keep_record_size(r->len);
	return put + 1;
}

static void append_removal(struct keep_log *log, uint16_t type, uint64_t id)
{
	if (keep_index_find(&log->index, type, id))
		(void)append_record(log,
				    &(struct keep_record){.id = id, .type = type, .kind = RECORD_REMOVE});
}

void *keep_log_append(struct keep_log *log, const struct keep_record *r)
{
	if (r->kind != RECORD_REMOVE)
		return !owners[r->type] || keep_index_find(&log->index, owners[r->type], r->id)
			       ? append_record(log, r)
			       : NULL;
	append_removal(log, r->type, r->id);
	for (size_t type = 0; type < KEEP_TYPES; type++)
		if (owners[type] == r->type && log->index.bytes[type])
			append_removal(log, (uint16_t)type, r->id);
	return NULL;
}

/* ------------------------------------------------------------- open, close */

int keep_log_create(int *ret_fd, struct error *e)
{
	struct keep_header header = {.magic = MAGIC, .layout = KEEP_LAYOUT};
	_cleanup_close_ int fd = memfd_create("poolfs", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)FILE_SIZE) < 0 ||
	    pwrite(fd, &header, sizeof(header), 0) != sizeof(header))
		return error_set(e, errno, "cannot create a file in memory: %s", strerror(errno));
	*ret_fd = steal_fd(&fd);
	return 0;
}

/*
 * Values without their owner, which older versions left behind. They are in the log until it is written anew, which is
 * before anything else is written: they must not belong to a later owner of the same number.
 */
static bool drop_orphans(struct keep_log *log)
{
	struct keep_place *p = NULL;
	bool any = false;

	while ((p = keep_index_next(&log->index, p))) {
		if (p->type >= KEEP_TYPES || !owners[p->type] ||
		    keep_index_find(&log->index, owners[p->type], p->id))
			continue;
		keep_index_remove(&log->index, p);
		any = true;
		p = NULL; /* others have moved */
	}
	return any;
}

/* Reads the log. */
static int load(struct keep_log *log, struct error *e)
{
	uint64_t state = atomic_load_explicit(&log->header->state, memory_order_acquire), end;

	if (log->header->magic != MAGIC || log->header->layout != KEEP_LAYOUT)
		return error_set(
			e, EINVAL,
			"what the program before this one has kept is of another version; unmount, and mount again");
	log->half = state & 1;
	end = state & ~UINT64_C(1);
	for (log->end = 0; log->end < end;) {
		const struct keep_record *r = record_at(log, log->end);

		if (end - log->end < sizeof(*r) || end - log->end < keep_record_size(r->len) || !r->type)
			return error_set(e, EINVAL, "what the program before this one has kept is damaged");
		if (keep_index_grow(&log->index) < 0)
			return error_oom(e);
		note(log, log->end);
		log->end += keep_record_size(r->len);
	}
	set_limit(log, log->end);
	if (drop_orphans(log))
		log->limit = 0;
	return 0;
}

/*
 * If a page of the inbox were not present when the process is killed in read(2), the kernel could not bring it in, and
 * would fail the request. Another process may be receiving into it (fs/upgrade.h), so nothing in it may be written.
 */
static int fill_inbox(struct keep_log *log, struct error *e)
{
	_Atomic uint8_t *inbox = keep_log_inbox(log);

	if (madvise(keep_log_inbox(log), KEEP_INBOX, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return error_set(e, errno, "cannot have memory for what is received: %s", strerror(errno));
	/* before Linux 5.14 */
	for (size_t i = 0; i < KEEP_INBOX; i += 4096)
		(void)atomic_fetch_or(&inbox[i], 0);
	return 0;
}

/* Maps the file. */
static int map_file(struct keep_log *log, int fd, struct error *e)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size != FILE_SIZE)
		return error_set(
			e, EINVAL,
			"what the program before this one has kept is of another version; unmount, and mount again");
	map = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (map == MAP_FAILED)
		return error_set(e, errno, "cannot map the memory that is kept: %s", strerror(errno));
	log->map = map;
	log->header = map;
	return 0;
}

int keep_log_open(struct keep_log *log, int fd, struct error *e)
{
	int r = map_file(log, fd, e);

	if (r == 0)
		r = fill_inbox(log, e);
	if (r == 0)
		r = keep_index_init(&log->index, ROOM) < 0 ? error_oom(e) : load(log, e);
	return r;
}

void keep_log_done(struct keep_log *log)
{
	if (log->map)
		(void)munmap(log->map, FILE_SIZE);
	keep_index_done(&log->index);
}
