/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing list of 64-bit keys, to be sorted once. A list of zeros is empty; it has one owner.
 */
#ifndef POOLFS_KEY_LIST_H
#define POOLFS_KEY_LIST_H

#include <stddef.h>
#include <stdint.h>

struct key_list {
	uint64_t *keys; /* owned */
	size_t count, room;
};

/** Appends @key. 0 or -ENOMEM. */
int key_list_add(struct key_list *list, uint64_t key);
/**
 * Sorts by the bits from @bit, a multiple of 8, upwards; keys that do not differ there keep their order. In linear time.
 * 0, or -ENOMEM, which leaves the list as it was.
 */
int key_list_sort(struct key_list *list, unsigned bit);
/** Frees the keys; the list is empty then. */
void key_list_done(struct key_list *list);

#endif
