/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk as a record describes it: what is on it for certain, and what has been done since and may be lost when the
 * power fails. Any set of that which the rules permit makes a crash state.
 *
 * DISK_POSIX: only what was synced is certain. A name is, once its folder was synced; of the rest any part may be
 * missing, each write as a whole or in sectors of 512 bytes.
 * DISK_EXT4: as ext4 with data=ordered does it: changes of names reach the disk in their order, and all before it with
 * an fsync of any file, or an fdatasync of one that is new or has grown.
 */
#ifndef POOLFS_FAULTS_DISK_H
#define POOLFS_FAULTS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/faults/record.h"

enum disk_rules { DISK_POSIX, DISK_EXT4 };

struct disk;

/** A record in memory. The pointers are into the file's text. */
struct disk_op {
	const struct record *head;
	char *path, *second; /* owned; NULL = none */
	const unsigned char *data;
};

/** Reads a record's file; the operations are the caller's until the end of the program. NULL with a message. */
struct disk_op *disk_ops_read(const char *file, size_t *ret_count);

/** An empty disk on which @root exists. */
struct disk *disk_new(const char *root, enum disk_rules rules);
void disk_free(struct disk *disk);
/** The operation is done: it is certain, or pending, or makes others certain. @op stays valid. */
void disk_do(struct disk *disk, const struct disk_op *op);
/** Number of pending operations. */
size_t disk_pending(const struct disk *disk);

/* What becomes of the pending operations. */
enum disk_loss {
	DISK_KEEP_ALL,	/* as after a kill of the process */
	DISK_LOSE_ALL,	/* only what is certain */
	DISK_TEAR_LAST, /* the last write is done in part: its first sectors, or any of them */
	DISK_RANDOM,	/* any of them */
};

/**
 * Writes a crash state below the disk's root, whose former content is removed. @seed chooses what is lost. The state
 * of the disk is not changed.
 */
void disk_crash(const struct disk *disk, enum disk_loss loss, uint64_t seed);

#endif
