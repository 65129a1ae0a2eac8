/* SPDX-License-Identifier: Apache-2.0 */
/* See menu.h. */
#include "actions/engine/menu.h"

#include <string.h>

#include "actions/engine/request_check.h"

static const char *type_word(const struct param *p)
{
	switch (p->type) {
	case PARAM_STRING:
		return p->resource != KIND_NONE ? "UUID" : "TEXT";
	case PARAM_INT:
	case PARAM_LONG:
		return "NUMBER";
	case PARAM_BOOL:
		return "true|false";
	case PARAM_LIST:
		return p->resource != KIND_NONE ? "UUID,..." : "TEXT,...";
	case PARAM_MAP:
		return "MAP";
	}
	return "";
}

static void print_param(FILE *f, const struct param *p)
{
	bool required = p->flags & PARAM_REQUIRED;

	fprintf(f, required ? " %s=" : " [%s=", p->name);
	if (p->values)
		for (const char *const *v = p->values; *v; v++)
			fprintf(f, "%s%s", v == p->values ? "" : "|", *v);
	else
		fputs(type_word(p), f);
	if (!required)
		fputc(']', f);
}

void operation_print_parameters(const struct operation *op, FILE *f)
{
	for (const struct param *p = op->params; p && p->name; p++)
		if ((!op->target || strcmp(p->name, op->target) != 0) && strcmp(p->name, "deleteMode") != 0)
			print_param(f, p);
}

static void print_verb(FILE *f, const struct view *view, const struct operation *op, const struct object *o,
		       const struct actor *actor)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	bool possible = request_check_possible(view, op, object_uuid(o), actor, &e) >= 0;

	fprintf(f, "%s%s", possible ? "" : "# ", op->verb);
	operation_print_parameters(op, f);
	fprintf(f, " - %s\n", possible ? op->help : error_sentence(&e));
}

struct document *actions_render_menu(const struct view *view, const struct object *o,
				     const struct actor *actor)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (const struct operation *const *op = operations(); *op; op++)
		if ((*op)->form == FORM_VERB && (*op)->kind == o->kind->id)
			print_verb(f, view, *op, o, actor);
	if (fclose(f) != 0)
		return NULL;
	return document_new(text, len, o->changed);
}
