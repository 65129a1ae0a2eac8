/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over the node table. See place.h. */
#include "fs/tree/place.h"

#include <string.h>

#include "fs/tree/class.h"
#include "fs/tree/permissions.h"
#include "fs/tree/queries.h"

/* Positions in a directory: the class of the last entry above its number in the family. */
#define FAMILY_BITS 40

static const struct object *find_object(const struct view *view, struct node node)
{
	return node.row && node.kind != KIND_NONE ? view_get_id(view, node.kind, node.row) : NULL;
}

/* @o: the object of the node. */
static void init(const struct fs *fs, const struct view *view, struct node node, const struct object *o,
		 struct place *ret)
{
	*ret = (struct place){
		.fs = fs, .view = view, .node = node, .entry = &fs->nodes[node.class], .object = o};
	if (node.kind != KIND_NONE)
		ret->kind = kind_get(node.kind);
	switch (ret->entry->index) {
	case INDEX_FOLDER:
		ret->folder = folder_get(node.index);
		ret->kind = ret->folder->kind;
		ret->op = ret->folder->create;
		break;
	case INDEX_FIELD:
		ret->field = &ret->kind->fields[node.index];
		break;
	case INDEX_OPERATION:
		ret->op = operations()[node.index];
		break;
	case INDEX_NONE:
		break;
	}
}

void place_init(const struct fs *fs, const struct view *view, struct node node, struct place *ret)
{
	init(fs, view, node, find_object(view, node), ret);
}

/* False when memory was short for the object. */
static bool is_whole(const struct place *p)
{
	return p->object || !p->node.row || p->node.kind == KIND_NONE ||
	       !view_has_id(p->view, p->node.kind, p->node.row);
}

static bool is_here(const struct node_entry *entry, const struct place *dir)
{
	return (entry->in & IN(dir->node.class)) && (!entry->here || entry->here(dir));
}

bool place_has(const struct place *dir, enum node_class class)
{
	return is_here(&dir->fs->nodes[class], dir);
}

const char *place_name(const struct place *p)
{
	if (p->entry->name)
		return p->entry->name;
	if (p->entry->index == INDEX_FIELD && p->field)
		return p->field->name;
	return p->op ? p->op->where : NULL;
}

const struct file_class *place_creates(const struct place *dir)
{
	for (int class = 0; class < NODE_CLASS_COUNT; class ++)
		if (dir->fs->nodes[class].io->create && place_has(dir, (enum node_class) class))
			return dir->fs->nodes[class].io;
	return NULL;
}

static unsigned operation_count(void)
{
	unsigned count = 0;

	while (operations()[count])
		count++;
	return count;
}

/* Is the index valid for a node that belongs to no object? */
static bool index_is_sane(const struct node_entry *entry, unsigned index)
{
	if (entry->index == INDEX_FOLDER)
		return folder_get(index) != NULL;
	return entry->index != INDEX_OPERATION || index < operation_count();
}

/*
 * Could a lookup have returned this number? The kernel only sends numbers that it was given; file handles
 * from elsewhere may hold any, and no other code need care about invalid ones.
 */
static bool node_is_sane(const struct fs *fs, const struct view *view, struct node n)
{
	const struct node_entry *entry = &fs->nodes[n.class];
	struct node parent = n, same;
	struct place dir;
	char name[NAME_SIZE];

	if (!entry->kinds && (n.kind != KIND_NONE || n.row || !index_is_sane(entry, n.index)))
		return false;
	if (entry->kinds && (!n.row || !(entry->kinds & OF(n.kind))))
		return false;
	/* Objects of the other kinds have no files, unless the row names the kind. (Links may be such objects.) */
	if (entry->kinds == OF_ANY && !S_ISLNK(entry->mode) && !kind_get(n.kind)->directory)
		return false;
	/* Ask the directory, if the number alone tells which one it is. */
	if (entry->in != IN(N_FOLDER) && entry->in != IN(N_STATISTICS) && !(entry->in & IN(N_OBJECT)))
		return true;
	if (entry->kinds && entry->in == IN(N_FOLDER))
		return true;
	parent.class = entry->in == IN(N_STATISTICS) ? N_STATISTICS : entry->kinds ? N_OBJECT : N_FOLDER;
	if (entry->kinds)
		parent.index = 0;
	place_init(fs, view, parent, &dir);
	if (!is_here(entry, &dir))
		return false;
	/* The member after its predecessor must be the node itself. */
	return entry->name || (entry->next(&dir, n.index, name, &same) && same.index == n.index);
}

/* A node whose row is not that of an object. */
static int find_numbered(const struct fs *fs, const struct view *view, struct node node,
			 const struct caller *caller, struct place *ret)
{
	struct node base = node;
	int r = fs->nodes[node.class].io->is_here(fs, node, &base);

	if (r < 0)
		return r;
	if (node_pack(base) != node_pack(node)) {
		r = place_find(fs, view, node_pack(base), caller, ret);
		ret->node = node;
		ret->entry = &fs->nodes[node.class];
		return r;
	}
	place_init(fs, view, node, ret);
	if (caller)
		ret->caller = *caller;
	return 0;
}

int place_find(const struct fs *fs, const struct view *view, uint64_t ino, const struct caller *caller,
	       struct place *ret)
{
	struct node node;

	if (!node_unpack(ino, &node))
		return -ENOENT;
	if (fs->nodes[node.class].io->is_here)
		return find_numbered(fs, view, node, caller, ret);
	if (node.row && !view_has_id(view, node.kind, node.row))
		return -ESTALE;
	if (!node_is_sane(fs, view, node))
		return -ENOENT;
	place_init(fs, view, node, ret);
	if (!is_whole(ret))
		return -ENOMEM;
	if (caller)
		ret->caller = *caller;
	return 0;
}

/* The node of an entry with a fixed name. */
static struct node fixed_node(const struct place *dir, enum node_class class)
{
	struct node n = dir->node;

	n.class = class;
	if (dir->fs->nodes[class].index == INDEX_NONE)
		n.index = 0;
	return n;
}

/* `name?parameters`: a Get file with parameters, or a query over a collection. */
static int lookup_query(const struct place *dir, const char *name, const char *mark, struct place *ret)
{
	const struct node_entry *entry;
	char base[NAME_SIZE];
	int64_t number;
	int r;

	if (mark - name >= NAME_SIZE)
		return -ENAMETOOLONG;
	snprintf(base, sizeof(base), "%.*s", (int)(mark - name), name);
	r = place_lookup(dir, base, ret);
	if (r < 0)
		return r;
	entry = ret->entry;
	if (!entry->query || (entry->takes_query && !entry->takes_query(ret)))
		return -ENOENT;
	number = queries_add(dir->fs->queries, ret->node, mark + 1);
	if (number < 0)
		return (int)number;
	ret->node = (struct node){.class = entry->query, .row = number};
	ret->entry = &dir->fs->nodes[entry->query];
	return 0;
}

int place_lookup(const struct place *dir, const char *name, struct place *ret)
{
	const char *mark = strchr(name, '?');

	for (int class = 0; class < NODE_CLASS_COUNT; class ++) {
		const struct node_entry *entry = &dir->fs->nodes[class];
		struct node node;

		if (!is_here(entry, dir))
			continue;
		if (entry->name ? strcmp(entry->name, name) != 0 : !entry->find(dir, name, &node))
			continue;
		if (entry->name)
			node = fixed_node(dir, (enum node_class) class);
		place_init(dir->fs, dir->view, node, ret);
		ret->caller = dir->caller;
		return is_whole(ret) ? 0 : -ENOMEM;
	}
	return mark ? lookup_query(dir, name, mark, ret) : -ENOENT;
}

/* The directory of the only class that has the entry. */
static bool find_parent(const struct place *p, struct node *ret)
{
	const struct node_entry *dir;
	int class = 0;

	while (class < NODE_CLASS_COUNT && !(p->entry->in & IN(class)))
		class ++;
	if (p->entry->in != IN(class))
		return false;
	dir = &p->fs->nodes[class];
	*ret = class == N_ROOT ? NODE_ROOT : (struct node){.class = (enum node_class) class};
	if (dir->kinds) {
		ret->kind = p->node.kind;
		ret->row = p->node.row;
	}
	if (dir->index != INDEX_NONE)
		ret->index = p->node.index;
	return true;
}

int place_parent(const struct place *p, struct place *ret)
{
	struct node node;

	if (p->entry->parent ? !p->entry->parent(p, &node) : !find_parent(p, &node))
		return -ENOENT;
	return place_find(p->fs, p->view, node_pack(node), &p->caller, ret);
}

const struct object *place_next_object(const struct place *dir, int field, int64_t after)
{
	struct place_walk *w = dir->walk;

	if (!w)
		return view_next(dir->view, dir->kind->id, after);
	if (!w->last || w->last->id != after || w->field >= 0)
		view_walk_init_after(&w->walk, dir->view, dir->kind->id, field, after);
	w->field = -1;
	w->last = view_walk_next(&w->walk);
	return w->last;
}

const struct object *place_next_member(const struct place *dir, const struct members *m, int64_t after)
{
	struct place_walk *w = dir->walk;

	if (!w)
		return view_next_where(dir->view, m->kind, m->field, m->text, after);
	if (!w->last || w->last->id != after || w->last->kind->id != m->kind || w->field != m->field) {
		view_where_init(&w->where, dir->view, m->kind, m->field, m->text);
		w->where.after = after;
	}
	w->field = m->field;
	w->last = view_where_next(&w->where);
	return w->last;
}

/* The object of a node that was found last in @dir. */
static const struct object *found_object(const struct place *dir, struct node node)
{
	const struct object *last = dir->walk ? dir->walk->last : NULL;

	return last && last->id == node.row && last->kind->id == node.kind ? last
									   : find_object(dir->view, node);
}

bool place_next(const struct place *dir, int64_t after, int64_t *ret_position, char ret_name[NAME_SIZE],
		struct place *ret)
{
	int64_t number = after & ((INT64_C(1) << FAMILY_BITS) - 1);

	for (int class = (int)(after >> FAMILY_BITS); class < NODE_CLASS_COUNT; class ++, number = 0) {
		const struct node_entry *entry = &dir->fs->nodes[class];
		struct node node;

		if (!is_here(entry, dir))
			continue;
		if (entry->name) {
			if (number)
				continue;
			number = 1;
			node = fixed_node(dir, (enum node_class) class);
			snprintf(ret_name, NAME_SIZE, "%s", entry->name);
		} else {
			number = entry->next(dir, number, ret_name, &node);
			if (!number)
				continue;
		}
		init(dir->fs, dir->view, node, found_object(dir, node), ret);
		ret->caller = dir->caller;
		*ret_position = (int64_t) class << FAMILY_BITS | number;
		return true;
	}
	return false;
}

/* --------------------------------------------------------------- attributes */

bool place_is_slow(const struct place *p)
{
	return p->entry->io->start || p->entry->io->measure || place_has_left(p);
}

bool place_has_left(const struct place *p)
{
	if (!p->object || !S_ISREG(p->entry->mode))
		return false;
	if (p->field)
		return object_text_has_left(p->object, (int)p->node.index);
	return (p->entry->flags & E_WHOLE) && object_shown_texts_have_left(p->object);
}

const char *place_meaning(const struct place *p)
{
	return p->entry->meaning ? p->entry->meaning(p) : p->entry->help;
}

bool place_is_writable(const struct place *p)
{
	return S_ISREG(p->entry->mode) && (place_mode(p) & S_IWUSR);
}

int place_check_open(const struct place *p, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);

	return writes && !place_is_writable(p) ? -EACCES : 0;
}

bool place_readlink(const struct place *p, char ret_path[PATH_SIZE])
{
	char from[PATH_SIZE], to[PATH_SIZE];

	if (!p->entry->link || !p->entry->link(p, from, to))
		return false;
	path_relative(from, to, ret_path);
	return true;
}

void stat_fill(const struct fs *fs, struct node node, mode_t mode, size_t size, int64_t changed,
	       struct stat *ret)
{
	*ret = (struct stat){
		.st_ino = node_pack(node),
		.st_mode = mode,
		.st_nlink =
			1, /* of directories too: it means "not counted", so find(1) does not rely on it */
		.st_uid = fs->uid,
		.st_gid = fs->gid,
		.st_size = (off_t)size,
		.st_blksize = 4096,
		.st_blocks = (blkcnt_t)((size + 511) / 512),
	};
	if (!changed)
		changed = fs->born;
	ret->st_mtim = (struct timespec){changed / NS_PER_S, changed % NS_PER_S};
	ret->st_atim = ret->st_ctim = ret->st_mtim;
}

int place_stat(const struct place *p, const struct document *d, struct stat *ret)
{
	_cleanup_document_ struct document *made = NULL;
	mode_t mode = place_mode(p);
	char target[PATH_SIZE];
	int64_t changed = 0;
	size_t size = 0;

	if (p->entry->io->stat)
		return p->entry->io->stat(p, ret);
	if (S_ISLNK(mode)) {
		if (!place_readlink(p, target))
			return -ENOENT;
		size = strlen(target);
		if (p->object)
			changed = object_time(p->object, p->field ? (int)p->node.index : FIELD_UUID);
	} else if (S_ISDIR(mode)) {
		if (p->entry->changed)
			changed = p->entry->changed(p);
	} else {
		if (!d && p->entry->render && !place_is_slow(p)) {
			made = p->entry->render(p);
			d = made;
			if (!d)
				return -ENOMEM;
		}
		size = d ? d->len : 0;
		changed = d ? d->mtime : p->object ? p->object->changed : 0;
	}
	stat_fill(p->fs, p->node, mode, size, changed, ret);
	place_owner(p, &ret->st_uid, &ret->st_gid);
	return 0;
}
