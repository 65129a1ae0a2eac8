/* SPDX-License-Identifier: Apache-2.0 */
/* See params.h. The messages are those of the manual's server (behaviour.md 1.3, 1.12). */
#include "actions/engine/params.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "actions/engine/request.h"
#include "model/json.h"
#include "model/text.h"

int params_parse_number(const char *text, int64_t *ret)
{
	static const char suffixes[] = "KMGTP";
	char *end;
	const char *suffix;
	long long n;

	while (isspace((unsigned char)*text))
		text++;
	if (!isdigit((unsigned char)text[*text == '-']))
		return -EINVAL;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno == ERANGE)
		return -ERANGE;
	suffix = *end ? strchr(suffixes, toupper((unsigned char)*end)) : NULL;
	if (suffix) {
		for (long i = suffix - suffixes; i >= 0; i--)
			if (__builtin_mul_overflow(n, 1024, &n))
				return -ERANGE;
		end++;
	}
	while (isspace((unsigned char)*end))
		end++;
	if (*end)
		return -EINVAL;
	*ret = n;
	return 0;
}

/* ------------------------------------------------------------ conversions */

static bool is_string_like(const json_t *value)
{
	return json_is_string(value) || json_is_integer(value) || json_is_boolean(value);
}

/* Of a value that is_string_like(); NULL when memory is short. */
static json_t *convert_string(const struct param *p, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len;

	if (json_is_integer(value))
		return json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	if (json_is_boolean(value))
		return json_string(json_is_true(value) ? "true" : "false");
	len = json_string_length(value);
	if (!(p->flags & PARAM_NOTRIM)) {
		while (len && isspace((unsigned char)text[len - 1]))
			len--;
		while (len && isspace((unsigned char)*text)) {
			text++;
			len--;
		}
	}
	return json_stringn(text, len);
}

static int convert_number(const struct param *p, const json_t *value, json_t **ret, struct error *e)
{
	double real = json_real_value(value);
	int64_t n = 0;
	int r = 0;

	if (json_is_integer(value))
		n = json_integer_value(value);
	else if (json_is_real(value) && real == floor(real) && fabs(real) < 9e18)
		n = (int64_t)real;
	else if (json_is_string(value))
		r = params_parse_number(json_string_value(value), &n);
	else
		r = -EINVAL;
	if (r == 0 && p->type == PARAM_INT && (n < INT32_MIN || n > INT32_MAX))
		r = -ERANGE;
	if (r < 0) {
		_cleanup_free_ char *shown = json_text(value, JSON_ENCODE_ANY | JSON_COMPACT);

		return error_set(e, -r, "[%s] field is excepted an int or long, but was [%s].", p->name,
				 shown ? shown : "");
	}
	*ret = json_integer(n);
	return *ret ? 0 : error_oom(e);
}

static int convert_bool(const struct param *p, const json_t *value, json_t **ret, struct error *e)
{
	const char *text = json_string_value(value);

	if (json_is_boolean(value))
		*ret = json_boolean(json_is_true(value));
	else if (text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0))
		*ret = json_boolean(strcasecmp(text, "true") == 0);
	else
		return error_set(
			e, EINVAL,
			"Invalid value for boolean field [%s], [%s] is not a valid boolean string[true, false].",
			p->name, text ? text : "?");
	return 0;
}

/* A list, or in the short form a text that is separated by commas. */
static int convert_list(const struct param *p, const json_t *value, json_t **ret, struct error *e)
{
	const char *text = json_string_value(value);
	_cleanup_free_ char *copy = text ? strdup(text) : NULL;
	json_t *list, *item;
	char *rest = copy;
	size_t i;

	if (!text && !json_is_array(value))
		return error_set(e, EINVAL, "field[%s] must be a list", p->name);
	if (text && !copy)
		return error_oom(e);
	list = json_array();
	for (char *word = strsep(&rest, ","); list && copy && *copy && word; word = strsep(&rest, ","))
		json_add_item(&list, json_string(word));
	json_array_foreach (value, i, item) {
		/* All lists of the manual are lists of strings. */
		if (!is_string_like(item)) {
			json_decref(list);
			return error_set(e, EINVAL, "field[%s] must be a list of strings", p->name);
		}
		json_add_item(&list, convert_string(&(struct param){0}, item));
	}
	if (json_array_size(list) > REQUEST_ITEMS) {
		json_decref(list);
		return error_set(e, E2BIG, "field[%s] has more than %d items", p->name, REQUEST_ITEMS);
	}
	*ret = list;
	return list ? 0 : error_oom(e);
}

static int convert(const struct param *p, const json_t *value, json_t **ret, struct error *e)
{
	switch (p->type) {
	case PARAM_STRING:
		if (!is_string_like(value))
			return error_set(e, EINVAL, "field[%s] must be a string", p->name);
		*ret = convert_string(p, value);
		return *ret ? 0 : error_oom(e);
	case PARAM_INT:
	case PARAM_LONG:
		return convert_number(p, value, ret, e);
	case PARAM_BOOL:
		return convert_bool(p, value, ret, e);
	case PARAM_LIST:
		return convert_list(p, value, ret, e);
	case PARAM_MAP:
		if (!json_is_object(value))
			return error_set(e, EINVAL, "field[%s] must be a map", p->name);
		*ret = json_copy_whole(value);
		return *ret ? 0 : error_oom(e);
	}
	return -EINVAL;
}

/* ----------------------------------------------------------------- limits */

/* Characters, not bytes. */
static size_t utf8_length(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xC0) != 0x80;
	return n;
}

/* One line, or with @lines several, without control characters. @name is the field's. */
static int check_text(const char *name, const char *text, bool lines, struct error *e)
{
	const char *at = text_find_control(text, lines);

	if (!at)
		return 0;
	return error_set(e, EINVAL, "'%s' must be text%s, byte %td is a control character", name,
			 lines ? "" : " of one line", at - text);
}

/* System tags whose values are files of the guest, or are decoded. */
static const char *const tags_of_lines[] = {"sshkey::", "userdata::"};

int params_check_system_tag(const char *name, const char *tag, struct error *e)
{
	bool lines = false;

	for (size_t i = 0; i < ARRAY_SIZE(tags_of_lines); i++)
		lines = lines || strncmp(tag, tags_of_lines[i], strlen(tags_of_lines[i])) == 0;
	return check_text(name, tag, lines, e);
}

int params_check_user_tag(const char *name, const char *tag, struct error *e)
{
	size_t length = utf8_length(tag);

	if (length == 0)
		return error_set(e, EINVAL, "'%s': a user tag cannot be empty", name);
	if (length > USER_TAG_LENGTH)
		return error_set(e, E2BIG, "'%s': a user tag has at most %d characters, this one has %zu",
				 name, USER_TAG_LENGTH, length);
	return check_text(name, tag, true, e);
}

static int check_length(const struct operation *op, const struct param *p, const char *text, struct error *e)
{
	int most = p->max_length ? p->max_length : PARAM_LENGTH;
	size_t length = utf8_length(text);

	if (length <= (size_t)most)
		return 0;
	return error_set(
		e, EINVAL,
		"field[%s] of message[%s] exceeds max length of string. expected was <= %d, actual was %zu",
		p->name, op->message, most, length);
}

static int check_texts(const struct operation *op, const struct param *p, const json_t *value,
		       struct error *e)
{
	const json_t *item;
	size_t i;

	if (json_is_string(value) && op->kind == KIND_SYSTEM_TAG && (p->flags & PARAM_TAG))
		return params_check_system_tag(p->name, json_string_value(value), e);
	if (json_is_string(value))
		return check_text(p->name, json_string_value(value), p->flags & PARAM_LINES, e);
	json_array_foreach (value, i, item) {
		int r = check_text(p->name, json_string_value(item), false, e);

		if (r == 0)
			r = check_length(op, p, json_string_value(item), e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_values(const struct operation *op, const struct param *p, const char *text, struct error *e)
{
	char list[512] = "";
	size_t len = 0;

	for (const char *const *v = p->values; *v; v++) {
		if (strcmp(*v, text) == 0)
			return 0;
		len += (size_t)snprintf(list + len, len < sizeof(list) ? sizeof(list) - len : 0, "%s%s",
					len ? ", " : "", *v);
	}
	return error_set(e, EINVAL, "valid value for field[%s] of message[%s] are [%s], but %s found",
			 p->name, op->message, list, text);
}

static int check_limits(const struct operation *op, const struct param *p, const json_t *value,
			struct error *e)
{
	const char *text = json_string_value(value);
	int r;

	/* An object without a name could not be found again. */
	if (text && !*text && ((p->flags & PARAM_REQUIRED) || strcmp(p->name, "name") == 0))
		return error_set(e, EINVAL, "field[%s] cannot be an empty string", p->name);
	r = p->type == PARAM_MAP ? 0 : check_texts(op, p, value, e);
	if (r < 0)
		return r;
	r = text ? check_length(op, p, text, e) : 0;
	if (r < 0)
		return r;
	if (text && p->values)
		return check_values(op, p, text, e);
	if (json_is_integer(value) && (p->min || p->max) &&
	    (json_integer_value(value) < p->min || json_integer_value(value) > p->max))
		return error_set(e, ERANGE, "field[%s] must be in range of [%" PRId64 ", %" PRId64 "]",
				 p->name, p->min, p->max);
	if (json_is_array(value) && (p->flags & PARAM_NONEMPTY) && json_array_size(value) == 0)
		return error_set(e, EINVAL, "field[%s] must be a nonempty list", p->name);
	return 0;
}

static json_t *default_json(const struct param *p)
{
	int64_t n;

	if ((p->type == PARAM_INT || p->type == PARAM_LONG) && params_parse_number(p->default_value, &n) == 0)
		return json_integer(n);
	if (p->type == PARAM_BOOL)
		return json_boolean(strcmp(p->default_value, "true") == 0);
	return json_string(p->default_value);
}

/* A zero stands for a number that is not set: some clients cannot leave one out. */
static bool is_given(const json_t *body, const char *name)
{
	const json_t *value = name ? json_object_get(body, name) : NULL;

	return value && !json_is_null(value) && !(json_is_number(value) && json_number_value(value) == 0);
}

static int type_one(const struct operation *op, const struct param *p, const json_t *body, json_t *out,
		    struct error *e)
{
	const json_t *given = json_object_get(body, p->name);
	_cleanup_json_ json_t *value = NULL;
	int r;

	if (!given || json_is_null(given)) {
		if ((p->flags & PARAM_REQUIRED) && !is_given(body, p->unless))
			return error_set(e, EINVAL, "field[%s] of message[%s] is mandatory, can not be null",
					 p->name, op->message);
		if (!p->default_value)
			return 0;
		value = default_json(p);
	} else {
		r = convert(p, given, &value, e);
		if (r < 0)
			return r;
		r = check_limits(op, p, value, e);
		if (r < 0)
			return r;
	}
	return json_object_set(out, p->name, value) < 0 ? error_oom(e) : 0;
}

int params_type(const struct operation *op, const char *target, const json_t *body, json_t **ret,
		struct error *e)
{
	_cleanup_json_ json_t *out = json_object();

	if (!out)
		return error_oom(e);
	for (const struct param *p = op->params; p && p->name; p++) {
		bool is_target = target && op->target && strcmp(p->name, op->target) == 0;
		int r;

		if (is_target)
			r = json_object_set_new(out, p->name, json_string(target)) < 0 ? error_oom(e) : 0;
		else
			r = type_one(op, p, body, out, e);
		if (r < 0)
			return r;
	}
	*ret = steal(&out);
	return 0;
}
