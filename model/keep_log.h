/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a keep (keep.h): a log of records, each of which sets, continues or removes a value.
 *
 *   header    the length of the log, and which half it is in; which requests are in hand
 *   inbox     KEEP_INBOX bytes
 *   2 halves  of which one has the log
 *   texts     KEEP_TEXTS bytes (keep_pages.h)
 *
 * What is appended is part of the log once the header says so (keep_log_publish()), which is one store. A log that has
 * grown is written anew into the other half. Not thread-safe: the keep has a lock.
 */
#ifndef POOLFS_KEEP_LOG_H
#define POOLFS_KEEP_LOG_H

#include "model/keep_index.h"

enum keep_record_kind { RECORD_SET, RECORD_ADD, RECORD_REMOVE };

struct keep_record {
	uint64_t id;
	uint64_t
		prev; /* RECORD_ADD: where in the half the one before is that it continues, plus 1; 0 = none */
	uint32_t len;
	uint16_t type, kind;
	/* and the bytes, filled up to a multiple of 8 */
};

struct keep_header;

struct keep_log {
	uint8_t *map; /* the file */
	struct keep_header *header;
	struct keep_index index;
	uint64_t end; /* not before the state in the header */
	unsigned half;
	uint64_t limit; /* bytes; the log is written anew above it */
};

/** A new file, with an empty log. *ret_fd is owned by the caller. */
int keep_log_create(int *ret_fd, struct error *e);
/** Reads that in the file @fd (borrowed). -EINVAL: it is none, or of a layout that is not known. */
int keep_log_open(struct keep_log *log, int fd, struct error *e);
/** Accepts one of zeros, and one whose opening has failed. */
void keep_log_done(struct keep_log *log);

/** Bytes of a record with @len bytes of a value. */
size_t keep_record_size(size_t len);
/** Bytes that keep_log_append() may need for a record. A removal takes along what belongs to the value. */
uint64_t keep_record_room(const struct keep_record *r);
/**
 * May it be added, besides what is valid and reserved? @len: bytes of the value with it. The log may be written anew for
 * that. -ENOSPC, -ENOMEM.
 */
int keep_log_check_room(struct keep_log *log, const struct keep_record *r, uint64_t len);
/** Makes room for @len bytes of records. -ENOSPC: only if the log is that of a program whose limits were others. */
int keep_log_make_room(struct keep_log *log, uint64_t len);
/**
 * Appends a record with what follows from it, for which there is room in the log and in the index; to be published. Returns
 * where the caller writes its bytes before that; NULL: it has none, or is a value whose owner is gone, which is not
 * appended.
 */
void *keep_log_append(struct keep_log *log, const struct keep_record *r);
/** Makes what was appended a part of the log. */
void keep_log_publish(struct keep_log *log);

/** Copies a value, all of its bytes. */
void keep_log_copy(const struct keep_log *log, const struct keep_place *p, uint8_t *ret);

/** Where in the file the texts are, bytes. */
uint64_t keep_log_texts_at(void);

/** keep_inbox(), keep_in_hand(), keep_forget_in_hand(). */
void *keep_log_inbox(const struct keep_log *log);
struct in_hand *keep_log_in_hand(const struct keep_log *log);
void keep_log_forget_in_hand(int fd);

#endif
