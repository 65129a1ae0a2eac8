/* SPDX-License-Identifier: Apache-2.0 */
/* See handover.h. */
#include "fs/handover.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fs/mount.h"
#include "fs/mount_table.h"
#include "fs/options.h"
#include "fs/service.h"
#include "model/cleanup.h"

#define NUMBERS	 "POOLFS_HANDOVER"
#define SENTENCE "POOLFS_HANDOVER_ERROR"

enum { DEVICE, KEEP, LINK, FORMER, CALLER, DESCRIPTORS };

static const char *const names[DESCRIPTORS] = {
	[DEVICE] = "device", [KEEP] = "keep", [LINK] = "link", [FORMER] = "former", [CALLER] = "caller"};

static int *descriptor(struct handover *h, int i)
{
	int *const all[DESCRIPTORS] = {
		[DEVICE] = &h->device, [KEEP] = &h->keep,     [LINK] = &h->link,
		[FORMER] = &h->former, [CALLER] = &h->caller,
	};

	return all[i];
}

/* NAME=NUMBER; names that a later program has are ignored. */
static void take(struct handover *h, const char *name, int number)
{
	for (int i = 0; i < DESCRIPTORS; i++)
		if (strcmp(name, names[i]) == 0 && fcntl(number, F_SETFD, FD_CLOEXEC) == 0)
			*descriptor(h, i) = number;
	if (strcmp(name, "worker") == 0)
		h->worker = (pid_t)number;
	if (strcmp(name, "background") == 0)
		h->background = number;
	if (strcmp(name, "tries") == 0)
		h->tries = number;
}

void handover_take(struct handover *ret)
{
	_cleanup_free_ char *numbers = getenv(NUMBERS) ? strdup(getenv(NUMBERS)) : NULL;
	const char *sentence = getenv(SENTENCE);
	char *rest = numbers, *word;

	*ret = (struct handover){
		.device = -1, .keep = -1, .link = -1, .former = -1, .caller = -1, .why = ERROR_INIT};
	while ((word = strsep(&rest, " "))) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = '\0';
		take(ret, word, atoi(value));
	}
	if (sentence)
		(void)error_set(&ret->why, EIO, "%s", sentence);
	(void)unsetenv(NUMBERS);
	(void)unsetenv(SENTENCE);
	if (!numbers)
		service_take(&ret->device, &ret->keep);
}

void handover_check(struct handover *h, const char *mountpoint)
{
	_cleanup_free_ char *path = realpath(mountpoint, NULL);
	dev_t mount;

	if (h->device < 0 || h->tries)
		return;
	if (path && mount_table_find_pool(path, &mount) && mount_is_there(h->device))
		return;
	close_fd(&h->device);
	close_fd(&h->keep);
	service_forget();
}

void handover_done(struct handover *h)
{
	for (int i = 0; i < DESCRIPTORS; i++)
		close_fd(descriptor(h, i));
	error_done(&h->why);
}

static void set_inherited(struct handover *h, bool inherited)
{
	for (int i = 0; i < DESCRIPTORS; i++)
		if (*descriptor(h, i) >= 0)
			(void)fcntl(*descriptor(h, i), F_SETFD, inherited ? 0 : FD_CLOEXEC);
}

int handover_execute(int program, char *const argv[], const struct handover *h, struct error *e)
{
	struct handover copy = *h;
	char numbers[256];
	int error, len = snprintf(numbers, sizeof(numbers), "worker=%d background=%d tries=%d",
				  (int)h->worker, h->background, h->tries);

	for (int i = 0; i < DESCRIPTORS; i++)
		if (*descriptor(&copy, i) >= 0)
			len += snprintf(numbers + len, sizeof(numbers) - (size_t)len, " %s=%d", names[i],
					*descriptor(&copy, i));
	if (setenv(NUMBERS, numbers, 1) < 0 ||
	    (error_is_set(&h->why) && setenv(SENTENCE, error_sentence(&h->why), 1) < 0))
		return error_oom(e);
	set_inherited(&copy, true);
	(void)fexecve(program, argv, environ);
	error = errno;
	set_inherited(&copy, false);
	(void)unsetenv(NUMBERS);
	(void)unsetenv(SENTENCE);
	return error_set(e, error, "cannot start the program: %s", strerror(error));
}

static int add_option(char **list, const char *name, const char *value)
{
	_cleanup_free_ char *option = NULL;

	if (!value)
		return 0;
	if (asprintf(&option, "%s=%s", name, value) < 0) {
		option = NULL;
		return -ENOMEM;
	}
	return fuse_opt_add_opt_escaped(list, option) < 0 ? -ENOMEM : 0;
}

int handover_arguments(const struct options *options, const struct fuse_args *args, struct fuse_args *ret)
{
	_cleanup_free_ char *list = NULL;
	bool failed;

	*ret = (struct fuse_args)FUSE_ARGS_INIT(0, NULL);
	/* not the name by which mount(8) calls its helpers */
	failed = fuse_opt_add_arg(ret, "poolfs") < 0;
	for (int i = 1; i < args->argc; i++)
		failed = failed || fuse_opt_add_arg(ret, args->argv[i]) < 0;
	failed = failed || add_option(&list, "state", options->state) < 0 ||
		 add_option(&list, "uri", options->uri) < 0 ||
		 add_option(&list, "admin-password-file", options->admin_password_file) < 0 ||
		 add_option(&list, "rest-user", options->rest_user) < 0 ||
		 add_option(&list, "log-level", options->log_level) < 0 ||
		 (options->inotify && fuse_opt_add_opt(&list, "inotify") < 0) ||
		 fuse_opt_add_arg(ret, "-o") < 0 || fuse_opt_add_arg(ret, list) < 0 ||
		 (options->foreground && fuse_opt_add_arg(ret, "-f") < 0) ||
		 fuse_opt_add_arg(ret, options->mountpoint) < 0;
	if (!failed)
		return 0;
	fuse_opt_free_args(ret);
	return -ENOMEM;
}
