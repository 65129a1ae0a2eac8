/* SPDX-License-Identifier: Apache-2.0 */
/* See queries.h. */
#include "fs/tree/queries.h"

#include <string.h>

#include "fs/class/value_text.h"

/* A name is kept in any place of the set that its number says. */
#define WAYS 8
#define SETS (QUERIES_KEPT / WAYS)

struct kept {
	int64_t number; /* 0: free */
	uint64_t used;	/* when, as counted by `clock` */
	struct node base;
	char *text; /* owned */
};

struct queries {
	pthread_mutex_t lock;
	struct kept kept[SETS][WAYS]; /* lock */
	uint64_t clock;		      /* lock */
};

struct queries *queries_new(void)
{
	struct queries *queries = calloc(1, sizeof(*queries));

	if (queries)
		pthread_mutex_init(&queries->lock, NULL);
	return queries;
}

void queries_free(struct queries *queries)
{
	if (!queries)
		return;
	for (size_t i = 0; i < SETS; i++)
		for (size_t j = 0; j < WAYS; j++)
			free(queries->kept[i][j].text);
	pthread_mutex_destroy(&queries->lock);
	free(queries);
}

/* FNV-1a, folded to the bits of a row number. */
int64_t queries_number(struct node base, const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ node_pack(base);

	for (const char *c = text; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	hash = (hash ^ hash >> 34) & (uint64_t)NODE_ROW_MAX;
	return hash ? (int64_t)hash : 1;
}

/* The name of a number, or NULL; it counts as used. Call with the lock held. */
static struct kept *find(struct queries *queries, int64_t number)
{
	struct kept *set = queries->kept[number % SETS];

	for (size_t i = 0; i < WAYS; i++)
		if (number && set[i].number == number) {
			set[i].used = ++queries->clock;
			return &set[i];
		}
	return NULL;
}

/* The place that was not used for the longest time. Call with the lock held. */
static struct kept *oldest(struct queries *queries, int64_t number)
{
	struct kept *set = queries->kept[number % SETS], *found = set;

	for (size_t i = 1; i < WAYS; i++)
		if (set[i].used < found->used)
			found = &set[i];
	return found;
}

int64_t queries_add(struct queries *queries, struct node base, const char *text)
{
	int64_t number = queries_number(base, text);
	struct kept *k;
	char *copy;

	if (strlen(text) > QUERIES_TEXT)
		return -ENAMETOOLONG;
	scoped_lock(&queries->lock);
	/* Another text of this number: take the next one. */
	while ((k = find(queries, number)) &&
	       (node_pack(k->base) != node_pack(base) || strcmp(k->text, text) != 0))
		number = number == NODE_ROW_MAX ? 1 : number + 1;
	if (k)
		return number;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	k = oldest(queries, number);
	free(k->text);
	*k = (struct kept){.number = number, .used = ++queries->clock, .base = base, .text = copy};
	return number;
}

bool queries_get(struct queries *queries, int64_t number, struct node *ret_base, char **ret_text)
{
	const struct kept *k;

	scoped_lock(&queries->lock);
	k = find(queries, number);
	if (!k)
		return false;
	*ret_base = k->base;
	if (ret_text)
		*ret_text = strdup(k->text);
	return true;
}

/* ------------------------------------------------------------------ parsing */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place: `%2F`, and `+` as a blank. False for a bad escape or a NUL. */
static bool unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		int value = (unsigned char)*text;

		if (*text == '+')
			value = ' ';
		if (*text == '%') {
			int high = hex_value(text[1]), low = high < 0 ? -1 : hex_value(text[2]);

			if (low < 0 || !(value = high * 16 + low))
				return false;
			text += 2;
		}
		*out++ = (char)value;
	}
	*out = '\0';
	return true;
}

static int add_parameter(json_t *params, const struct param *param, const char *text, struct error *e)
{
	/* A list is given as its items, one by one. */
	struct param item = *param;
	json_t *value = NULL, *list;
	int r;

	if (param->type == PARAM_LIST)
		item.type = PARAM_STRING;
	r = value_parse(&item, text, strlen(text), &value, e);
	if (r < 0)
		return r;
	if (param->type != PARAM_LIST)
		return json_object_set_new(params, param->name, value) < 0
			       ? error_set(e, ENOMEM, "out of memory")
			       : 0;
	list = json_object_get(params, param->name);
	if (!list && json_object_set_new(params, param->name, json_array()) == 0)
		list = json_object_get(params, param->name);
	return json_array_append_new(list, value) < 0 ? error_set(e, ENOMEM, "out of memory") : 0;
}

static void json_free(json_t **json)
{
	json_decref(*json);
}

int query_parameters(const struct operation *op, const char *text, json_t **ret_params, struct error *e)
{
	_cleanup_free_ char *copy = strdup(text);
	_cleanup_(json_free) json_t *params = json_object();
	char *save = NULL;

	if (!copy || !params)
		return error_set(e, ENOMEM, "out of memory");
	for (char *part = strtok_r(copy, "&", &save); part; part = strtok_r(NULL, "&", &save)) {
		char *value = strchr(part, '=');
		const struct param *param;
		int r;

		if (!value)
			return error_set(e, EINVAL, "'%s' must be a name, '=' and a value", part);
		*value++ = '\0';
		if (!unescape(part) || !unescape(value))
			return error_set(e, EINVAL, "bad percent-escape in '%s'", part);
		param = operation_param(op, part);
		if (!param || (op->target && strcmp(part, op->target) == 0))
			return error_set(e, EINVAL, "'%s' takes no parameter '%s'", op->where, part);
		r = add_parameter(params, param, value, e);
		if (r < 0)
			return r;
	}
	*ret_params = steal(&params);
	return 0;
}
