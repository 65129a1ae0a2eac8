/* SPDX-License-Identifier: Apache-2.0 */
/* See act.h. */
#include "poolctl/act.h"

#include <string.h>

#include "poolctl/job.h"
#include "poolctl/request.h"

/* Sends the request; says what became of it, at once or, if that is wanted, when its job has ended. */
static int send(const struct request_words *r, const char *path, const char *verb, const char *label,
		struct error *e)
{
	_cleanup_free_ char *text = request_document(r, verb), *resource = NULL;
	char job[TREE_UUID_SIZE], file[TREE_PATH_SIZE];
	int n = text ? tree_write(r->t, path, text, job, e) : error_oom(e);

	if (n < 0)
		return n;
	if (!*job) {
		puts(r->dry_run ? "it would be accepted" : "there was nothing to do");
		return 0;
	}
	if (!r->wait) {
		printf("job %s\n", job);
		return 0;
	}
	n = job_wait(r->t, job, label, e);
	if (n < 0)
		return n;
	snprintf(file, sizeof(file), "api-jobs/%s/resource", job);
	if (!verb && tree_read(r->t, file, &resource, NULL) == 0)
		printf("%s\n", resource);
	return 0;
}

bool act_kind_has_verb(const struct tree *t, const json_t *kind, const void *arg)
{
	return tree_operation(t, kind, arg) != NULL;
}

/* True when any kind has the verb. */
static bool is_verb(const struct tree *t, const char *word)
{
	const json_t *kind;
	size_t i;

	json_array_foreach (t->kinds, i, kind)
		if (act_kind_has_verb(t, kind, word))
			return true;
	return false;
}

/* The word names an object that has other verbs. */
static int refuse_verb(const struct tree *t, const char *word, const json_t *kind, struct error *e)
{
	char list[1024] = "";
	size_t i, len = 0;
	const json_t *op;

	json_array_foreach (t->operations, i, op)
		if (*member_text(op, "verb") &&
		    strcmp(member_text(op, "kind"), member_text(kind, "name")) == 0 && len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, " %s",
						member_text(op, "verb"));
	return error_set(e, EINVAL, "'%s' is a%s %s, whose verbs are:%s", word,
			 strchr("aeiou", *member_text(kind, "noun")) ? "n" : "", member_text(kind, "noun"),
			 list);
}

int act_verb(const struct tree *t, int argc, char **argv, struct error *e)
{
	_cleanup_(request_done) struct request_words r = {0};
	_cleanup_(error_done) struct error why = ERROR_INIT;
	const char *verb = argv[0];
	char path[TREE_PATH_SIZE], file[TREE_PATH_SIZE + 16], label[128];
	const json_t *kind;
	int n;

	if (!is_verb(t, verb))
		return error_set(e, EINVAL,
				 "there is no command or verb '%s', see 'poolctl --help' and "
				 "poolfs-operations(7)",
				 verb);
	if (argc < 2)
		return error_set(e, EINVAL, "%s what? give a name or a uuid", verb);
	n = tree_find(t, argv[1], act_kind_has_verb, verb, path, &kind, &why);
	if (n == -ENOENT && tree_find(t, argv[1], NULL, NULL, path, &kind, NULL) == 0)
		return refuse_verb(t, argv[1], kind, e);
	if (n < 0)
		return error_set(e, -n, "%s", error_sentence(&why));
	n = request_read(t, tree_operation(t, kind, verb), argc - 2, argv + 2, &r, e);
	if (n < 0)
		return n;
	snprintf(file, sizeof(file), "%s/actions", path);
	snprintf(label, sizeof(label), "%s %s", verb, argv[1]);
	return send(&r, file, verb, label, e);
}

int act_find_creation(const struct tree *t, const char *word, const json_t **ret, struct error *e)
{
	const json_t *kind = tree_kind(t, word), *op, *of_kind = NULL;
	char list[512] = "";
	int count = 0;
	size_t i;

	json_array_foreach (t->operations, i, op) {
		const char *create = member_text(op, "create");
		size_t len = strlen(list);

		if (*create && (strcmp(create, word) == 0 ||
				(kind && strcmp(create, member_text(kind, "directory")) == 0))) {
			*ret = op;
			return 0;
		}
		if (!*create || !kind || strcmp(member_text(op, "kind"), member_text(kind, "name")) != 0)
			continue;
		of_kind = op;
		count++;
		snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "", create);
	}
	if (count == 1)
		*ret = of_kind;
	else if (count > 1)
		return error_set(e, EINVAL, "what sort of %s? give one of %s", member_text(kind, "noun"),
				 list);
	else
		return error_set(e, EINVAL, "'%s' is no kind of which one can be created", word);
	return 0;
}

int act_create(const struct tree *t, int argc, char **argv, struct error *e)
{
	_cleanup_(request_done) struct request_words r = {0};
	char path[TREE_PATH_SIZE], label[128];
	const json_t *op = NULL;
	int n, words = 1;

	if (argc < 1)
		return error_set(e, EINVAL, "create what? give a kind, such as vm, and a name");
	n = act_find_creation(t, argv[0], &op, e);
	if (n == 0)
		words += argc > 1 && argv[1][0] != '-' && !strchr(argv[1], '=');
	if (n == 0)
		n = request_read(t, op, argc - words, argv + words, &r, e);
	if (n == 0)
		n = request_add_only_ones(&r, e);
	if (n < 0)
		return n;
	if (words == 2 &&
	    json_object_set_new(r.params, tree_param(op, "schedulerName") ? "schedulerName" : "name",
				json_string(argv[1])) < 0)
		return error_oom(e);
	snprintf(path, sizeof(path), "%s/create", member_text(op, "create"));
	snprintf(label, sizeof(label), "create %s", words == 2 ? argv[1] : argv[0]);
	return send(&r, path, NULL, label, e);
}
