/* SPDX-License-Identifier: Apache-2.0 */
/* See receive.h. The structures are those of <linux/fuse.h>, which has members whose names model/banned.h forbids. */
#include "fs/receive.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>

#include "fs/not_serving.h"
#include "fs/tell/last_error.h"
#include "fs/tree/fs.h"
#include "fs/tree/repeat.h"
#include "model/clock.h"
#include "model/in_hand.h"
#include "model/left_text.h"
#include "model/log.h"

_Static_assert(REQUEST_DEATHS < NOT_SERVING_DEATHS, "or the mount would go with the request");

enum opcode {
	OPCODE_FORGET = 2,
	OPCODE_RELEASE = 18,
	OPCODE_INIT = 26,
	OPCODE_RELEASEDIR = 29,
	OPCODE_INTERRUPT = 36,
	OPCODE_DESTROY = 38,
	OPCODE_POLL = 40,
	OPCODE_BATCH_FORGET = 42,
};
#define INIT_EXT	     (UINT32_C(1) << 30) /* flags2 is valid */
#define DIRECT_IO_ALLOW_MMAP (UINT32_C(1) << 4)	 /* in flags2 */
#define POLL_NOTIFIES	     1			 /* the kernel waits to be woken */
#define NOTIFY_POLL	     1

/* A process that had no request for so long serves, too, ms. */
#define IDLE_MS 1000
/*
 * Requests that fewer have died with are repeated together: the most frequent death is one from outside, after which nobody
 * is to wait for another one's work. If they die once more, as often as this, then one by one.
 */
#define SUSPECT_DEATHS 2
_Static_assert(SUSPECT_DEATHS < REQUEST_DEATHS, "or innocent requests are refused");
/* So long the next request waits for the one before that is repeated alone, ns; and how often it is looked at, ms. */
#define ALONE_NS (10 * NS_PER_S)
#define ALONE_MS 10
/* How long the next request is looked for: about what it takes to put a processor to sleep and wake it, ns. */
#define LOOK_NS 20000

struct in {
	uint32_t len, opcode;
	uint64_t unique, node;
	uint32_t uid, gid, pid, extensions;
};

/* Of keep_inbox(): what the kernel writes; and behind it, the last request that was taken out, by its number. */
struct inbox {
	union {
		struct in header;
		uint8_t bytes[KEEP_INBOX - sizeof(uint64_t)];
	};
	_Atomic uint64_t taken;
};
_Static_assert(sizeof(struct inbox) == KEEP_INBOX && KEEP_LAYOUT == 2, KEEP_LAYOUT_CHANGED);

struct init_in {
	struct in header;
	uint32_t major, minor, readahead, flags, flags2;
};

struct interrupt_in {
	struct in header;
	uint64_t unique;
};

struct poll_in {
	struct in header;
	uint64_t fh, kernel;
	uint32_t flags, events;
};

struct release_in {
	struct in header;
	uint64_t fh;
};

struct out_header {
	uint32_t len;
	int32_t error;
	uint64_t unique;
};

struct init_out {
	uint32_t major, minor, readahead, flags;
	uint16_t background, congestion;
	uint32_t write_max, time_gran;
	uint16_t pages_max, alignment;
	uint32_t flags2, unused[7];
};

_Static_assert(offsetof(struct init_out, flags2) == 32 && sizeof(struct init_out) == 64,
	       "as in the protocol");
_Static_assert(sizeof(struct in) == 40, "as in the protocol");

/* A process has one connection. Immutable while requests are received, but for what is marked. */
static struct {
	const struct fs *fs;
	struct keep *keep; /* its */
	struct fuse_session *session;
	int fd;
	void (*served)(void *arg);
	void *arg;
	atomic_bool receives; /* not only repeats */
	atomic_bool has_served;
	/* of the receiving thread */
	struct init_in init;
	struct suspects {
		uint64_t *list; /* owned; requests that processes have died with */
		size_t count, begun;
		int64_t last; /* CLOCK_MONOTONIC, ns: when one was begun */
	} suspects;
	void (*resumed)(void *arg); /* NULL: it was called */
	void *resumed_arg;
} connection;

static void tell_served(void)
{
	if (connection.served)
		connection.served(connection.arg);
}

static void note_served(void)
{
	if (!atomic_exchange(&connection.has_served, true) && atomic_load(&connection.receives))
		tell_served();
}

/* ------------------------------------------------------------------- answers */

/* Adds to the answer to INIT what libfuse does not know. */
static void amend_init(const struct iovec *iov, int count)
{
	struct init_out *out = count == 2 && iov[1].iov_len >= sizeof(*out) ? iov[1].iov_base : NULL;
	const struct init_in *in = &connection.init;

	if (out && (in->flags & INIT_EXT) && (in->flags2 & DIRECT_IO_ALLOW_MMAP)) {
		out->flags |= INIT_EXT;
		out->flags2 |= DIRECT_IO_ALLOW_MMAP;
	}
}

/*
 * Makes valid what the request has changed, together with the answer. In a thread that has not received the request that is
 * valid already; the answer is kept all the same: who gets it goes on at once, and must not find that the next process
 * has begun the request anew.
 */
static void keep_reply(struct keep *keep, uint64_t id, const struct iovec *iov, int count)
{
	char bytes[512];
	size_t len = 0;

	for (int i = 0; i < count; i++) {
		if (iov[i].iov_len > sizeof(bytes) - len) {
			len = 0; /* only reads have long answers, and they can be repeated */
			break;
		}
		memcpy(bytes + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	if (!keep_begin(keep)) {
		keep_flush_with(keep, KEEP_REPLY, id, bytes, len);
		return;
	}
	if (len)
		(void)keep_set(keep, KEEP_REPLY, id, bytes, len);
	keep_commit(keep);
}

static ssize_t reply(int fd, struct iovec *iov, int count, void *userdata)
{
	const struct out_header *header = iov[0].iov_base;
	struct keep *keep = connection.keep;
	uint64_t id = header->unique;
	ssize_t n;
	int error;

	(void)userdata;
	if (!id) /* a notification */
		return writev(fd, iov, count);
	if (id == connection.init.header.unique) {
		amend_init(iov, count);
		n = writev(fd, iov, count);
		/* ENOENT: the process before this one has answered it */
		return n < 0 && errno == ENOENT ? 0 : n;
	}
	keep_reply(keep, id, iov, count);
	n = writev(fd, iov, count);
	error = errno;
	keep_remove(keep, KEEP_REQUEST, id);
	note_served();
	errno = error;
	return n;
}

/* ------------------------------------------------------------------ requests */

/* Has the kernel an answer to wait for? */
static bool is_answered(const struct in *in)
{
	return in->opcode != OPCODE_FORGET && in->opcode != OPCODE_BATCH_FORGET &&
	       in->opcode != OPCODE_INTERRUPT && in->opcode != OPCODE_INIT && in->opcode != OPCODE_DESTROY;
}

/* The request that is kept while @in is being done: itself, or the one that it interrupts. 0: none. */
static uint64_t request_of(const struct in *in, size_t len)
{
	const struct interrupt_in *interrupt = (const struct interrupt_in *)in;

	if (in->opcode == OPCODE_INTERRUPT && len >= sizeof(*interrupt))
		return interrupt->unique;
	return is_answered(in) ? in->unique : 0;
}

/* Does a request. Its bytes may change. */
static void process(void *bytes, size_t len, bool repeated)
{
	const struct in *in = bytes;
	const struct poll_in *poll = bytes;
	struct fuse_buf buf = {.mem = bytes, .size = len};
	struct keep *keep = connection.keep;

	(void)in_hand_set(request_of(in, len));
	repeat_set(in->unique, repeated);
	(void)keep_begin(keep);
	if (in->opcode == OPCODE_POLL && len >= sizeof(*poll) && (poll->flags & POLL_NOTIFIES))
		(void)keep_set(keep, KEEP_POLL, poll->fh, &poll->kernel, sizeof(poll->kernel));
	fuse_session_process_buf(connection.session, &buf);
	keep_commit(keep);
	repeat_set(0, false);
	(void)in_hand_set(0);
}

/*
 * Keeps what was received, before anything is done with it. What there is no room for is done nevertheless: a user who
 * has many long requests at a time must not have those of others refused. Its head is kept then, so that the next process
 * can refuse it: the kernel waits for an answer as long as the mount is there.
 */
static void keep_request(struct keep *keep, const void *bytes, size_t len)
{
	const struct in *in = bytes;
	const struct interrupt_in *interrupt = bytes;

	if (in->opcode == OPCODE_INTERRUPT && len >= sizeof(*interrupt))
		(void)keep_set(keep, KEEP_INTERRUPT, interrupt->unique, bytes, len);
	else if (in->opcode == OPCODE_INIT && len >= sizeof(struct init_in))
		(void)keep_set(keep, KEEP_INIT, 0, bytes, sizeof(struct init_in));
	else if (is_answered(in) && keep_set(keep, KEEP_REQUEST, in->unique, bytes, len) < 0)
		(void)keep_set(keep, KEEP_REQUEST, in->unique, bytes, sizeof(*in));
}

/*
 * Keeps what was received. After that the inbox does not count: when the request has been answered it is not kept any
 * more, and who dies before the next one is received must not leave it to be done again. The bytes stay as they are,
 * since libfuse reads them.
 */
static void take_request(struct keep *keep, size_t len)
{
	struct inbox *inbox = keep_inbox(keep);

	keep_request(keep, inbox, len);
	atomic_store(&inbox->taken, inbox->header.unique);
}

/* What the process before this one received last, and was killed before it kept it. */
static void take_left_request(struct keep *keep)
{
	struct inbox *inbox = keep_inbox(keep);
	const struct in *in = &inbox->header;

	if (in->len >= sizeof(*in) && in->len <= sizeof(inbox->bytes) &&
	    in->unique != atomic_load(&inbox->taken) && !keep_has(keep, KEEP_REQUEST, in->unique))
		take_request(keep, in->len);
	inbox->header.len = 0;
}

/* ------------------------------------------------------------------ refusals */

static void refuse(int fd, uint64_t id, int error)
{
	const struct out_header out = {.len = sizeof(out), .error = -error, .unique = id};

	(void)!write(fd, &out, sizeof(out)); /* ENOENT: it was answered, or is withdrawn */
}

/* Nobody waits for the answer to a close: what it closes is closed all the same. */
static void close_refused(struct keep *keep, const struct in *in, size_t len)
{
	const struct release_in *release = (const struct release_in *)in;

	if ((in->opcode == OPCODE_RELEASE || in->opcode == OPCODE_RELEASEDIR) && len >= sizeof(*release))
		keep_remove(keep, KEEP_HANDLE, release->fh);
}

/* Gives the answer that is kept of a request that is done. False: there is none. */
static bool give_kept_answer(int fd, struct keep *keep, uint64_t id)
{
	size_t len;
	_cleanup_free_ char *answer = keep_get(keep, KEEP_REPLY, id, &len);

	if (!answer)
		return false;
	(void)!write(fd, answer, len); /* ENOENT: the kernel has it */
	keep_remove(keep, KEEP_REQUEST, id);
	return true;
}

/* close_refused() of a request that is kept. */
static void close_kept(struct keep *keep, uint64_t id)
{
	size_t len;
	_cleanup_free_ char *bytes = keep_get(keep, KEEP_REQUEST, id, &len);

	if (bytes && len >= sizeof(struct in))
		close_refused(keep, (const struct in *)bytes, len);
}

/* Unless it is done. */
static void refuse_kept(int fd, struct keep *keep, uint64_t id, int error)
{
	if (give_kept_answer(fd, keep, id))
		return;
	close_kept(keep, id);
	refuse(fd, id, error);
	keep_remove(keep, KEEP_REQUEST, id);
}

/* Counts the death of the process before this one for each request that it had in hand. */
static void count_deaths(struct keep *keep)
{
	struct in_hand *hands = keep_in_hand(keep);
	uint64_t counted[IN_HAND_MAX];
	size_t count = 0;

	for (size_t i = 0; i < IN_HAND_MAX; i++) {
		uint64_t id = atomic_load(&hands->requests[i]);
		uint32_t deaths = 0;
		bool again = false;

		for (size_t j = 0; j < count; j++)
			again = again || counted[j] == id;
		if (id && !again && keep_has(keep, KEEP_REQUEST, id)) {
			counted[count++] = id;
			(void)keep_read(keep, KEEP_DEATHS, id, &deaths, sizeof(deaths));
			deaths++;
			(void)keep_set(keep, KEEP_DEATHS, id, &deaths, sizeof(deaths));
		}
	}
	for (size_t i = 0; i < IN_HAND_MAX; i++)
		atomic_store(&hands->requests[i], 0);
}

/* What there was no room to keep, but for its head, is refused; whether the process before this one has done it is not known. */
static void refuse_head(int fd, struct keep *keep, const struct in *in)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	(void)error_set(
		&e, EIO,
		"the process that served the mount has ended before it had answered the request, and had no "
		"room to keep it: look whether it was done");
	log_error("mount", NULL,
		  "request %u of FUSE on node %" PRIu64
		  " by user %u is refused: there was no room to keep it for "
		  "this process",
		  in->opcode, in->node, in->uid);
	last_error_set(connection.fs->errors, in->uid, NULL, &e);
	refuse_kept(fd, keep, in->unique, EIO);
}

static void tell_refused(struct keep *keep, uint64_t id)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	size_t len = 0;
	_cleanup_free_ char *bytes = keep_get(keep, KEEP_REQUEST, id, &len);
	const struct in *in = (const struct in *)bytes;

	if (!in || len < sizeof(*in))
		return;
	(void)error_set(
		&e, EIO,
		"the request was refused, since the process that serves the mount has ended %d times while it "
		"worked on it",
		REQUEST_DEATHS);
	log_error("mount", NULL,
		  "request %u of FUSE on node %" PRIu64 " by user %u is refused: the process that serves has "
		  "ended %d times while it worked on it",
		  in->opcode, in->node, in->uid, REQUEST_DEATHS);
	last_error_set(connection.fs->errors, in->uid, NULL, &e);
}

/* How many processes have died with the request in hand. */
static uint32_t deaths_with(struct keep *keep, uint64_t id)
{
	uint32_t deaths = 0;

	(void)keep_read(keep, KEEP_DEATHS, id, &deaths, sizeof(deaths));
	return deaths;
}

/* Do the processes die of the request? An answer that is there already was not the cause, and is given. */
static bool is_killer(struct keep *keep, uint64_t id)
{
	return deaths_with(keep, id) >= REQUEST_DEATHS && !keep_has(keep, KEEP_REPLY, id);
}

static void refuse_killers(int fd, struct keep *keep)
{
	size_t count;
	_cleanup_free_ uint64_t *list = keep_list(keep, KEEP_DEATHS, &count);
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (!is_killer(keep, list[i]))
			continue;
		tell_refused(keep, list[i]);
		refuse_kept(fd, keep, list[i], EIO);
		any = true;
	}
	if (any) /* the next death has another cause */
		tell_served();
}

/* ------------------------------------------------------------------- repeats */

/* Agrees with the kernel on what the process before this one did. */
static void repeat_init(struct keep *keep)
{
	struct init_in copy;

	if (!keep_read(keep, KEEP_INIT, 0, &connection.init, sizeof(connection.init)))
		return;
	copy = connection.init;
	process(&copy, sizeof(copy), false);
}

/* Is it not all there? */
static bool is_head(const void *bytes, size_t len)
{
	const struct in *in = bytes;

	return len < in->len;
}

/* Does a request again, and what interrupts it. */
static void repeat_request(struct keep *keep, uint64_t id)
{
	static const enum keep_type types[] = {KEEP_REQUEST, KEEP_INTERRUPT};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t len;
		_cleanup_free_ char *bytes = keep_get(keep, types[i], id, &len);

		if (bytes && is_head(bytes, len))
			refuse_head(connection.fd, keep, (const struct in *)bytes);
		else if (bytes)
			process(bytes, len, true);
	}
}

/* The requests that several processes have died with, those with the most deaths first. Without memory there are none. */
static void find_suspects(struct keep *keep, struct suspects *ret)
{
	size_t count;
	_cleanup_free_ uint64_t *list = keep_list(keep, KEEP_DEATHS, &count);

	ret->list = count ? reallocarray(NULL, count, sizeof(*list)) : NULL;
	for (uint32_t want = REQUEST_DEATHS; ret->list && want >= SUSPECT_DEATHS; want--)
		for (size_t i = 0; i < count; i++) {
			uint32_t deaths = deaths_with(keep, list[i]);

			if ((deaths < REQUEST_DEATHS ? deaths : REQUEST_DEATHS) == want)
				ret->list[ret->count++] = list[i];
		}
}

/*
 * Begins the next suspects, each when the one before is answered or waits for something: of several that are in hand when
 * the process dies it would not be known which it has died of, and all would be refused in the end. Those with the most
 * deaths are first, so that only one is a danger at a time.
 */
static void repeat_suspects(struct keep *keep)
{
	struct suspects *s = &connection.suspects;

	while (s->begun < s->count) {
		if (s->begun && in_hand_is(s->list[s->begun - 1]) && clock_monotonic() - s->last < ALONE_NS)
			return;
		s->last = clock_monotonic();
		repeat_request(keep, s->list[s->begun++]);
	}
	free(s->list);
	*s = (struct suspects){0};
}

/* All requests of the process before this one are begun again, so what none of them holds is held by nobody. */
static void tell_resumed(void)
{
	if (!connection.resumed || connection.suspects.count)
		return;
	connection.resumed(connection.resumed_arg);
	connection.resumed = NULL;
}

/* Does what the process before this one has not answered. */
static void repeat_requests(int fd, struct keep *keep)
{
	size_t count;
	_cleanup_free_ uint64_t *list = keep_list(keep, KEEP_REQUEST, &count);
	bool one_by_one;

	for (size_t i = 0; i < count; i++)
		if (give_kept_answer(fd, keep, list[i]))
			note_served();
	find_suspects(keep, &connection.suspects);
	one_by_one = connection.suspects.list;
	repeat_suspects(keep);
	for (size_t i = 0; i < count; i++)
		if (keep_has(keep, KEEP_REQUEST, list[i]) &&
		    !(one_by_one && deaths_with(keep, list[i]) >= SUSPECT_DEATHS))
			repeat_request(keep, list[i]);
	tell_resumed();
}

/* Whoever waits in poll(2) polls again. */
static void wake_polls(int fd, struct keep *keep)
{
	size_t count;
	_cleanup_free_ uint64_t *list = keep_list(keep, KEEP_POLL, &count);

	for (size_t i = 0; i < count; i++) {
		struct {
			struct out_header header;
			uint64_t kernel;
		} notice = {.header = {.len = sizeof(notice), .error = NOTIFY_POLL}};

		if (keep_read(keep, KEEP_POLL, list[i], &notice.kernel, sizeof(notice.kernel)))
			(void)!write(fd, &notice, sizeof(notice));
	}
}

/*
 * Looks for the next request for a moment, while others have the processor if they want it. A client that makes one after the
 * other has the next one within microseconds, and to put a processor to sleep and wake it takes several times that.
 */
static void look_for_next(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	const int64_t end = clock_monotonic() + LOOK_NS;

	while (poll(&poll_fd, 1, 0) == 0 && clock_monotonic() < end)
		(void)sched_yield();
}

/* Receives into the inbox. The number of bytes, 0 after a signal, -errno. */
static ssize_t receive(int fd, struct inbox *inbox)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	ssize_t n;

	repeat_suspects(connection.keep);
	while (connection.suspects.count && poll(&poll_fd, 1, ALONE_MS) == 0)
		repeat_suspects(connection.keep);
	tell_resumed();
	if (!atomic_load(&connection.has_served) && poll(&poll_fd, 1, IDLE_MS) == 0)
		note_served();
	if (fuse_session_exited(connection.session))
		return 0;
	look_for_next(fd);
	n = read(fd, inbox->bytes, sizeof(inbox->bytes));
	if (n >= (ssize_t)sizeof(inbox->header))
		return n;
	/* ENOENT: the request was withdrawn meanwhile */
	if (n < 0)
		return errno == EINTR || errno == EAGAIN || errno == ENOENT ? 0 : -errno;
	return -EIO;
}

/* Not called, but libfuse wants one. */
static ssize_t read_again(int fd, void *buf, size_t size, void *userdata)
{
	(void)userdata;
	return read(fd, buf, size);
}

int receive_start(struct fuse_session *session, int fd, const struct fs *fs, void (*served)(void *arg),
		  void *arg)
{
	static const struct fuse_custom_io io = {.read = read_again, .writev = reply};

	connection.fs = fs;
	connection.keep = fs->keep;
	connection.session = session;
	connection.fd = fd;
	connection.served = served;
	connection.arg = arg;
	return fuse_session_custom_io(session, &io, fd) < 0 ? -ENOMEM : 0;
}

void receive_count_deaths(struct keep *keep)
{
	size_t count;
	_cleanup_free_ uint64_t *list = NULL;

	take_left_request(keep);
	count_deaths(keep);
	list = keep_list(keep, KEEP_DEATHS, &count);
	for (size_t i = 0; i < count; i++)
		if (is_killer(keep, list[i]))
			close_kept(keep, list[i]);
}

void receive_repeat(void (*resumed)(void *arg), void *arg)
{
	struct keep *keep = connection.keep;

	connection.resumed = resumed;
	connection.resumed_arg = arg;
	in_hand_open(keep_in_hand(keep));
	refuse_killers(connection.fd, keep);
	repeat_init(keep);
	wake_polls(connection.fd, keep);
	repeat_requests(connection.fd, keep);
}

int receive_requests(void)
{
	struct keep *keep = connection.keep;
	struct inbox *inbox = keep_inbox(keep);
	int fd = connection.fd;
	ssize_t n = 0;

	left_text_forbid();
	atomic_store(&connection.receives, true);
	if (atomic_load(&connection.has_served))
		tell_served();
	while (!fuse_session_exited(connection.session)) {
		n = receive(fd, inbox);
		if (n < 0)
			break;
		if (n == 0)
			continue;
		if (inbox->header.opcode == OPCODE_INIT && n >= (ssize_t)sizeof(connection.init))
			memcpy(&connection.init, inbox, sizeof(connection.init));
		take_request(keep, (size_t)n);
		process(inbox, (size_t)n, false);
		inbox->header.len = 0; /* for a version that does not know what was taken */
	}
	return n == -ENODEV || n > 0 ? 0 : (int)n;
}

void receive_refuse_kept(int fd, struct keep *keep, int error)
{
	size_t count;
	_cleanup_free_ uint64_t *list = NULL;

	take_left_request(keep);
	list = keep_list(keep, KEEP_REQUEST, &count);
	for (size_t i = 0; i < count; i++)
		refuse_kept(fd, keep, list[i], error);
}

int receive_refuse(int fd, struct keep *keep, int error)
{
	struct inbox *inbox = keep_inbox(keep);
	struct in *in = &inbox->header;
	ssize_t n = read(fd, inbox->bytes, sizeof(inbox->bytes));

	if (n < (ssize_t)sizeof(*in))
		return n < 0 && errno == ENODEV ? -ENODEV : 0;
	close_refused(keep, in, (size_t)n);
	if (in->opcode == OPCODE_INIT)
		take_request(keep, (size_t)n); /* it stays, for who can answer it */
	else if (is_answered(in))
		refuse(fd, in->unique, error);
	in->len = 0;
	return 0;
}
