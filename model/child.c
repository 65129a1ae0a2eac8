/* SPDX-License-Identifier: Apache-2.0 */
/* See child.h. */
#include "model/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>

#include "model/cleanup.h"

void child_open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR); /* the lowest number that is free; without O_CLOEXEC */
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

static int fill_actions(posix_spawn_file_actions_t *actions, int out, int err)
{
	int r = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (r != 0)
		return r;
	r = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
	if (r != 0)
		return r;
	if (err >= 0)
		r = posix_spawn_file_actions_adddup2(actions, err, STDERR_FILENO);
	return r != 0 ? r : posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}

static int fill_attributes(posix_spawnattr_t *attributes, unsigned flags)
{
	sigset_t none, all;
	int r;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	r = posix_spawnattr_setsigmask(attributes, &none);
	if (r != 0)
		return r;
	r = posix_spawnattr_setsigdefault(attributes, &all);
	if (r != 0)
		return r;
	/* A new attribute object has the group 0: that of the child itself. */
	return posix_spawnattr_setflags(attributes,
					(short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						(flags & CHILD_GROUP ? POSIX_SPAWN_SETPGROUP : 0)));
}

/* Positive errno, as posix_spawn(3) returns it. */
static int spawn(const char *file, const char *const argv[], const char *const envp[], int out, int err,
		 unsigned flags, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
		 pid_t *ret_pid)
{
	int r = fill_actions(actions, out, err);

	if (r != 0)
		return r;
	r = fill_attributes(attributes, flags);
	if (r != 0)
		return r;
	/* POSIX declares the strings without const but does not change them. */
	return posix_spawnp(ret_pid, file, actions, attributes, (char *const *)(uintptr_t)argv,
			    envp ? (char *const *)(uintptr_t)envp : environ);
}

int child_spawn(const char *file, const char *const argv[], const char *const envp[], int out, int err,
		unsigned flags, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attributes);
	if (r == 0) {
		r = spawn(file, argv, envp, out, err, flags, &actions, &attributes, ret_pid);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static char *helper_in(const char *dir, size_t dir_len, const char *name)
{
	char *path;

	if (asprintf(&path, "%.*s/%s", (int)dir_len, dir, name) < 0)
		return NULL;
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *child_find_helper(const char *name)
{
	const char *env = secure_getenv("POOLFS_LIBEXEC");
	char self[4096];
	ssize_t len;
	char *path = NULL;

	if (env && *env)
		path = helper_in(env, strlen(env), name);
	if (path)
		return path;
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len > 0) {
		char *slash = memrchr(self, '/', (size_t)len);

		if (slash)
			path = helper_in(self, (size_t)(slash - self), name);
	}
	return path ? path : helper_in(POOLFS_LIBEXECDIR, strlen(POOLFS_LIBEXECDIR), name);
}

int error_no_helper(const char *name, struct error *e)
{
	return error_set(e, EIO, "the program '%s' is neither in the folder of this one nor in '%s'", name,
			 POOLFS_LIBEXECDIR);
}
