/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target includes: the entry point's prototype and a check that survives NDEBUG. */
#ifndef POOLFS_FUZZ_H
#define POOLFS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* What a target does once before its first input; most have none. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

#define fuzz_require(condition)                                                                              \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			abort();                                                                             \
	} while (0)

#endif
