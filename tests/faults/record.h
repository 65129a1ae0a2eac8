/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of what a program asked the disk to do, in the order in which it was done: record.c writes it, replay.c
 * reads it.
 *
 * A record is a header, a path, a second path, and data. Files are known by their inode number, so the record is made
 * on a file system that does not use a number twice (tmpfs).
 */
#ifndef POOLFS_FAULTS_RECORD_H
#define POOLFS_FAULTS_RECORD_H

#include <stdint.h>

enum record_op {
	RECORD_CREATE,	 /* path: a new file */
	RECORD_MKDIR,	 /* path */
	RECORD_RENAME,	 /* path to second path */
	RECORD_UNLINK,	 /* path */
	RECORD_RMDIR,	 /* path */
	RECORD_WRITE,	 /* data at offset */
	RECORD_TRUNCATE, /* to offset bytes */
	RECORD_ZERO,	 /* offset, length: a hole, or allocated space */
	RECORD_FSYNC,	 /* of a file or a folder */
	RECORD_DATASYNC, /* fdatasync(2) */
	RECORD_MARK,	 /* data: a text of the program, see record_mark() */
};

struct record {
	uint32_t op;
	uint32_t path, second; /* bytes */
	uint32_t folder;       /* RECORD_FSYNC: of a folder */
	uint64_t inode;
	int64_t offset;
	uint64_t length; /* of the data; of RECORD_ZERO: bytes, no data follows */
};

/** Adds a mark to the record: what the program knows at this moment. Only in a program with the recorder loaded. */
void record_mark(const char *text);

#endif
