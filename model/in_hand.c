/* SPDX-License-Identifier: Apache-2.0 */
/* See in_hand.h. */
#include "model/in_hand.h"

#include <stddef.h>

static struct in_hand *_Atomic in_use;

static _Thread_local uint64_t present;
static _Thread_local _Atomic uint64_t *place; /* in the table; NULL: none */

void in_hand_open(struct in_hand *table)
{
	atomic_store(&in_use, table);
}

/* A free place in the table, which has the number then. NULL: there is none. */
static _Atomic uint64_t *take_place(uint64_t number)
{
	struct in_hand *table = atomic_load(&in_use);

	for (size_t i = 0; table && i < IN_HAND_MAX; i++) {
		uint64_t none = 0;

		if (atomic_compare_exchange_strong(&table->requests[i], &none, number))
			return &table->requests[i];
	}
	return NULL;
}

uint64_t in_hand_set(uint64_t number)
{
	uint64_t former = present;

	present = number;
	if (place)
		atomic_store(place, number);
	else if (number)
		place = take_place(number);
	if (!number)
		place = NULL;
	return former;
}

/* How often requests are lent, by some bits of their numbers, which are even. */
static atomic_uint lent_count[256];

static atomic_uint *count_of(uint64_t number)
{
	return &lent_count[number / 2 % (sizeof(lent_count) / sizeof(lent_count[0]))];
}

uint64_t in_hand_lend(void)
{
	if (present)
		atomic_fetch_add(count_of(present), 1);
	return present;
}

void in_hand_drop(uint64_t lent)
{
	if (lent)
		atomic_fetch_sub(count_of(lent), 1);
}

uint64_t in_hand_take(uint64_t lent)
{
	uint64_t former = in_hand_set(lent);

	in_hand_drop(lent); /* and not before: it is in hand all the time */
	return former;
}

bool in_hand_is(uint64_t number)
{
	struct in_hand *table = atomic_load(&in_use);

	/* lent first, since it is taken from there */
	if (atomic_load(count_of(number)))
		return true;
	for (size_t i = 0; table && i < IN_HAND_MAX; i++)
		if (atomic_load(&table->requests[i]) == number)
			return true;
	return false;
}
