/* SPDX-License-Identifier: Apache-2.0 */
/* See parameters.h. */
#include "fs/class/parameters.h"

#include <string.h>

#include "fs/class/value_text.h"
#include "model/text.h"

/* Decodes in place: `%2F`, and `+` as a blank. False for a bad escape or a NUL. */
static bool unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		int value = (unsigned char)*text;

		if (*text == '+')
			value = ' ';
		if (*text == '%') {
			int high = text_hex_digit(text[1]), low = high < 0 ? -1 : text_hex_digit(text[2]);

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
