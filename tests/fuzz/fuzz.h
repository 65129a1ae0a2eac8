/* SPDX-License-Identifier: Apache-2.0 */
/* For every fuzz target: the prototype of the entry point, and a check that works with NDEBUG, too. */
#ifndef POOLFS_FUZZ_H
#define POOLFS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Initialisation before the first input; most targets have none. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

#define fuzz_require(condition)                                                                              \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			abort();                                                                             \
	} while (0)

#endif
