/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of this folder have in common. */
#ifndef POOLFS_HV_REAL_H
#define POOLFS_HV_REAL_H

#include "tests/unit/test.h"

#include <stdlib.h>

#include "model/error.h"

#define MIB (1LL << 20)

#define assert_ok(call)                                                                                      \
	do {                                                                                                 \
		struct error error_ = ERROR_INIT;                                                            \
		struct error *e = &error_;                                                                   \
		int rc_ = (call);                                                                            \
		if (rc_ != 0)                                                                                \
			fail_msg("%s: %d %s", #call, rc_, error_sentence(e));                                \
	} while (0)

#define assert_fails(errnum_, call)                                                                          \
	do {                                                                                                 \
		struct error error_ = ERROR_INIT;                                                            \
		struct error *e = &error_;                                                                   \
		int rc_ = (call);                                                                            \
		if (rc_ != -(errnum_))                                                                       \
			fail_msg("%s: %d %s", #call, rc_, error_sentence(e));                                \
		print_message("    as wanted: %s\n", error_sentence(e));                                     \
		error_done(e);                                                                               \
	} while (0)

static const char *env(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		fail_msg("%s is not set; start tests/run hv", name);
	return value;
}

#endif
