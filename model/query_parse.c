/* SPDX-License-Identifier: Apache-2.0 */
/* Parses query strings like `q=state=Running&limit=10`. See query_parse.h and behaviour.md 1.9. */
#include "model/query_parse.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include "model/query_condition.h"
#include "model/query_internal.h"
#include "model/query_value.h"
#include "model/text.h"

struct query *query_new(const struct kind *kind)
{
	struct query *q = calloc(1, sizeof(*q));

	if (q) {
		q->kind = kind;
		q->limit = QUERY_LIMIT;
		q->sort = q->group_by = -1;
	}
	return q;
}

void query_free(struct query *q)
{
	if (!q)
		return;
	for (int i = 0; i < q->condition_count; i++)
		condition_free(q->conditions[i]);
	free(q);
}

void query_set_limit(struct query *q, int64_t limit)
{
	q->limit = limit;
}

void query_show_single(struct query *q)
{
	q->shows_single = true;
}

int query_add_condition(struct query *q, const char *text, struct error *e)
{
	int r;

	if (strnlen(text, QUERY_LENGTH_MAX + 1) > QUERY_LENGTH_MAX)
		return error_set(e, EINVAL, "Invalid query parameter. A query can have at most %d bytes",
				 QUERY_LENGTH_MAX);
	if (!text_is_utf8(text, strlen(text)))
		return error_set(e, EINVAL, "Invalid query parameter. The parameter[q] is not UTF-8 text");
	if (q->condition_count == QUERY_CONDITIONS_MAX)
		return error_set(e, EINVAL, "Invalid query parameter. A query can have at most %d conditions",
				 QUERY_CONDITIONS_MAX);
	r = condition_new(q->kind, text, &q->conditions[q->condition_count], e);
	if (r < 0)
		return r;
	q->condition_count++;
	return 0;
}

/* --------------------------------------------------------------- parameters */

static int set_integer(const char *key, const char *value, int64_t *ret, struct error *e)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (errno || end == value || *end || value[strspn(value, "+-0123456789")])
		return error_set(e, EINVAL, "Invalid query parameter. '%s' must be an integer", key);
	if (number < 0)
		return error_set(e, EINVAL, "Invalid query parameter. '%s' must not be negative", key);
	*ret = number;
	return 0;
}

static int set_order(struct query *q, const char *what, const char *name, int *ret_field, struct error *e)
{
	char echo[ECHO_SIZE];
	int field = query_field(q->kind, name, strlen(name));

	if (*name == '\0') /* some clients send every parameter that they know */
		return 0;
	if (field < 0 || !field_is_stored(&q->kind->fields[field]))
		return error_set_code(e, EINVAL, "SYS.1000",
				      "invalid %s clause, inventory[%sInventory] doesn't have field[%s]",
				      what, q->kind->name, query_echo(name, strlen(name), echo));
	/* all of them would be in memory at a time, as they are not compressed */
	if (q->kind->fields[field].flags & F_COMPRESSED)
		return error_set_code(e, EINVAL, "SYS.1000",
				      "invalid %s clause: field[%s] is a document, which has no order", what,
				      q->kind->fields[field].name);
	*ret_field = field;
	return 0;
}

static int set_sort(struct query *q, const char *value, struct error *e)
{
	bool descending;
	int r;

	value += strspn(value, " "); /* an unencoded '+' has been decoded as a space */
	descending = *value == '-';
	r = set_order(q, "order by", value + (*value == '+' || *value == '-'), &q->sort, e);
	if (r < 0)
		return r;
	q->descending = descending;
	return 0;
}

static int add_fields(struct query *q, const char *list, struct error *e)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		size_t space = strspn(list, " ");
		const char *name = space < len ? list + space : list + len;
		size_t name_len = (size_t)(list + len - name);
		char echo[ECHO_SIZE];
		int field;

		while (name_len > 0 && name[name_len - 1] == ' ')
			name_len--;
		field = query_field(q->kind, name, name_len);
		if (field < 0 && name_len > 0)
			return error_set_code(e, EINVAL, "SYS.1000",
					      "inventory class[%sInventory] not having field[%s]",
					      q->kind->name, query_echo(name, name_len, echo));
		if (field >= 0)
			q->fields |= UINT64_C(1) << field;
		list += len;
		list += *list == ',';
	}
	return 0;
}

int query_set(struct query *q, const char *key, const char *value, struct error *e)
{
	if (strcmp(key, "q") == 0 || strcmp(key, "condition") == 0)
		return query_add_condition(q, value, e);
	if (strcmp(key, "limit") == 0)
		return set_integer(key, value, &q->limit, e);
	if (strcmp(key, "start") == 0)
		return set_integer(key, value, &q->start, e);
	if (strcmp(key, "sort") == 0)
		return set_sort(q, value, e);
	if (strcmp(key, "groupBy") == 0)
		return set_order(q, "group by", value, &q->group_by, e);
	if (strcmp(key, "fields") == 0)
		return add_fields(q, value, e);
	if (strcmp(key, "count") == 0)
		q->count = strcasecmp(value, "true") == 0;
	else if (strcmp(key, "replyWithCount") == 0)
		q->with_total = strcasecmp(value, "true") == 0;
	return 0;
}

/* ------------------------------------------------------------ query strings */

/* Decodes @text in place. False when it contains a NUL. */
static bool decode(char *text)
{
	char *out = text;

	for (; *text; text++) {
		int high = *text == '%' ? text_hex_digit(text[1]) : -1;
		int low = high >= 0 ? text_hex_digit(text[2]) : -1;

		if (low < 0) {
			*out++ = *text == '+' ? ' ' : *text;
			continue;
		}
		*out = (char)(high << 4 | low);
		if (*out++ == '\0')
			return false;
		text += 2;
	}
	*out = '\0';
	return true;
}

static int set_pair(struct query *q, char *pair, struct error *e)
{
	char *equals = strchr(pair, '='), *value = equals ? equals + 1 : pair + strlen(pair);

	if (equals)
		*equals = '\0';
	if (!decode(pair) || !decode(value))
		return error_set(e, EINVAL, "Invalid query parameter. It must not contain a NUL character");
	return query_set(q, pair, value, e);
}

int query_parse(const struct kind *kind, const char *text, struct query **ret_query, struct error *e)
{
	_cleanup_query_ struct query *q = query_new(kind);
	_cleanup_free_ char *copy = NULL;
	char *pair;
	int r;

	if (strnlen(text, QUERY_LENGTH_MAX + 1) > QUERY_LENGTH_MAX)
		return error_set(e, EINVAL, "Invalid query parameter. A query can have at most %d bytes",
				 QUERY_LENGTH_MAX);
	copy = strdup(text);
	if (!q || !copy)
		return error_oom(e);
	for (char *rest = copy; (pair = strsep(&rest, "&"));) {
		r = set_pair(q, pair, e);
		if (r < 0)
			return r;
	}
	*ret_query = steal(&q);
	return 0;
}
