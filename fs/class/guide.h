/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guide: headings, paragraphs, examples and lists, written as plain text (README of
 * the mount) or as mdoc(7) (the manual pages). Who writes one does not know which.
 */
#ifndef POOLFS_FS_CLASS_GUIDE_H
#define POOLFS_FS_CLASS_GUIDE_H

#include <stdbool.h>
#include <stdio.h>

struct guide;

/* A form of text. All strings are UTF-8 without markup. */
struct guide_form {
	void (*heading)(struct guide *g, const char *title);
	void (*text)(struct guide *g, const char *text);
	void (*code)(struct guide *g, const char *lines);
	void (*item)(struct guide *g, const char *term, const char *mode, const char *text);
	void (*list)(struct guide *g, int step); /* +1 begins a list within the current one, -1 ends it */
};

struct guide {
	FILE *f;
	const struct guide_form *form;
	int depth;   /* of lists; kept by the functions below */
	bool headed; /* there is nothing yet below the last heading */
};

extern const struct guide_form guide_plain, guide_mdoc;

void guide_heading(struct guide *g, const char *title);
/** A paragraph. */
void guide_text(struct guide *g, const char *text);
/** A list; its items follow, until guide_list_end(). A list can be in another one. */
void guide_list(struct guide *g);
void guide_list_end(struct guide *g);
/** @mode: permissions of a file, "0644", or a word such as "verb"; NULL: none. @text may be NULL. */
void guide_item(struct guide *g, const char *term, const char *mode, const char *text);
/**
 * Several of these: blank lines separate paragraphs, a paragraph whose lines begin with blanks is an example, one
 * line of capitals is a heading.
 */
void guide_prose(struct guide *g, const char *prose);

#endif
