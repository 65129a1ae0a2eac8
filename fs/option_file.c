/* SPDX-License-Identifier: Apache-2.0 */
/* See option_file.h. */
#include "fs/option_file.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "model/cleanup.h"

struct place {
	char *path; /* owned; NULL: no file is named */
};

static const struct fuse_opt table[] = {
	{"config=%s", offsetof(struct place, path), 0},
	{"--config=%s", offsetof(struct place, path), 0},
	FUSE_OPT_END,
};

/* Leaves all other arguments for options_parse(). */
static int keep(void *data, const char *arg, int key, struct fuse_args *out)
{
	(void)data;
	(void)arg;
	(void)key;
	(void)out;
	return 1;
}

/* @text without the space around it, in place. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

/* Appends the option in @line, if there is one, to *options, which are separated by commas. */
static int take_line(char *line, char **options, struct error *e)
{
	_cleanup_free_ char *option = NULL;
	char *name = trim(line), *equals = strchr(name, '='), *value = NULL;
	int r;

	if (*name == '\0' || *name == '#')
		return 0;
	if (equals) {
		*equals = '\0';
		value = trim(equals + 1);
		name = trim(name);
		if (*value == '\0')
			return error_set(e, EINVAL, "'%s' has no value", name);
	}
	if (*name == '\0' || *name == '-' || strpbrk(name, " \t,"))
		return error_set(e, EINVAL, "'%s' is not the name of an option; give NAME = VALUE, or NAME",
				 name);
	if (strcmp(name, "config") == 0)
		return error_set(e, EINVAL, "a file of options cannot name another one");
	r = value ? asprintf(&option, "%s=%s", name, value) : asprintf(&option, "%s", name);
	if (r < 0) {
		option = NULL;
		return error_oom(e);
	}
	return fuse_opt_add_opt_escaped(options, option) < 0 ? error_oom(e) : 0;
}

static int read_lines(FILE *f, const char *path, char **options, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int number = 0;

	while (getline(&line, &size, f) >= 0) {
		number++;
		if (take_line(line, options, &why) < 0)
			return error_set(e, why.errnum, "'%s', line %d: %s", path, number,
					 error_sentence(&why));
	}
	return ferror(f) ? error_set(e, errno, "cannot read '%s': %s", path, strerror(errno)) : 0;
}

static int insert(struct fuse_args *args, const char *path, struct error *e)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *options = NULL, *arg = NULL;
	int r;

	if (!f)
		return error_set(e, errno, "cannot read '%s': %s", path, strerror(errno));
	r = read_lines(f, path, &options, e);
	if (r < 0 || !options)
		return r;
	if (asprintf(&arg, "-o%s", options) < 0) {
		arg = NULL;
		return error_oom(e);
	}
	return fuse_opt_insert_arg(args, 1, arg) < 0 ? error_oom(e) : 0;
}

int option_file_insert(struct fuse_args *args, struct error *e)
{
	struct place place = {NULL};
	int r = fuse_opt_parse(args, &place, table, keep) < 0 ? -EINVAL : 0;

	if (r == 0 && place.path)
		r = insert(args, place.path, e);
	free(place.path);
	return r;
}
