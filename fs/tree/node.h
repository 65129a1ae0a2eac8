/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node numbers: the inode numbers that identify paths to the kernel.
 *
 * A node is (kind, row id, class, index): an object, which file of it, and
 * which member of a family of files (the field, the operation, the folder). All
 * four fit into the 64 bits of an inode number, so there is no table of known
 * inodes, FORGET has nothing to do, and a path keeps its number across restarts:
 * row ids are never reused, and fields, operations and folders are numbered in
 * the order of their tables.
 *
 *     bit 63..55  copy, 0 in what stat(2) shows; of N_EVENTS the upper half of the index
 *         54..21  row id, 0 if it belongs to no object
 *         20..15  kind
 *         14..9   class
 *          8..0   index
 */
#ifndef POOLFS_FS_TREE_NODE_H
#define POOLFS_FS_TREE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/kind.h"

/* Each class is a row of the node table in table.c. */
enum node_class {
	N_ROOT,
	N_FOLDER, /* index: the folder */
	/* in the root */
	N_README,
	N_VERSION,
	N_FEATURES,
	N_LIMITS,
	N_CALLER_ERROR,
	N_METRICS,
	N_OPENMETRICS,
	N_EVENTS, /* the row is the number of the event after which it begins; index: who reads it, see event_line.h */
	N_OPERATIONS,
	N_SESSIONS,
	N_OPEN_CALL,
	N_STAMP,
	N_SESSION,
	N_CALL,
	N_EXPORTS,
	N_EXPORT,
	/* in a folder; index: the folder */
	N_INVENTORIES,
	N_CREATE,
	N_BY_NAME,
	N_SCHEMA,
	N_ASK,
	N_WHERE,
	N_CONDITION,  /* the row is a number assigned at lookup, see queries.h */
	N_FOLDER_GET, /* index: the operation */
	N_CATEGORY,   /* of settings; the row is that of its first setting */
	/* objects and links to them */
	N_OBJECT,
	N_HOME_LINK,
	N_NAME_LINK,
	N_MATCH_LINK, /* index: how many conditions lead to it */
	N_SUB_LINK,   /* index: the sub-collection, see family.c */
	N_JOB,
	/* in the directory of an object */
	N_INVENTORY,
	N_VALUE, /* index: the field */
	N_ACTIONS,
	N_OBJECT_ERROR,
	N_GET,	     /* index: the operation */
	N_REFERENCE, /* index: the field */
	N_SUB,	     /* index: the field */
	N_JOBS,
	N_TAGS,
	N_TAG,
	N_DATA,
	/* files that become images; the row is the number of the upload, see class/upload.h */
	N_UPLOADS,
	N_UPLOAD,
	N_SPEC,
	/* a Get with parameters in its name; the row is a number assigned at lookup, see queries.h */
	N_QUERY,
	N_COLLECTION_QUERY, /* the same of a collection */
	/* a file created by a tool; the row is its number, see class/scratches.h */
	N_SCRATCH,
	N_SCRATCH_DIR, /* the same, a directory */
	/* in the directory of a VM or host */
	N_STATISTICS,
	N_STATISTIC, /* index: its row in statistics_all() */
	/* in the directory of a VM */
	N_CONSOLE,
	N_SCREEN,
	N_SERIAL_LOG,
	/* in `sessions`: files of images that are sent, by the jobs that receive them */
	N_SENT_IMAGES,
	N_SENT_IMAGE,
	NODE_CLASS_COUNT
};

struct node {
	enum kind_id kind;
	enum node_class class;
	unsigned index;
	int64_t row;
	/*
	 * Which of the kernel's inodes of the file. Linux locks an inode during write(2), fsync(2) and rename(2), and a
	 * fsync may take as long as a job. So a file on which one can wait is another inode for each who looks it up:
	 * whoever waits holds up nobody else. Not a part of the node: node_pack() leaves it out.
	 */
	unsigned copy;
};

#define NODE_INDEX_MAX	511
#define NODE_COPY_MAX	511
#define NODE_READER_MAX ((NODE_INDEX_MAX + 1) * (NODE_INDEX_MAX + 1) - 1) /* the index of N_EVENTS */
#define NODE_ROW_MAX	((INT64_C(1) << 34) - 1)

/** The inode number. The root's is 1 (FUSE_ROOT_ID). */
static inline uint64_t node_pack(struct node n)
{
	return (uint64_t)(n.index / (NODE_INDEX_MAX + 1)) << 55 | (uint64_t)n.row << 21 |
	       (uint64_t)n.kind << 15 | (uint64_t)n.class << 9 | (n.index & NODE_INDEX_MAX);
}

/** The number by which the kernel knows the inode. */
static inline uint64_t node_pack_copy(struct node n)
{
	return node_pack(n) | (uint64_t)n.copy << 55;
}

/** The node of an inode number; false for a number that node_pack() never returns. */
static inline bool node_unpack(uint64_t ino, struct node *ret)
{
	struct node n = {.row = (int64_t)(ino >> 21 & NODE_ROW_MAX),
			 .kind = (enum kind_id)(ino >> 15 & 63),
			 .class = (enum node_class)(ino >> 9 & 63),
			 .index = ino & NODE_INDEX_MAX};
	const unsigned high = (unsigned)(ino >> 55);

	if (n.kind >= KIND_COUNT || n.class >= NODE_CLASS_COUNT)
		return false;
	if (n.class == N_EVENTS)
		n.index += high * (NODE_INDEX_MAX + 1);
	else
		n.copy = high;
	*ret = n;
	return true;
}

#define NODE_ROOT ((struct node){.class = N_ROOT, .index = 1})

_Static_assert(KIND_COUNT <= 64 && NODE_CLASS_COUNT <= 64, "a node number has six bits for each");

#endif
