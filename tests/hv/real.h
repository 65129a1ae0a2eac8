/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of this folder have in common. */
#ifndef POOLFS_HV_REAL_H
#define POOLFS_HV_REAL_H

#include "tests/unit/hv_call_test.h"

#include <stdlib.h>

static const char *env(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		fail_msg("%s is not set; start tests/run hv", name);
	return value;
}

#endif
