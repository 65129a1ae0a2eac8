/* SPDX-License-Identifier: Apache-2.0 */
/* See mount_table.h. */
#include "fs/mount_table.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "model/cleanup.h"

#define TYPE "fuse.poolfs"

/* Undoes the \ooo of proc(5), in place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* Reads a line of mountinfo: ID PARENT MAJOR:MINOR ROOT PATH OPTIONS [TAG...] - TYPE SOURCE OPTIONS. */
static bool parse(char *line, char **ret_path, const char **ret_type, dev_t *ret_device)
{
	char *fields[5], *rest = line, *type = strstr(line, " - ");
	unsigned major, minor;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		fields[i] = strsep(&rest, " ");
	if (!type || !fields[4] || sscanf(fields[2], "%u:%u", &major, &minor) != 2)
		return false;
	type += strlen(" - ");
	type[strcspn(type, " \n")] = '\0';
	unescape(fields[4]);
	*ret_path = fields[4];
	*ret_type = type;
	*ret_device = makedev(major, minor);
	return true;
}

bool mount_table_find_pool(const char *path, dev_t *ret)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	bool found = false;
	size_t room = 0;

	/* The last one is on top. */
	while (file && getline(&line, &room, file) > 0) {
		const char *type;
		char *there;
		dev_t device;

		if (!parse(line, &there, &type, &device) || strcmp(there, path) != 0)
			continue;
		found = strcmp(type, TYPE) == 0;
		*ret = device;
	}
	if (file)
		(void)fclose(file);
	return found;
}
