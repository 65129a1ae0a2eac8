/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node table and the walks over it.
 *
 * Each class of nodes is one row: in which directories it appears, under which
 * name (or which family of names), with which mode and meaning, and what is in
 * it. Lookup, readdir, getattr, README and the limits of what can be written
 * are walks over this table and over those of kinds, fields and operations. No
 * other list of file names exists.
 *
 * To add a file: a class in node.h and a row in table.c, with the functions of a
 * file in class/: the file class (class.h) and, for a file that is rendered, its
 * content. It is then looked up, listed, described in README and tested like all
 * others.
 *
 * A place is a node seen in a view; it borrows everything from the view.
 */
#ifndef POOLFS_FS_TREE_PLACE_H
#define POOLFS_FS_TREE_PLACE_H

#include <sys/stat.h>

#include "fs/tree/folder.h"
#include "fs/tree/fs.h"
#include "fs/tree/names.h"
#include "fs/tree/node.h"

struct file_class;
struct ranks;
struct where_list;

struct place {
	const struct fs *fs;
	const struct view *view;
	struct node node;
	const struct node_entry *entry; /* its row */
	const struct object *object;	/* NULL for what belongs to none, and in README */
	const struct kind *kind;	/* of the object, or whose collection this is; NULL: neither */
	const struct folder *folder;	/* of a folder and of what lies in one */
	const struct field *field;	/* of a value, a reference or a sub-collection */
	const struct operation *op;	/* of a Get or `create` */
	uid_t uid;			/* who asks; matters for `last-error` in the root */
	const char *account;		/* through whose eyes, for queries; NULL: an administrator's */
	struct ranks *ranks;		/* memory of a walk over `by-name`, or NULL */
	const struct where_list *list;	/* what a walk over `where` found, or NULL */
};

enum node_entry_flags {
	E_NAME_STAYS = 1 << 0, /* the name is there as long as its directory is */
	E_STAYS = 1 << 1,      /* mode, size and times never change */
	E_TOLD = 1 << 2,       /* the kernel is told when they have changed */
	E_BARE = 1 << 3,       /* listings give no attributes: they do not keep its number, see queries.h */
	E_APART = 1 << 4,      /* no name is moved into this directory or out of it */
	E_BY_PATH = 1 << 5,    /* a directory of a folder: watchers.h finds it by its path, which stays */
};

/* What the index of a node counts. */
enum node_index { INDEX_NONE, INDEX_FOLDER, INDEX_FIELD, INDEX_OPERATION };

/* Some of the objects of a kind: all, or those whose field has the text. */
struct members {
	enum kind_id kind;
	int field; /* -1: all */
	const char *text;
};

struct node_entry {
	uint64_t in;	/* IN() of the directories it appears in */
	uint64_t kinds; /* OF() the kinds whose objects it belongs to; 0: it belongs to none */
	enum node_index index;
	unsigned flags;
	const char *name;  /* NULL: a family */
	const char *shown; /* how README names the members of a family that the pool gives, "<uuid>" */
	mode_t mode;	   /* type and permissions */
	const char *help;
	const char *example;
	/* Whether this directory has it (or any of the family); NULL = always. */
	bool (*here)(const struct place *dir);
	/* A family's member by its name, and the one that follows @after: returns its own number, 0 at the
	 * end. */
	bool (*find)(const struct place *dir, const char *name, struct node *ret);
	int64_t (*next)(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
	/* Permissions and meaning where they differ between members; NULL = as in the row. */
	mode_t (*permissions)(const struct place *p);
	const char *(*meaning)(const struct place *p);
	/* What the kernel's requests do with it. */
	const struct file_class *io;
	/* Files: the content, when it is made quickly. NULL when memory is short. */
	struct document *(*render)(const struct place *p);
	/* The class of `name?parameters`, 0 = there is no such; whether there is for this one, NULL = always.
	 */
	enum node_class query;
	bool (*takes_query)(const struct place *p);
	/* Links: the directory it is in, and where it leads, as paths from the root. */
	bool (*link)(const struct place *p, char ret_from[PATH_SIZE], char ret_to[PATH_SIZE]);
	/* Directories: ns of their last change; the objects that they show; whether those are at home there,
	 * NULL = always, or shown as links. */
	int64_t (*changed)(const struct place *p);
	struct members (*members)(const struct place *dir);
	bool (*is_home)(const struct place *dir);
};

#define IN(class) (UINT64_C(1) << (class))
#define OF(kind)  (UINT64_C(1) << (kind))

/** Finds the node in the view. -ESTALE when the object is gone, -ENOENT for a number that is none. */
int place_find(const struct fs *fs, const struct view *view, uint64_t ino, uid_t uid, struct place *ret);
/** As place_find(), for a node of which no object need exist (README). */
void place_init(const struct fs *fs, const struct view *view, struct node node, struct place *ret);
/** The entry @name of a directory. -ENOENT. */
int place_lookup(const struct place *dir, const char *name, struct place *ret);
/**
 * The entry that follows the position @after (0 = from the start) in a directory. Positions are made of
 * row numbers, so that what is added or removed meanwhile moves no other. False at the end.
 */
bool place_next(const struct place *dir, int64_t after, int64_t *ret_position, char ret_name[NAME_SIZE],
		struct place *ret);

/** True when the directory has such an entry, or a family of them. */
bool place_has(const struct place *dir, enum node_class class);
/** The class of the files that users may create in the directory under names that are free; NULL: none. */
const struct file_class *place_creates(const struct place *dir);

/** Type and permissions. */
mode_t place_mode(const struct place *p);
/** One sentence for README. */
const char *place_meaning(const struct place *p);
/** True for files whose content takes long. */
bool place_is_slow(const struct place *p);
/** True when opening for writing makes sense. */
bool place_is_writable(const struct place *p);
/** -EACCES for an open(2) with @flags that would write to what is read-only. Root passes the mode bits, but
 * not this (tree.md 12). */
int place_check_open(const struct place *p, int flags);
/** Where a link leads, relative to its directory. False when that is gone. */
bool place_readlink(const struct place *p, char ret_path[PATH_SIZE]);
/**
 * Attributes. @d: the file's content when it is known; else it is rendered here, unless it is slow: then
 * the size is 0 and the caller must not hand it out as true. -ENOMEM, -ENOENT (link to nothing).
 */
int place_stat(const struct place *p, const struct document *d, struct stat *ret);
/** The attributes of a node whose object need not exist any more. @changed: ns, 0 = not known. */
void stat_fill(const struct fs *fs, struct node node, mode_t mode, size_t size, int64_t changed,
	       struct stat *ret);
/** The path of an object's own directory, from the root, without leading slash. */
bool object_path(const struct view *view, const struct object *o, char ret_path[PATH_SIZE]);

#endif
