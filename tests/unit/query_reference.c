/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/query_reference.h"

#include "tests/unit/test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Lower case in ASCII, without spaces at the end: the data has no other letters. */
static void normalise(const char *text, char *out, size_t size)
{
	size_t len = strlen(text);

	assert_true(len < size);
	while (len > 0 && text[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	out[len] = '\0';
}

static bool matches_pattern(const char *p, const char *t)
{
	if (*p == '\0')
		return *t == '\0';
	if (*p == '%')
		return matches_pattern(p + 1, t) || (*t && matches_pattern(p, t + 1));
	if (*t == '\0')
		return false;
	if (*p == '_') {
		for (t++; ((unsigned char)*t & 0xC0) == 0x80;)
			t++;
		return matches_pattern(p + 1, t);
	}
	if (*p == '\\' && (p[1] == '%' || p[1] == '_' || p[1] == '\\'))
		p++;
	return tolower((unsigned char)*p) == tolower((unsigned char)*t) && matches_pattern(p + 1, t + 1);
}

static long double to_number(const char *text)
{
	char *end;
	long double value = strtold(text, &end);

	return *end == 'K' || *end == 'k' ? value * 1024 : *end == 'M' ? value * 1048576 : value;
}

static int compare_numbers(long double a, long double b)
{
	return (a > b) - (a < b);
}

static int compare_with(char type, const json_t *value, const char *operand)
{
	char a[128], b[128];
	struct tm tm = {0};

	switch (type) {
	case 'n':
		return compare_numbers((long double)json_integer_value(value), to_number(operand));
	case 'b':
		return json_is_true(value) - (tolower((unsigned char)*operand) == 't' || *operand == '1');
	case 'd':
		strptime(operand, "%Y-%m-%d %H:%M:%S", &tm);
		return compare_numbers((long double)json_integer_value(value), (long double)timegm(&tm));
	default:
		normalise(json_string_value(value), a, sizeof(a));
		normalise(operand, b, sizeof(b));
		return strcmp(a, b);
	}
}

static void to_text(char type, const json_t *value, char *out, size_t size)
{
	time_t seconds = (time_t)json_integer_value(value);
	struct tm tm;

	if (type == 's')
		snprintf(out, size, "%s", json_string_value(value));
	else if (type == 'b')
		snprintf(out, size, "%s", json_is_true(value) ? "true" : "false");
	else if (type == 'n')
		snprintf(out, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		strftime(out, size, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &tm));
}

static bool is_in(char type, const json_t *value, const char *list)
{
	char copy[128], *rest = copy, *item;

	snprintf(copy, sizeof(copy), "%s", list);
	while ((item = strsep(&rest, ",")))
		if (compare_with(type, value, item) == 0)
			return true;
	return false;
}

static bool test_value(char type, const json_t *value, const char *op, const char *operand)
{
	char text[128];

	if (strcmp(operand, "null") == 0 && (strcmp(op, "=") == 0 || strcmp(op, "!=") == 0))
		op = *op == '=' ? " is null" : " not null";
	if (op[0] == ' ')
		return json_is_null(value) == (op[1] == 'i');
	if (json_is_null(value))
		return false;
	if (strchr(op, '~')) {
		to_text(type, value, text, sizeof(text));
		return matches_pattern(operand, text) == (op[0] != '!');
	}
	if (strchr(op, '?'))
		return is_in(type, value, operand) == (op[0] != '!');
	int order = compare_with(type, value, operand);
	if (strcmp(op, "=") == 0)
		return order == 0;
	if (strcmp(op, "!=") == 0)
		return order != 0;
	return (order < 0 && op[0] == '<') || (order > 0 && op[0] == '>') || (order == 0 && op[1] == '=');
}

static bool columns_equal(const json_t *a, const char *left, const json_t *b, const char *right)
{
	const char *x = json_string_value(json_object_get(a, left)),
		   *y = json_string_value(json_object_get(b, right));

	return x && y && strcmp(x, y) == 0;
}

static bool joined(const struct join *j, const json_t *a, const json_t *b)
{
	size_t i;
	json_t *link;

	if (!j->link)
		return columns_equal(a, j->left, b, j->right);
	json_array_foreach (rows_of[j->link], i, link)
		if (columns_equal(a, j->left, link, j->link_left) &&
		    columns_equal(b, j->right, link, j->link_right))
			return true;
	return false;
}

static bool has_tag(const json_t *row, enum kind_id kind, const char *op, const char *operand)
{
	size_t i;
	json_t *tag;

	json_array_foreach (rows_of[kind], i, tag)
		if (columns_equal(row, "uuid", tag, "resourceUuid") &&
		    test_value('s', json_object_get(tag, "tag"), op, operand))
			return true;
	return false;
}

bool reference_holds(const struct condition *c, int level, const json_t *row)
{
	bool null_word = strcmp(c->value, "null") == 0;
	size_t i;
	json_t *other;

	if (level < c->depth) {
		json_array_foreach (rows_of[c->path[level]->b], i, other)
			if (joined(c->path[level], row, other) && reference_holds(c, level + 1, other))
				return true;
		return false;
	}
	if (c->column)
		return test_value(*c->column, json_object_get(row, c->column + 2), c->op, c->value);
	if (strcmp(c->op, " is null") == 0 || (strcmp(c->op, "=") == 0 && null_word))
		return false;
	if (strcmp(c->op, "!=") == 0 && null_word)
		return has_tag(row, c->tag, " not null", "");
	return c->op[0] == '!' ? !has_tag(row, c->tag, c->op + 1, c->value)
			       : has_tag(row, c->tag, c->op, c->value);
}

static int compare_column(const json_t *a, const json_t *b, const char *column)
{
	const json_t *x = json_object_get(a, column + 2), *y = json_object_get(b, column + 2);

	if (json_is_null(x) || json_is_null(y))
		return json_is_null(y) - json_is_null(x);
	if (*column == 's')
		return compare_with('s', x, json_string_value(y));
	if (*column == 'b')
		return json_is_true(x) - json_is_true(y);
	return (json_integer_value(x) > json_integer_value(y)) -
	       (json_integer_value(x) < json_integer_value(y));
}

json_t *reference_run(const struct random_query *q, json_int_t *ret_total)
{
	json_t *found = json_array(), *answer = json_array(), *row;
	size_t i, limit = q->limit < 0 ? 1000 : (size_t)q->limit, start = q->start < 0 ? 0 : (size_t)q->start;

	json_array_foreach (rows_of[q->kind], i, row) {
		bool holds = true;
		size_t j;
		json_t *other;

		for (int n = 0; n < q->condition_count && holds; n++)
			holds = reference_holds(&q->conditions[n], 0, row);
		json_array_foreach (found, j, other)
			if (holds && q->group && compare_column(row, other, q->group) == 0)
				holds = false;
		if (holds)
			json_array_append(found, row);
	}
	/* insertion sort: stable */
	for (i = 1; q->sort && i < json_array_size(found); i++)
		for (size_t j = i; j > 0; j--) {
			json_t *a = json_array_get(found, j - 1), *b = json_array_get(found, j);
			int order = compare_column(a, b, q->sort);

			if (q->descending ? order >= 0 : order <= 0)
				break;
			json_incref(a);
			json_array_set(found, j - 1, b);
			json_array_set_new(found, j, a);
		}
	*ret_total = (json_int_t)json_array_size(found);
	for (i = start; i < json_array_size(found) && i - start < limit; i++)
		json_array_append(answer, json_object_get(json_array_get(found, i), "uuid"));
	json_decref(found);
	return answer;
}
