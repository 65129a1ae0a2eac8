/* SPDX-License-Identifier: Apache-2.0 */
/* See repeat.h. */
#include "fs/tree/repeat.h"

static _Thread_local uint64_t present;
static _Thread_local bool is_repeated;

void repeat_set(uint64_t unique, bool repeated)
{
	present = unique;
	is_repeated = repeated;
}

uint64_t repeat_unique(void)
{
	return present;
}

bool repeat_is(void)
{
	return is_repeated;
}
