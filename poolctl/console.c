/* SPDX-License-Identifier: Apache-2.0 */
/* See console.h. */
#include "poolctl/console.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "model/json.h"

/* Of a log that is there already, so many bytes are shown. */
#define TAIL_BYTES 8192

static bool is_vm(const struct tree *t, const json_t *kind, const void *arg)
{
	(void)t;
	(void)arg;
	return strcmp(member_text(kind, "name"), "VmInstance") == 0;
}

static void print_screen(const struct tree *t, const char *path)
{
	_cleanup_json_ json_t *address = NULL;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char file[TREE_PATH_SIZE + 32];

	snprintf(file, sizeof(file), "%s/console-addresses", path);
	if (tree_read_json(t, file, &address, &e) < 0) {
		_cleanup_free_ char *why = NULL;

		printf("screen: none (%s)\n",
		       tree_read(t, "last-error", &why, NULL) == 0 ? why : error_sentence(&e));
		return;
	}
	printf("screen: %s://%s:%lld\n", member_text(address, "protocol"), member_text(address, "hostIp"),
	       (long long)json_integer_value(json_object_get(address, "port")));
}

static int open_log(const struct tree *t, const char *path, struct error *e)
{
	_cleanup_free_ char *why = NULL;
	char file[TREE_PATH_SIZE + 64];
	int fd, r;

	snprintf(file, sizeof(file), "%s/console/serial.log", path);
	fd = openat(t->root, file, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	r = errno;
	if (r != EACCES && tree_read(t, "last-error", &why, NULL) == 0)
		return error_set(e, r, "%s", why);
	return error_set(e, r, "cannot read the serial log '%s': %s", file, strerror(r));
}

/* Guests write what they like: only text and line ends reach the terminal. */
static void print_safely(const char *text, ssize_t len)
{
	for (ssize_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= ' ' || c == '\n' || c == '\t')
			putchar(c == 0x7f ? '?' : c);
		else if (c != '\r')
			putchar('?');
	}
	(void)fflush(stdout);
}

static int follow(int fd, bool follows, struct error *e)
{
	const struct timespec pause = {.tv_nsec = 200000000L};
	char text[4096];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == 0 && st.st_size > TAIL_BYTES)
		(void)lseek(fd, -TAIL_BYTES, SEEK_END);
	for (;;) {
		n = read(fd, text, sizeof(text));
		if (n < 0)
			return error_set(e, errno, "cannot read the serial log: %s", strerror(errno));
		print_safely(text, n);
		if (n > 0)
			continue;
		if (!follows)
			return 0;
		/* A log that was begun anew is read from its start. */
		if (fstat(fd, &st) == 0 && st.st_size < lseek(fd, 0, SEEK_CUR))
			(void)lseek(fd, 0, SEEK_SET);
		(void)nanosleep(&pause, NULL);
	}
}

int console_run(const struct tree *t, int argc, char **argv, struct error *e)
{
	bool follows = argc < 2 || strcmp(argv[1], "--no-follow") != 0;
	char path[TREE_PATH_SIZE];
	_cleanup_close_ int fd = -1;
	int r;

	if (argc < 1)
		return error_set(e, EINVAL, "console of which VM? give a name or a uuid");
	r = tree_find(t, argv[0], is_vm, NULL, path, NULL, e);
	if (r < 0)
		return r;
	print_screen(t, path);
	(void)fflush(stdout);
	fd = open_log(t, path, e);
	return fd < 0 ? fd : follow(fd, follows, e);
}
