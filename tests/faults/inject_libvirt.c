/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every function of libvirt that hypervisor/ calls (libvirt_calls.h): fails with a reason when it shall, else calls the
 * real one, with the arguments where the caller has put them. Here no header of libvirt is seen.
 */
#include <dlfcn.h>
#include <stddef.h>

/* 1: the call fails with *@ret; 0: it is passed on. */
int inject_libvirt_call(const char *name, long *ret);

/* Bytes of arguments on the stack that are passed on; no function of libvirt has more. */
#define STACK 64

#define CALL(name)                                                                                           \
	__attribute__((weak)) long name(void);                                                               \
	__attribute__((weak)) long name(void)                                                                \
	{                                                                                                    \
		void *arguments = __builtin_apply_args();                                                    \
		static void (*real)();                                                                       \
		long result;                                                                                 \
		if (!real)                                                                                   \
			*(void **)&real = dlsym(RTLD_NEXT, #name);                                           \
		if (inject_libvirt_call(#name, &result))                                                     \
			return result;                                                                       \
		__builtin_return(__builtin_apply(real, arguments, STACK));                                   \
	}
#include "libvirt_calls.h"
