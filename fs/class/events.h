/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `events`: what model/event.h keeps, as a file that grows.
 *
 * `events?since=N` begins behind event number N; `events` is the same with the
 * number before that of the oldest event kept. That number is in the node
 * number, so when old events are dropped the name leads to another inode: who
 * has the file open goes on at its offset, and its size never shrinks.
 */
#ifndef POOLFS_FS_CLASS_EVENTS_H
#define POOLFS_FS_CLASS_EVENTS_H

#include "fs/tree/handle.h"
#include "fs/tree/place.h"

/* Columns of the node table. */
bool events_find(const struct place *dir, const char *name, struct node *ret);
int64_t events_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);

/** The attributes; -ESTALE when events after that number are gone and nobody has the file open. */
int events_stat(const struct place *p, struct stat *ret);
/** Sets where a new handle begins. -ESTALE. */
int events_open(const struct place *p, struct handle *h);
/** Answers a read. */
void events_read(fuse_req_t req, struct handle *h, size_t size, off_t offset);

#endif
