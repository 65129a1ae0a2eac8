/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `events`: the event log (model/event.h) as a file that grows.
 *
 * `events?since=N` begins after event number N; `events` begins with the oldest
 * event in the log. The number is in the node number, so when old events are
 * dropped, the name leads to another inode: readers that have the file open
 * continue at their offset, and its size never shrinks.
 *
 * With other users, each account has a file of its own under this name, an inode
 * with the account in its number: what the kernel keeps of it, size and position,
 * is of one text only.
 */
#ifndef POOLFS_FS_CLASS_EVENTS_H
#define POOLFS_FS_CLASS_EVENTS_H

#include "fs/tree/class.h"

extern const struct file_class class_events;

/* Columns of the node table. */
/** With other users that of administrators is closed; those of accounts are checked by place_check(). */
mode_t permissions_events(const struct place *p);
bool events_find(const struct place *dir, const char *name, struct node *ret);
int64_t events_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);

#endif
