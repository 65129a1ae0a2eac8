/* SPDX-License-Identifier: Apache-2.0 */
/* See notices.h. */
#include "fs/tell/notices.h"

#include <string.h>

#include "fs/tree/class.h"
#include "fs/tree/links.h"
#include "model/render.h"

/* More directories than any object is in: collection, by-name, some sub-collections, jobs or tags. */
#define ENTRIES_MAX 16

struct maker {
	const struct fs *fs;
	const struct view *told, *now;
	notice_fn *fn;
	void *arg;
	bool ended; /* the receiver has stopped it */
};

/* A name in a directory. */
struct entry {
	struct node dir, node;
	char name[NAME_SIZE];
};

struct entries {
	size_t count;
	struct entry list[ENTRIES_MAX];
};

static struct node node_of(const struct object *o, enum node_class class, unsigned index)
{
	return (struct node){.kind = o->kind->id, .row = o->id, .class = class, .index = index};
}

static void give(struct maker *m, const struct notice *notice)
{
	m->ended = m->ended || !m->fn(m->arg, notice);
}

static void give_changed(struct maker *m, struct node node)
{
	give(m,
	     &(struct notice){.what = NOTICE_CHANGED, .node = node, .mode = m->fs->nodes[node.class].mode});
}

static void give_entry(struct maker *m, enum notice_what what, struct node dir, struct node node,
		       const char *name, bool inner)
{
	struct notice notice = {.what = what,
				.dir = dir,
				.node = node,
				.mode = m->fs->nodes[node.class].mode,
				.inner = inner};

	/* Watching a directory takes no more than the permission to read it, and these names are not for all. */
	if (dir.class == N_BY_NAME && m->fs->has_others)
		return;
	snprintf(notice.name, sizeof(notice.name), "%s", name);
	give(m, &notice);
}

/* ------------------------------------------------------- where an object is */

/* The collection of a kind; NULL if it has none. */
static const struct folder *folder_of(const struct kind *kind)
{
	const struct folder *f;

	for (unsigned i = 1; (f = folder_get(i)); i++)
		if (f->kind == kind)
			return f;
	return NULL;
}

static struct node folder_node(const struct folder *f, enum node_class class)
{
	return (struct node){.class = class, .index = f->number};
}

static bool has_names(const struct kind *kind)
{
	return kind->directory && kind->name_field >= 0 && kind->id != KIND_GLOBAL_CONFIG;
}

static void add(struct entries *entries, struct node dir, struct node node, const char *name)
{
	struct entry *e = &entries->list[entries->count];

	if (entries->count == ENTRIES_MAX)
		return;
	entries->count++;
	*e = (struct entry){.dir = dir, .node = node};
	snprintf(e->name, sizeof(e->name), "%s", name);
}

/* True if the name is truncated: the link then has the uuid, and is independent of equal names. */
static bool has_own_link(const struct object *o, char ret_name[NAME_SIZE])
{
	struct name n;

	return name_encode_rank(object_text(o, o->kind->name_field), object_uuid(o), 1, ret_name) &&
	       name_decode(ret_name, &n) && n.uuid[0];
}

static void add_home(struct entries *entries, const struct object *o)
{
	const struct folder *folder = folder_of(o->kind);
	char name[NAME_SIZE];

	/* Settings are neither created nor deleted. */
	if (!folder || o->kind->id == KIND_GLOBAL_CONFIG)
		return;
	add(entries, folder_node(folder, N_FOLDER),
	    node_of(o, kind_is_inside(o->kind, NULL) ? N_HOME_LINK : N_OBJECT, 0), object_uuid(o));
	if (has_names(o->kind) && has_own_link(o, name))
		add(entries, folder_node(folder, N_BY_NAME), node_of(o, N_NAME_LINK, 0), name);
}

/* In the sub-collections of its owners. */
static void add_subs(struct entries *entries, const struct view *view, const struct object *o)
{
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		for (int i = 0; i < kind_get((enum kind_id)k)->field_count; i++) {
			const struct field *f = &kind_get((enum kind_id)k)->fields[i];
			const struct object *owner;
			const char *name;
			bool is_home;

			if (f->target != o->kind->id || !field_is_sub(f) || (f->flags & F_HIDDEN))
				continue;
			owner = view_get(view, (enum kind_id)k, object_str(o, f->target_field));
			name = sub_uuid(view, f, o);
			is_home = kind_is_inside(field_sub_kind(f), NULL);
			if (owner && name)
				add(entries, node_of(owner, N_SUB, (unsigned)i),
				    is_home ? node_of(o, N_OBJECT, 0)
					    : node_of(o, N_SUB_LINK, sub_number((enum kind_id)k, i)),
				    name);
		}
}

/* Among the jobs or tags of another. */
static void add_attached(struct entries *entries, const struct view *view, const struct object *o)
{
	enum kind_id id = o->kind->id;
	int field = id == KIND_JOB	    ? JOB_RESOURCE_UUID
		    : id == KIND_SYSTEM_TAG ? SYSTEM_TAG_RESOURCE_UUID
		    : id == KIND_USER_TAG   ? USER_TAG_RESOURCE_UUID
					    : -1;
	const struct object *owner = field >= 0 ? view_get_any(view, object_str(o, field)) : NULL;

	if (owner)
		add(entries, node_of(owner, id == KIND_JOB ? N_JOBS : N_TAGS, 0),
		    node_of(o, id == KIND_JOB ? N_JOB : N_TAG, 0), object_uuid(o));
}

static void entries_find(struct entries *entries, const struct view *view, const struct object *o)
{
	entries->count = 0;
	if (!o)
		return;
	add_home(entries, o);
	add_subs(entries, view, o);
	add_attached(entries, view, o);
}

static bool has_entry(const struct entries *entries, const struct entry *e)
{
	for (size_t i = 0; i < entries->count; i++)
		if (node_pack(entries->list[i].dir) == node_pack(e->dir) &&
		    node_pack(entries->list[i].node) == node_pack(e->node) &&
		    strcmp(entries->list[i].name, e->name) == 0)
			return true;
	return false;
}

/* Entries in @some but not in @others were created or deleted, as @what says. */
static void give_missing(struct maker *m, enum notice_what what, const struct entries *some,
			 const struct entries *others)
{
	for (size_t i = 0; i < some->count && !m->ended; i++)
		if (!has_entry(others, &some->list[i]))
			give_entry(m, what, some->list[i].dir, some->list[i].node, some->list[i].name, false);
}

/* --------------------------------------------------------- inside an object */

/* All files of a deleted object. */
static void give_contents_gone(struct maker *m, const struct object *o)
{
	char name[NAME_SIZE];
	struct place dir, p;

	place_init(m->fs, m->told, node_of(o, N_OBJECT, 0), &dir);
	for (int64_t at = 0; !m->ended && place_next(&dir, at, &at, name, &p);)
		if (!p.entry->io->create) /* not files of users */
			give_entry(m, NOTICE_GONE, dir.node, p.node, name, true);
}

/* Links to other objects: a link with a new target is a new link. */
static void give_references(struct maker *m, const struct object *before, const struct object *after)
{
	static const enum notice_what what[] = {NOTICE_GONE, NOTICE_MADE};
	const struct object *sides[] = {before, after};
	const struct view *views[] = {m->told, m->now};
	const struct node_entry *references = &m->fs->nodes[N_REFERENCE];

	for (int side = 0; side < 2; side++) {
		struct place dir;
		struct node node;
		char name[NAME_SIZE];

		place_init(m->fs, views[side], node_of(sides[side], N_OBJECT, 0), &dir);
		for (int64_t at = 0; !m->ended && (at = references->next(&dir, at, name, &node));)
			if (!object_field_equal(before, after, (int)node.index))
				give_entry(m, what[side], dir.node, node, name, false);
	}
}

/* @before: NULL = any of them may have changed. */
static void give_values(struct maker *m, const struct object *before, const struct object *after)
{
	for (int i = 0; i < after->kind->field_count; i++)
		if (!(after->kind->fields[i].flags & F_HIDDEN) &&
		    (!before || render_value_mtime(before, i) != render_value_mtime(after, i)))
			give_changed(m, node_of(after, N_VALUE, (unsigned)i));
	give_changed(m, node_of(after, N_INVENTORY, 0));
	if (m->fs->nodes[N_ACTIONS].here(&(struct place){.kind = after->kind}))
		give_changed(m, node_of(after, N_ACTIONS, 0));
	if (m->fs->nodes[N_SPEC].here(&(struct place){.kind = after->kind}))
		give_changed(m, node_of(after, N_SPEC, 0));
	if (after->kind->id == KIND_SYSTEM_TAG || after->kind->id == KIND_USER_TAG)
		give_changed(m, node_of(after, N_TAG, 0));
}

static void give_object(struct maker *m, const struct object *before, const struct object *after)
{
	struct entries was, is;

	if (!before && !after)
		return;
	entries_find(&was, m->told, before);
	entries_find(&is, m->now, after);
	if (before && !after)
		give_contents_gone(m, before);
	give_missing(m, NOTICE_GONE, &was, &is);
	give_missing(m, NOTICE_MADE, &is, &was);
	if (before && after && before->changed != after->changed) {
		give_references(m, before, after);
		give_values(m, before, after);
	}
}

/* ------------------------------------------------------------------ by-name */

/* A name that an object has received or given up. */
struct named {
	const struct kind *kind;
	const char *text; /* borrowed from a view */
};

static int named_compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return x->kind->id != y->kind->id ? (int)x->kind->id - (int)y->kind->id : strcmp(x->text, y->text);
}

static unsigned count_named(const struct view *view, const struct named *n)
{
	unsigned count = 0;

	view_for_each_where (o, view, n->kind->id, n->kind->name_field, n->text)
		count++;
	return count;
}

/* Reports, as @what, the links of the objects of that name in @view from number @from on. */
static void give_links(struct maker *m, enum notice_what what, const struct view *view, const struct named *n,
		       unsigned from)
{
	const struct folder *folder = folder_of(n->kind);
	unsigned rank = 0;
	char name[NAME_SIZE];

	view_for_each_where (o, view, n->kind->id, n->kind->name_field, n->text)
		if (++rank >= from && folder && !m->ended &&
		    name_encode_rank(n->text, object_uuid(o), rank, name))
			give_entry(m, what, folder_node(folder, N_BY_NAME), node_of(o, N_NAME_LINK, 0), name,
				   false);
}

/* Links are numbered within a name, so the objects with the name are counted; it does not matter which
 * changed. */
static void give_names(struct maker *m, struct named *list, size_t count)
{
	if (count)
		qsort(list, count, sizeof(*list), named_compare);
	for (size_t i = 0; i < count && !m->ended; i++) {
		unsigned were, are;

		if (i && named_compare(&list[i - 1], &list[i]) == 0)
			continue;
		were = count_named(m->told, &list[i]);
		are = count_named(m->now, &list[i]);
		if (were > are)
			give_links(m, NOTICE_GONE, m->told, &list[i], are + 1);
		else if (are > were)
			give_links(m, NOTICE_MADE, m->now, &list[i], were + 1);
	}
}

static void note_name(struct named *list, size_t *count, const struct object *o, const struct object *other)
{
	char name[NAME_SIZE];

	if (!o || !has_names(o->kind) || !*object_text(o, o->kind->name_field) ||
	    (other && object_field_equal(o, other, o->kind->name_field)) || has_own_link(o, name))
		return;
	list[(*count)++] = (struct named){o->kind, object_text(o, o->kind->name_field)};
}

/* -------------------------------------------------------------- collections */

static void give_collection(struct maker *m, const struct kind *kind, bool lost)
{
	const struct folder *folder = folder_of(kind);

	if (!folder)
		return;
	give_changed(m, folder_node(folder, N_INVENTORIES));
	if (lost)
		give_changed(m, folder_node(folder, N_FOLDER));
	if (lost && has_names(kind))
		give_changed(m, folder_node(folder, N_BY_NAME));
}

/* There is something new in the file `events` of a reader. */
static void give_events(void *maker, int64_t reader)
{
	struct maker *m = maker;

	give_changed(m, (struct node){.class = N_EVENTS,
				      .row = event_log_first(m->fs->events),
				      .index = (unsigned)reader});
}

bool notices_make(const struct fs *fs, const struct view *told, const struct view *now,
		  const struct touched *touched, notice_fn *fn, void *arg)
{
	struct maker m = {.fs = fs, .told = told, .now = now, .fn = fn, .arg = arg};
	_cleanup_free_ struct named *names = calloc(2 * touched->count + 1, sizeof(*names));
	bool seen[KIND_COUNT] = {false}, lost[KIND_COUNT];
	size_t name_count = 0;

	memcpy(lost, touched->lost, sizeof(lost));
	for (size_t i = 0; i < touched->count && !m.ended; i++) {
		const struct object *before, *after;
		struct node node;

		if (!node_unpack(touched->objects[i], &node))
			continue;
		seen[node.kind] = true;
		if (lost[node.kind])
			continue;
		before = view_get_id(told, node.kind, node.row);
		after = view_get_id(now, node.kind, node.row);
		/* what memory is too short to tell of is lost, not gone or unchanged */
		lost[node.kind] = !names || (!before && view_has_id(told, node.kind, node.row)) ||
				  (!after && view_has_id(now, node.kind, node.row));
		if (lost[node.kind])
			continue;
		give_object(&m, before, after);
		note_name(names, &name_count, before, after);
		note_name(names, &name_count, after, before);
	}
	give_names(&m, names, name_count);
	for (int k = KIND_NONE + 1; k < KIND_COUNT && !m.ended; k++)
		if (seen[k] || lost[k])
			give_collection(&m, kind_get((enum kind_id)k), lost[k]);
	if (!m.ended)
		event_log_take_news(fs->events, give_events, &m);
	return !m.ended;
}

bool notices_make_untold(const struct fs *fs, const struct view *now, const uint64_t *objects, size_t count,
			 notice_fn *fn, void *arg)
{
	struct maker m = {.fs = fs, .told = now, .now = now, .fn = fn, .arg = arg};

	for (int k = KIND_NONE + 1; k < KIND_COUNT && !m.ended; k++)
		give_collection(&m, kind_get((enum kind_id)k), true);
	for (size_t i = 0; i < count && !m.ended; i++) {
		struct node node;
		const struct object *o;

		if (!node_unpack(objects[i], &node) || !node.row)
			continue;
		o = view_get_id(now, node.kind, node.row);
		if (o)
			give_values(&m, NULL, o);
	}
	return !m.ended;
}
