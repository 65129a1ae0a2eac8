/* SPDX-License-Identifier: Apache-2.0 */
/* See names.h. */
#include "poolctl/names.h"

#include <string.h>

const char *names_of_uuid(const struct tree *t, json_t *known, const char *uuid)
{
	_cleanup_free_ char *name = NULL;
	char path[TREE_PATH_SIZE], file[TREE_PATH_SIZE + 8];

	if (!json_object_get(known, uuid)) {
		if (tree_is_uuid(uuid) && tree_find(t, uuid, NULL, NULL, path, NULL, NULL) == 0) {
			snprintf(file, sizeof(file), "%s/name", path);
			(void)tree_read(t, file, &name, NULL);
		}
		(void)json_object_set_new(known, uuid, json_string(name && *name ? name : uuid));
	}
	return *member_text(known, uuid) ? member_text(known, uuid) : uuid;
}

const char *names_of_path(const struct tree *t, json_t *known, const char *path, char ret[NAMES_PATH_SIZE])
{
	const char *slash = strrchr(path, '/');

	snprintf(ret, NAMES_PATH_SIZE, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path,
		 names_of_uuid(t, known, slash ? slash + 1 : path));
	return ret;
}
