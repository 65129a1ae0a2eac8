/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a manual page from a template, at build time.
 *
 *     usage: poolfs-manual TEMPLATE [FILE]
 *
 * A template is mdoc(7), which is copied, with lines that begin with '@': each
 * stands for a part that is made from the tables of the program, so that pages and
 * program cannot differ. @options is made of FILE, which has what the program prints
 * for --help, @configuration of a FILE that is a commented configuration.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "fs/class/guide_intro.h"
#include "fs/class/guide_operations.h"
#include "fs/class/guide_tables.h"
#include "fs/class/guide_tree.h"
#include "fs/table.h"

/* Further lines about an option begin at least so far to the right. */
#define CONTINUATION 14

static const struct fs tables = {.nodes = node_table};

static void print_files(struct guide *g)
{
	struct view *view = view_new();

	if (view)
		guide_files(g, &tables, view);
	view_unref(view);
}

static void print_kinds(struct guide *g)
{
	struct view *view = view_new();

	if (view)
		guide_kinds(g, &tables, view);
	view_unref(view);
}

static void print_introduction(struct guide *g)
{
	guide_prose(g, guide_introduction);
}

static const struct {
	const char *name;
	void (*print)(struct guide *g);
} parts[] = {
	{"@introduction", print_introduction}, {"@files", print_files},	      {"@kinds", print_kinds},
	{"@operations", guide_operations},     {"@settings", guide_settings}, {"@tags", guide_system_tags},
};

/* ----------------------------------------------------------------- options */

struct option_text {
	char term[256];
	char text[1024];
};

static void end_option(struct guide *g, struct option_text *o)
{
	if (*o->term)
		guide_item(g, o->term, NULL, o->text);
	*o = (struct option_text){0};
}

static void append(struct option_text *o, const char *text)
{
	size_t len = strlen(o->text);

	snprintf(o->text + len, sizeof(o->text) - len, "%s%s", len ? " " : "", text);
}

/* "    -o state=DIR   folder of ...": the indented lines of a help text, two blanks end the term. */
static void add_line(struct guide *g, struct option_text *o, char *line)
{
	size_t blanks = strspn(line, " ");
	char *text = line + blanks, *gap;

	text[strcspn(text, "\n")] = '\0';
	if (!blanks || !*text)
		return;
	if (blanks >= CONTINUATION) {
		append(o, text);
		return;
	}
	end_option(g, o);
	gap = strstr(text, "  ");
	if (gap) {
		*gap = '\0';
		append(o, gap + 2 + strspn(gap + 2, " "));
	}
	snprintf(o->term, sizeof(o->term), "%s", text);
}

typedef void line_fn(struct guide *g, struct option_text *o, char *line);

/* Makes a list of the lines of a file. */
static int print_list(struct guide *g, const char *path, line_fn *add)
{
	_cleanup_fclose_ FILE *f = path ? fopen(path, "r") : NULL;
	struct option_text option = {0};
	char line[512];

	if (!f)
		return -ENOENT;
	guide_list(g);
	while (fgets(line, sizeof(line), f))
		add(g, &option, line);
	end_option(g, &option);
	guide_list_end(g);
	return 0;
}

/* ----------------------------------------------------------- configuration */

/*
 * Comments begin with "# " and are about the options below them, up to a blank line; "#NAME" is an option that is
 * commented out. Comments without an option are about the whole file.
 */
static void add_setting(struct guide *g, struct option_text *o, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "# SPDX", 6) == 0)
		return;
	if (strncmp(line, "# ", 2) == 0) {
		append(o, line + 2);
	} else if (!*line || strcmp(line, "#") == 0) {
		*o = (struct option_text){0};
	} else {
		snprintf(o->term, sizeof(o->term), "%s", line + (*line == '#'));
		guide_item(g, o->term, *line == '#' ? NULL : "set", o->text);
		*o = (struct option_text){0};
	}
}

/* ---------------------------------------------------------------- template */

static int print_part(struct guide *g, const char *name, const char *file)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strcmp(parts[i].name, name) == 0) {
			parts[i].print(g);
			return 0;
		}
	if (strcmp(name, "@options") == 0)
		return print_list(g, file, add_line);
	return strcmp(name, "@configuration") == 0 ? print_list(g, file, add_setting) : -EINVAL;
}

int main(int argc, char **argv)
{
	struct guide g = {.f = stdout, .form = &guide_mdoc};
	_cleanup_fclose_ FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
	char line[1024];

	if (!f) {
		fputs("usage: poolfs-manual TEMPLATE [FILE]\n", stderr);
		return EXIT_FAILURE;
	}
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line != '@')
			fprintf(g.f, "%s\n", line);
		else if (print_part(&g, line, argc > 2 ? argv[2] : NULL) < 0) {
			fprintf(stderr, "poolfs-manual: '%s' cannot be made\n", line);
			return EXIT_FAILURE;
		}
	}
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
