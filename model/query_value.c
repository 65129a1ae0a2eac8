/* SPDX-License-Identifier: Apache-2.0 */
/* Values: parsed from the text of a condition, and compared with those of objects. See query_parse.h. */
#include "model/query_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "model/access.h"
#include "model/query_internal.h"
#include "model/render.h"
#include "model/text.h"

const char *query_echo(const char *text, size_t len, char ret_echo[ECHO_SIZE])
{
	bool cut = len > ECHO_SIZE - 4;
	size_t n = cut ? ECHO_SIZE - 4 : len;

	while (cut && n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++)
		ret_echo[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7F ? '?' : text[i];
	memcpy(ret_echo + n, cut ? "..." : "", cut ? 4 : 1);
	return ret_echo;
}

/* Dates compare by the second, the precision of the manual's format. */
static int64_t seconds_of(int64_t ns)
{
	return ns / NS_PER_S - (ns % NS_PER_S < 0);
}

/* ------------------------------------------------------------------ reading */

/* A decimal number with an optional fraction, exponent, or unit (a power of 1024). */
static bool parse_number(const char *text, struct operand *ret)
{
	static const char units[] = "KMGTPE";
	size_t len = strspn(text, "+-0123456789.eE");
	long double value;
	const char *unit;
	char *end;

	errno = 0;
	*ret = (struct operand){.number = strtoll(text, &end, 10)};
	if (len > 0 && !*end && !errno)
		return true; /* exact, unlike a long double on some machines */
	/* The E in 2E is a unit, in 1.0E7 it is not: strtold() knows. */
	if (len == 0 || len > 40)
		return false;
	value = strtold(text, &end);
	if (end == text || end > text + len)
		return false;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || (end[1] && (toupper((unsigned char)end[1]) != 'B' || end[2])))
			return false;
		value = ldexpl(value, 10 * (int)(unit - units + 1));
	}
	if (value >= 0x1p63L) {
		*ret = (struct operand){.number = INT64_MAX, .fraction = true};
	} else if (value < -0x1p63L) {
		*ret = (struct operand){.number = INT64_MIN};
	} else {
		ret->number = (int64_t)floorl(value);
		ret->fraction = (long double)ret->number != value;
	}
	return true;
}

int operand_init(struct operand *operand, const struct field *f, const char *text, struct error *e)
{
	const char *expected = "a number";
	char echo[ECHO_SIZE];

	switch (f->type) {
	case FIELD_STRING:
		operand->text = strdup(text);
		return operand->text ? 0 : error_oom(e);
	case FIELD_INT:
	case FIELD_LONG:
		if (parse_number(text, operand))
			return 0;
		break;
	case FIELD_BOOL:
		expected = "true or false";
		operand->number = strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
		if (operand->number || strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0)
			return 0;
		break;
	case FIELD_DATE:
		expected = "a date like 'Nov 14, 2017 10:20:57 PM' or '2017-11-14 22:20:57'";
		if (render_parse_date(text, &operand->number)) {
			operand->number = seconds_of(operand->number);
			return 0;
		}
		break;
	case FIELD_CHILDREN:
	case FIELD_VALUES:
	case FIELD_TREE:
	case FIELD_NOTHING:
		break;
	}
	return error_set_code(e, EINVAL, "SYS.1000", "'%s' is not %s, as field '%s' is",
			      query_echo(text, strlen(text), echo), expected, f->name);
}

int operand_compare(const void *a, const void *b)
{
	const struct operand *x = a, *y = b;

	if (x->text)
		return text_compare(x->text, y->text);
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (int)x->fraction - (int)y->fraction;
}

/* ---------------------------------------------------------------- comparing */

/* Order of a field that is not null and an operand. @text: that of the field, if it is one. */
static int compare(const struct object *o, int field, const char *text, const struct operand *operand)
{
	int64_t number;

	if (operand->text)
		return text_compare(text, operand->text);
	number = object_int(o, field);
	if (o->kind->fields[field].type == FIELD_DATE)
		number = seconds_of(number);
	if (number != operand->number)
		return number < operand->number ? -1 : 1;
	return operand->fraction ? -1 : 0;
}

static bool is_one_of(const struct condition *c, const struct object *o, const char *text)
{
	size_t low = 0, high = c->operand_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(o, c->field, text, &c->operands[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* Matches the text that MySQL would make of a field for LIKE. @field_text: that of the field, if it is one. */
static bool is_like(const struct condition *c, const struct object *o, const char *field_text)
{
	const struct field *f = &o->kind->fields[c->field];
	char text[32];
	time_t seconds;
	struct tm tm;

	if (f->type == FIELD_STRING)
		return like_match(c->like, field_text);
	if (f->type == FIELD_BOOL) {
		snprintf(text, sizeof(text), "%s", object_int(o, c->field) ? "true" : "false");
	} else if (f->type == FIELD_DATE) {
		seconds = (time_t)seconds_of(object_int(o, c->field));
		if (!localtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
			return false;
	} else {
		snprintf(text, sizeof(text), "%" PRId64, object_int(o, c->field));
	}
	return like_match(c->like, text);
}

/* The comparison with a field that is not null. */
static bool compares(const struct condition *c, const struct object *o, const char *text)
{
	switch (c->op) {
	case OP_EQ:
		return compare(o, c->field, text, c->operands) == 0;
	case OP_NE:
		return compare(o, c->field, text, c->operands) != 0;
	case OP_GT:
		return compare(o, c->field, text, c->operands) > 0;
	case OP_LT:
		return compare(o, c->field, text, c->operands) < 0;
	case OP_GE:
		return compare(o, c->field, text, c->operands) >= 0;
	case OP_LE:
		return compare(o, c->field, text, c->operands) <= 0;
	case OP_IN:
		return is_one_of(c, o, text);
	case OP_NOT_IN:
		return !is_one_of(c, o, text);
	case OP_LIKE:
		return is_like(c, o, text);
	case OP_NOT_LIKE:
		return !is_like(c, o, text);
	case OP_IS_NULL:
		return false;
	case OP_NOT_NULL:
		return true;
	}
	return false;
}

int condition_test(const struct condition *c, const struct object *o)
{
	_cleanup_free_ char *owned = NULL;
	const char *text = NULL;

	if (object_is_null(o, c->field))
		return c->op == OP_IS_NULL;
	if (o->kind->fields[c->field].type == FIELD_STRING && c->op != OP_NOT_NULL) {
		text = object_shown(o, c->field, &owned);
		if (!text) {
			int r = object_check_texts(o, NULL);

			return r == -ESTALE ? 0 : r < 0 ? r : -ENOMEM;
		}
	}
	return compares(c, o, text);
}

int query_key_read(const struct object *o, int field, struct query_key *ret_key)
{
	*ret_key = (struct query_key){.o = o, .is_null = field >= 0 && object_is_null(o, field)};
	if (field < 0 || ret_key->is_null)
		return 0;
	if (!field_is_integer(&o->kind->fields[field])) {
		ret_key->text = object_shown(o, field, &ret_key->owned);
		/* what has been removed since is left out when it is written */
		ret_key->is_null = !ret_key->text && object_check_texts(o, NULL) == -ESTALE;
		return ret_key->text || ret_key->is_null ? 0 : -ENOMEM;
	}
	ret_key->number = object_int(o, field);
	if (o->kind->fields[field].type == FIELD_DATE)
		ret_key->number = seconds_of(ret_key->number);
	return 0;
}

void query_key_done(struct query_key *key)
{
	free(key->owned);
	key->owned = NULL;
}

int query_key_compare(const struct query_key *a, const struct query_key *b)
{
	if (a->is_null || b->is_null)
		return (int)b->is_null - (int)a->is_null;
	if (a->text)
		return text_compare(a->text, b->text);
	return (a->number > b->number) - (a->number < b->number);
}
