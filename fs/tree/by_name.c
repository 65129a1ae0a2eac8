/* SPDX-License-Identifier: Apache-2.0 */
/* See by_name.h. */
#include "fs/tree/by_name.h"

#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/permissions.h"
#include "model/text_hash.h"

/*
 * Bits per object for the names that a walk has met: of the names that are new to it, all but some in a hundred are known
 * to be without a search in the index, each step of which would be a miss of the processor's caches.
 */
#define MET_BITS 16

struct ranks {
	void *tree;	  /* of struct rank, by kind and name */
	uint64_t version; /* of the view in which they were counted */
	/* Of a walk over a kind from its beginning: the bits of the hashes of the names, up to that of the row `met_until`. */
	uint64_t *met; /* owned; NULL: it has not begun */
	size_t met_bits;
	int64_t met_until;
};

/* How far the objects of one name have been counted. */
struct rank {
	const struct object *o; /* owned; the last one counted */
	unsigned rank;		/* its number; 0: none has been counted yet */
};

static int rank_compare(const void *a, const void *b)
{
	const struct object *x = ((const struct rank *)a)->o, *y = ((const struct rank *)b)->o;

	return x->kind->id != y->kind->id ? (int)x->kind->id - (int)y->kind->id
					  : strcmp(object_name(x), object_name(y));
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

static void ranks_clear(struct ranks *ranks)
{
	tdestroy(ranks->tree, rank_free);
	ranks->tree = NULL;
}

void ranks_free(struct ranks *ranks)
{
	if (!ranks)
		return;
	ranks_clear(ranks);
	free(ranks->met);
	free(ranks);
}

/*
 * Notes that a walk comes from row @after to @o. True: it has met no name like that of @o. False: it may have, or another
 * process has begun the walk.
 */
static bool ranks_meet(struct ranks *ranks, const struct view *view, const struct object *o, int64_t after)
{
	uint64_t bit, *word;
	bool is_new;

	if (!ranks || after > ranks->met_until || !object_name(o))
		return false;
	if (!ranks->met) {
		ranks->met_bits = (view_count(view, o->kind->id) + 1) * MET_BITS;
		ranks->met = calloc(ranks->met_bits / 64 + 1, sizeof(*ranks->met));
		if (!ranks->met)
			return false;
	}
	bit = (uint64_t)((unsigned __int128)text_hash(object_name(o)) * ranks->met_bits >> 64);
	word = &ranks->met[bit / 64];
	bit = UINT64_C(1) << bit % 64;
	is_new = !(*word & bit);
	*word |= bit;
	if (o->id > ranks->met_until)
		ranks->met_until = o->id;
	return is_new;
}

/* The walk is at its end: what it has met is not needed, and who goes back to its middle is to search. */
static void ranks_forget(struct ranks *ranks)
{
	if (!ranks)
		return;
	free(steal(&ranks->met));
	ranks->met_until = 0;
}

/* How far the objects named like @o have been counted in @view; NULL if out of memory. */
static struct rank *ranks_get(struct ranks *ranks, const struct view *view, const struct object *o)
{
	struct rank *made = calloc(1, sizeof(*made));
	struct rank **found;

	if (!made)
		return NULL;
	if (ranks->version != view_version(view)) {
		ranks_clear(ranks);
		ranks->version = view_version(view);
	}
	made->o = o;
	found = tsearch(made, &ranks->tree, rank_compare);
	if (found && *found == made)
		object_ref(o);
	else
		free(made);
	return found ? *found : NULL;
}

/* The object after row @after with the name of @named that the caller sees. */
static const struct object *next_named(const struct place *dir, const struct object *named, int64_t after)
{
	const struct object *o;

	do {
		o = view_next_where(dir->view, named->kind->id, named->kind->name_field, object_name(named),
				    after);
		after = o ? o->id : 0;
	} while (o && !place_shows(dir, o));
	return o;
}

/*
 * Counts the objects with the name of @named that the caller sees, in order of creation, up to the one with row @id
 * or up to number @limit. Continues where an earlier call for the same caller left off, see @ranks (or NULL). Returns
 * the last object counted, and its number.
 */
static const struct object *count_named(const struct place *dir, const struct object *named,
					struct ranks *ranks, int64_t id, unsigned limit, unsigned *ret_number)
{
	const struct view *view = dir->view;
	struct rank *seen = ranks ? ranks_get(ranks, view, named) : NULL;
	const struct object *at = NULL, *next;
	unsigned number = 0;

	if (seen && seen->rank && seen->rank <= limit && seen->o->id <= id) {
		at = seen->o;
		number = seen->rank;
	}
	while (number < limit && (!at || at->id < id)) {
		next = next_named(dir, named, at ? at->id : 0);
		if (!next)
			break;
		at = next;
		number++;
	}
	if (seen && at) {
		object_ref(at);
		object_unref(seen->o);
		seen->o = at;
		seen->rank = number;
	}
	*ret_number = number;
	return at;
}

static unsigned rank_of(const struct place *dir, const struct object *o)
{
	unsigned number;

	if (!view_has_candidate_before(dir->view, o->kind->id, o->kind->name_field, object_name(o), o->id))
		return 1;
	(void)count_named(dir, o, dir->ranks, o->id, UINT_MAX, &number);
	return number;
}

/* Object number @rank of those with the name; NULL if there are fewer. */
static const struct object *nth_named(const struct place *dir, const char *name, unsigned rank)
{
	const struct object *o = view_next_where(dir->view, dir->kind->id, dir->kind->name_field, name, 0);
	unsigned number;

	if (o && !place_shows(dir, o))
		o = next_named(dir, o, o->id);
	if (!o || rank == 1)
		return o;
	/* The counts that lookups share are those of the administrator. */
	o = count_named(dir, o, dir->caller.limited ? NULL : dir->fs->ranks, INT64_MAX, rank, &number);
	return number == rank ? o : NULL;
}

/* @is_first: no object of its name has come before. */
static bool link_name(const struct place *dir, const struct object *o, bool is_first,
		      char ret_name[NAME_SIZE])
{
	const char *text = object_str(o, o->kind->name_field);

	return text && *text &&
	       name_encode_rank(text, object_uuid(o), is_first ? 1 : rank_of(dir, o), ret_name);
}

bool name_link_name(const struct place *dir, const struct object *o, char ret_name[NAME_SIZE])
{
	return link_name(dir, o, false, ret_name);
}

static struct node link_node(const struct object *o)
{
	return (struct node){.kind = o->kind->id, .row = o->id, .class = N_NAME_LINK};
}

int64_t name_links_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	const struct object *o;

	for (; (o = place_next_object(dir, dir->kind->name_field, after)); after = o->id) {
		bool is_new = ranks_meet(dir->ranks, dir->view, o, after);

		if (place_shows(dir, o) && link_name(dir, o, is_new, ret_name)) {
			*ret = link_node(o);
			return o->id;
		}
	}
	ranks_forget(dir->ranks);
	return 0;
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
		if (o && (!place_shows(dir, o) || !name_link_name(dir, o, again) || strcmp(again, name) != 0))
			o = NULL;
	} else {
		o = nth_named(dir, n.text, n.rank);
	}
	if (o)
		*ret = link_node(o);
	return o != NULL;
}
