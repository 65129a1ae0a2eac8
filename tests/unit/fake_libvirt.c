/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libvirt in test_hv_reasons.c: every function that hypervisor/ calls,
 * enumerated from its object files (libvirt_calls.h), asks fake_call() what to do.
 * Here no header of libvirt is seen: a result is returned as a long whatever its type,
 * and the arguments stay where the caller has put them. Functions that write results
 * are in fake_libvirt_answers.c.
 */
long fake_call(const char *name);

#define CALL(name)                                                                                           \
	__attribute__((weak)) long name(void);                                                               \
	__attribute__((weak)) long name(void)                                                                \
	{                                                                                                    \
		return fake_call(#name);                                                                     \
	}
#include "libvirt_calls.h"
