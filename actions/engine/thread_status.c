/* SPDX-License-Identifier: Apache-2.0 */
/* See thread_status.h. */
#include "actions/engine/thread_status.h"

#include <signal.h>
#include <string.h>

#include "model/cleanup.h"

#define BIT(signal) (UINT64_C(1) << ((signal)-1))

bool thread_read_proc(pid_t thread, const char *name, char *buffer, size_t room)
{
	char path[64];
	_cleanup_fclose_ FILE *f = NULL;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)thread, name);
	f = fopen(path, "re");
	if (!f)
		return false;
	len = fread(buffer, 1, room - 1, f);
	buffer[len] = '\0';
	return len > 0;
}

static uint64_t number_after(const char *status, const char *key, int base)
{
	const char *found = strstr(status, key);

	return found ? strtoull(found + strlen(key), NULL, base) : 0;
}

uint64_t thread_status_number(pid_t thread, const char *key, int base)
{
	char status[4096];

	return thread_read_proc(thread, "status", status, sizeof(status)) ? number_after(status, key, base)
									  : 0;
}

bool thread_is_dying(pid_t thread)
{
	/* whatever signal ends a process, the kernel then makes SIGKILL pending for each of its threads */
	return thread_status_number(thread, "\nSigPnd:", 16) & BIT(SIGKILL);
}

bool thread_must_return(pid_t thread)
{
	/* signal(7): those whose default action is not to end the process */
	static const uint64_t harmless = BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU) |
					 BIT(SIGCONT) | BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGWINCH);
	char status[4096];
	uint64_t pending, caught;

	if (thread <= 0 || !thread_read_proc(thread, "status", status, sizeof(status)))
		return true;
	caught = number_after(status, "\nSigCgt:", 16);
	pending = number_after(status, "\nSigPnd:", 16) | number_after(status, "\nShdPnd:", 16);
	pending &= ~(number_after(status, "\nSigBlk:", 16) | number_after(status, "\nSigIgn:", 16));
	return pending & ~(harmless & ~caught);
}
