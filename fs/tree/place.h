/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node table and the walks over it.
 *
 * Each class of nodes is one row: the directories it appears in, its name (or
 * family of names), mode, meaning and content. Lookup, readdir, getattr, README
 * and write permission are walks over this table and over those of kinds, fields
 * and operations. There is no other list of file names.
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

#include "fs/tree/caller.h"
#include "fs/tree/folder.h"
#include "fs/tree/fs.h"
#include "fs/tree/names.h"
#include "fs/tree/node.h"
#include "model/view.h"

struct file_class;
struct ranks;
struct where_list;

/*
 * Where a listing is among the objects of a kind, or some of them: the next one is not searched for, nor
 * made if it rests.
 */
struct place_walk {
	struct view_walk walk;
	struct view_where where;
	const struct object *last; /* NULL: it has not begun */
	int field;		   /* of `where`; -1: it is in `walk` */
};

struct place {
	const struct fs *fs;
	const struct view *view;
	struct node node;
	const struct node_entry *entry; /* its row */
	const struct object *object;	/* NULL if it belongs to none, and in README */
	const struct kind *kind;	/* of the object, or whose collection this is; NULL: neither */
	const struct folder *folder;	/* of a folder and of the entries in one */
	const struct field *field;	/* of a value, a reference or a sub-collection */
	const struct operation *op;	/* of a Get or `create` */
	struct caller caller;		/* who requests it */
	bool told; /* of reply.h: the kernel is told when its attributes change, so it may keep them */
	struct place_walk *walk;       /* state of a listing, or NULL */
	struct ranks *ranks;	       /* state of a walk over `by-name`, or NULL */
	const struct where_list *list; /* entries for a walk over `where`, or NULL */
};

enum node_entry_flags {
	E_NAME_STAYS = 1 << 0, /* the name means this node as long as both it and its directory exist */
	E_STAYS = 1 << 1,      /* mode, size and times never change */
	E_TOLD = 1 << 2,       /* the kernel is told when they change, and when the node goes, see kept.h */
	E_BARE = 1
		 << 3, /* listings leave the attributes out: they do not register its number, see queries.h */
	E_APART = 1 << 4,   /* nothing can be renamed into or out of this directory */
	E_BY_PATH = 1 << 5, /* a directory of a folder: watchers open it by its path, which never changes */
	E_ANYBODY = 1 << 6, /* open to strangers, too: what it shows depends on the session or the user */
	E_PRIVATE = 1 << 7, /* with other users: readers get different contents, see op_read() */
	E_OWN = 1 << 8,	    /* belongs to the user who has created it, and to no object */
	E_SECRET =
		1
		<< 9, /* only who knows its name, or that of its directory, may reach it: not by its number */
	E_WHOLE = 1 << 10, /* shows all that its object has */
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
	uint64_t kinds; /* OF() the kinds of objects it belongs to; 0: none */
	enum node_index index;
	unsigned flags;
	const char *name;  /* NULL: a family */
	const char *shown; /* how README shows the members of a family named by the pool, "<uuid>" */
	mode_t mode;	   /* type and permissions */
	const char *help;
	const char *example;
	/* Whether this directory has the entry, or any of the family; NULL = always. */
	bool (*here)(const struct place *dir);
	/* A member of the family by its name; the member after number @after: returns its number, 0 at the
	 * end. */
	bool (*find)(const struct place *dir, const char *name, struct node *ret);
	/* Directories: the one that a member is in; NULL = there is one class of them, of the same object or folder. */
	bool (*parent)(const struct place *p, struct node *ret);
	int64_t (*next)(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
	/* Listings show this member only if true, so that programs that copy whole trees can read all they see;
	 * NULL = always. */
	bool (*listed)(const struct place *p);
	/* Permissions and meaning, if they differ between members; NULL = as in the row. */
	mode_t (*permissions)(const struct place *p);
	const char *(*meaning)(const struct place *p);
	/* How it answers the kernel's requests. */
	const struct file_class *io;
	/* Files that are rendered quickly: the content. NULL if out of memory. */
	struct document *(*render)(const struct place *p);
	/* The class of `name?parameters`, 0 = none; whether this node has it, NULL = always. */
	enum node_class query;
	bool (*takes_query)(const struct place *p);
	/* Links: the directory it is in and its target, as paths from the root. */
	bool (*link)(const struct place *p, char ret_from[PATH_SIZE], char ret_to[PATH_SIZE]);
	/* Directories: time of the last change (ns); the objects in it; whether these have their own
	 * directories here (NULL = always) or links. */
	int64_t (*changed)(const struct place *p);
	struct members (*members)(const struct place *dir);
	bool (*is_home)(const struct place *dir);
};

#define IN(class) (UINT64_C(1) << (class))
#define OF(kind)  (UINT64_C(1) << (kind))
#define OF_ANY	  (~OF(KIND_NONE))

/**
 * Finds the node in the view, for a caller in this view (NULL: the administrator), who may not be allowed to use
 * it: see place_check(). -ESTALE if the object is gone, -ENOENT for an invalid number.
 */
int place_find(const struct fs *fs, const struct view *view, uint64_t ino, const struct caller *caller,
	       struct place *ret);
/** As place_find(), for a node whose object need not exist (README). */
void place_init(const struct fs *fs, const struct view *view, struct node node, struct place *ret);
/** The entry @name of a directory. -ENOENT. */
int place_lookup(const struct place *dir, const char *name, struct place *ret);
/** The directory of a directory; its own is -ENOENT if it is in none: it is the root, or that is gone. */
int place_parent(const struct place *p, struct place *ret);
/**
 * The entry that follows the position @after (0 = from the start) in a directory. Positions are made of
 * row numbers, so entries that are added or removed meanwhile do not shift others. False at the end.
 */
bool place_next(const struct place *dir, int64_t after, int64_t *ret_position, char ret_name[NAME_SIZE],
		struct place *ret);

/**
 * The object after row @after of those that the directory is a collection of; NULL at the end. @field: a text that the
 * caller will read.
 */
const struct object *place_next_object(const struct place *dir, int field, int64_t after);
/**
 * The same of the members, whose field is an index. In a listing one that rests is valid until the next
 * call only.
 */
const struct object *place_next_member(const struct place *dir, const struct members *m, int64_t after);

/** True if the directory has entries of this class. */
bool place_has(const struct place *dir, enum node_class class);
/** The class of the files that users can create in the directory; NULL: none. */
const struct file_class *place_creates(const struct place *dir);

/** The name of the file that its row, field or operation gives; NULL if it belongs to a family of names. */
const char *place_name(const struct place *p);
/** One sentence for README. */
const char *place_meaning(const struct place *p);
/** True for files whose content takes long to make, or is to be read in the database. */
bool place_is_slow(const struct place *p);
/** True for files that show texts which have left memory (left_text.h). */
bool place_has_left(const struct place *p);
/** True if the file can be opened for writing. */
bool place_is_writable(const struct place *p);
/** -EACCES if open(2) with @flags would write to a read-only file. Root is not stopped by the mode bits, but
 * by this (tree.md 12). */
int place_check_open(const struct place *p, int flags);
/** The target of a link, relative to its directory. False if the target is gone. */
bool place_readlink(const struct place *p, char ret_path[PATH_SIZE]);
/**
 * Attributes. @d: the file's content if it is known; else it is rendered here, unless the file is slow: then
 * the size is 0 and the caller must not report it as true. -ENOMEM, -ENOENT (dangling link).
 */
int place_stat(const struct place *p, const struct document *d, struct stat *ret);
/** The attributes of a node whose object need not exist any more. @changed: ns, 0 = not known. */
void stat_fill(const struct fs *fs, struct node node, mode_t mode, size_t size, int64_t changed,
	       struct stat *ret);

#endif
