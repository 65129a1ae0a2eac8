/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of what has a uuid. Locks nothing, owns the buckets and not the entries. Internal to hypervisor/. */
#ifndef POOLFS_HYPERVISOR_SIMULATOR_TABLE_H
#define POOLFS_HYPERVISOR_SIMULATOR_TABLE_H

#include <stddef.h>

/* The first member of what is in a table. */
struct entry {
	struct entry *next; /* in its bucket */
	char uuid[33];
};

/* All zero is an empty one. */
struct table {
	struct entry **buckets;
	size_t room, count;
};

struct entry *table_find(const struct table *t, const char *uuid);
/* @entry, the uuid of which is not in the table yet. -ENOMEM. */
int table_add(struct table *t, struct entry *entry);
void table_remove(struct table *t, struct entry *entry);
/* Calls @done for each entry, which may free it; the table is empty then. */
void table_clear(struct table *t, void (*done)(struct entry *entry));

#endif
