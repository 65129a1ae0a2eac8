/* SPDX-License-Identifier: Apache-2.0 */
/* See request.h. */
#include "poolctl/request.h"

#include <ctype.h>
#include <string.h>

#include "model/json.h"

/* ------------------------------------------------------------------ options */

/* "static-ip" as "staticIp". */
static void to_camel(const char *option, char *ret, size_t size)
{
	size_t len = 0;
	bool upper = false;

	for (; *option && len + 1 < size; option++) {
		if (*option == '-') {
			upper = true;
			continue;
		}
		ret[len++] = (char)(upper ? toupper((unsigned char)*option) : *option);
		upper = false;
	}
	ret[len] = '\0';
}

void request_option_of_param(const json_t *param, char ret[REQUEST_OPTION_SIZE])
{
	const char *name = member_text(param, "name");
	size_t len = strlen(name), out = 0;

	if (len > 5 && strcmp(name + len - 5, "Uuids") == 0)
		len -= 5;
	else if (len > 4 && strcmp(name + len - 4, "Uuid") == 0)
		len -= 4;
	for (size_t i = 0; i < len && out + 2 < REQUEST_OPTION_SIZE; i++) {
		if (isupper((unsigned char)name[i]) && i && !isupper((unsigned char)name[i - 1]))
			ret[out++] = '-';
		ret[out++] = (char)tolower((unsigned char)name[i]);
	}
	ret[out] = '\0';
}

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && strcasecmp(text + a - b, end) == 0;
}

/* How well the option names the parameter; 0: not at all. */
static int likeness(const json_t *param, const char *camel)
{
	const char *name = member_text(param, "name");
	size_t len = strlen(camel), name_len = strlen(name);
	char with_uuid[128];
	bool starts = strncmp(name, camel, len) == 0;
	bool wanted = json_is_true(json_object_get(param, "required")) || *member_text(param, "unless");

	if (strcasecmp(name, camel) == 0)
		return 6;
	if (starts && (strcmp(name + len, "Uuid") == 0 || strcmp(name + len, "Uuids") == 0 ||
		       strcmp(name + len, "s") == 0))
		return 5;
	for (const char *const *end = (const char *const[]){"Uuid", "Uuids", NULL}; *end; end++) {
		snprintf(with_uuid, sizeof(with_uuid), "%s%s", camel, *end);
		if (ends_with(name, with_uuid))
			return wanted ? 4 : 3;
	}
	/* the first words of it, or the last: "memory" and "size" of memorySize */
	if (len &&
	    ((starts && isupper((unsigned char)name[len])) ||
	     (name_len > len && isupper((unsigned char)name[name_len - len]) && ends_with(name, camel))))
		return wanted ? 2 : 1;
	return 0;
}

/* The only parameter that names an object of the kind; NULL when there is none, or there are several. */
static const json_t *param_of_kind(const json_t *op, const char *kind)
{
	const json_t *param, *only = NULL;
	int count = 0;
	size_t i;

	json_array_foreach (json_object_get(op, "params"), i, param)
		if (strcmp(member_text(param, "resource"), kind) == 0 &&
		    strcmp(member_text(param, "name"), member_text(op, "target")) != 0) {
			only = param;
			count++;
		}
	return count == 1 ? only : NULL;
}

const json_t *request_param_of_option(const struct tree *t, const json_t *op, const char *option)
{
	const json_t *kind = tree_kind(t, option);
	const json_t *param, *best = NULL;
	int most = 0;
	char camel[96];
	size_t i;

	to_camel(option, camel, sizeof(camel));
	json_array_foreach (json_object_get(op, "params"), i, param) {
		int like = likeness(param, camel);

		if (like > most)
			best = param;
		else if (like && like == most)
			best = NULL;
		most = like > most ? like : most;
	}
	return !most && kind ? param_of_kind(op, member_text(kind, "name")) : best;
}

/* ------------------------------------------------------------------- values */

/* A name in the place of a uuid is marked with '@', which a user need not type. */
static json_t *typed_word(const json_t *param, const char *word)
{
	bool names = json_object_get(param, "resource") || json_is_true(json_object_get(param, "anyKind"));

	if (!names || !*word || *word == '@' || tree_is_uuid(word))
		return json_string(word);
	return json_sprintf("@%s", word);
}

static int set_value(struct request_words *r, const json_t *param, const char *value, struct error *e)
{
	const char *name = member_text(param, "name"), *type = member_text(param, "type");
	json_t *list = json_object_get(r->params, name);
	_cleanup_free_ char *copy = strdup(value);
	char *rest = copy;

	if (!copy)
		return error_oom(e);
	if (strcmp(type, "map") == 0) {
		json_t *map = json_loads(value, 0, NULL);

		if (!map)
			return error_set(e, EINVAL, "'%s' must be a JSON object", name);
		return json_object_set_new(r->params, name, map) < 0 ? error_oom(e) : 0;
	}
	if (strcmp(type, "list") != 0)
		return json_object_set_new(r->params, name, typed_word(param, value)) < 0 ? error_oom(e) : 0;
	if (!list) {
		list = json_array();
		if (json_object_set_new(r->params, name, list) < 0)
			return error_oom(e);
	}
	for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ","))
		if (json_array_append_new(list, typed_word(param, word)) < 0)
			return error_oom(e);
	return 0;
}

/* ------------------------------------------- what a VM is created with, too */

/* True for "20G" and the like. */
static bool is_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	text += digits;
	return digits && (!*text || (strchr("KMGTP", toupper((unsigned char)*text)) && !text[1]));
}

/* A disk of a size, or of a disk offering. */
static int add_disk(struct request_words *r, const char *value, struct error *e)
{
	return set_value(r, tree_param(r->op, is_size(value) ? "dataDiskSizes" : "dataDiskOfferingUuids"),
			 value, e);
}

/* A fixed address on the network that was named last. */
static int add_address(struct request_words *r, const char *value, struct error *e)
{
	const json_t *networks = json_object_get(r->params, "l3NetworkUuids");
	const json_t *last = json_array_get(networks, json_array_size(networks) - 1);

	if (!json_is_string(last))
		return error_set(e, EINVAL, "--ip must follow the --network that it is an address of");
	return json_array_append_new(r->tags,
				     json_sprintf("staticIp::%s::%s", json_string_value(last), value)) < 0
		       ? error_oom(e)
		       : 0;
}

static int add_tag(struct request_words *r, const char *value, struct error *e)
{
	return json_array_append_new(r->tags, json_string(value)) < 0 ? error_oom(e) : 0;
}

static const struct {
	const char *option, *operation; /* NULL: any */
	int (*add)(struct request_words *r, const char *value, struct error *e);
} special[] = {
	{"disk", "CreateVmInstance", add_disk},
	{"ip", "CreateVmInstance", add_address},
	{"system-tag", NULL, add_tag},
};

/* -------------------------------------------------------------------- words */

/* " --name --cpu-num": what can be given. Returns @ret. */
static const char *list_options(const json_t *op, char *ret, size_t size)
{
	const json_t *param;
	size_t i, len = 0;

	*ret = '\0';
	json_array_foreach (json_object_get(op, "params"), i, param) {
		char option[REQUEST_OPTION_SIZE];

		request_option_of_param(param, option);
		if (strcmp(member_text(param, "name"), member_text(op, "target")) != 0 && len < size)
			len += (size_t)snprintf(ret + len, size - len, " --%s", option);
	}
	return ret;
}

static int set_option(struct request_words *r, const char *option, const char *value, struct error *e)
{
	const json_t *param = request_param_of_option(r->t, r->op, option);
	char list[1024];

	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (strcmp(special[i].option, option) == 0 &&
		    (!special[i].operation || strcmp(member_text(r->op, "name"), special[i].operation) == 0))
			return special[i].add(r, value, e);
	if (!param)
		return error_set(e, EINVAL,
				 "there is no option '--%s' here, or several are like it; there are%s",
				 option, list_options(r->op, list, sizeof(list)));
	return set_value(r, param, value, e);
}

static int set_assignment(struct request_words *r, const char *word, struct error *e)
{
	const char *equals = strchr(word, '=');
	_cleanup_free_ char *name = equals ? strndup(word, (size_t)(equals - word)) : NULL;
	const json_t *param = name ? tree_param(r->op, name) : NULL;

	if (!equals)
		return error_set(e, EINVAL, "'%s' is no parameter, write NAME=VALUE", word);
	if (!name)
		return error_oom(e);
	if (strcmp(name, "systemTags") == 0)
		return add_tag(r, equals + 1, e);
	if (!param || strcmp(member_text(r->op, "target"), name) == 0)
		return error_set(e, EINVAL, "'%s' takes no parameter '%s'", member_text(r->op, "name"), name);
	return set_value(r, param, equals + 1, e);
}

int request_read(const struct tree *t, const json_t *op, int argc, char **argv, struct request_words *ret,
		 struct error *e)
{
	int r = 0;

	*ret = (struct request_words){.t = t, .op = op, .params = json_object(), .tags = json_array()};
	if (!ret->params || !ret->tags)
		return error_oom(e);
	for (int i = 0; r == 0 && i < argc; i++) {
		const char *word = argv[i], *equals = strchr(word, '=');
		_cleanup_free_ char *option = NULL;

		if (strcmp(word, "--wait") == 0) {
			ret->wait = true;
		} else if (strcmp(word, "--dry-run") == 0) {
			ret->dry_run = true;
			r = add_tag(ret, "validationOnly", e);
		} else if (strncmp(word, "--", 2) == 0) {
			option = equals ? strndup(word + 2, (size_t)(equals - word - 2)) : strdup(word + 2);
			if (!equals && i + 1 == argc)
				return error_set(e, EINVAL, "'%s' needs a value", word);
			r = option ? set_option(ret, option, equals ? equals + 1 : argv[++i], e)
				   : error_oom(e);
		} else {
			r = set_assignment(ret, word, e);
		}
	}
	return r;
}

/* -------------------------------------------------- what need not be named */

/* How many objects a question lists. */
#define CHOICES_SHOWN 10

static int ask_which(const json_t *kind, const json_t *param, const json_t *objects, struct error *e)
{
	char list[512] = "", option[REQUEST_OPTION_SIZE];
	const json_t *object;
	size_t i, len = 0;

	json_array_foreach (objects, i, object) {
		const char *name = member_text(object, "name");

		if (i < CHOICES_SHOWN && len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
						*name ? name : member_text(object, "uuid"));
	}
	request_option_of_param(param, option);
	return error_set(e, EINVAL, "which %s? give --%s with one of: %s%s", member_text(kind, "noun"),
			 option, list, json_array_size(objects) > CHOICES_SHOWN ? ", ..." : "");
}

static int add_only_one(struct request_words *r, const json_t *param, const json_t *kind, struct error *e)
{
	_cleanup_json_ json_t *objects = NULL;
	char path[TREE_PATH_SIZE];

	snprintf(path, sizeof(path), "%s?fields=uuid,name&sort=+name&limit=%d",
		 member_text(kind, "directory"), CHOICES_SHOWN + 1);
	if (tree_read_list(r->t, path, &objects, NULL) < 0 || json_array_size(objects) == 0)
		return 0;
	return json_array_size(objects) == 1
		       ? set_value(r, param, member_text(json_array_get(objects, 0), "uuid"), e)
		       : ask_which(kind, param, objects, e);
}

int request_add_only_ones(struct request_words *r, struct error *e)
{
	const json_t *param, *kind;
	size_t i;
	int n = 0;

	json_array_foreach (json_object_get(r->op, "params"), i, param) {
		kind = tree_kind_by_name(r->t, member_text(param, "resource"));
		if (n == 0 && kind && json_is_true(json_object_get(param, "required")) &&
		    !json_object_get(r->params, member_text(param, "name")))
			n = add_only_one(r, param, kind, e);
	}
	return n;
}

void request_done(struct request_words *r)
{
	json_decref(r->params);
	json_decref(r->tags);
}

char *request_document(const struct request_words *r, const char *verb)
{
	_cleanup_json_ json_t *document =
		json_pack("{s:O, s:O}", verb ? verb : "params", r->params, "systemTags", r->tags);

	return document ? json_text(document, JSON_COMPACT) : NULL;
}
