/* SPDX-License-Identifier: Apache-2.0 */
/* See guide_tree.h. */
#include "fs/class/guide_tree.h"

#include <string.h>

#include "actions/engine/menu.h"
#include "fs/tree/permissions.h"

/* Which entries of a directory are written. */
enum choice {
	COMMON,	 /* those that all directories of this sort have under the same name */
	SPECIAL, /* the others */
	ALL,
};

/* A folder or object has these files whatever its kind is, or has none of them. */
static bool is_common(const struct node_entry *entry)
{
	bool of_some_kinds = (entry->in & IN(N_OBJECT)) && entry->kinds && entry->kinds != OF_ANY;

	return (entry->name || entry->shown) && !of_some_kinds && entry->index != INDEX_OPERATION &&
	       entry->index != INDEX_FIELD;
}

/* Their own entries are described elsewhere. */
static bool is_described_below(enum node_class class)
{
	return class != N_OBJECT && class != N_JOB && class != N_SUB && class != N_FOLDER &&
	       class != N_CATEGORY && class != N_SCRATCH_DIR;
}

static void describe(struct guide *g, const struct place *p, const char *term)
{
	mode_t mode = place_mode(p);
	char bits[8];

	snprintf(bits, sizeof(bits), "%04o", mode & 07777);
	guide_item(g, term, S_ISLNK(mode) ? "link" : bits, place_meaning(p));
	if (p->entry->example && g->form == &guide_plain)
		fprintf(g->f, "%*se.g. %s\n", 8, "", p->entry->example);
}

/* Writes the entries of @dir, whose path is @path, in the order of the node table. */
static void describe_entries(struct guide *g, const struct place *dir, const char *path, enum choice choice)
{
	const enum node_class own = dir->node.class;

	for (int class = 0; class < NODE_CLASS_COUNT; class ++) {
		const struct node_entry *entry = &dir->fs->nodes[class];
		struct node node = dir->node;
		char name[NAME_SIZE], below[PATH_SIZE];
		struct place p;

		if (class == N_FOLDER || class == (int)own ||
		    (choice != ALL && is_common(entry) != (choice == COMMON)) ||
		    !place_has(dir, (enum node_class) class))
			continue;
		node.class = (enum node_class) class;
		for (int64_t i = 0;;) {
			if (entry->name || entry->shown)
				snprintf(name, sizeof(name), "%s", entry->name ? entry->name : entry->shown);
			else if (!(i = entry->next(dir, i, name, &node)))
				break;
			place_init(dir->fs, dir->view, node, &p);
			if (entry->shown) {
				p.kind = dir->field ? kind_get(dir->field->target) : dir->kind;
				p.node.kind = p.kind ? p.kind->id : KIND_NONE;
			}
			snprintf(below, sizeof(below), "%s%s%s", path, name, S_ISDIR(entry->mode) ? "/" : "");
			describe(g, &p, below);
			if (S_ISDIR(entry->mode) && is_described_below((enum node_class) class))
				describe_entries(g, &p, below, ALL);
			if (entry->name || entry->shown)
				break;
		}
	}
}

/* An object of the kind that need not exist. */
static void object_place(const struct fs *fs, const struct view *view, const struct kind *kind,
			 struct place *ret)
{
	const struct node node = {.class = N_OBJECT, .kind = kind->id, .row = 0};

	place_init(fs, view, node, ret);
	ret->kind = kind;
}

static void folder_place(const struct fs *fs, const struct view *view, const struct folder *folder,
			 struct place *ret)
{
	place_init(fs, view, (struct node){.class = N_FOLDER, .index = folder->number}, ret);
}

void guide_files(struct guide *g, const struct fs *fs, const struct view *view)
{
	struct place p;

	guide_heading(g, "THE ROOT");
	guide_list(g);
	place_init(fs, view, NODE_ROOT, &p);
	describe_entries(g, &p, "/", COMMON);
	describe_entries(g, &p, "/", SPECIAL);
	guide_list_end(g);

	guide_heading(g, "IN EVERY COLLECTION");
	guide_text(
		g,
		"A collection is the directory of a kind, such as vm-instances. It has those of these files "
		"that make sense for its kind.");
	guide_list(g);
	folder_place(fs, view, folder_find(NULL, kind_get(KIND_IMAGE)->directory), &p);
	describe_entries(g, &p, "", COMMON);
	guide_list_end(g);

	guide_heading(g, "IN EVERY OBJECT");
	guide_text(g, "The directory of an object is COLLECTION/<uuid>; by-name/NAME leads there.");
	guide_list(g);
	object_place(fs, view, kind_get(KIND_IMAGE), &p);
	describe_entries(g, &p, "", COMMON);
	guide_list_end(g);
	guide_text(g, "The directories below jobs/ have the files of api-jobs/<job>.");
}

/* The verbs of a kind, or what creates its objects, as lines to type. */
static void describe_operations(struct guide *g, const struct folder *folder, enum op_form form)
{
	for (const struct operation *const *op = operations(); *op; op++) {
		_cleanup_free_ char *usage = NULL;
		size_t len = 0;
		FILE *f;

		if ((*op)->form != form ||
		    (form == FORM_VERB ? !folder->kind || (*op)->kind != folder->kind->id
				       : strcmp((*op)->where, folder->path) != 0))
			continue;
		f = open_memstream(&usage, &len);
		if (!f)
			return;
		fputs(form == FORM_VERB ? (*op)->verb : "create", f);
		operation_print_parameters(*op, f);
		if (fclose(f) == 0 && g->form == &guide_plain)
			fprintf(g->f, "    %s\n        %s\n", usage, (*op)->help);
		else
			guide_item(g, usage, NULL, (*op)->help);
	}
}

/* False for a directory that only leads to others. */
static bool has_entries(const struct folder *folder)
{
	if (folder->kind || folder->create)
		return true;
	for (const struct operation *const *op = operations(); *op; op++)
		if (folder_has_get(folder, *op))
			return true;
	return false;
}

static void describe_folder(struct guide *g, const struct fs *fs, const struct view *view,
			    const struct folder *folder)
{
	char title[NAME_SIZE];
	struct place p;

	snprintf(title, sizeof(title), "%s/", folder->path);
	guide_heading(g, title);
	guide_list(g);
	folder_place(fs, view, folder, &p);
	describe_entries(g, &p, "", SPECIAL);
	describe_operations(g, folder, FORM_CREATE);
	if (folder->kind) {
		object_place(fs, view, folder->kind, &p);
		snprintf(title, sizeof(title), "%s/<uuid>/", folder->path);
		guide_item(g, title, NULL, folder->kind->noun);
		guide_list(g);
		describe_entries(g, &p, "", SPECIAL);
		describe_operations(g, folder, FORM_VERB);
		guide_list_end(g);
	}
	guide_list_end(g);
}

void guide_kinds(struct guide *g, const struct fs *fs, const struct view *view)
{
	const struct folder *folder;

	for (unsigned i = 1; (folder = folder_get(i)); i++)
		if (has_entries(folder))
			describe_folder(g, fs, view, folder);
}
