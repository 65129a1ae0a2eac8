/* SPDX-License-Identifier: Apache-2.0 */
/* See by_name.h. */
#include "by_name.h"

#include <search.h>
#include <string.h>

struct ranks {
	void *tree; /* of struct rank, by name */
};

struct rank {
	const struct object *o; /* owned; the last one seen with its name */
	unsigned rank;
};

static int rank_compare(const void *a, const void *b)
{
	return strcmp(object_name(((const struct rank *)a)->o), object_name(((const struct rank *)b)->o));
}

static void rank_free(void *rank)
{
	object_unref(((struct rank *)rank)->o);
	free(rank);
}

struct ranks *ranks_new(void)
{
	return calloc(1, sizeof(struct ranks));
}

void ranks_free(struct ranks *ranks)
{
	if (!ranks)
		return;
	tdestroy(ranks->tree, rank_free);
	free(ranks);
}

/* Where in the walk the counting of the objects named like @o may go on. */
static struct rank *ranks_get(struct ranks *ranks, const struct object *o)
{
	struct rank *made = calloc(1, sizeof(*made));
	struct rank **found;

	if (!made)
		return NULL;
	made->o = o;
	found = tsearch(made, &ranks->tree, rank_compare);
	if (found && *found == made)
		object_ref(o);
	else
		free(made);
	return found ? *found : NULL;
}

/* The how many-th of its name is @o? Counting goes on from what an earlier call left in @ranks (or NULL). */
static unsigned rank_of(const struct view *view, const struct object *o, struct ranks *ranks)
{
	int field = o->kind->name_field;
	const char *name = object_str(o, field);
	struct rank *seen;
	unsigned rank = 0;
	int64_t id = 0;

	if (view_count_where(view, o->kind->id, field, name) <= 1)
		return 1;
	seen = ranks ? ranks_get(ranks, o) : NULL;
	if (seen && seen->rank && seen->o->id <= o->id) {
		rank = seen->rank;
		id = seen->o->id;
	}
	while (id < o->id) {
		const struct object *next = view_next_where(view, o->kind->id, field, name, id);

		if (!next)
			break;
		rank++;
		id = next->id;
	}
	if (seen) {
		object_ref(o);
		object_unref(seen->o);
		seen->o = o;
		seen->rank = rank;
	}
	return rank;
}

bool name_link_name(const struct place *dir, const struct object *o, char ret_name[NAME_SIZE])
{
	const char *text = object_str(o, o->kind->name_field);

	return text && *text &&
	       name_encode_rank(text, object_uuid(o), rank_of(dir->view, o, dir->ranks), ret_name);
}

static struct node link_node(const struct object *o)
{
	return (struct node){.kind = o->kind->id, .row = o->id, .class = N_NAME_LINK};
}

int64_t name_links_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	const struct object *o = view_next(dir->view, dir->kind->id, after);

	while (o && !name_link_name(dir, o, ret_name))
		o = view_next(dir->view, dir->kind->id, o->id);
	if (!o)
		return 0;
	*ret = link_node(o);
	return o->id;
}

bool name_links_find(const struct place *dir, const char *name, struct node *ret)
{
	const struct object *o = NULL;
	char again[NAME_SIZE];
	struct name n;

	if (!name_decode(name, &n))
		return false;
	if (n.uuid[0]) {
		o = view_get(dir->view, dir->kind->id, n.uuid);
		if (o && (!name_link_name(dir, o, again) || strcmp(again, name) != 0))
			o = NULL;
	} else {
		int64_t id = 0;

		for (unsigned i = 0; i < n.rank; i++) {
			o = view_next_where(dir->view, dir->kind->id, dir->kind->name_field, n.text, id);
			if (!o)
				return false;
			id = o->id;
		}
	}
	if (o)
		*ret = link_node(o);
	return o != NULL;
}
