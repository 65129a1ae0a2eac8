/* SPDX-License-Identifier: Apache-2.0 */
/* See guide.h. */
#include "fs/class/guide.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"

/* Columns of README: of the terms of a list, of its modes, and where text is broken. */
#define TERM_WIDTH 34
#define MODE_WIDTH 6
#define TEXT_WIDTH 100
/* mandoc(1) complains of lines of input that are longer than 80 bytes. */
#define MDOC_WIDTH 76

/* -------------------------------------------------------------- plain text */

static void plain_heading(struct guide *g, const char *title)
{
	fprintf(g->f, "\n%s\n\n", title);
}

/* Prints words, broken before @width, with the further lines indented. */
static void plain_wrap(struct guide *g, const char *text, int column, int indent)
{
	while (*text) {
		int len = (int)strcspn(text, " \n");

		if (column + 1 + len > TEXT_WIDTH && column > indent) {
			fprintf(g->f, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', g->f);
			column++;
		}
		fprintf(g->f, "%.*s", len, text);
		column += len;
		text += len;
		text += strspn(text, " \n");
	}
}

static void plain_text(struct guide *g, const char *text)
{
	plain_wrap(g, text, 0, 0);
	fputs("\n\n", g->f);
}

static void plain_code(struct guide *g, const char *lines)
{
	fprintf(g->f, "%s\n", lines);
}

static void plain_item(struct guide *g, const char *term, const char *mode, const char *text)
{
	fprintf(g->f, "%*s%-*s %-*s%s\n", 4 * g->depth - 4, "", TERM_WIDTH, term, MODE_WIDTH,
		mode ? mode : "", text ? text : "");
}

static void plain_list(struct guide *g, int step)
{
	if (step < 0 && g->depth == 1)
		fputc('\n', g->f);
}

const struct guide_form guide_plain = {
	.heading = plain_heading,
	.text = plain_text,
	.code = plain_code,
	.item = plain_item,
	.list = plain_list,
};

/* -------------------------------------------------------------------- mdoc */

static void mdoc_escape(FILE *f, const char *text, size_t len, bool quoted)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\\')
			fputs("\\e", f);
		else if (text[i] == '"' && quoted)
			fputs("\\(dq", f);
		else
			fputc(text[i], f);
}

/* The argument of a macro: in quotes, no word of it is a macro itself. */
static void mdoc_argument(FILE *f, const char *text)
{
	fputs(" \"", f);
	mdoc_escape(f, text, strlen(text), true);
	fputc('"', f);
}

static void mdoc_heading(struct guide *g, const char *title)
{
	fputs(".Sh", g->f);
	mdoc_argument(g->f, title);
	fputc('\n', g->f);
}

static bool ends_sentence(const char *word, size_t len)
{
	while (len && strchr(")'\"", word[len - 1]))
		len--;
	return len > 1 && strchr(".!?", word[len - 1]);
}

/* Lines of text: a sentence begins a line, none is too long or looks like a macro. */
static void mdoc_lines(struct guide *g, const char *text)
{
	size_t column = 0;

	text += strspn(text, " \n");
	while (*text) {
		size_t len = strcspn(text, " \n");
		size_t gap = strspn(text + len, " \n");

		if (column && column + 1 + len > MDOC_WIDTH) {
			fputc('\n', g->f);
			column = 0;
		}
		if (column)
			fputc(' ', g->f);
		else if (*text == '.' || *text == '\'')
			fputs("\\&", g->f);
		mdoc_escape(g->f, text, len, false);
		column += len + 1;
		if (ends_sentence(text, len) && text[len + gap]) {
			fputc('\n', g->f);
			column = 0;
		}
		text += len + gap;
	}
	if (column)
		fputc('\n', g->f);
}

static void mdoc_text(struct guide *g, const char *text)
{
	if (!g->headed)
		fputs(".Pp\n", g->f);
	mdoc_lines(g, text);
}

static void mdoc_code(struct guide *g, const char *lines)
{
	size_t common = strspn(lines, " ");

	fputs(".Bd -literal -offset indent\n", g->f);
	while (*lines) {
		size_t blanks = strspn(lines, " "), len = strcspn(lines, "\n");

		lines += blanks < common ? blanks : common;
		len -= blanks < common ? blanks : common;
		if (*lines == '.' || *lines == '\'')
			fputs("\\&", g->f);
		mdoc_escape(g->f, lines, len, false);
		fputc('\n', g->f);
		lines += len + (lines[len] == '\n');
	}
	fputs(".Ed\n", g->f);
}

static void mdoc_item(struct guide *g, const char *term, const char *mode, const char *text)
{
	fputs(".It Ic", g->f);
	mdoc_argument(g->f, term);
	if (mode) {
		fputs(" Pq", g->f);
		mdoc_argument(g->f, mode);
	}
	fputc('\n', g->f);
	if (text)
		mdoc_lines(g, text);
}

static void mdoc_list(struct guide *g, int step)
{
	fputs(step > 0 ? ".Bl -tag -width Ds\n" : ".El\n", g->f);
}

const struct guide_form guide_mdoc = {
	.heading = mdoc_heading,
	.text = mdoc_text,
	.code = mdoc_code,
	.item = mdoc_item,
	.list = mdoc_list,
};

/* ------------------------------------------------------------------- parts */

void guide_heading(struct guide *g, const char *title)
{
	g->form->heading(g, title);
	g->headed = true;
}

void guide_text(struct guide *g, const char *text)
{
	g->form->text(g, text);
	g->headed = false;
}

static void write_code(struct guide *g, const char *lines)
{
	g->form->code(g, lines);
	g->headed = false;
}

void guide_list(struct guide *g)
{
	g->form->list(g, 1);
	g->headed = false;
	g->depth++;
}

void guide_list_end(struct guide *g)
{
	g->form->list(g, -1);
	g->depth--;
}

void guide_item(struct guide *g, const char *term, const char *mode, const char *text)
{
	g->form->item(g, term, mode, text);
}

static bool is_title(const char *text)
{
	for (const char *c = text; *c; c++)
		if (islower((unsigned char)*c) || *c == '\n')
			return false;
	return *text != '\0';
}

void guide_prose(struct guide *g, const char *prose)
{
	while (*prose) {
		const char *end = strstr(prose, "\n\n");
		size_t len = end ? (size_t)(end - prose) : strlen(prose);
		_cleanup_free_ char *part = strndup(prose, len);

		if (!part)
			return; /* the text is cut; who reads it sees that */
		while (len && part[len - 1] == '\n')
			part[--len] = '\0';
		if (*part == ' ') {
			_cleanup_free_ char *lines = NULL;

			if (asprintf(&lines, "%s\n", part) < 0)
				return;
			write_code(g, lines);
		} else if (is_title(part)) {
			guide_heading(g, part);
		} else {
			guide_text(g, part);
		}
		if (!end)
			return;
		prose = end + 2;
	}
}
