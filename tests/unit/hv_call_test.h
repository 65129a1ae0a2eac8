/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of hypervisor/ say of a call. It takes its error as `e`. */
#ifndef POOLFS_HV_CALL_TEST_H
#define POOLFS_HV_CALL_TEST_H

#include "tests/unit/test.h"

#include "model/error.h"

#define MIB (1LL << 20)

/* The call succeeds, and sets no error. */
#define assert_ok(call)                                                                                      \
	do {                                                                                                 \
		struct error e_ = ERROR_INIT;                                                                \
		struct error *e = &e_;                                                                       \
		int rc_ = (call);                                                                            \
		if (rc_ != 0)                                                                                \
			fail_msg("%s: %d %s", #call, rc_, error_sentence(e));                                \
		assert_false(error_is_set(e));                                                               \
	} while (0)

/* The call fails with -errnum, the error agrees and has a sentence. */
#define assert_fails(errnum_, call)                                                                          \
	do {                                                                                                 \
		struct error e_ = ERROR_INIT;                                                                \
		struct error *e = &e_;                                                                       \
		int rc_ = (call);                                                                            \
		if (rc_ != -(errnum_) || e->errnum != (errnum_))                                             \
			fail_msg("%s: %d %s", #call, rc_, error_sentence(e));                                \
		error_done(e);                                                                               \
	} while (0)

#endif
