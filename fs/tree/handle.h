/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files and directories.
 *
 * What the kernel holds is a number made of an index and a generation, never a
 * pointer, so that a stale one is told from a live one. A handle keeps what its
 * reader sees from open to close: the content of the file, or the view in which
 * the directory is listed; and the answer to the last request written.
 *
 * The table guards itself. A handle is shared by reference between the table and
 * the calls that are under way; what is not marked otherwise is touched only by
 * the thread that receives the kernel's requests.
 */
#ifndef POOLFS_FS_TREE_HANDLE_H
#define POOLFS_FS_TREE_HANDLE_H

#include "actions/engine/json_gather.h"
#include "fs/tree/node.h"
#include "model/document.h"
#include "model/view.h"

struct disk_reader;
struct upload;
struct ranks;
struct where_list;

/* A document that comes in pieces. */
struct gather {
	struct json_gather scan;
	char *data; /* owned */
	size_t len, room;
};

struct handle {
	struct ref ref;
	uint64_t number;  /* immutable: what the kernel calls it */
	struct node node; /* immutable */
	/* Of the file when it was opened, for when its object is gone. */
	mode_t mode;		     /* immutable */
	const struct object *object; /* immutable; owned; NULL: it belongs to none */

	struct disk_reader *disk; /* owned; of `data` files, else NULL */
	struct upload *upload;	  /* immutable; a reference; of files in `images/upload`, else NULL */
	bool writes;		  /* immutable; an upload's: open for writing */
	/* Owned; NULL when open for writing only. Stays, unless the handle was polled, see polls.h. */
	struct document *content;
	int64_t start;	      /* immutable; of `events`: position where the file begins */
	_Atomic int64_t seen; /* what the reader has seen last, see polls.c */
	bool polled;	      /* somebody has waited for a change */
	atomic_bool closed;   /* out of the table */
	struct gather gather;
	bool requested; /* a request has been written */
	off_t end;	/* behind what was written last */
	off_t base;	/* where in the file its answer begins */
	bool base_set;

	pthread_mutex_t lock;
	struct document *answer; /* lock; owned; to the last request */

	/* Of directories; while a worker makes them, nobody asks for them. */
	struct view *view;	 /* owned */
	struct ranks *ranks;	 /* owned */
	struct where_list *list; /* owned; in `where` */
};

struct handles;

struct handles *handles_new(void);
/** Accepts NULL. */
void handles_free(struct handles *handles);

/** A new handle with a reference for the caller, not in the table yet; NULL without memory. */
struct handle *handle_new(struct node node, mode_t mode, const struct object *o);
static inline void handle_unref(struct handle *h)
{
	ref_put((struct ref *)h);
}
DEFINE_CLEANUP(struct handle *, handle_unref)
#define _cleanup_handle_ _cleanup_(handle_unref_p)

/** Puts @h into the table (which takes a reference) and sets its number. -ENOMEM, -ENFILE. */
int handles_add(struct handles *handles, struct handle *h);
/** The handle of a number, with a reference for the caller; NULL when there is none. */
struct handle *handles_get(struct handles *handles, uint64_t number);
/** Some handle of this node, with a reference for the caller; NULL when it is not open. Looks at all. */
struct handle *handles_find(struct handles *handles, struct node node);
/** Takes the handle out of the table. */
void handles_remove(struct handles *handles, uint64_t number);

/** What a walk over the directory is to see from now on; all are taken over and may be NULL. */
void handle_set_view(struct handle *h, struct view *view, struct ranks *ranks, struct where_list *list);
/** The answer to the last request; taken over. Any thread. */
void handle_set_answer(struct handle *h, struct document *answer);
/** What is in it for a reader now: the answer to the last request, else the content; NULL when there is none.
 * A reference for the caller. */
struct document *handle_document(struct handle *h);
/** What a reader at @offset sees, with a reference for the caller, and the offset in it. NULL: nothing to
 * read. */
struct document *handle_read(struct handle *h, off_t offset, off_t *ret_offset);

/** Appends to the gathered document. -ENOMEM, -EFBIG above @limit. */
int gather_append(struct gather *g, const char *data, size_t len, size_t limit);
/** Makes it empty. */
void gather_reset(struct gather *g);

#endif
