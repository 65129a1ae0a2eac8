/* SPDX-License-Identifier: Apache-2.0 */
/* See listing.h. */
#include "model/listing.h"

#include <stdlib.h>
#include <string.h>

#include "model/render.h"

/*
 * What an object is known by. Whatever changes in its inventory, it has another time then, that of the
 * commit; its address says nothing, since those that rest are made again and again.
 */
struct shown {
	int64_t id, changed;
};

/* The same as long as its objects are. */
struct part {
	int64_t number;	      /* the row ids of its objects, without the lower bits */
	size_t first;	      /* of its objects in those of the listing */
	size_t count;	      /* of them */
	struct passage *text; /* owned: a line for each, after a comma and a line break */
};

struct listing {
	struct ref ref;
	struct document *document; /* owned */
	size_t object_count, part_count;
	struct part *parts; /* owned; ascending numbers */
	struct shown objects[];
};

static const char head[] = "{\"inventories\":[", tail[] = "]}\n";

static void listing_destroy(struct ref *self)
{
	struct listing *l = (struct listing *)self;

	for (size_t i = 0; i < l->part_count; i++)
		passage_unref(l->parts[i].text);
	document_unref(l->document);
	free(l->parts);
	free(l);
}

/* Lists the objects, and which part each is in. */
static struct listing *find_parts(const struct view *view, enum kind_id kind)
{
	size_t most = view_count(view, kind);
	struct listing *l = calloc(1, sizeof(*l) + most * sizeof(l->objects[0]));
	const struct object *o;
	struct view_walk walk;

	if (!l)
		return NULL;
	ref_init(&l->ref, listing_destroy);
	l->parts = calloc(most + 1, sizeof(*l->parts));
	if (!l->parts) {
		listing_unref(l);
		return NULL;
	}
	view_walk_init(&walk, view, kind, -1);
	while ((o = view_walk_next(&walk))) {
		int64_t number = o->id / LISTING_PART;

		if (!l->part_count || l->parts[l->part_count - 1].number != number)
			l->parts[l->part_count++] = (struct part){.number = number, .first = l->object_count};
		l->parts[l->part_count - 1].count++;
		l->objects[l->object_count++] = (struct shown){o->id, o->changed};
	}
	return l;
}

/* What a new listing is made of. */
struct making {
	const struct view *view;
	enum kind_id kind;
	struct keep *keep; /* or NULL */
	struct draft text; /* of the part that is being rendered */
};

/* Objects that have been removed since texts of them had left memory are left out. */
static int render_part(struct making *m, const struct listing *l, struct part *p, struct error *e)
{
	struct json_out out = {.text = &m->text};
	struct render render = {.view = m->view, .out = &out};
	struct view_walk walk;
	int r = 0;

	draft_clear(&m->text);
	view_walk_init_after(&walk, m->view, m->kind, -1, l->objects[p->first].id - 1);
	for (size_t i = 0; i < p->count && r == 0; i++) {
		_cleanup_object_ const struct object *whole = NULL;

		r = object_recall(view_walk_next(&walk), 0, &whole, e);
		if (r == -ESTALE) {
			error_done(e);
			r = 0;
			continue;
		}
		if (r < 0)
			break;
		draft_add(&m->text, ",\n", 2);
		out.follows = false;
		render_write_object(&render, NULL, whole, 0);
	}
	if (render_write_end(&render) && r == 0)
		p->text = passage_new(m->keep, m->text.d ? m->text.d->data : "", draft_len(&m->text));
	return r < 0 || p->text ? r : error_oom(e);
}

/* The text of the part in the former listing, if nothing in it has changed; *@at goes up there. NULL: there is none. */
static struct passage *former_text(const struct listing *l, const struct part *p,
				   const struct listing *former, size_t *at)
{
	const struct part *old;

	while (former && *at < former->part_count && former->parts[*at].number < p->number)
		++*at;
	if (!former || *at == former->part_count)
		return NULL;
	old = &former->parts[*at];
	if (old->number != p->number || old->count != p->count ||
	    memcmp(&former->objects[old->first], &l->objects[p->first], p->count * sizeof(l->objects[0])) !=
		    0)
		return NULL;
	return passage_ref(old->text);
}

/* The whole, of which the first object has no comma before it. */
static struct document *join(const struct listing *l, int64_t mtime)
{
	_cleanup_free_ struct piece *pieces = calloc(l->part_count + 2, sizeof(*pieces));
	_cleanup_passage_ struct passage *begin = passage_new(NULL, head, sizeof(head) - 1);
	_cleanup_passage_ struct passage *end = passage_new(NULL, tail, sizeof(tail) - 1);
	bool first = true;

	if (!pieces || !begin || !end)
		return NULL;
	pieces[0].text = begin;
	for (size_t i = 0; i < l->part_count; i++) {
		pieces[i + 1] =
			(struct piece){.text = l->parts[i].text, .skip = first && l->parts[i].text->len > 0};
		first = first && l->parts[i].text->len == 0;
	}
	pieces[l->part_count + 1].text = end;
	return document_join(pieces, l->part_count + 2, mtime);
}

int listing_new(const struct view *view, enum kind_id kind, const struct listing *former, struct keep *keep,
		struct listing **ret, struct error *e)
{
	struct making making = {.view = view, .kind = kind, .keep = keep};
	struct listing *l = find_parts(view, kind);
	size_t at = 0;
	int r = l ? 0 : error_oom(e);

	for (size_t i = 0; r == 0 && i < l->part_count; i++) {
		struct part *p = &l->parts[i];

		p->text = former_text(l, p, former, &at);
		if (!p->text)
			r = render_part(&making, l, p, e);
	}
	draft_done(&making.text);
	if (r == 0) {
		l->document = join(l, view_changed(view, kind));
		r = l->document ? 0 : error_oom(e);
	}
	if (r < 0)
		listing_unref(steal(&l));
	*ret = l;
	return r;
}

struct document *listing_document(const struct listing *l)
{
	return l->document;
}
