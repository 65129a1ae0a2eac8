/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For a program with faults-libvirt.so loaded before its libraries: in the folder that $POOLFS_TEST_LIBVIRT names, the
 * file `fail` has the name of a function of libvirt, which fails while it is there, and the names of those that are
 * called are added to `calls`, if that is there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/cleanup.h"
#include "tests/faults/inject.h"

static int open_in_folder(const char *file, int flags)
{
	const char *folder = getenv("POOLFS_TEST_LIBVIRT");
	char path[512];

	if (!folder)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	return open(path, flags | O_CLOEXEC);
}

bool inject_fails(enum inject_kind kind, const char *name)
{
	_cleanup_close_ int calls = open_in_folder("calls", O_WRONLY | O_APPEND);
	_cleanup_close_ int fail = open_in_folder("fail", O_RDONLY);
	char line[128], wanted[128] = "";

	(void)kind;
	if (calls >= 0) {
		int length = snprintf(line, sizeof(line), "%s\n", name);

		if (write(calls, line, (size_t)length) != length)
			abort();
	}
	if (fail >= 0 && read(fail, wanted, sizeof(wanted) - 1) <= 0)
		return false;
	wanted[strcspn(wanted, "\n")] = '\0';
	return strcmp(wanted, name) == 0;
}
