/* SPDX-License-Identifier: Apache-2.0 */
/* See url.h. */
#include "actions/storage/url.h"

#include <string.h>

/* Folders that can be written to but not store anything. */
static const char *const system_folders[] = {"/dev", "/proc", "/sys"};

int storage_check_folder(const char *url, struct error *e)
{
	size_t len;

	if (url[0] != '/' || url[1] == '\0')
		return error_set(e, EINVAL, "url '%s' must be the absolute path of a folder", url);
	for (const char *part = url; part; part = strchr(part + 1, '/'))
		if (strncmp(part, "/..", 3) == 0 && (part[3] == '/' || part[3] == '\0'))
			return error_set(e, EINVAL, "url '%s' must not contain '..'", url);
	for (size_t i = 0; i < ARRAY_SIZE(system_folders); i++) {
		len = strlen(system_folders[i]);
		if (strncmp(url, system_folders[i], len) == 0 && (url[len] == '/' || url[len] == '\0'))
			return error_set(e, EINVAL, "url '%s' must not be in /dev, /proc or /sys", url);
	}
	return 0;
}

char *storage_plain_url(const char *url)
{
	size_t len = strlen(url);

	while (len > 1 && url[len - 1] == '/')
		len--;
	return strndup(url, len);
}
