/* SPDX-License-Identifier: Apache-2.0 */
/* See key_list.h. A radix sort, byte by byte from the lowest one. */
#include "model/key_list.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

int key_list_add(struct key_list *list, uint64_t key)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 32;
		uint64_t *grown = reallocarray(list->keys, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->keys = grown;
		list->room = room;
	}
	list->keys[list->count++] = key;
	return 0;
}

/* Copies the @count keys of @from to @to, sorted by the byte at @bit. False: it is the same in all, and nothing is copied. */
static bool sort_by_byte(const uint64_t *from, uint64_t *to, size_t count, unsigned bit)
{
	size_t places[256] = {0}, place = 0;

	for (size_t i = 0; i < count; i++)
		places[from[i] >> bit & 0xFF]++;
	if (places[from[0] >> bit & 0xFF] == count)
		return false;
	for (size_t i = 0; i < 256; i++) {
		size_t n = places[i];

		places[i] = place;
		place += n;
	}
	for (size_t i = 0; i < count; i++)
		to[places[from[i] >> bit & 0xFF]++] = from[i];
	return true;
}

static bool is_sorted(const struct key_list *list, unsigned bit)
{
	for (size_t i = 1; i < list->count; i++)
		if (list->keys[i - 1] >> bit > list->keys[i] >> bit)
			return false;
	return true;
}

int key_list_sort(struct key_list *list, unsigned bit)
{
	uint64_t *sorted = list->keys, *other;

	if (is_sorted(list, bit))
		return 0;
	other = malloc(list->count * sizeof(*other));
	if (!other)
		return -ENOMEM;
	for (; bit < 64; bit += 8) {
		uint64_t *unsorted = sorted;

		if (!sort_by_byte(unsorted, other, list->count, bit))
			continue;
		sorted = other;
		other = unsorted;
	}
	if (sorted != list->keys) {
		list->keys = sorted;
		list->room = list->count;
	}
	free(other);
	return 0;
}

void key_list_done(struct key_list *list)
{
	free(list->keys);
	*list = (struct key_list){0};
}
