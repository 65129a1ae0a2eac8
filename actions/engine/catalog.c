/* SPDX-License-Identifier: Apache-2.0 */
/* See catalog.h. */
#include "actions/engine/catalog.h"

#include <string.h>

#include "actions/engine/operation.h"
#include "model/json.h"

static json_t *strings(const char *const *list)
{
	json_t *json = json_array();

	for (; list && *list; list++)
		json_add_item(&json, json_string(*list));
	return json;
}

static void set_text(json_t **json, const char *name, const char *text)
{
	if (text)
		json_add_member(json, name, json_string(text));
}

static void set_flag(json_t **json, const char *name, bool flag)
{
	if (flag)
		json_add_member(json, name, json_true());
}

static json_t *param_to_json(const struct param *p)
{
	static const char *const types[] = {
		[PARAM_STRING] = "string", [PARAM_INT] = "int",	  [PARAM_LONG] = "long",
		[PARAM_BOOL] = "boolean",  [PARAM_LIST] = "list", [PARAM_MAP] = "map",
	};
	static const char *const places[] = {[IN_BODY] = "body", [IN_PATH] = "path", [IN_QUERY] = "query"};
	json_t *json =
		json_pack("{s:s, s:s, s:s}", "name", p->name, "type", types[p->type], "in", places[p->in]);

	set_flag(&json, "required", (p->flags & PARAM_REQUIRED) && !p->unless);
	set_text(&json, "unless", p->unless);
	set_flag(&json, "nonempty", p->flags & PARAM_NONEMPTY);
	set_flag(&json, "secret", p->flags & PARAM_SECRET);
	if (p->resource != KIND_NONE)
		set_text(&json, "resource", kind_get(p->resource)->name);
	set_flag(&json, "anyKind", p->flags & PARAM_ANY_KIND);
	set_flag(&json, "base", p->flags & PARAM_BASE);
	if (p->max_length)
		json_add_member(&json, "maxLength", json_integer(p->max_length));
	if (p->min || p->max) {
		json_add_member(&json, "min", json_integer(p->min));
		json_add_member(&json, "max", json_integer(p->max));
	}
	if (p->values)
		json_add_member(&json, "values", strings(p->values));
	set_text(&json, "default", p->default_value);
	return json;
}

/* Where the operation is in the mount, "vm-instances/{uuid}/actions"; one that is only in `call` is nowhere. */
static void set_file(json_t **json, const struct operation *op)
{
	const char *directory = op->kind == KIND_NONE ? NULL : kind_get(op->kind)->directory;

	if (op->form == FORM_CREATE)
		json_add_member(json, "file", json_sprintf("%s/create", op->where));
	else if (op->form == FORM_COLLECTION_GET)
		json_add_member(json, "file", json_string(op->where));
	else if (op->form == FORM_CALL || !directory)
		return;
	else if (op->form != FORM_QUERY)
		json_add_member(json, "file",
				json_sprintf("%s/{%s}/%s", directory, op->target,
					     op->form == FORM_GET    ? op->where
					     : (op->flags & OP_SPEC) ? "spec"
								     : "actions"));
	else if (!op->data) /* those with data are not a part of a collection */
		json_add_member(json, "file", json_sprintf("%s/inventories", directory));
}

static json_t *operation_to_json(const struct operation *op)
{
	static const char *const methods[] = {[METHOD_GET] = "GET",
					      [METHOD_POST] = "POST",
					      [METHOD_PUT] = "PUT",
					      [METHOD_DELETE] = "DELETE"};
	json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", op->name, "section", op->section,
				 "method", methods[op->method], "paths", strings(op->paths), "aliases",
				 strings(op->route_aliases));
	json_t *params = json_array(), *results = strings(op->results);

	set_text(&json, "key", op->key);
	if (op->key_aliases)
		json_add_member(&json, "keyAliases", strings(op->key_aliases));
	for (const struct param *p = op->params; p && p->name; p++)
		json_add_item(&params, param_to_json(p));
	json_add_member(&json, "params", params);
	for (const char *const *result = op->own_results; result && *result; result++)
		json_add_item(&results, json_string(*result));
	json_add_member(&json, "results", results);
	if (op->kind != KIND_NONE)
		set_text(&json, "kind", kind_get(op->kind)->name);
	set_file(&json, op);
	set_text(&json, "item", op->item);
	set_text(&json, "verb", op->verb);
	set_text(&json, "target", op->target);
	if (op->form == FORM_CREATE)
		set_text(&json, "create", op->where);
	set_flag(&json, "query", op->form == FORM_QUERY);
	set_flag(&json, "sync", op->flags & OP_SYNC);
	set_flag(&json, "destroys", op->flags & OP_DESTROYS);
	set_flag(&json, "admin", op->flags & OP_ADMIN);
	set_flag(&json, "noSession", op->flags & OP_NO_SESSION);
	set_text(&json, "help", op->help);
	return json;
}

/* The kinds that have a directory. */
static json_t *kinds_to_json(void)
{
	json_t *list = json_array();

	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);

		if (kind->directory)
			json_add_item(&list, json_pack("{s:s, s:s, s:s}", "name", kind->name, "directory",
						       kind->directory, "noun", kind->noun));
	}
	return list;
}

/* "VmInstanceInventory"; the leaves of a tree of snapshots have no kind. */
static json_t *inventory_name(const struct field *f)
{
	return f->type == FIELD_TREE ? json_string("SnapshotLeafInventory")
				     : json_sprintf("%sInventory", kind_get(f->target)->name);
}

static const char *field_type_word(const struct field *f)
{
	switch (f->type) {
	case FIELD_STRING:
		return "string";
	case FIELD_INT:
		return "int";
	case FIELD_LONG:
		return "long";
	case FIELD_BOOL:
		return "boolean";
	case FIELD_DATE:
		return "date";
	case FIELD_CHILDREN:
	case FIELD_VALUES:
	case FIELD_NOTHING:
		return "list";
	case FIELD_TREE:
		return "object";
	}
	return "string";
}

/* A member of inventories: its name, type and meaning; `of` is the type of what is in a list or object. */
static json_t *field_to_json(const struct field *f)
{
	json_t *json = json_pack("{s:s, s:s, s:s}", "name", f->name, "type", field_type_word(f), "help",
				 f->help ? f->help : "");

	if (f->type == FIELD_CHILDREN || f->type == FIELD_TREE)
		json_add_member(&json, "of", inventory_name(f));
	if (f->type == FIELD_NOTHING)
		set_text(&json, "of", "nothing");
	if (f->type == FIELD_VALUES)
		set_text(&json, "of", field_type_word(&kind_get(f->target)->fields[f->value_field]));
	return json;
}

/* The members of the inventories of each kind, by the name of their type. */
static json_t *inventories_to_json(void)
{
	json_t *json = json_object();

	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);
		json_t *list = json_array();
		char name[128];

		for (int i = 0; i < kind->field_count; i++)
			if (!(kind->fields[i].flags & (F_HIDDEN | F_FILE | F_SECRET)))
				json_add_item(&list, field_to_json(&kind->fields[i]));
		snprintf(name, sizeof(name), "%sInventory", kind->name);
		json_add_member(&json, name, list);
	}
	return json;
}

json_t *operations_to_json(void)
{
	json_t *list = json_array(), *json;

	for (const struct operation *const *op = operations(); *op; op++)
		json_add_item(&list, operation_to_json(*op));
	json = json_pack("{s:s, s:o, s:o, s:o}", "version", POOLFS_VERSION, "kinds", kinds_to_json(),
			 "inventories", inventories_to_json(), "operations", list);
	return json;
}
