/* SPDX-License-Identifier: Apache-2.0 */
/* See command.h. */
#include "hypervisor/storage/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/child.h"
#include "model/clock.h"

/* How often the callback is called when the program prints nothing. */
#define ASK_MS 100
/* More output than any expected answer has. */
#define OUTPUT_MAX (16 << 20)

/* A stream of the program: standard output or standard error. */
struct stream {
	int fd; /* -1 after its end */
	char *text;
	size_t len;
};

struct running {
	pid_t pid;
	struct stream streams[2];
	int percent; /* reported last; -1 = none */
};

void command_end_done(struct command_end *end)
{
	free(end->output);
	end->output = NULL;
}

/* ------------------------------------------------------------------- starting */

static int start(const char *const argv[], struct running *run, struct error *e)
{
	_cleanup_close_ int out = -1, err = -1;
	int pipes[2][2], r;

	if (pipe2(pipes[0], O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set(e, errno, "cannot run %s: %s", argv[0], strerror(errno));
	run->streams[0].fd = pipes[0][0];
	out = pipes[0][1];
	if (pipe2(pipes[1], O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set(e, errno, "cannot run %s: %s", argv[0], strerror(errno));
	run->streams[1].fd = pipes[1][0];
	err = pipes[1][1];
	/* only our ends may be non-blocking: programs treat EAGAIN as an error */
	(void)fcntl(out, F_SETFL, 0);
	(void)fcntl(err, F_SETFL, 0);
	r = child_spawn(argv[0], argv, NULL, out, err, 0, &run->pid);
	if (r == -ENOENT)
		return error_set(e, EOPNOTSUPP, "the program %s is not installed on this machine", argv[0]);
	return r < 0 ? error_set(e, -r, "cannot run %s: %s", argv[0], strerror(-r)) : 0;
}

/* ------------------------------------------------------------------ listening */

/* The last per cents of @text: "12%" or "12.34/100%"; -1 = none. */
static int last_percent(const char *text)
{
	const char *end = strrchr(text, '%');
	const char *p = end;

	if (!end)
		return -1;
	if (p - text >= 4 && strncmp(p - 4, "/100", 4) == 0)
		p -= 4;
	while (p > text && ((p[-1] >= '0' && p[-1] <= '9') || p[-1] == '.'))
		p--;
	return *p >= '0' && *p <= '9' ? atoi(p) : -1;
}

static int append(struct stream *s, const char *text, size_t len)
{
	char *larger = s->len + len < OUTPUT_MAX ? realloc(s->text, s->len + len + 1) : NULL;

	if (!larger)
		return -ENOMEM;
	memcpy(larger + s->len, text, len);
	s->text = larger;
	s->len += len;
	s->text[s->len] = '\0';
	return 0;
}

/* Takes in what is there. 0, or -ENOMEM. */
static int take(struct running *run, struct stream *s)
{
	char text[4096];
	ssize_t got = read(s->fd, text, sizeof(text) - 1);
	int percent;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == 0) {
		(void)close(s->fd);
		s->fd = -1;
		return 0;
	}
	text[got] = '\0';
	percent = last_percent(text);
	if (percent > run->percent && percent <= 100)
		run->percent = percent;
	return append(s, text, (size_t)got);
}

/* Until both streams have ended. */
static int listen_to(struct running *run, int limit, hv_progress *progress, void *ctx)
{
	int64_t began = clock_monotonic();

	for (;;) {
		struct pollfd fds[2] = {{.fd = run->streams[0].fd, .events = POLLIN},
					{.fd = run->streams[1].fd, .events = POLLIN}};

		if (fds[0].fd < 0 && fds[1].fd < 0)
			return 0;
		if (poll(fds, 2, ASK_MS) < 0 && errno != EINTR)
			return -errno;
		for (size_t i = 0; i < 2; i++) {
			int r = fds[i].fd >= 0 && fds[i].revents ? take(run, &run->streams[i]) : 0;

			if (r < 0)
				return r;
		}
		if (progress && progress(ctx, run->percent < 0 ? 0 : run->percent))
			return -ECANCELED;
		if (limit && clock_monotonic() - began > limit * NS_PER_S)
			return -ETIMEDOUT;
	}
}

/* ---------------------------------------------------------------------- ending */

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The last line of @text that is neither empty nor progress. Modifies @text. */
static void last_line(char *text, char ret[256])
{
	ret[0] = '\0';
	for (char *line = text; line && *line;) {
		char *end = line + strcspn(line, "\r\n"), *next = *end ? end + 1 : end;

		*end = '\0';
		if (end > line && last_percent(line) < 0)
			(void)snprintf(ret, 256, "%s", line);
		line = next;
	}
}

int command_run(const char *const argv[], int limit, hv_progress *progress, void *ctx,
		struct command_end *ret, struct error *e)
{
	struct running run = {.pid = -1, .streams = {{.fd = -1}, {.fd = -1}}, .percent = -1};
	int r = start(argv, &run, e);

	*ret = (struct command_end){0};
	if (r == 0) {
		r = listen_to(&run, limit, progress, ctx);
		if (r < 0)
			(void)kill(run.pid, SIGKILL);
		ret->status = wait_for(run.pid);
		if (r == -ECANCELED)
			error_set(e, ECANCELED, "%s was cancelled", argv[0]);
		else if (r == -ETIMEDOUT)
			error_set(e, ETIMEDOUT, "%s did not end within %d seconds", argv[0], limit);
		else if (r < 0)
			error_set(e, -r, "cannot read the output of %s: %s", argv[0], strerror(-r));
	}
	for (size_t i = 0; i < 2; i++)
		if (run.streams[i].fd >= 0)
			(void)close(run.streams[i].fd);
	if (run.streams[1].text)
		last_line(run.streams[1].text, ret->message);
	free(run.streams[1].text);
	ret->output = run.streams[0].text;
	return r;
}

/* More than any command has. */
#define ARGUMENTS_MAX 16

static int run_in_box(const char *option, const char *const argv[], int limit, hv_progress *progress,
		      void *ctx, struct command_end *ret, struct error *e)
{
	_cleanup_free_ char *box = child_find_helper("poolfs-box");
	const char *boxed[ARGUMENTS_MAX + 5] = {box};
	char parent[24];
	size_t n = 1;

	*ret = (struct command_end){0};
	if (!box)
		return error_no_helper("poolfs-box", e);
	(void)snprintf(parent, sizeof(parent), "%d", (int)getpid());
	boxed[n++] = "--parent";
	boxed[n++] = parent;
	if (option)
		boxed[n++] = option;
	for (size_t i = 0; i < ARGUMENTS_MAX && argv[i]; i++)
		boxed[n++] = argv[i];
	return command_run(boxed, limit, progress, ctx, ret, e);
}

int command_run_boxed(const char *const argv[], int limit, hv_progress *progress, void *ctx,
		      struct command_end *ret, struct error *e)
{
	return run_in_box("--network", argv, limit, progress, ctx, ret, e);
}

int command_run_reading(const char *const argv[], int limit, hv_progress *progress, void *ctx,
			struct command_end *ret, struct error *e)
{
	return run_in_box("--read-only", argv, limit, progress, ctx, ret, e);
}

int command_run_writing(const char *const argv[], int limit, hv_progress *progress, void *ctx,
			struct command_end *ret, struct error *e)
{
	return run_in_box(NULL, argv, limit, progress, ctx, ret, e);
}
