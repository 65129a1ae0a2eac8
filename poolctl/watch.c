/* SPDX-License-Identifier: Apache-2.0 */
/* See watch.h. */
#include "poolctl/watch.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "model/json.h"
#include "poolctl/screen.h"

/* Longer lines are not shown: the largest description and user data fit. */
#define LINE_MAX_BYTES 262144
/* poll(2) tells of changes; this is for what it might miss. */
#define PATIENCE_MS 2000

/* "state: Stopped -> Running, hostUuid: ... " */
static void print_changes(const json_t *changes)
{
	const char *name;
	const json_t *change;
	int count = 0;

	json_object_foreach_const (changes, name, change) {
		_cleanup_free_ char *from = screen_value(json_object_get(change, "from"));
		_cleanup_free_ char *to = screen_value(json_object_get(change, "to"));

		printf("%s%s: %s%s%s", count++ ? ", " : " ", name, from ? from : "",
		       json_object_get(change, "from") ? " -> " : "", to ? to : "");
	}
}

static void print_state(const json_t *changes)
{
	_cleanup_free_ char *state = screen_value(json_object_get(json_object_get(changes, "state"), "to"));

	if (state && *state)
		printf(" state: %s", state);
}

static void print_event(const json_t *event)
{
	_cleanup_free_ char *name = screen_value(json_object_get(event, "name"));
	bool created = strcmp(member_text(event, "event"), "created") == 0;

	printf("%s  %-8s %s %s", member_text(event, "time"), member_text(event, "event"),
	       member_text(event, "kind"), name && *name ? name : member_text(event, "uuid"));
	/* Of something new all members are changes; a job may have ended in the same moment. */
	if (created)
		print_state(json_object_get(event, "changes"));
	else
		print_changes(json_object_get(event, "changes"));
	putchar('\n');
	(void)fflush(stdout);
}

/* Prints the whole lines in @text that are about @uuid (NULL: all); returns how many bytes they have. */
static size_t take_lines(const char *text, size_t len, const char *uuid)
{
	size_t taken = 0;
	const char *end;

	while ((end = memchr(text + taken, '\n', len - taken))) {
		_cleanup_json_ json_t *event =
			json_loadb(text + taken, (size_t)(end - text) - taken, 0, NULL);

		if (event && (!uuid || strcmp(member_text(event, "uuid"), uuid) == 0))
			print_event(event);
		taken = (size_t)(end - text) + 1;
	}
	return taken;
}

int watch_run(const struct tree *t, int argc, char **argv, struct error *e)
{
	char path[TREE_PATH_SIZE];
	const char *uuid = NULL;
	_cleanup_free_ char *text = malloc(LINE_MAX_BYTES);
	_cleanup_close_ int fd = openat(t->root, "events", O_RDONLY | O_CLOEXEC);
	size_t len = 0, taken;
	ssize_t n;

	if (argc > 0) {
		int r = tree_find(t, argv[0], NULL, NULL, path, NULL, e);

		if (r < 0)
			return r;
		uuid = strrchr(path, '/') + 1;
	}
	if (!text)
		return error_oom(e);
	if (fd < 0)
		return error_set(e, errno, "cannot read 'events': %s", strerror(errno));
	if (lseek(fd, 0, SEEK_END) < 0)
		return error_set(e, errno, "cannot read 'events': %s", strerror(errno));
	for (;;) {
		struct pollfd poller = {.fd = fd, .events = POLLIN};

		n = read(fd, text + len, LINE_MAX_BYTES - len);
		if (n < 0)
			return error_set(e, errno, "cannot read 'events': %s", strerror(errno));
		len += (size_t)n;
		taken = take_lines(text, len, uuid);
		if (!taken && len == LINE_MAX_BYTES)
			taken = len;
		memmove(text, text + taken, len - taken);
		len -= taken;
		if (n == 0)
			(void)poll(&poller, 1, PATIENCE_MS);
	}
}
