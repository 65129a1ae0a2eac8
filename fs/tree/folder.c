/* SPDX-License-Identifier: Apache-2.0 */
/* See folder.h. */
#include "fs/tree/folder.h"

#include <pthread.h>
#include <string.h>

#define FOLDERS_MAX 128

/* Immutable after collect(). Number 0, which would be the root, is not used. */
static struct folder folders[FOLDERS_MAX];
static unsigned folder_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct folder *by_path(const char *path, size_t len)
{
	for (unsigned i = 1; i <= folder_count; i++)
		if (strlen(folders[i].path) == len && memcmp(folders[i].path, path, len) == 0)
			return &folders[i];
	return NULL;
}

/* Adds the folder @path (its first @len bytes) and its parents. */
static struct folder *add(const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);
	struct folder *parent, *f = by_path(path, len);

	if (f || !len)
		return f;
	parent = slash ? add(path, (size_t)(slash - path)) : NULL;
	if (folder_count + 1 == FOLDERS_MAX || len >= sizeof(f->path))
		return NULL; /* a unit test checks that this does not happen */
	f = &folders[++folder_count];
	f->number = folder_count;
	f->parent = parent;
	memcpy(f->path, path, len);
	f->name = slash ? f->path + (slash + 1 - path) : f->path;
	f->kind = kind_by_directory(f->path);
	return f;
}

static void collect(void)
{
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		if (kind_get((enum kind_id)k)->directory)
			(void)add(kind_get((enum kind_id)k)->directory,
				  strlen(kind_get((enum kind_id)k)->directory));
	for (const struct operation *const *op = operations(); *op; op++) {
		const char *where = (*op)->where;
		struct folder *f;

		if ((*op)->form == FORM_CREATE) {
			f = add(where, strlen(where));
			if (f)
				f->create = *op;
		}
		if ((*op)->form == FORM_COLLECTION_GET)
			(void)add(where,
				  (size_t)(folder_get_name(*op) - where) - (strchr(where, '/') != NULL));
	}
}

const struct folder *folder_get(unsigned number)
{
	pthread_once(&once, collect);
	return number && number <= folder_count ? &folders[number] : NULL;
}

const struct folder *folder_next(const struct folder *parent, unsigned after)
{
	pthread_once(&once, collect);
	for (unsigned i = after + 1; i <= folder_count; i++)
		if (folders[i].parent == parent)
			return &folders[i];
	return NULL;
}

const struct folder *folder_find(const struct folder *parent, const char *name)
{
	const struct folder *f = folder_next(parent, 0);

	while (f && strcmp(f->name, name) != 0)
		f = folder_next(parent, f->number);
	return f;
}

const char *folder_get_name(const struct operation *op)
{
	const char *slash = strrchr(op->where, '/');

	return slash ? slash + 1 : op->where;
}

bool folder_has_get(const struct folder *folder, const struct operation *op)
{
	size_t len = folder ? strlen(folder->path) : 0;

	if (op->form != FORM_COLLECTION_GET || strncmp(op->where, folder ? folder->path : "", len) != 0)
		return false;
	return folder_get_name(op) == op->where + len + (folder != NULL);
}
