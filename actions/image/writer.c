/* SPDX-License-Identifier: Apache-2.0 */
/* See writer.h. */
#include "actions/image/writer.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "actions/engine/thread_status.h"
#include "model/cleanup.h"

/* From include/uapi/linux/pidfd.h of Linux 6.15: the first version of the structure. */
struct exit_info {
	uint64_t mask, cgroup;
	uint32_t ids[11];
	int32_t exit_code;
};
#define EXIT_INFO_GET  _IOWR(0xFF, 11, struct exit_info)
#define EXIT_INFO_EXIT (UINT64_C(1) << 3)

_Static_assert(sizeof(struct exit_info) == 64, "the kernel's structure has 64 bytes");

/* Fields of /proc/<pid>/stat, counted from 1; the second, the name, may contain spaces. */
#define STAT_STATE     3
#define STAT_EXIT_CODE 52

void writer_done(struct writer *w)
{
	if (w->pidfd >= 0)
		(void)close(w->pidfd);
	*w = WRITER_INIT;
}

void writer_note(struct writer *w, pid_t thread)
{
	if (thread == w->thread)
		return;
	writer_done(w);
	w->thread = thread;
	w->pid = thread ? (pid_t)thread_status_number(thread, "\nTgid:", 10) : 0;
	if (w->pid)
		w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
}

/* The exit status in /proc of a process that is ending or has not been waited for; 0 for any other. */
static int status_in_proc(pid_t pid)
{
	char text[4096], *at;
	int field = STAT_STATE;

	if (!thread_read_proc(pid, "stat", text, sizeof(text)))
		return 0;
	at = strrchr(text, ')');
	at = at ? strchr(at, ' ') : NULL;
	for (; at && field < STAT_EXIT_CODE; field++)
		at = strchr(at + 1, ' ');
	return at ? (int)strtol(at + 1, NULL, 10) : 0;
}

bool writer_was_killed(const struct writer *w)
{
	struct exit_info info = {.mask = EXIT_INFO_EXIT};
	int status;

	if (w->pidfd < 0)
		return false;
	/* /proc first: if the pid already was another process's, the pidfd then knows that this one ended */
	status = status_in_proc(w->pid);
	if (ioctl(w->pidfd, EXIT_INFO_GET, &info) == 0 && (info.mask & EXIT_INFO_EXIT))
		status = info.exit_code;
	else if (syscall(SYS_pidfd_send_signal, w->pidfd, 0, NULL, 0) < 0 && errno == ESRCH)
		status = 0; /* gone, and this kernel does not say how it ended */
	return WIFSIGNALED(status);
}
