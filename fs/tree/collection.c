/* SPDX-License-Identifier: Apache-2.0 */
/* See collection.h. */
#include "fs/tree/collection.h"

#include "fs/tree/links.h"
#include "model/query_condition.h"
#include "model/relation.h"

/* The relation from the objects of a sub-collection to its owner, if rows of another kind link them.
 */
static const struct relation *way_back(const struct place *p)
{
	const struct relation *r = NULL;

	while ((r = relation_next(field_sub_kind(p->field), r)))
		if (r->type == RELATION_LINK && r->link == p->field->target && r->target == p->kind->id)
			return r;
	return NULL;
}

/* The condition that selects the members of a sub-collection. False if there is none. */
static bool membership(const struct place *p, char ret_text[NAME_SIZE])
{
	const struct field *back = &kind_get(p->field->target)->fields[p->field->target_field];
	const struct relation *r = way_back(p);

	if (p->field->type == FIELD_VALUES && r)
		snprintf(ret_text, NAME_SIZE, "%s.uuid=%s", r->name, object_uuid(p->object));
	else if (p->field->type == FIELD_CHILDREN && query_may_name(back))
		snprintf(ret_text, NAME_SIZE, "%s=%s", back->name, object_uuid(p->object));
	else
		return false;
	return true;
}

bool folder_takes_query(const struct place *p)
{
	return p->kind != NULL;
}

bool sub_takes_query(const struct place *p)
{
	char text[NAME_SIZE];

	return p->object && membership(p, text);
}

/* The kind of the results. */
static const struct kind *asked_kind(const struct place *p)
{
	return p->field ? field_sub_kind(p->field) : p->kind;
}

int collection_parse_query(const struct place *p, const char *text, struct query **ret_query, struct error *e)
{
	_cleanup_query_ struct query *q = NULL;
	char condition[NAME_SIZE];
	int r = query_parse(asked_kind(p), text, &q, e);

	if (r == 0 && p->field && membership(p, condition))
		r = query_add_condition(q, condition, e);
	if (r < 0)
		return r;
	*ret_query = steal(&q);
	return 0;
}
