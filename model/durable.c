/* SPDX-License-Identifier: Apache-2.0 */
/* See durable.h. */
#include "model/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/cleanup.h"

int durable_name(const char *path, struct error *e)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder =
		slash ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : strdup(".");
	_cleanup_close_ int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!folder)
		return error_oom(e);
	if (fd < 0 || fsync(fd) < 0)
		return error_set(e, errno, "cannot write the folder of '%s' to disk: %s", path,
				 strerror(errno));
	return 0;
}

int durable_file(int fd, const char *path, struct error *e)
{
	if (fsync(fd) < 0)
		return error_set(e, errno, "cannot write '%s' to disk: %s", path, strerror(errno));
	return durable_name(path, e);
}

/* What the umask has taken away is given back; what the folder above has passed on (S_ISGID) stays. */
static int set_mode(const char *path, mode_t mode, struct error *e)
{
	struct stat st;

	if (lstat(path, &st) == 0 &&
	    ((st.st_mode & 0777) == mode || chmod(path, (st.st_mode & S_ISGID) | mode) == 0))
		return 0;
	return error_set(e, errno, "cannot set the mode of the folder '%s': %s", path, strerror(errno));
}

/* One component, with @mode whatever the umask. One that is there was made durable by who made it. */
static int make_one(const char *path, mode_t mode, struct error *e)
{
	int r;

	if (mkdir(path, mode) < 0)
		return errno == EEXIST ? 0
				       : error_set(e, errno, "cannot create the folder '%s': %s", path,
						   strerror(errno));
	r = set_mode(path, mode, e);
	if (r == 0)
		r = durable_name(path, e);
	if (r < 0)
		(void)rmdir(path);
	return r;
}

int durable_folder_make(const char *path, mode_t mode, struct error *e)
{
	_cleanup_free_ char *part = strdup(path);

	if (!part)
		return error_oom(e);
	if (part[0] != '/')
		return error_set(e, EINVAL, "'%s' is not an absolute path", path);
	for (char *p = part + 1;; p++) {
		char c = *p;
		int r;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		r = make_one(part, mode, e);
		if (r < 0 || c == '\0')
			return r;
		*p = c;
	}
}
