/* SPDX-License-Identifier: Apache-2.0 */
/* See daemon.h. */
#include "fs/daemon.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>

#include "fs/supervisor.h"
#include "model/log.h"

/* What the child sends: this, or the error message. */
#define READY '\0'

static void write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* the parent is gone; there is no one else to notify */
		data += n;
		len -= (size_t)n;
	}
}

/*
 * The mount can be used. Not before is the process group left: on demand (x-systemd.automount) the mount point is an
 * autofs, which makes all processes wait for the mount but those of the group that systemd has started for it.
 */
static void ready(void *arg)
{
	int *fd = arg;
	char byte = READY;

	(void)setsid();
	write_all(*fd, &byte, 1);
	(void)close(steal_fd(fd));
}

/* Detaches from the terminal; output goes to a file in the state folder from now on. */
static int detach(const char *state_dir, struct error *e)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r;

	if (asprintf(&path, "%s/poolfs.log", state_dir) < 0) {
		path = NULL;
		return error_oom(e);
	}
	r = log_to_file(path, e);
	if (r < 0)
		return r;
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || chdir("/") < 0)
		return error_set(e, errno, "cannot detach from the terminal: %s", strerror(errno));
	return 0;
}

static void __attribute__((noreturn)) child(const struct session_options *options, int fd)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct session_options here = *options;
	int r = detach(options->pool.state_dir, &e);

	here.ready = ready;
	here.ready_arg = &fd;
	here.ready_fd = &fd;
	here.background = true;
	if (r == 0)
		r = supervisor_run(&here, &e);
	if (r < 0 && fd >= 0)
		write_all(fd, error_sentence(&e), strlen(error_sentence(&e)));
	else if (r < 0)
		log_error("mount", options->mountpoint, "%s", error_sentence(&e));
	exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* Goes on in the background, where the program before this one was. */
static int go_on(const struct session_options *options, struct error *e)
{
	struct session_options here = *options;
	int r = detach(options->pool.state_dir, e);

	here.background = true;
	if (r == 0)
		r = supervisor_run(&here, e);
	if (r < 0)
		log_error("mount", options->mountpoint, "%s", error_sentence(e));
	return r;
}

int daemon_run(const struct session_options *options, struct error *e)
{
	char said[PIPE_BUF];
	size_t len = 0;
	ssize_t n;
	int fds[2];
	pid_t pid;

	if (options->handover->background)
		return go_on(options, e);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set(e, errno, "cannot create a pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0) {
		(void)close(fds[0]);
		(void)close(fds[1]);
		return error_set(e, errno, "cannot start a process: %s", strerror(errno));
	}
	if (pid == 0) {
		(void)close(fds[0]);
		child(options, fds[1]);
	}
	(void)close(fds[1]);
	while (len < sizeof(said) - 1 && (n = read(fds[0], said + len, sizeof(said) - 1 - len)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	(void)close(fds[0]);
	said[len] = '\0';
	if (len && said[0] == READY)
		return 0;
	(void)waitpid(pid, NULL, 0);
	return error_set(e, EIO, "%s", len ? said : "the program ended before the mount was ready");
}
