/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files and directories.
 *
 * The kernel holds a number made of an index and a generation, never a pointer,
 * so stale numbers are detected, also by the next process. A handle keeps what its reader sees from open to
 * close: the content of the file, or the view in which the directory is listed;
 * and the answer to the last request written.
 *
 * What a handle is, what has been written to it and what its reader has seen are kept
 * (model/keep.h), so it goes on in the next process under the same number. Its content
 * is rendered again there, when it is needed, unless its reader was in the middle of it
 * and it could be kept, too (HANDLE_CONTENTS).
 *
 * The table is thread-safe. A handle is shared by reference between the table and
 * the calls in progress; members without another remark are used only by the
 * thread that receives the kernel's requests.
 */
#ifndef POOLFS_FS_TREE_HANDLE_H
#define POOLFS_FS_TREE_HANDLE_H

#include "actions/engine/json_gather.h"
#include "fs/tree/caller.h"
#include "fs/tree/node.h"
#include "model/document.h"
#include "model/keep.h"
#include "model/view.h"

struct ranks;
struct where_list;

/* A text that arrives in pieces, see fs/class/writing.h. */
struct gather {
	struct json_gather scan;
	char *data; /* owned */
	size_t len, room;
	size_t kept;  /* bytes at the start that were in the file before */
	bool held;    /* has bytes that the pool has not been asked for */
	bool taken;   /* the pool has been asked for a part of it */
	bool appends; /* what is written is added to what is in the file */
	bool anew;    /* it was truncated to 0: nothing in the file counts */
	size_t saved; /* bytes at the start that the keep has */
};

/*
 * Bytes of the contents that are kept for readers in the middle of them, and of answers to requests. Long listings are kept
 * once for all their readers, and as long as they are cached; what counts is what is not beside the log (passage.h): the
 * places of their parts, and shorter parts. Of further contents it is known whether they have changed: then their readers
 * get ESTALE in the next process. Further answers are not there.
 */
#define HANDLE_LISTINGS (32 << 20)
#define HANDLE_CONTENTS (32 << 20)

/* A request of the kernel that waits for the pool's answer to what others have written. */
struct handle_wait {
	struct handle_wait *next;
	/* Called once, in the thread that has the answer; frees it. */
	void (*answered)(struct handle_wait *w);
};

struct handle {
	struct ref ref;
	uint64_t number;  /* immutable: the number that the kernel uses */
	struct node node; /* immutable */
	struct caller
		caller; /* immutable; who opened it, to be renewed in the view of use; `account` is not valid */
	/* Of the file at its open, in case the object is deleted. */
	mode_t mode; /* immutable */
	/*
	 * Immutable; owned; that of the node; NULL: it belongs to none. If it was gone when another process went on with the
	 * handle, that of a file that can be written has its kind, row and uuid alone, and any other is NULL.
	 */
	const struct object *object;

	/* Of the file class: what it reads from or writes to. Of `data`: under the lock. */
	void *state;			 /* owned; or NULL */
	void (*state_free)(void *state); /* of state */
	bool writes;			 /* immutable; an upload's: open for writing */
	pid_t opener; /* immutable; an upload's: the process that opened it; a paged one's: the thread; 0 = unknown */
	bool written;	    /* an upload's: something was written through it */
	bool opener_closed; /* an upload's: the opener has closed it after that */
	bool close_pending; /* an upload's: others have, which may have been the last close */
	/*
	 * Owned; NULL if open for writing only, or lost. It is set under the lock, under which other threads read it; once
	 * it is there it stays, unless poll(2) was used on the handle (fs/tell/polls.h).
	 */
	struct document *content;
	bool reads;	  /* immutable; open for reading */
	atomic_bool lost; /* the process that opened it had a content, which has to be made again */
	/* Immutable. Of `events`: position where the file begins; of `data`: disk_reader_content(), 0 = unknown. */
	int64_t start;
	_Atomic int64_t seen; /* what the reader has last seen, see fs/tell/polls.c */
	bool polled;	      /* poll(2) was used on it */
	bool told;	      /* lock; by poll(2), of a content in pages that it has not read yet */
	int64_t told_version; /* lock; of that content, as `seen` */
	atomic_bool closed;   /* removed from the table */
	bool paged; /* immutable in the table; it reads through the kernel's pages, see fs/tree/paged.h */
	struct {
		struct handle *next;
		int64_t read; /* when it was last read, clock_monotonic() */
		bool lost;    /* its content is */
	} pages;	      /* under the lock of fs/tree/paged.c */
	struct gather gather;
	uid_t gatherer;	    /* whose bytes `gather` has */
	pid_t writer;	    /* the thread that wrote last of a text that is held; 0: none */
	size_t charged;	    /* bytes of it that the table counts for this user */
	atomic_int refused; /* a piece of the text was refused with this errno; 0 = none */
	/* A close found the text refused with this errno, as does each further one until more is written; 0 = none. */
	atomic_int close_refused;
	bool requested; /* a request has been written */
	off_t end;	/* end of the last write */
	off_t base;	/* offset at which the answer begins */
	bool base_set;

	pthread_mutex_t lock;
	struct document *answer;  /* lock; owned; to the last request */
	unsigned asked;		  /* lock; texts that the pool has not answered */
	struct handle_wait *wait; /* lock; the first of those that wait for that */

	/* Of directories; not used while a worker makes them. */
	struct view *view;	 /* owned */
	struct ranks *ranks;	 /* owned */
	struct where_list *list; /* owned; in `where` */

	/* What the keep has; `keep` is immutable after handles_add(). */
	struct keep *keep;
	struct kept_handle *saved; /* owned; NULL: nothing yet */
	size_t saved_text;	   /* bytes */
	struct shown {
		int64_t mtime; /* of the content that the reader has seen something of */
		size_t len;
		bool known, kept; /* the bytes, too */
	} shown;		  /* lock */
};

struct fs;
struct handles;

/** @keep may be NULL. */
struct handles *handles_new(struct keep *keep);
/** Accepts NULL. */
void handles_free(struct handles *handles);
/** Puts a handle that was kept (a reference) where its number says. -ENOMEM. For handles_load(). */
int handles_place(struct handles *handles, struct handle *h);
/** All that were kept have their places: the others are free. */
void handles_settle(struct handles *handles);

/**
 * A new handle with a reference for the caller, not in the table yet; NULL if out of memory. Its object is that of the
 * node in @view (NULL: none), as it is when another process goes on with it.
 */
struct handle *handle_new(struct node node, mode_t mode, const struct view *view,
			  const struct caller *caller);
/** The user who opened it, in @view. */
static inline struct caller handle_caller(const struct handle *h, const struct view *view)
{
	struct caller caller = h->caller;

	caller_renew(&caller, view);
	return caller;
}
static inline void handle_unref(struct handle *h)
{
	ref_put((struct ref *)h);
}
DEFINE_CLEANUP(struct handle *, handle_unref)
#define _cleanup_handle_ _cleanup_(handle_unref_p)

/** Puts @h into the table (which takes a reference) and sets its number. -ENOMEM, -ENFILE, -ENOSPC: it cannot be kept. */
int handles_add(struct handles *handles, struct handle *h);
/**
 * The handle of a number, with a reference for the caller; NULL if there is none. What this thread changes of it until
 * the end of the request is kept.
 */
struct handle *handles_get(struct handles *handles, uint64_t number);
/** Some handle of this node, with a reference for the caller; NULL if it is not open. Linear search. */
struct handle *handles_find(struct handles *handles, struct node node);
/** A copy of the node (node.h), above 0, that is not open; any, if there are too many. */
unsigned handles_choose_copy(struct handles *handles, struct node node);
/** Removes the handle from the table. */
void handles_remove(struct handles *handles, uint64_t number);

/**
 * Checks that the user @uid may write @len more bytes of an unfinished document through @h. -EDQUOT, -ENOSPC: it
 * and others have too many of them (gathered.h).
 */
int handles_check_gather(struct handles *handles, const struct handle *h, uid_t uid, size_t len,
			 struct error *e);
/** Counts what @h has gathered now for the user; to be called when that may have changed. */
void handles_count_gather(struct handles *handles, struct handle *h, uid_t uid);

/** Notes that the reader has seen its content up to @end, in case another process goes on. */
void handle_note_read(struct handle *h, struct document *d, size_t end);
/**
 * Keeps the content of a handle that was just added, together with it, before its reader has seen it: what the kernel has
 * of it in its pages is not read here. -ENOSPC, -ENOMEM.
 */
int handle_keep_content(struct handle *h);
/** Sets the content, unless it has one; @d is taken over. Any thread. */
void handle_set_content(struct handle *h, struct document *d);
/**
 * Whether the reader can go on at @offset in a content that was made again: 0; 1: it has seen all; -ESTALE: it is in
 * the middle of one that has changed meanwhile.
 */
int handle_check_content(struct handle *h, off_t offset);

/** Sets what a walk over the directory sees from now on; all are taken over and may be NULL. */
void handle_set_view(struct handle *h, struct view *view, struct ranks *ranks, struct where_list *list);
/** The pool is asked for what was written; handle_answered() must follow. Any thread. */
void handle_ask(struct handle *h);
/** It has answered, and the handle shows that: whoever has waited goes on. Any thread. */
void handle_answered(struct handle *h);
/** Has @w called when all is answered that the pool is asked now. False: that is nothing, and @w stays the caller's. */
bool handle_wait(struct handle *h, struct handle_wait *w);

/** The answer to the last request; taken over. Any thread. */
void handle_set_answer(struct handle *h, struct document *answer);
/** A request has been written: from now on readers see its answer, once there is one. */
void handle_begin_answer(struct handle *h);
/** What a reader gets now: the answer to the last request, else the content; NULL if there is none. A
 * reference for the caller. */
struct document *handle_document(struct handle *h);
/** What a reader at @offset sees, with a reference for the caller, and the offset in it. NULL: nothing to
 * read. */
struct document *handle_read(struct handle *h, off_t offset, off_t *ret_offset);

/** Appends to the gathered document. -ENOMEM, -EFBIG above @limit. */
int gather_append(struct gather *g, const char *data, size_t len, size_t limit);
/** Makes it empty. */
void gather_reset(struct gather *g);

#endif
