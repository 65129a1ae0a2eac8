/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's side of the image probe: start, wait, validate. See probe.h.
 *
 * The answer ends with the pipe. After that the child has nothing to do, so it is
 * always killed: one that ends by itself closes the pipe while it exits, and its
 * exit status stands. So the time limit is on one wait, for the pipe, and no signal
 * is involved: this works in any thread. Only SIGCHLD must not be ignored by the
 * process, or the exit status is lost.
 */
#include "actions/image/probe.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "model/child.h"
#include "model/clock.h"
#include "model/json.h"

#define PROGRAM "poolfs-image-probe"

struct answer {
	char text[IMAGE_PROBE_ANSWER_MAX + 1];
	size_t len;
	int status; /* exit status, or 128 + signal */
};

/* Starts the child with @out as its standard output; returns its pid or -errno. */
static pid_t child_start(const char *program, const char *path, unsigned flags, int out)
{
	const char *argv[6] = {PROGRAM};
	const char *const envp[] = {"LC_ALL=C", NULL};
	pid_t pid = -1;
	size_t n = 1;
	int r;

	if (flags & IMAGE_PROBE_PARTIAL)
		argv[n++] = "--partial";
	if (flags & IMAGE_PROBE_ANY_RAW)
		argv[n++] = "--any-raw";
	argv[n++] = "--";
	argv[n] = path;
	r = child_spawn(program, argv, envp, out, -1, 0, &pid);
	return r < 0 ? r : pid;
}

/* Reads what is available. 1: more may come; 0: end of file; -EMSGSIZE: the answer is too long; -errno. */
static int answer_read(struct answer *a, int fd)
{
	for (;;) {
		ssize_t n = read(fd, a->text + a->len, sizeof(a->text) - a->len);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 1 : -errno;
		if (n == 0)
			return 0;
		a->len += (size_t)n;
		if (a->len > IMAGE_PROBE_ANSWER_MAX)
			return -EMSGSIZE;
	}
}

/* Reads the answer up to the end of the pipe. -ETIMEDOUT, -EMSGSIZE, -errno. */
static int answer_wait(struct answer *a, int in, int64_t deadline_ms)
{
	struct pollfd fd = {.fd = in, .events = POLLIN};

	for (;;) {
		int64_t left = deadline_ms - clock_monotonic_ms();
		int r;

		if (left <= 0)
			return -ETIMEDOUT;
		r = poll(&fd, 1, (int)left);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r <= 0)
			continue;
		r = answer_read(a, in);
		if (r <= 0)
			return r;
	}
}

/* Kills the child unless it has ended, and returns its status; -errno if that is lost. */
static int child_reap(pid_t pid)
{
	siginfo_t info = {0};

	(void)kill(pid, SIGKILL);
	while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0)
		if (errno != EINTR)
			return -errno;
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static int child_run(const char *program, const char *path, unsigned flags, int timeout_ms, struct answer *a,
		     struct error *e)
{
	_cleanup_close_ int in = -1, out = -1;
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(e, EIO, "cannot create a pipe for the image probe: %s", strerror(errno));
	in = ends[0];
	out = ends[1];
	(void)fcntl(in, F_SETFL, O_NONBLOCK);
	pid = child_start(program, path, flags, out);
	if (pid < 0)
		return error_set(e, EIO, "cannot start '%s': %s", program, strerror(-pid));
	(void)close(steal_fd(&out));
	r = answer_wait(a, in, clock_monotonic_ms() + timeout_ms);
	a->status = child_reap(pid);
	a->text[a->len < IMAGE_PROBE_ANSWER_MAX ? a->len : IMAGE_PROBE_ANSWER_MAX] = '\0';
	if (r == -ETIMEDOUT)
		return error_set(e, ETIMEDOUT, "the image probe took longer than %d ms", timeout_ms);
	if (r == -EMSGSIZE)
		return error_set(e, EIO, "the image probe answered more than %d bytes",
				 IMAGE_PROBE_ANSWER_MAX);
	if (r < 0)
		return error_set(e, EIO, "cannot read the answer of the image probe: %s", strerror(-r));
	if (a->status < 0)
		return error_set(e, EIO, "cannot wait for the image probe: %s", strerror(-a->status));
	/* POSIX allows posix_spawn() to notice only in the child that it cannot execute the program */
	if (a->status == 127 && a->len == 0)
		return error_set(e, EIO, "cannot start '%s'", program);
	return 0;
}

static int errno_of_status(int status)
{
	switch (status) {
	case IMAGE_PROBE_EXIT_USAGE:
	case IMAGE_PROBE_EXIT_INVALID:
		return EINVAL;
	case IMAGE_PROBE_EXIT_NO_INPUT:
		return ENOENT;
	case IMAGE_PROBE_EXIT_UNSUPPORTED:
		return EOPNOTSUPP;
	case IMAGE_PROBE_EXIT_DENIED:
		return EACCES;
	default:
		return EIO;
	}
}

/* True if the child's message may be shown: one line of UTF-8 without control characters. */
static bool message_is_clean(const char *text)
{
	_cleanup_json_ json_t *valid = json_string(text);

	if (!valid || *text == '\0')
		return false;
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static int answer_to_error(struct answer *a, struct error *e)
{
	if (a->status > 128)
		return error_set(e, EIO, "the image probe was killed by signal %d", a->status - 128);
	if (a->len > 0 && a->text[a->len - 1] == '\n')
		a->text[--a->len] = '\0';
	if (strlen(a->text) != a->len || !message_is_clean(a->text))
		return error_set(e, EIO, "the image probe failed with status %d without a readable message",
				 a->status);
	return error_set(e, errno_of_status(a->status), "%s", a->text);
}

static int answer_to_info(const struct answer *a, struct image_info *ret, struct error *e)
{
	const char *format, *media_type;
	json_int_t virtual_size, actual_size;
	int backing_file, data_file, encrypted, corrupt;
	struct image_info info;
	_cleanup_json_ json_t *json = json_loadb(a->text, a->len, JSON_REJECT_DUPLICATES, NULL);

	if (json_unpack(json, "{s:s, s:I, s:I, s:s, s:b, s:b, s:b, s:b !}", "format", &format, "virtualSize",
			&virtual_size, "actualSize", &actual_size, "mediaType", &media_type, "backingFile",
			&backing_file, "dataFile", &data_file, "encrypted", &encrypted, "corrupt",
			&corrupt) < 0 ||
	    !image_format_from_name(format, &info.format))
		return error_set(e, EIO, "unexpected output of the image probe");
	info.virtual_size = virtual_size;
	info.actual_size = actual_size;
	info.backing_file = backing_file;
	info.data_file = data_file;
	info.encrypted = encrypted;
	info.corrupt = corrupt;
	*ret = info;
	return 0;
}

static int probe(const char *program, const char *path, unsigned flags, int timeout_ms,
		 struct image_info *ret, struct error *e)
{
	struct answer a = {.len = 0};
	struct image_info info;
	int r;

	r = child_run(program, path, flags, timeout_ms, &a, e);
	if (r < 0)
		return r;
	if (a.status != IMAGE_PROBE_EXIT_OK)
		return answer_to_error(&a, e);
	r = answer_to_info(&a, &info, e);
	if (r < 0)
		return r;
	r = image_info_check(&info, e);
	if (r < 0)
		return r;
	*ret = info;
	return 0;
}

int image_probe_with(const char *program, const char *path, int timeout_ms, struct image_info *ret,
		     struct error *e)
{
	return probe(program, path, 0, timeout_ms, ret, e);
}

int image_probe(const char *path, unsigned flags, struct image_info *ret, struct error *e)
{
	_cleanup_free_ char *program = child_find_helper(PROGRAM);

	if (!program)
		return error_no_helper(PROGRAM, e);
	return probe(program, path, flags, IMAGE_PROBE_TIMEOUT_MS, ret, e);
}
