/* SPDX-License-Identifier: Apache-2.0 */
/* See menu.h. */
#include "actions/engine/menu.h"

#include <string.h>

#include "actions/engine/operation.h"

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

static bool is_allowed(const struct operation *op, const struct object *o)
{
	int state = op->kind == KIND_VM ? vm_state_parse(object_str(o, VM_STATE)) : -1;

	return !op->states || state < 0 || (op->states & (1u << state));
}

static void print_verb(FILE *f, const struct operation *op, const struct object *o)
{
	bool built = operation_is_built(op), allowed = is_allowed(op, o);

	fprintf(f, "%s%s", built && allowed ? "" : "# ", op->verb);
	for (const struct param *p = op->params; p && p->name; p++)
		if (strcmp(p->name, op->target) != 0 && strcmp(p->name, "deleteMode") != 0)
			print_param(f, p);
	if (!built) {
		fputs(" - not implemented yet\n", f);
	} else if (!allowed) {
		const char *separator = "";

		fprintf(f, " - state is '%s', needs ", object_text(o, VM_STATE));
		for (int i = 0; i < VM_STATE_COUNT; i++)
			if (op->states & (1u << i)) {
				fprintf(f, "%s%s", separator, vm_state_name((enum vm_state)i));
				separator = " or ";
			}
		fputc('\n', f);
	} else {
		fprintf(f, " - %s\n", op->help);
	}
}

struct document *actions_render_menu(const struct view *view, const struct object *o)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)view;
	if (!f)
		return NULL;
	for (const struct operation *const *op = operations(); *op; op++)
		if ((*op)->form == FORM_VERB && (*op)->kind == o->kind->id)
			print_verb(f, *op, o);
	if (fclose(f) != 0)
		return NULL;
	return document_new(text, len, o->changed);
}
