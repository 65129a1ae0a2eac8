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

uint64_t in_hand_get(void)
{
	return present;
}
