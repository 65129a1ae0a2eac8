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

#include "fs/tree/class.h"

extern const struct file_class class_events;

/* Columns of the node table. */
bool events_find(const struct place *dir, const char *name, struct node *ret);
int64_t events_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);

#endif
