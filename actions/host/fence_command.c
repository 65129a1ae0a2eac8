/* SPDX-License-Identifier: Apache-2.0 */
/* See fence_command.h. The exit statuses are those of FenceAgentAPI.md of fence-agents. */
#include "actions/host/fence_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "model/child.h"
#include "model/clock.h"
#include "model/states.h"

/* How often to look whether the job is to stop. */
#define SLICE_MS 100

enum fence_power fence_power_of_status(int status)
{
	return status == 0 ? FENCE_POWER_ON : status == 2 ? FENCE_POWER_OFF : FENCE_POWER_UNKNOWN;
}

/* ------------------------------------------------------------------ the file */

int fence_command_check_path(const char *path, struct error *e)
{
	if (path[0] != '/' || strstr(path, "//") || strstr(path, "/./") || strstr(path, "/../"))
		return error_set(e, EINVAL, "fence command '%s' is not an absolute path without '.' and '..'",
				 path);
	return 0;
}

/*
 * Whether nobody but root can change what is at @path, a file or a folder of @command. Links are not followed. In a
 * folder with the sticky bit, others cannot replace what belongs to root.
 */
static int check_owner(const char *path, const char *command, struct stat *ret_stat, struct error *e)
{
	if (lstat(path, ret_stat) < 0)
		return error_set(e, errno, "fence command '%s' cannot be used: %s: %s", command, path,
				 strerror(errno));
	if (S_ISLNK(ret_stat->st_mode))
		return error_set(e, EPERM, "fence command '%s' cannot be used: %s is a symbolic link",
				 command, path);
	if (ret_stat->st_uid == 0 && (!(ret_stat->st_mode & (S_IWGRP | S_IWOTH)) ||
				      (S_ISDIR(ret_stat->st_mode) && (ret_stat->st_mode & S_ISVTX))))
		return 0;
	return error_set(
		e, EPERM,
		"fence command '%s' cannot be used: %s must belong to root, and be writable by nobody else",
		command, path);
}

int fence_command_check_file(const char *path, struct error *e)
{
	struct stat st;
	int r = fence_command_check_path(path, e);

	if (r < 0)
		return r;
	/* From the top: a folder that others can write makes what is below it untrustworthy. */
	for (const char *p = path; p; p = strchr(p + 1, '/')) {
		_cleanup_free_ char *folder = strndup(path, p == path ? 1 : (size_t)(p - path));

		if (!folder)
			return error_oom(e);
		r = check_owner(folder, path, &st, e);
		if (r < 0)
			return r;
	}
	r = check_owner(path, path, &st, e);
	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
		return error_set(e, EINVAL, "fence command '%s' is not an executable file", path);
	return 0;
}

/* --------------------------------------------------------------- the process */

struct running {
	pid_t pid;
	int pidfd, out; /* of the process; of what it prints, -1 after the end */
	size_t len;	/* of the output kept */
};

/* The environment, allocated as one block each; NULL-terminated. */
struct environment {
	char *own[4];
	const char *list[7];
};

static void environment_done(struct environment *env)
{
	for (size_t i = 0; i < ARRAY_SIZE(env->own); i++)
		free(env->own[i]);
}

static int environment_fill(struct environment *env, const char *action, const struct object *host)
{
	const struct {
		const char *name, *value;
	} rows[] = {
		{"POOLFS_FENCE_ACTION", action},
		{"POOLFS_HOST_UUID", object_uuid(host)},
		{"POOLFS_HOST_ADDRESS", object_text(host, HOST_MANAGEMENT_IP)},
		{"POOLFS_HOST_NAME", object_name(host)},
	};
	size_t n = 0;

	env->list[n++] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	env->list[n++] = "LC_ALL=C";
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (asprintf(&env->own[i], "%s=%s", rows[i].name, rows[i].value) < 0) {
			env->own[i] = NULL;
			return -ENOMEM;
		}
		env->list[n++] = env->own[i];
	}
	return 0;
}

static int start(const char *path, const char *action, const struct object *host, struct running *run,
		 struct error *e)
{
	const char *argv[] = {path, action, object_uuid(host), object_text(host, HOST_MANAGEMENT_IP), NULL};
	_cleanup_(environment_done) struct environment env = {0};
	_cleanup_close_ int in = -1, out = -1;
	int ends[2], r = environment_fill(&env, action, host);

	if (r < 0)
		return error_oom(e);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(e, errno, "cannot run '%s': %s", path, strerror(errno));
	in = ends[0];
	out = ends[1];
	(void)fcntl(in, F_SETFL, O_NONBLOCK);
	r = child_spawn(path, argv, env.list, out, out, CHILD_GROUP, &run->pid);
	if (r < 0)
		return error_set(e, -r, "cannot run '%s': %s", path, strerror(-r));
	run->pidfd = pidfd_open(run->pid, 0);
	run->out = steal_fd(&in);
	return 0;
}

/* Takes in what has been printed so far; what is too much is read and dropped, so that the program goes on. */
static void take(struct running *run, struct fence_answer *answer)
{
	char text[4096];
	ssize_t n;

	while ((n = read(run->out, text, sizeof(text))) > 0) {
		size_t room = FENCE_OUTPUT_MAX - run->len, keep = (size_t)n < room ? (size_t)n : room;

		memcpy(answer->output + run->len, text, keep);
		run->len += keep;
		if ((size_t)n < sizeof(text))
			return;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		(void)close(run->out);
		run->out = -1;
	}
}

/* Waits for the end of the process, not of what it has left behind. */
static int wait_for_end(struct running *run, const char *path, int timeout_ms, const struct job *job,
			struct fence_answer *answer, struct error *e)
{
	int64_t deadline = clock_monotonic_ms() + timeout_ms;

	for (;;) {
		struct pollfd fds[] = {{.fd = run->pidfd, .events = POLLIN},
				       {.fd = run->out, .events = POLLIN}};

		if (job && job_should_stop(job))
			return job_stop_reason(job, e);
		if (clock_monotonic_ms() >= deadline)
			return error_set(e, ETIMEDOUT, "'%s' did not end within %d seconds", path,
					 timeout_ms / 1000);
		if (poll(fds, ARRAY_SIZE(fds), SLICE_MS) < 0 && errno != EINTR)
			return error_set(e, errno, "cannot wait for '%s': %s", path, strerror(errno));
		if (run->out >= 0 && fds[1].revents)
			take(run, answer);
		if (fds[0].revents) {
			if (run->out >= 0)
				take(run, answer);
			return 0;
		}
	}
}

/* Ends the process and its group, and returns its status. */
static int reap(struct running *run)
{
	siginfo_t info = {0};

	/* The group exists at least until its leader is reaped. */
	(void)kill(-run->pid, SIGKILL);
	while (waitid(P_PID, (id_t)run->pid, &info, WEXITED) < 0)
		if (errno != EINTR)
			return -errno;
	if (run->out >= 0)
		(void)close(run->out);
	if (run->pidfd >= 0)
		(void)close(run->pidfd);
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

int fence_command_run(const char *path, const char *action, const struct object *host, int timeout_ms,
		      const struct job *job, struct fence_answer *ret_answer, struct error *e)
{
	struct running run = {.pidfd = -1, .out = -1};
	struct fence_answer answer = {0};
	int status, r = fence_command_check_file(path, e);

	if (r < 0)
		return r;
	r = start(path, action, host, &run, e);
	if (r < 0)
		return r;
	r = run.pidfd < 0 ? error_set(e, EMFILE, "cannot wait for '%s'", path)
			  : wait_for_end(&run, path, timeout_ms, job, &answer, e);
	status = reap(&run);
	if (r < 0)
		return r;
	if (status < 0)
		return error_set(e, EIO, "the exit status of '%s' is lost", path);
	answer.status = status;
	*ret_answer = answer;
	return 0;
}
