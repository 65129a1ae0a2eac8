/* SPDX-License-Identifier: Apache-2.0 */
/* See guide_operations.h. */
#include "fs/class/guide_operations.h"

#include <inttypes.h>
#include <string.h>

#include "actions/engine/operation.h"

static const char *type_name(const struct param *p)
{
	switch (p->type) {
	case PARAM_STRING:
		return "text";
	case PARAM_INT:
	case PARAM_LONG:
		return "number";
	case PARAM_BOOL:
		return "true or false";
	case PARAM_LIST:
		return "list, separated by commas";
	case PARAM_MAP:
		return "JSON object";
	}
	return "";
}

static void print_reference(FILE *f, const struct param *p)
{
	const struct kind *kind = kind_get(p->resource);
	bool many = p->type == PARAM_LIST;

	if (p->flags & PARAM_ANY_KIND)
		fprintf(f, "uuid%s or @name of %s", many ? "s" : "", many ? "objects" : "an object");
	else
		fprintf(f, "uuid%s%s of %s%s", many ? "s" : "", kind->name_field >= 0 ? " or @name" : "",
			many				 ? "objects: "
			: strchr("aeiou", kind->noun[0]) ? "an "
							 : "a ",
			kind->noun);
}

/* What a parameter takes, as a sentence. NULL when out of memory; owned by the caller. */
static char *describe_param(const struct param *p)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	if (p->resource != KIND_NONE || (p->flags & PARAM_ANY_KIND))
		print_reference(f, p);
	else if (p->flags & PARAM_NEW_UUID)
		fputs("uuid of the new object, if its creator chooses it", f);
	else if (p->values)
		for (const char *const *v = p->values; *v; v++)
			fprintf(f, "%s%s", v == p->values ? "one of " : ", ", *v);
	else
		fputs(type_name(p), f);
	if (p->min || p->max)
		fprintf(f, ", from %" PRId64 " to %" PRId64, p->min, p->max);
	if (p->max_length)
		fprintf(f, ", at most %d characters", p->max_length);
	if (p->default_value)
		fprintf(f, "; %s by default", *p->default_value ? p->default_value : "empty");
	if (p->flags & PARAM_SECRET)
		fputs("; a secret", f);
	if (p->flags & PARAM_ADMIN)
		fputs("; for administrators", f);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

/* The states that allow it, who may, and how REST calls it. */
static char *describe_conditions(const struct operation *op)
{
	static const char *const methods[] = {[METHOD_GET] = "GET",
					      [METHOD_POST] = "POST",
					      [METHOD_PUT] = "PUT",
					      [METHOD_DELETE] = "DELETE"};
	char *text = NULL;
	size_t len = 0;
	bool first = true;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fprintf(f, "%s.", op->help);
	for (int i = 0; op->states && i < VM_STATE_COUNT; i++)
		if (op->states & (1u << i)) {
			fprintf(f, "%s%s", first ? " Of a VM that is " : ", ",
				vm_state_name((enum vm_state)i));
			first = false;
		}
	if (op->states)
		fputc('.', f);
	if (op->flags & OP_ADMIN)
		fputs(" For administrators.", f);
	fprintf(f, " REST: %s %s", methods[op->method], op->paths[0]);
	if (op->key && op->method == METHOD_PUT)
		fprintf(f, " with %s", op->key);
	fprintf(f, " (%s).", op->name);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

static void describe_operation(struct guide *g, const struct operation *op)
{
	_cleanup_free_ char *text = describe_conditions(op);
	char term[128];
	bool any = false;

	snprintf(term, sizeof(term), "%s", op->form == FORM_VERB ? op->verb : op->where);
	if (op->form == FORM_CREATE)
		snprintf(term, sizeof(term), "%s/create", op->where);
	guide_item(g, term, NULL, text);
	for (const struct param *p = op->params; p && p->name; p++) {
		_cleanup_free_ char *takes = NULL;

		if (op->target && strcmp(p->name, op->target) == 0)
			continue;
		if (!any)
			guide_list(g);
		any = true;
		takes = describe_param(p);
		guide_item(g, p->name, p->flags & PARAM_REQUIRED ? "required" : NULL, takes);
	}
	if (any)
		guide_list_end(g);
}

static bool is_described(const struct operation *op, const struct kind *kind)
{
	return op->kind == kind->id && (op->form == FORM_VERB || op->form == FORM_CREATE ||
					op->form == FORM_GET || op->form == FORM_COLLECTION_GET);
}

static bool has_operations(const struct kind *kind)
{
	for (const struct operation *const *op = operations(); *op; op++)
		if (is_described(*op, kind))
			return true;
	return false;
}

void guide_operations(struct guide *g)
{
	for (int k = KIND_NONE; k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);
		char title[128];

		if (!has_operations(kind))
			continue;
		if (k == KIND_NONE)
			snprintf(title, sizeof(title), "THE POOL");
		else if (kind->directory)
			snprintf(title, sizeof(title), "%s: %s", kind->directory, kind->noun);
		else
			snprintf(title, sizeof(title), "%s", kind->noun);
		guide_heading(g, title);
		guide_list(g);
		for (const struct operation *const *op = operations(); *op; op++)
			if (is_described(*op, kind))
				describe_operation(g, *op);
		guide_list_end(g);
	}
}
