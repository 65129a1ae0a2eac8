/* SPDX-License-Identifier: Apache-2.0 */
/* See where.h. */
#include "fs/tree/where.h"

#include <string.h>
#include <strings.h>

#include "fs/tree/by_name.h"
#include "fs/tree/collection.h"
#include "fs/tree/family.h"
#include "fs/tree/links.h"
#include "fs/tree/queries.h"
#include "fs/tree/where_list.h"
#include "model/query_condition.h"
#include "model/query_eval.h"

/* --------------------------------------------------------------- conditions */

bool name_is_condition(const char *name)
{
	static const char null[] = " null";
	size_t len = strlen(name);

	return strpbrk(name, "=<>") ||
	       (len >= sizeof(null) - 1 && strcasecmp(name + len - (sizeof(null) - 1), null) == 0);
}

/* README shows one level of conditions. */
bool conditions_here(const struct place *dir)
{
	return dir->node.class == N_WHERE || dir->node.row;
}

char *where_text(const struct place *dir)
{
	struct node base;
	char *text = NULL;

	if (dir->node.class == N_WHERE)
		return strdup("");
	return queries_get(dir->fs->queries, dir->node.row, &base, &text) ? text : NULL;
}

/* The query string with one more condition; NULL without memory. */
static char *add_condition(const char *text, const char *name)
{
	char *all = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&all, &len);

	if (!f)
		return NULL;
	fprintf(f, "%s%sq=", text, *text ? "&" : "");
	for (; *name; name++)
		if (*name == '+' || *name == '&') /* which have another meaning there */
			fprintf(f, "%%%02X", (unsigned char)*name);
		else
			fputc(*name, f);
	if (fclose(f) == 0)
		return all;
	free(all);
	return NULL;
}

/* The node under which the conditions of a collection are registered. */
static struct node condition_base(const struct place *dir)
{
	return (struct node){.class = N_CONDITION, .index = dir->node.index};
}

int where_condition(const struct place *dir, const char *name, struct node *ret, struct error *e)
{
	_cleanup_query_ struct query *q = NULL;
	_cleanup_free_ char *before = where_text(dir), *text = NULL;
	int64_t number;
	int r;

	if (!before)
		return error_set(e, ESTALE, "the path has expired, look it up again");
	text = add_condition(before, name);
	if (!text)
		return error_set(e, ENOMEM, "out of memory");
	r = collection_parse_query(dir, text, &q, e);
	if (r < 0)
		return r;
	number = queries_add(dir->fs->queries, condition_base(dir), text);
	if (number < 0)
		return error_set(e, (int)-number,
				 number == -ENOMEM ? "out of memory"
						   : "the conditions together are too long for a query");
	*ret = condition_base(dir);
	ret->row = number;
	return 0;
}

bool condition_parent(const struct place *p, struct node *ret)
{
	_cleanup_free_ char *text = where_text(p);
	char *last = text ? strrchr(text, '&') : NULL;

	if (!text)
		return false;
	*ret = condition_base(p);
	if (!last) {
		ret->class = N_WHERE;
		return true;
	}
	*last = '\0';
	ret->row = queries_add(p->fs->queries, condition_base(p), text);
	return ret->row >= 0;
}

bool conditions_find(const struct place *dir, const char *name, struct node *ret)
{
	return name_is_condition(name) && where_condition(dir, name, ret, NULL) == 0;
}

int64_t conditions_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	_cleanup_free_ char *text = NULL;
	const struct where_list *list = dir->list;

	if (!list || (size_t)after >= list->condition_count)
		return 0;
	snprintf(ret_name, NAME_SIZE, "%s", list->conditions[after]);
	text = add_condition("", ret_name);
	*ret = condition_base(dir);
	/* Not registered: a listing must not evict names that are in use. */
	ret->row = text ? queries_number(condition_base(dir), text) : 1;
	return after + 1;
}

/* ------------------------------------------------------------------ matches */

static void match_name(const struct place *dir, const struct object *o, char ret_name[NAME_SIZE])
{
	if (!folder_here_names(dir) || !name_link_name(dir, o, ret_name) || name_is_condition(ret_name))
		snprintf(ret_name, NAME_SIZE, "%s", object_uuid(o));
}

int where_object(const struct place *dir, const char *name, const struct object **ret)
{
	struct node node;

	if (folder_here_names(dir) && name_links_find(dir, name, &node)) {
		*ret = view_get_id(dir->view, node.kind, node.row);
		if (!*ret && view_has_id(dir->view, node.kind, node.row))
			return -ENOMEM;
	} else {
		*ret = view_get(dir->view, dir->kind->id, name);
		if (!*ret && view_has(dir->view, dir->kind->id, name))
			return -ENOMEM;
	}
	return *ret ? 0 : -ENOENT;
}

/* The number of conditions in a query string made by add_condition(). */
static unsigned count_conditions(const char *text)
{
	unsigned count = *text != '\0';

	while ((text = strchr(text, '&'))) {
		text++;
		count++;
	}
	return count;
}

struct node where_match(const struct place *dir, const struct object *o)
{
	_cleanup_free_ char *text = where_text(dir);

	return (struct node){.kind = o->kind->id,
			     .row = o->id,
			     .class = N_MATCH_LINK,
			     .index = text ? count_conditions(text) : 1};
}

bool matches_find(const struct place *dir, const char *name, struct node *ret)
{
	const struct object *o = NULL;
	_cleanup_free_ char *text = where_text(dir);
	_cleanup_query_ struct query *q = NULL;

	if (name_is_condition(name) || where_object(dir, name, &o) < 0 || !text ||
	    collection_parse_query(dir, text, &q, NULL) < 0 ||
	    query_match(q, dir->view, &(struct query_scope){.account = dir->caller.account}, o, NULL) != 1)
		return false;
	*ret = where_match(dir, o);
	return true;
}

int64_t matches_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	const struct where_list *list = dir->list;
	const struct object *o;

	if (!list || (size_t)after >= list->result.count)
		return 0;
	o = list->result.objects[after];
	match_name(dir, o, ret_name);
	*ret = where_match(dir, o);
	return after + 1;
}

bool link_match(const struct place *p, char ret_from[PATH_SIZE], char ret_to[PATH_SIZE])
{
	size_t len;

	if (!p->kind->directory || p->node.index > QUERY_CONDITIONS_MAX)
		return false;
	len = (size_t)snprintf(ret_from, PATH_SIZE, "%s/%s", p->kind->directory, p->fs->nodes[N_WHERE].name);
	/* Each condition is one directory, whatever its text. */
	for (unsigned i = 0; i < p->node.index; i++)
		len += (size_t)snprintf(ret_from + len, PATH_SIZE - len, "/=");
	return object_path(p->view, p->object, ret_to);
}
