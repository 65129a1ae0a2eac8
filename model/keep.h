/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that outlives the process that writes it.
 *
 * A mount goes on when the program that serves it is killed: another process takes
 * it over. What the first one knew and no database has (open files, half-written
 * texts, requests that are not answered yet) is in an anonymous file (memfd_create(2))
 * that both map. It is lost when the machine stops, as the open files are.
 *
 * The contents are values, byte strings, each named by a type and a number. The file
 * is a log: each change appends a record, and is made by one atomic store of the
 * length of the log, so a process that is killed anywhere leaves the state before a
 * change or after it. A log that has grown is written anew, without what is out of
 * date, into the other half of the file, and is made the valid one by the same store.
 *
 * A thread can make several changes one (keep_begin()). Thread-safe; the lock is a leaf,
 * and held while the log is written anew, which copies what is valid. What sets, removes and
 * reads values accepts NULL for the keep, and then keeps nothing: that is how tests run parts
 * without one.
 *
 * Beside the log are long texts, which are written there from the start (keep_text_new()), so that to keep one more is to set
 * a value that says where they are.
 *
 * It is bounded. When there is no room, the operator is told, and the caller, who must do
 * without: a value that programs can make large leaves room for the others. What belongs to
 * another value (the text of a handle, the answer to a request) is kept only as long as
 * that, whichever thread comes late.
 */
#ifndef POOLFS_KEEP_H
#define POOLFS_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/error.h"

struct in_hand;
struct keep;

/*
 * The version of what is kept, which another version of the program reads: it goes on only with its own. To be
 * incremented with any change of a layout, or of the meaning of a number.
 */
#define KEEP_LAYOUT	    2
#define KEEP_LAYOUT_CHANGED "what is kept has another layout: increment KEEP_LAYOUT, and correct the size"

/* What is kept. Of values with "the same" number, the last one before that has its own is the owner: they go with that. */
enum keep_type {
	KEEP_INIT = 1,	    /* 0: the kernel's INIT request */
	KEEP_REQUEST = 2,   /* its unique: a request that has not been answered */
	KEEP_INTERRUPT = 3, /* the same: the request to interrupt it */
	KEEP_REPLY = 4,	    /* the same: the answer, which may have been given */
	KEEP_SUBMISSION =
		5,     /* the same: the job that it starts, and the text; or what else its repetition needs */
	KEEP_WAIT = 6, /* the same: the last job that it waits for */
	KEEP_HANDLE = 7,	/* its number: an open file */
	KEEP_TEXT = 8,		/* the same: what has been written of a text */
	KEEP_CONTENT = 9,	/* the same: what its reader has seen the start of */
	KEEP_ANSWER = 10,	/* the same: the answer to the last request */
	KEEP_POLL = 11,		/* the same: the kernel's number of a poll that waits */
	KEEP_EVENTS = 12,	/* a reader of events: where in what it sees a number stands */
	KEEP_SCRATCH = 13,	/* its number: a scratch file */
	KEEP_SCRATCH_DATA = 14, /* the same: its bytes */
	KEEP_SCRATCH_NAME = 15, /* the number of a name */
	KEEP_SCRATCH_LAST = 16, /* 0: the last number given out */
	KEEP_QUERY = 17,	/* its number: a name with parameters */
	KEEP_UPLOAD = 18,	/* its number: an upload */
	KEEP_UPLOAD_LAST = 19,	/* 0: the last number given out */
	KEEP_ASIDE = 20,	/* the file: moved aside */
	KEEP_LAST_ERROR = 21,	/* a user or an object: the sentence */
	KEEP_GIVEN = 22,	/* the object: which of its nodes the kernel may have attributes of */
	KEEP_NUMBERING = 23,	/* 0: what the numbers of nodes mean (fs/numbering.h) */
	KEEP_DEATHS = 24, /* of a KEEP_REQUEST, its owner: how many processes have died with it in hand */
	KEEP_HANDLE_LAST = 25, /* 0: the last generation of handles (fs/tree/handle.c) */
	KEEP_DOCUMENT =
		26, /* its number: of which texts a long content is made, which all that show it refer to */
	KEEP_DOCUMENT_LAST = 27, /* 0: the last number given out */
	KEEP_OBJECT =
		28, /* of a KEEP_HANDLE, its owner: the uuid of the object of a file, which may be gone */
};

/** A new, empty one. *ret_fd is its file (owned by the caller), to be handed to keep_open() of another process. */
int keep_new(int *ret_fd, struct error *e);
/** Opens the one in the file @fd (borrowed). -EINVAL: it is none, of a layout that is not known, or damaged. */
int keep_open(int fd, struct keep **ret, struct error *e);
/**
 * The process ends: what is kept stays for the next one as it is, whatever this one still changes, removes, and frees of
 * texts. Accepts NULL. Any thread.
 */
void keep_end(struct keep *keep);
/** Accepts NULL. */
void keep_free(struct keep *keep);

/**
 * Sets a value; does nothing if its owner is not kept. -ENOSPC, -ENOMEM: the former one stays.
 */
int keep_set(struct keep *keep, enum keep_type type, uint64_t id, const void *data, size_t len);
/**
 * As keep_set(), valid at once even in a thread that has begun: for what several threads change, and is right without
 * the rest.
 */
int keep_set_now(struct keep *keep, enum keep_type type, uint64_t id, const void *data, size_t len);
/** Writes the bytes of a value to @to. Under the lock: it calls nothing of the keep. */
typedef void keep_write_fn(void *to, const void *arg);
/** As keep_set(), or with @now keep_set_now(), of @len bytes that @write writes where they are kept: without a copy. */
int keep_set_by(struct keep *keep, enum keep_type type, uint64_t id, size_t len, keep_write_fn *write,
		const void *arg, bool now);
/** Appends to a value; to none, as keep_set(). */
int keep_add(struct keep *keep, enum keep_type type, uint64_t id, const void *data, size_t len);
/**
 * Removes a value, and those that it owns; does nothing if there is none. In a thread that has begun, and has no memory,
 * it stays, which the operator is told.
 */
void keep_remove(struct keep *keep, enum keep_type type, uint64_t id);
/** As keep_remove(), valid at once even in a thread that has begun. */
void keep_remove_now(struct keep *keep, enum keep_type type, uint64_t id);
/**
 * Makes all changes of this thread one, from now until keep_flush() or keep_commit(); what others change is not part of
 * it. Until then keep_get() and the like do not see them, and what the process has not made valid at its end has never
 * been. False in a thread that has begun already, or without a keep: then there is nothing to commit.
 */
bool keep_begin(struct keep *keep);
/**
 * Has @save called before what the thread has begun is made valid, to change what is due until then; and @release at
 * its end. If the thread has not begun, or watches something already, @release is called at once, and @save is not.
 */
void keep_watch(struct keep *keep, void (*save)(void *arg), void (*release)(void *arg), void *arg);
/** Makes valid what was changed since keep_begin(), which goes on. Cannot fail: each change has its room already. */
void keep_flush(struct keep *keep);
/**
 * As keep_flush(), together with a further value, unless that has no bytes, or no room; does nothing if nothing was
 * changed.
 */
void keep_flush_with(struct keep *keep, enum keep_type type, uint64_t id, const void *data, size_t len);
/** Ends what keep_begin() began, after a keep_flush(). */
void keep_commit(struct keep *keep);

bool keep_has(struct keep *keep, enum keep_type type, uint64_t id);
/** A copy of a value, for the caller to free, with a NUL behind it that does not count; NULL: there is none, or no memory.
 */
char *keep_get(struct keep *keep, enum keep_type type, uint64_t id, size_t *ret_len);
/** The value, if it has exactly @size bytes. */
bool keep_read(struct keep *keep, enum keep_type type, uint64_t id, void *ret, size_t size);
/** The numbers of a type, ascending, allocated; *ret_count of them. NULL: none, or no memory. */
uint64_t *keep_list(struct keep *keep, enum keep_type type, size_t *ret_count);

/** Bytes that the values of a type take. */
size_t keep_bytes(struct keep *keep, enum keep_type type);

/* Bytes of all texts beside the log. */
#define KEEP_TEXTS (UINT64_C(1) << 30)
/**
 * Memory of @len bytes beside the log, for a text, which is to be written before a value names it. It ends with the process
 * unless one does. NULL: no keep, no room, or keep_texts_settle() is still to come.
 */
char *keep_text_new(struct keep *keep, size_t len);
/** The number by which another process finds it; not 0. */
uint64_t keep_text_place(const struct keep *keep, const char *text);
/** The text of @len bytes that a value of another process names; NULL: there can be none. */
char *keep_text_claim(struct keep *keep, uint64_t place, size_t len);
/** Called once, when all that values name is claimed: the memory of other texts is given back. Accepts NULL. */
void keep_texts_settle(struct keep *keep);
/** Ends what keep_text_new(), or one keep_text_claim(), began. No value names it any more, or it is claimed by others. */
void keep_text_free(struct keep *keep, const char *text, size_t len);

/* Bytes of the inbox: more than the longest request of the kernel. */
#define KEEP_INBOX (2 << 20)
/** Memory of KEEP_INBOX bytes in the file, for what is received by system calls; its pages are there from the start. */
void *keep_inbox(struct keep *keep);
/** Which requests are in hand, for in_hand_open(). Not a part of the log. */
struct in_hand *keep_in_hand(struct keep *keep);
/** Nothing is in hand any more: the process that had opened the file @fd has ended, and not of what it worked on. */
void keep_forget_in_hand(int fd);
/** Less room for values, before any is set; for tests. */
void keep_set_room(struct keep *keep, uint64_t bytes);
/** Bytes of the log, and of what is valid in it; for tests. */
void keep_sizes(struct keep *keep, size_t *ret_log, size_t *ret_valid);

#endif
