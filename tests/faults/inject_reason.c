/* SPDX-License-Identifier: Apache-2.0 */
/* Which functions of libvirt fail, with what, and what virGetLastError() says then. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "model/cleanup.h"
#include "tests/faults/inject.h"

enum result { ZERO, ONE, POINTER, TEXT };

#define NO_REASON  ""
#define CLEANS_UP  NULL
#define FALLS_BACK NULL
#define REAL	   NULL
#define SIMULATED  NULL
#define GIVES(name, result)                                                                                  \
	{                                                                                                    \
#name, result, NULL                                                                          \
	}
#define EXEMPT(name, result, why)                                                                            \
	{                                                                                                    \
#name, result, why                                                                           \
	}

static const struct row {
	const char *name;
	enum result result;
	const char *never; /* not NULL: it is not made to fail */
} rows[] = {
#include "tests/unit/fake_libvirt_rows.h"
};

static _Thread_local virError last;
static _Thread_local char sentence[128];

int inject_libvirt_call(const char *name, long *ret);
int inject_libvirt_call(const char *name, long *ret)
{
	const struct row *row = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && !row; i++)
		if (strcmp(rows[i].name, name) == 0)
			row = &rows[i];
	if (strcmp(name, "virFreeError") != 0) /* all others forget the last error */
		last = (virError){0};
	if ((row && row->never) || !inject_fails(INJECT_LIBVIRT, name))
		return 0;
	snprintf(sentence, sizeof(sentence), "made to fail: %s", name);
	last = (virError){.code = VIR_ERR_OPERATION_FAILED, .message = sentence, .level = VIR_ERR_ERROR};
	*ret = row && (row->result == POINTER || row->result == TEXT) ? 0 : -1;
	return 1;
}

virErrorPtr virGetLastError(void)
{
	static virErrorPtr (*real)(void);

	if (last.code != VIR_ERR_OK)
		return &last;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "virGetLastError");
	return real();
}

/* The caller frees it by virFreeError(). */
virErrorPtr virSaveLastError(void)
{
	static virErrorPtr (*real)(void);
	virErrorPtr copy;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "virSaveLastError");
	copy = real();
	if (last.code != VIR_ERR_OK && copy) {
		copy->code = last.code;
		copy->message = strdup(last.message);
	}
	return copy;
}
