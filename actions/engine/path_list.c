/* SPDX-License-Identifier: Apache-2.0 */
/* See path_list.h. */
#include "actions/engine/path_list.h"

#include <string.h>

bool path_is_plain(const char *path)
{
	if (*path != '/')
		return false;
	while (*path) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if ((len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += len;
	}
	return true;
}

const char *path_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	while (len && folder[len - 1] == '/')
		len--;
	if (strncmp(path, folder, len) != 0 || path[len] != '/')
		return NULL;
	path += len;
	path += strspn(path, "/");
	return *path ? path : NULL;
}

int path_list_next(const char **text, char ret_folder[static PATH_MAX], struct error *e)
{
	size_t len;

	*text += strspn(*text, " ,");
	len = strcspn(*text, ",");
	if (len == 0)
		return 0;
	if (len >= PATH_MAX)
		return error_set(e, ENAMETOOLONG, "a folder of the list is longer than %d bytes",
				 PATH_MAX - 1);
	memcpy(ret_folder, *text, len);
	*text += len;
	while (len && (ret_folder[len - 1] == ' ' || ret_folder[len - 1] == '/'))
		len--;
	ret_folder[len] = '\0';
	if (!path_is_plain(ret_folder))
		return error_set(
			e, EINVAL,
			"'%s' is not a folder below which files may be added: it must be an absolute path without '.' and '..', and not '/'",
			ret_folder);
	return 1;
}
