/* SPDX-License-Identifier: Apache-2.0 */
/* `ls` and `show`. */
#include "poolctl/list.h"

#include <string.h>

#include "model/json.h"
#include "poolctl/names.h"
#include "poolctl/screen.h"

/* What a list shows of a kind besides names, if its objects have it: members of inventories. */
static const char *const columns[] = {"state",	    "status",	"type",	    "format",	     "operation",
				      "progress",   "resource", "created",  "hostUuid",	     "cpuNum",
				      "memorySize", "size",	"diskSize", "managementIp",  "value",
				      "tag",	    "ip",	"mac",	    "l3NetworkUuid", "vmInstanceUuid",
				      "error",	    NULL};

/* Columns of uuids, which are shown as names. */
static const struct {
	const char *column, *title;
} references[] = {{"hostUuid", "host"}, {"vmInstanceUuid", "vm"}, {"l3NetworkUuid", "network"}};

/* How a column is called. */
static const char *title_of(const char *column)
{
	for (size_t i = 0; i < ARRAY_SIZE(references); i++)
		if (strcmp(references[i].column, column) == 0)
			return references[i].title;
	return column;
}

static bool is_size(const char *name)
{
	static const char *const sizes[] = {"memorySize", "size", "diskSize", "actualSize"};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (strcmp(sizes[i], name) == 0)
			return true;
	return false;
}

/* The sentence in the error of a job, which is a JSON text. */
static json_t *sentence_of(const char *text)
{
	_cleanup_json_ json_t *error = json_loads(text, 0, NULL);

	return json_string(error && *member_text(error, "details") ? member_text(error, "details") : text);
}

/* @known: as in names.h. */
static json_t *cell_of(const struct tree *t, json_t *known, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	char bytes[16], path[NAMES_PATH_SIZE];

	if (strcmp(name, "resource") == 0 && json_is_string(value))
		return json_string(names_of_path(t, known, json_string_value(value), path));
	if (strcmp(name, "error") == 0 && json_is_string(value))
		return sentence_of(json_string_value(value));
	if (strcmp(title_of(name), name) != 0 && json_is_string(value))
		return json_string(names_of_uuid(t, known, json_string_value(value)));
	if (json_is_integer(value) && is_size(name))
		return json_string(screen_bytes(json_integer_value(value), bytes));
	if (strcmp(name, "progress") == 0 && json_is_integer(value))
		return json_sprintf("%d%%", (int)json_integer_value(value));
	return value ? json_incref_const(value) : json_string("");
}

static json_t *addresses_of(const json_t *vm)
{
	char text[256] = "";
	size_t len = 0, i;
	const json_t *nic;

	json_array_foreach (json_object_get(vm, "vmNics"), i, nic)
		if (len < sizeof(text))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? "," : "",
						member_text(nic, "ip"));
	return json_string(text);
}

static bool any_has(const json_t *list, const char *name)
{
	const json_t *object;
	size_t i;

	json_array_foreach (list, i, object)
		if (json_object_get(object, name) && !json_is_null(json_object_get(object, name)))
			return true;
	return false;
}

/* What an object is called in a list. */
static const char *label_of(const json_t *object)
{
	const char *name = member_text(object, "name");

	if (!*name)
		name = member_text(object, "schedulerName");
	return *name ? name : member_text(object, "uuid");
}

/* NULL: no memory. */
static json_t *heading_of(const json_t *list)
{
	json_t *heading = json_pack("[s]", "NAME");
	_cleanup_json_ json_t *seen = json_object();
	const json_t *object;
	bool twice = false;
	size_t i;

	/* Only uuids tell those of one name apart. */
	json_array_foreach (list, i, object) {
		twice |= json_object_get(seen, label_of(object)) != NULL;
		json_add_member(&seen, label_of(object), json_true());
	}
	if (!seen)
		json_decref(steal(&heading));
	if (twice)
		json_add_item(&heading, json_string("uuid"));

	for (const char *const *c = columns; *c; c++)
		if (any_has(list, *c))
			json_add_item(&heading, json_string(*c));
	if (any_has(list, "vmNics"))
		json_add_item(&heading, json_string("addresses"));
	return heading;
}

static int list_kind(const struct tree *t, const json_t *kind, struct error *e)
{
	_cleanup_json_ json_t *list = NULL, *rows = json_array(), *known = json_object(), *heading = NULL;
	_cleanup_json_ json_t *titles = json_array();
	char path[TREE_PATH_SIZE];
	const json_t *object;
	json_t *column;
	size_t i, j;
	int r;

	snprintf(path, sizeof(path), "%s/inventories", member_text(kind, "directory"));
	r = tree_read_list(t, path, &list, e);
	if (r < 0)
		return r;
	heading = heading_of(list);
	if (!heading)
		return error_oom(e);
	json_array_foreach (heading, j, column)
		json_add_item(&titles, json_string(title_of(json_string_value(column))));
	json_add_item(&rows, steal(&titles));
	json_array_foreach (list, i, object) {
		json_t *row = json_pack("[s]", label_of(object));

		json_array_foreach (heading, j, column) {
			const char *name = json_string_value(column);

			if (j > 0)
				json_add_item(&row, strcmp(name, "addresses") == 0
							    ? addresses_of(object)
							    : cell_of(t, known, object, name));
		}
		json_add_item(&rows, row);
	}
	return screen_table(rows, e);
}

int list_run(const struct tree *t, int argc, char **argv, struct error *e)
{
	_cleanup_json_ json_t *rows = json_pack("[[s,s]]", "KIND", "OBJECTS");
	const json_t *kind;
	size_t i;

	if (argc > 0) {
		kind = tree_kind(t, argv[0]);
		if (!kind)
			return error_set(e, EINVAL, "there is no kind '%s', 'poolctl ls' lists the kinds",
					 argv[0]);
		return list_kind(t, kind, e);
	}
	json_array_foreach (t->kinds, i, kind) {
		_cleanup_json_ json_t *count = NULL;
		char path[TREE_PATH_SIZE];

		snprintf(path, sizeof(path), "%s?count=true", member_text(kind, "directory"));
		if (tree_read_json(t, path, &count, NULL) == 0)
			json_add_item(&rows, json_pack("[s,I]", member_text(kind, "directory"),
						       json_integer_value(json_object_get(count, "total"))));
	}
	return screen_table(rows, e);
}

/* --------------------------------------------------------------------- show */

/* @known: as in names.h. */
static int show_members(const struct tree *t, json_t *known, const json_t *object, int indent,
			struct error *e)
{
	const char *name;
	const json_t *value, *item;
	size_t i;

	json_object_foreach_const (object, name, value) {
		_cleanup_free_ char *text = NULL;

		if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
			json_array_foreach (value, i, item) {
				printf("%*s%s %zu\n", indent, "", name, i + 1);
				if (show_members(t, known, item, indent + 4, e) < 0)
					return -ENOMEM;
			}
			continue;
		}
		text = screen_value(value);
		if (!text)
			return error_oom(e);
		printf("%*s%-*s %s", indent, "", 30 - indent, name, text);
		if (indent == 0 && json_is_string(value) && strcmp(name, "uuid") != 0 && tree_is_uuid(text)) {
			const char *other = names_of_uuid(t, known, text);

			if (strcmp(other, text) != 0)
				printf(" (%s)", other);
		}
		if (is_size(name) && json_is_integer(value)) {
			char bytes[16];

			printf(" (%s)", screen_bytes(json_integer_value(value), bytes));
		}
		putchar('\n');
	}
	return 0;
}

int list_show(const struct tree *t, int argc, char **argv, struct error *e)
{
	for (int i = 0; i < argc; i++) {
		char path[TREE_PATH_SIZE], file[TREE_PATH_SIZE + 16];
		_cleanup_json_ json_t *object = NULL, *known = json_object();
		_cleanup_free_ char *why = NULL;
		int r = tree_find(t, argv[i], NULL, NULL, path, NULL, e);

		if (r < 0)
			return r;
		snprintf(file, sizeof(file), "%s/inventory", path);
		r = tree_read_json(t, file, &object, e);
		if (r < 0)
			return r;
		printf("%-30s %s/%s\n", "path", t->mount, path);
		r = show_members(t, known, object, 0, e);
		if (r < 0)
			return r;
		snprintf(file, sizeof(file), "%s/last-error", path);
		if (tree_read(t, file, &why, NULL) == 0 && strcmp(why, "ok") != 0)
			printf("%-30s %s\n", "last-error", why);
	}
	return argc > 0 ? 0 : error_set(e, EINVAL, "show what? give names or uuids");
}
