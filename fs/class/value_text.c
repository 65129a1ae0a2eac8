/* SPDX-License-Identifier: Apache-2.0 */
/* See value_text.h. */
#include "fs/class/value_text.h"

#include <string.h>

static int parse_number(const char *name, const char *text, json_t **ret_value, struct error *e)
{
	static const char suffixes[] = "KMGT";
	char *end;
	long long number;
	const char *suffix;

	errno = 0;
	number = strtoll(text, &end, 10);
	suffix = *end ? strchr(suffixes, *end) : NULL;
	/* strtoll() also accepts leading blanks and a plus, which are not allowed here. */
	if (end == text || (suffix ? end[1] : *end) || (*text != '-' && (*text < '0' || *text > '9')))
		return error_set(e, EINVAL,
				 "'%s' must be a decimal number, optionally with K, M, G or T, got '%.64s'",
				 name, text);
	for (const char *s = suffixes; suffix && s <= suffix; s++)
		if (__builtin_mul_overflow(number, 1024LL, &number))
			errno = ERANGE;
	if (errno == ERANGE)
		return error_set(e, ERANGE, "'%s' is out of range, got '%.64s'", name, text);
	*ret_value = json_integer(number);
	return 0;
}

static int parse_bool(const char *name, const char *text, json_t **ret_value, struct error *e)
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return error_set(e, EINVAL, "'%s' must be 'true' or 'false', got '%.64s'", name, text);
	*ret_value = json_boolean(yes);
	return 0;
}

static int parse_json(const char *name, const char *text, size_t len, bool list, json_t **ret_value,
		      struct error *e)
{
	json_error_t why;
	json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

	if (!value || (list ? !json_is_array(value) : !json_is_object(value))) {
		json_decref(value);
		return error_set(e, EINVAL, "'%s' must be a JSON %s%s%s", name, list ? "list" : "object",
				 value ? "" : ": ", value ? "" : why.text);
	}
	*ret_value = value;
	return 0;
}

int value_parse(const struct param *param, const char *text, size_t len, json_t **ret_value, struct error *e)
{
	_cleanup_free_ char *copy = NULL;
	json_t *value = NULL;
	int r = 0;

	if (len > VALUE_LENGTH)
		return error_set(e, EFBIG, "'%s' is longer than %d bytes", param->name, VALUE_LENGTH);
	if (len && text[len - 1] == '\n')
		len--;
	while (param->type != PARAM_STRING && len && text[len - 1] == '\n')
		len--;
	if (memchr(text, '\0', len))
		return error_set(e, EINVAL, "'%s' must not contain a NUL", param->name);
	copy = strndup(text, len);
	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	switch (param->type) {
	case PARAM_STRING:
		value = json_string(copy);
		if (!value)
			r = error_set(e, EINVAL, "'%s' must be UTF-8", param->name);
		break;
	case PARAM_INT:
	case PARAM_LONG:
		r = parse_number(param->name, copy, &value, e);
		break;
	case PARAM_BOOL:
		r = parse_bool(param->name, copy, &value, e);
		break;
	case PARAM_LIST:
	case PARAM_MAP:
		r = parse_json(param->name, copy, len, param->type == PARAM_LIST, &value, e);
		break;
	}
	if (r == 0 && !value)
		r = error_set(e, ENOMEM, "out of memory");
	if (r == 0)
		*ret_value = value;
	return r;
}

size_t text_whole_characters(const char *text, size_t len)
{
	size_t tail = 0, wanted;
	unsigned char lead;

	while (tail < 3 && tail < len && ((unsigned char)text[len - 1 - tail] & 0xC0) == 0x80)
		tail++;
	if (tail == len)
		return len;
	lead = (unsigned char)text[len - 1 - tail];
	wanted = lead > 0xF4 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 1;
	return tail + 1 < wanted ? len - 1 - tail : len;
}

static bool is_beginning(const char *whole, const char *text, size_t len)
{
	return strncmp(whole, text, len) == 0;
}

/* A number without digits yet. */
static bool is_sign(const struct param *param, const char *text, size_t len)
{
	return (param->type == PARAM_INT || param->type == PARAM_LONG) &&
	       (!len || (len == 1 && *text == '-'));
}

int value_check_piece(const struct param *param, const char *text, size_t len, struct error *e)
{
	bool ends = len && text[len - 1] == '\n';
	json_t *value = NULL;
	int r;

	if (!ends && is_sign(param, text, len))
		return TEXT_OPEN;
	if (!ends && param->type == PARAM_BOOL &&
	    (is_beginning("true", text, len) || is_beginning("false", text, len)))
		return TEXT_OPEN;
	r = value_parse(param, text,
			param->type == PARAM_STRING && !ends ? text_whole_characters(text, len) : len, &value,
			e);
	json_decref(value);
	if (r < 0)
		return r;
	return ends ? TEXT_WHOLE : TEXT_OPEN;
}

bool value_may_grow(const struct param *param, const char *text, size_t len)
{
	if (len && text[len - 1] == '\n')
		return param->type == PARAM_LIST || param->type == PARAM_MAP;
	if (param->type != PARAM_STRING)
		return true;
	for (size_t i = 0; param->values && param->values[i]; i++)
		if (is_beginning(param->values[i], text, len))
			return true;
	return false;
}
