/* SPDX-License-Identifier: Apache-2.0 */
/* See help.h. */
#include "poolctl/help.h"

#include <string.h>

#include "poolctl/act.h"
#include "poolctl/request.h"

/* What can be given for the parameter: its words, a name, or its type. */
static void print_value(const struct tree *t, const json_t *op, const json_t *param)
{
	const json_t *kind = tree_kind_by_name(t, member_text(param, "resource"));
	const json_t *values = json_object_get(param, "values"), *value;
	size_t i;

	json_array_foreach (values, i, value)
		printf("%s%s", i ? ", " : "", json_string_value(value));
	if (kind)
		printf("name of a%s %s", strchr("aeiou", *member_text(kind, "noun")) ? "n" : "",
		       member_text(kind, "noun"));
	else if (!values)
		fputs(member_text(param, "type"), stdout);
	if (kind && strcmp(member_text(param, "type"), "list") == 0)
		fputs(", several times", stdout);
	if (*member_text(param, "default"))
		printf(" (%s)", member_text(param, "default"));
	if (json_is_true(json_object_get(param, "required")))
		printf(", must be given%s",
		       kind && *member_text(op, "create") ? " if there are several" : "");
	else if (*member_text(param, "unless"))
		printf(", must be given without %s", member_text(param, "unless"));
	putchar('\n');
}

/* @kind: the directory of its objects; "" if the verb alone tells it. */
static void print_operation(const struct tree *t, const json_t *op, const char *words, const char *kind)
{
	const json_t *param;
	size_t i;

	printf("poolctl %s %s%sNAME [--OPTION VALUE...]: %s\n", words, kind, *kind ? "/" : "",
	       member_text(op, "help"));
	json_array_foreach (json_object_get(op, "params"), i, param) {
		char option[REQUEST_OPTION_SIZE];

		if (strcmp(member_text(param, "name"), member_text(op, "target")) == 0)
			continue;
		request_option_of_param(param, option);
		printf("    --%-28s ", option);
		print_value(t, op, param);
	}
}

static int help_create(const struct tree *t, const char *kind, struct error *e)
{
	const json_t *op = NULL;
	char words[128];
	int r = act_find_creation(t, kind, &op, e);

	if (r < 0)
		return r;
	snprintf(words, sizeof(words), "create %s", kind);
	print_operation(t, op, words, "");
	if (strcmp(member_text(op, "name"), "CreateVmInstance") == 0)
		puts("    --disk                         size such as 20G, or name of a disk offering, several times\n"
		     "    --ip                           address in the network of the --network before it");
	return 0;
}

int help_run(const struct tree *t, int argc, char **argv, struct error *e)
{
	const json_t *kind, *only = NULL;
	char path[TREE_PATH_SIZE];
	int count = 0, printed = 0;
	size_t i;

	if (strcmp(argv[0], "create") == 0 && argc > 1)
		return help_create(t, argv[1], e);
	if (argc > 1)
		(void)tree_find(t, argv[1], act_kind_has_verb, argv[0], path, &only, NULL);
	json_array_foreach (t->kinds, i, kind)
		count += act_kind_has_verb(t, kind, argv[0]);
	json_array_foreach (t->kinds, i, kind)
		if (act_kind_has_verb(t, kind, argv[0]) && (!only || kind == only)) {
			if (printed++)
				putchar('\n');
			print_operation(t, tree_operation(t, kind, argv[0]), argv[0],
					count > 1 ? member_text(kind, "directory") : "");
		}
	return count ? 0
		     : error_set(e, EINVAL, "'%s' has no parameters of its own, see 'poolctl --help'",
				 argv[0]);
}
