/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files whose contents the kernel keeps in its pages: a reader asks for them once, and whoever opens the file after
 * that reads them without a request, until they change.
 *
 * Pages and size belong to the kernel's inode, not to its reader, and each reader shall see one content from open to
 * close. So all who read an inode through its pages show the same content, and while they do, the kernel is told of no
 * other: the inode is theirs. If the file changes meanwhile, its name leads to another inode of it from then on
 * (PAGED_BESIDE), whose readers read past the pages (FOPEN_DIRECT_IO), as those of all other files do; until the last
 * of the former readers closes. Who opens the inode itself, by a descriptor of a reader (/proc/PID/fd), joins them. The kernel is
 * told to forget the name (fs/tell/forget_names.h) before others are told of the change.
 *
 * A reader that uses poll(2) is told of the change, and then reads the new content on the same descriptor, so through the same
 * inode. The name leads elsewhere from its first poll(2) on, so that others do not share that one. Others who
 * opened it before that have PAGED_READ_NS to read it. Who goes on later gets ESTALE, unless it polls, too.
 *
 * Which content the kernel has in its pages is remembered in kept.h.
 *
 * Self-locking. What is asked of any file accepts NULL for the table: then nobody reads through pages.
 */
#ifndef POOLFS_FS_TREE_PAGED_H
#define POOLFS_FS_TREE_PAGED_H

#include <sys/stat.h>

#include "fs/tree/handle.h"

/* The copy of a node (node.h) to which its name leads while the inode without a copy is that of former readers. */
#define PAGED_BESIDE 1
/* The longest content that is read through pages, bytes: a page, which read(2) gets whole. */
#define PAGED_LENGTH 4096
/*
 * So long after its open a reader may be reading, ns: ten thousand times what that takes. The kernel asks for nothing
 * meanwhile.
 */
#define PAGED_READ_NS NS_PER_S

struct paged;

/**
 * Has the kernel forget the names of @node, then calls paged_forgotten() with the number. Does not block. False: it will not,
 * memory is short.
 */
typedef bool paged_forget_fn(void *arg, struct node node, uint64_t number);
/** Has the kernel ask for the attributes of the inode of @node. Called with the table locked; does not block. */
typedef void paged_drop_fn(void *arg, struct node node);

/** NULL if out of memory. */
struct paged *paged_new(void);
/** From now on files are read through pages, and @forget is called when a name is to lead elsewhere. NULL: they are not. */
void paged_start(struct paged *paged, paged_forget_fn *forget, void *arg);
/** After its last handle is gone. */
void paged_free(struct paged *paged);

/**
 * From now on @h reads through pages. Its content is the one that @shown describes. False: the inode is that of former
 * readers, or there is no memory, or nothing is read through pages.
 */
bool paged_begin(struct paged *paged, struct handle *h, const struct stat *shown);
/** The same for an inode that is left to its readers: sets the content to theirs. False: it is not. */
bool paged_join(struct paged *paged, struct handle *h);
/** For one of the process before this one: its inode stays that of its readers. -ENOMEM. */
int paged_resume(struct paged *paged, struct handle *h, const struct stat *shown);
/**
 * @h reads no more. True: it was the last one of an inode that was left, which is that of the name again, so the kernel has to
 * drop what it was told of it. Nothing to do for a handle that does not read through pages.
 */
bool paged_end(struct paged *paged, struct handle *h);
/** @h is being read. False: it has lost its content. */
bool paged_note(struct paged *paged, struct handle *h);

/**
 * The inode of @node is its readers' from now on, if it has any, since the file changes, or one of them uses poll(2). True: it is
 * left to them, and what the kernel was told of it is right for them. False: it has none.
 */
bool paged_leave(struct paged *paged, struct node node);
/**
 * Waits until no name leads to an inode that is left to readers, before others are told of a change. Not for long: who
 * renames a file holds up who forgets a name in the same directory, and waits for a change itself. What is late is dropped.
 * In the store's writer thread.
 */
void paged_settle(struct paged *paged, paged_drop_fn *drop, void *arg);
/** The kernel has forgotten the names. */
void paged_forgotten(struct paged *paged, struct node node, uint64_t number);
/** The copy of @node to which its name leads, if its content is the one that @present describes. */
unsigned paged_copy(struct paged *paged, struct node node, const struct stat *present);

/* What the inode of a node without a copy is. */
enum paged_inode {
	PAGED_OF_NAME,	  /* that of the name; readers, if any, show what is there */
	PAGED_UNKNOWN,	  /* that of former readers, but who asks for it may have come by the name */
	PAGED_LATE,	  /* the same, and others may have been told of the change since */
	PAGED_OF_READERS, /* that of former readers, and the name leads elsewhere */
};

/** Does anybody read the inode of @node through pages? */
bool paged_has_readers(struct paged *paged, struct node node);
/** *@ret: what its readers show, if it has any. @present: what is there now. */
enum paged_inode paged_inode(struct paged *paged, struct node node, const struct stat *present,
			     struct stat *ret);
/** The same, when it is no longer PAGED_UNKNOWN, unless that takes long. Not in the thread that receives requests. */
enum paged_inode paged_wait(struct paged *paged, struct node node, const struct stat *present,
			    struct stat *ret);
/**
 * Could the thread mean the name when it asks for attributes of an inode that was PAGED_LATE? Neither its process has opened the
 * inode, nor one that it comes from. Reads /proc.
 */
bool paged_may_mean_name(struct paged *paged, struct node node, pid_t pid);
/**
 * The thread is to look up the name again, as the kernel does once after ESTALE; @opens: for an open. False: it was told so for this
 * one, so it opens the inode by a descriptor, or the name has led to it meanwhile.
 */
bool paged_send_away(struct paged *paged, struct node node, pid_t thread, bool opens);
/** It has come by the name. */
void paged_has_come(struct paged *paged, struct node node, pid_t thread);

/** The reader of @h polls, so it does not read, until paged_change(). */
void paged_note_poll(struct paged *paged, struct handle *h);
/**
 * May the reader of @h, whose content is the one that @shown describes, be shown another one? Its inode has that already, see
 * paged_adopt(), or nobody else is reading it.
 */
bool paged_may_change(struct paged *paged, const struct handle *h, const struct stat *shown);
/**
 * The content that the inode of @h has got from another reader, with a reference for the caller: @h shows that from now on.
 * NULL: it has none but that of @h, which @shown describes.
 */
struct document *paged_adopt(struct paged *paged, struct handle *h, const struct stat *shown);
/**
 * @h, which paged_may_change(), shows another content from now on. The readers of its inode who show another one lose
 * theirs.
 */
void paged_change(struct paged *paged, struct handle *h, struct document *d, const struct stat *shown);

#endif
