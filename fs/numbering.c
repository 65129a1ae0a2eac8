/* SPDX-License-Identifier: Apache-2.0 */
/* See numbering.h. */
#include "fs/numbering.h"

#include <string.h>

#include "actions/engine/operation.h"
#include "fs/table.h"
#include "fs/tree/folder.h"
#include "fs/tree/node.h"
#include "model/keep.h"
#include "model/kind.h"

static void write_classes(FILE *out)
{
	fputs("classes", out);
	for (int i = 0; i < NODE_CLASS_COUNT; i++)
		fprintf(out, "|%s", node_table[i].name ? node_table[i].name : node_table[i].help);
	fputs("|\n", out);
}

static void write_kinds(FILE *out)
{
	fputs("kinds", out);
	for (int i = 0; i < KIND_COUNT; i++)
		fprintf(out, "|%s", i ? kind_get((enum kind_id)i)->name : "");
	fputs("|\n", out);
	for (int i = 1; i < KIND_COUNT; i++) {
		const struct kind *kind = kind_get((enum kind_id)i);

		fprintf(out, "%s", kind->name);
		for (int j = 0; j < kind->field_count; j++)
			fprintf(out, "|%s", kind->fields[j].name);
		fputs("|\n", out);
	}
}

static void write_folders(FILE *out)
{
	const struct folder *folder;

	fputs("folders", out);
	for (unsigned i = 1; (folder = folder_get(i)); i++)
		fprintf(out, "|%s", folder->path);
	fputs("|\n", out);
}

/* Of them only those have files with a number that are read. */
static void write_operations(FILE *out)
{
	fputs("operations", out);
	for (int i = 0; operations()[i]; i++)
		if (operations()[i]->form == FORM_GET || operations()[i]->form == FORM_COLLECTION_GET)
			fprintf(out, "|%d:%s", i, operations()[i]->name);
	fputs("|\n", out);
}

/* A text with a line for each list, owned by the caller; NULL without memory. */
static char *numbering_text(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	write_classes(out);
	write_folders(out);
	write_operations(out);
	write_kinds(out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

bool numbering_continues(const char *former, const char *present)
{
	while (*former) {
		size_t len = strcspn(former, "\n"), rest = strcspn(present, "\n");

		if (rest < len || memcmp(former, present, len) != 0)
			return false;
		former += len + (former[len] == '\n');
		present += rest + (present[rest] == '\n');
	}
	return true;
}

int numbering_keep(struct keep *keep, struct error *e)
{
	_cleanup_free_ char *text = numbering_text();
	int r = text ? keep_set(keep, KEEP_NUMBERING, 0, text, strlen(text)) : -ENOMEM;

	return r < 0 ? error_set(e, -r, "cannot keep the numbering of files: %s", strerror(-r)) : 0;
}

int numbering_check(struct keep *keep, struct error *e)
{
	size_t len;
	_cleanup_free_ char *former = keep_get(keep, KEEP_NUMBERING, 0, &len);
	_cleanup_free_ char *present = numbering_text();

	if (!present)
		return error_oom(e);
	if (!former || numbering_continues(former, present))
		return 0;
	return error_set(
		e, EPROTO,
		"this version of poolfs numbers files in another way than the one that is mounted, so what is "
		"open cannot go on: unmount the pool, and mount it again");
}
