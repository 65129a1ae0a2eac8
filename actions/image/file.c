/* SPDX-License-Identifier: Apache-2.0 */
/* See file.h. */
#include "actions/image/file.h"

#include <fcntl.h>
#include <string.h>

#include "actions/storage/backup_storage.h"
#include "model/durable.h"

/* The suffixes that a file of an image can have. */
static const char *const suffixes[] = {"part", "qcow2", "raw", "iso"};

char *image_file_part_path(const struct object *bs, const char *image_uuid)
{
	return backup_storage_image_path(bs, image_uuid, "part");
}

/* Opens the folder of @path. -1 with errno. */
static int open_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder = slash ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : NULL;

	if (!folder) {
		errno = slash ? ENOMEM : EINVAL;
		return -1;
	}
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int sync_file(const char *path, struct error *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return error_set(e, errno, "cannot write '%s' to disk: %s", path, strerror(errno));
	return 0;
}

int image_file_publish(const char *part, const char *path, struct error *e)
{
	int r = sync_file(part, e);

	if (r < 0)
		return r;
	if (rename(part, path) < 0)
		return error_set(e, errno, "cannot rename '%s' to '%s': %s", part, path, strerror(errno));
	return durable_name(path, e);
}

int image_file_remove(const char *path, struct error *e)
{
	_cleanup_close_ int folder = open_folder(path);

	/* A missing folder most likely means that the storage is not mounted: the file still exists. */
	if (folder < 0)
		return error_set(e, errno == ENOENT ? ENOTCONN : errno, "cannot open the folder of '%s': %s",
				 path, strerror(errno));
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(e, errno, "cannot remove '%s': %s", path, strerror(errno));
	return durable_name(path, e);
}

const char *image_file_path(const struct object *ref)
{
	const char *path = object_str(ref, IMAGE_REF_INSTALL_PATH);

	return path && *path == '/' ? path : NULL;
}

int image_file_remove_unfinished(const struct object *bs, const char *image_uuid, struct error *e)
{
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_free_ char *path = backup_storage_image_path(bs, image_uuid, suffixes[i]);
		int r = path ? image_file_remove(path, result == 0 ? e : NULL)
			     : error_oom(result == 0 ? e : NULL);

		if (r < 0 && result == 0)
			result = r;
	}
	return result;
}

int image_file_check_absent(const struct object *bs, const char *image_uuid, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_free_ char *path = backup_storage_image_path(bs, image_uuid, suffixes[i]);

		if (!path)
			return error_oom(e);
		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return error_set(e, EEXIST,
					 "file '%s' exists already and is not an image of this pool", path);
	}
	return 0;
}

int image_file_unpublish(const struct object *bs, const char *image_uuid, const char *part)
{
	int r = -ENOENT;

	for (size_t i = 1; r == -ENOENT && i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_free_ char *path = backup_storage_image_path(bs, image_uuid, suffixes[i]);

		if (!path)
			return -ENOMEM;
		r = rename(path, part) < 0 ? -errno : 0;
	}
	return r;
}
