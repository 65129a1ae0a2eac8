/* SPDX-License-Identifier: Apache-2.0 */
/* See queries.h. */
#include "queries.h"

#include <string.h>

#include "value.h"

#define KEPT 512

struct query {
	int64_t number; /* 0: free */
	struct node base;
	char *text; /* owned */
};

struct queries {
	pthread_mutex_t lock;
	struct query kept[KEPT]; /* lock; the query numbered n is in slot n % KEPT */
	int64_t last;		 /* lock */
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
	for (size_t i = 0; i < KEPT; i++)
		free(queries->kept[i].text);
	pthread_mutex_destroy(&queries->lock);
	free(queries);
}

int64_t queries_add(struct queries *queries, struct node base, const char *text)
{
	char *copy;
	struct query *q;

	scoped_lock(&queries->lock);
	for (size_t i = 0; i < KEPT; i++) {
		q = &queries->kept[i];
		if (q->number && node_pack(q->base) == node_pack(base) && strcmp(q->text, text) == 0)
			return q->number;
	}
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	queries->last = queries->last == NODE_ROW_MAX ? 1 : queries->last + 1;
	q = &queries->kept[queries->last % KEPT];
	free(q->text);
	*q = (struct query){.number = queries->last, .base = base, .text = copy};
	return q->number;
}

bool queries_get(struct queries *queries, int64_t number, struct node *ret_base, char **ret_text)
{
	const struct query *q;

	scoped_lock(&queries->lock);
	q = &queries->kept[number % KEPT];
	if (!number || q->number != number)
		return false;
	*ret_base = q->base;
	if (ret_text)
		*ret_text = strdup(q->text);
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
