/* SPDX-License-Identifier: Apache-2.0 */
/* See complete.h. */
#include "poolctl/complete.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "fs/tree/names.h"
#include "model/json.h"
#include "poolctl/act.h"
#include "poolctl/request.h"

static void print_if(const char *word, const char *candidate)
{
	if (*candidate && strncmp(word, candidate, strlen(word)) == 0)
		printf("%s\n", candidate);
}

static void print_prefixed(const char *word, const char *prefix, const char *candidate)
{
	char text[TREE_PATH_SIZE];

	snprintf(text, sizeof(text), "%s%s", prefix, candidate);
	print_if(word, text);
}

/* The names of the objects of a kind. Hundreds of names, or uuids, help nobody. */
static void print_names(const struct tree *t, const json_t *kind, const char *word, const char *prefix)
{
	char path[TREE_PATH_SIZE];
	struct dirent *entry;
	struct name name;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%s/by-name", member_text(kind, "directory"));
	fd = openat(t->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	/* Of several of one name none can be meant by it. */
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && name_decode(entry->d_name, &name) && name.rank == 1)
			print_prefixed(word, prefix, *name.text ? name.text : name.uuid);
	if (dir)
		(void)closedir(dir);
	else if (fd >= 0)
		(void)close(fd);
}

static void print_objects(const struct tree *t, const char *word, const char *verb)
{
	const json_t *kind;
	size_t i;

	json_array_foreach (t->kinds, i, kind)
		if (!verb || act_kind_has_verb(t, kind, verb))
			print_names(t, kind, word, "");
}

static void print_kinds(const struct tree *t, const char *word, bool to_create)
{
	const json_t *kind, *op;
	size_t i;

	print_if(word, "vm");
	print_if(word, "network");
	json_array_foreach (t->kinds, i, kind)
		if (!to_create)
			print_if(word, member_text(kind, "directory"));
	json_array_foreach (t->operations, i, op)
		if (to_create)
			print_if(word, member_text(op, "create"));
}

static void print_verbs(const struct tree *t, const char *word)
{
	_cleanup_json_ json_t *seen = json_object();
	const json_t *op;
	size_t i;

	json_array_foreach (t->operations, i, op) {
		const char *verb = member_text(op, "verb");

		if (*verb && !json_object_get(seen, verb))
			print_if(word, verb);
		(void)json_object_set_new(seen, *verb ? verb : "-", json_true());
	}
}

/* The values of a parameter: its words, or the objects that it may name. */
static void print_values(const struct tree *t, const json_t *param, const char *word, const char *prefix)
{
	const json_t *value, *kind = tree_kind_by_name(t, member_text(param, "resource"));
	size_t i;

	json_array_foreach (json_object_get(param, "values"), i, value)
		print_prefixed(word, prefix, json_string_value(value));
	if (strcmp(member_text(param, "type"), "boolean") == 0) {
		print_prefixed(word, prefix, "true");
		print_prefixed(word, prefix, "false");
	}
	if (kind)
		print_names(t, kind, word, prefix);
}

/* What can follow a verb and its object, or `create KIND NAME`. */
static void print_words(const struct tree *t, const json_t *op, const char *before, const char *word)
{
	const json_t *param =
		strncmp(before, "--", 2) == 0 ? request_param_of_option(t, op, before + 2) : NULL;
	const char *equals = strchr(word, '=');
	_cleanup_free_ char *name = strndup(word, equals ? (size_t)(equals - word) : 0);
	bool is_vm = strcmp(member_text(op, "name"), "CreateVmInstance") == 0;
	char text[160];
	size_t i;

	if (strcmp(before, "--disk") == 0 && is_vm)
		param = tree_param(op, "dataDiskOfferingUuids");
	if (param) {
		print_values(t, param, word, "");
		return;
	}
	if (equals && name) {
		snprintf(text, sizeof(text), "%s=", name);
		param = tree_param(op, name);
		if (param)
			print_values(t, param, word, text);
		return;
	}
	json_array_foreach (json_object_get(op, "params"), i, param) {
		char option[REQUEST_OPTION_SIZE];

		if (strcmp(member_text(param, "name"), member_text(op, "target")) == 0)
			continue;
		snprintf(text, sizeof(text), "%s=", member_text(param, "name"));
		if (*word && *word != '-')
			print_if(word, text);
		request_option_of_param(param, option);
		if (!*word || *word == '-')
			print_prefixed(word, "--", option);
	}
	for (const char *const *o = (const char *const[]){"--offering", "--network", "--disk", "--ip", NULL};
	     is_vm && *o; o++)
		print_if(word, *o);
	print_if(word, "--wait");
	print_if(word, "--dry-run");
}

int complete_run(const struct tree *t, int argc, char **argv, struct error *e)
{
	const char *word = argc > 0 ? argv[argc - 1] : "", *command = argc > 1 ? argv[0] : "";
	const char *before = argc > 1 ? argv[argc - 2] : "";
	char path[TREE_PATH_SIZE];
	const json_t *kind, *op = NULL;

	(void)e;
	if (argc < 2)
		print_verbs(t, word);
	else if (strcmp(command, "ls") == 0 && argc == 2)
		print_kinds(t, word, false);
	else if (strcmp(command, "create") == 0 && argc == 2)
		print_kinds(t, word, true);
	else if (strcmp(command, "create") == 0 && act_find_creation(t, argv[1], &op, NULL) == 0 && argc > 3)
		print_words(t, op, before, word);
	else if (strcmp(command, "console") == 0 && argc == 2)
		print_names(t, tree_kind(t, "vm"), word, "");
	else if (strcmp(command, "top") == 0)
		print_if(word, "--once");
	else if (strcmp(command, "show") == 0 || strcmp(command, "watch") == 0)
		print_objects(t, word, NULL);
	else if (argc == 2)
		print_objects(t, word, command);
	else if (strcmp(command, "create") != 0 &&
		 tree_find(t, argv[1], act_kind_has_verb, command, path, &kind, NULL) == 0)
		print_words(t, tree_operation(t, kind, command), before, word);
	return 0;
}
