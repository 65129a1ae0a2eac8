/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: from `vmNics.ip=10.0.0.2` to something that can be tested. See query.h. */
#include <ctype.h>
#include <math.h>
#include <strings.h>

#include "inventory_class.h"
#include "query_internal.h"
#include "render.h"
#include "text.h"

/* Longer ones first where one begins with another. */
static const struct {
	const char *token;
	enum operator op;
} operators[] = {
	{"!?=", OP_NOT_IN}, {"!~=", OP_NOT_LIKE}, {"!=", OP_NE}, {">=", OP_GE}, {"<=", OP_LE},
	{"~=", OP_LIKE},    {"?=", OP_IN},	  {"=", OP_EQ},	 {">", OP_GT},	{"<", OP_LT},
};

/* At the end of a condition, behind a space. */
static const struct {
	const char *token;
	enum operator op;
} null_operators[] = {{"is null", OP_IS_NULL}, {"not null", OP_NOT_NULL}};

#define OPERATOR_LIST "[=, !=, >, <, >=, <=, ?=, !?=, ~=, !~=, is null, not null]"

bool query_may_name(const struct field *f)
{
	return f->type != FIELD_CHILDREN && f->type != FIELD_TREE && !(f->flags & (F_HIDDEN | F_SECRET));
}

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

void condition_free(struct condition *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->operand_count; i++)
		free(c->operands[i].text);
	free(c->operands);
	like_free(c->like);
	free(c);
}

/* ---------------------------------------------------------------- operators */

/* Parts @text into name, operator and value; the name is trimmed, the value is not. */
static int split(const char *text, size_t *ret_name_len, enum operator* ret_op, const char **ret_value,
		 struct error *e)
{
	char echo[ECHO_SIZE];
	size_t len = strlen(text);

	for (const char *p = text; *p; p++)
		for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
			size_t n = strlen(operators[i].token);

			if (strncmp(p, operators[i].token, n) != 0)
				continue;
			*ret_name_len = (size_t)(p - text);
			*ret_op = operators[i].op;
			*ret_value = p + n;
			return 0;
		}
	while (len > 0 && text[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < ARRAY_SIZE(null_operators); i++) {
		size_t n = strlen(null_operators[i].token);

		if (len <= n || text[len - n - 1] != ' ' ||
		    strncasecmp(text + len - n, null_operators[i].token, n) != 0)
			continue;
		*ret_name_len = len - n;
		*ret_op = null_operators[i].op;
		*ret_value = text + len;
		return 0;
	}
	return error_set(
		e, EINVAL,
		"Invalid query parameter. The '%s' in the parameter[q] doesn't contain any query operator."
		" Valid query operators are " OPERATOR_LIST,
		query_echo(text, strlen(text), echo));
}

/* -------------------------------------------------------------------- paths */

static int no_such_field(const struct kind *kind, const char *name, size_t len, struct error *e)
{
	char echo[ECHO_SIZE];

	return error_set_code(e, EINVAL, "SYS.1000", "inventory class[%sInventory] not having field[%s]",
			      kind->name, query_echo(name, len, echo));
}

static int add_step(struct condition *c, const struct relation *r, struct error *e)
{
	if (c->depth == QUERY_DEPTH_MAX)
		return error_set_code(e, EINVAL, "SYS.1000", "a condition can follow at most %d relations",
				      QUERY_DEPTH_MAX);
	c->steps[c->depth++] = *r;
	return 0;
}

/* The last part of a path is a field, or stands for the objects that hold tags or the values of a list. */
static int resolve_field(struct condition *c, const struct kind *kind, const char *name, size_t len,
			 struct error *e)
{
	static const struct {
		const char *name;
		enum kind_id kind;
		int resource_field, tag_field;
	} tags[] = {{"__systemTag__", KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, SYSTEM_TAG_TAG},
		    {"__userTag__", KIND_USER_TAG, USER_TAG_RESOURCE_UUID, USER_TAG_TAG}};
	struct relation *last = &c->steps[c->depth]; /* there is room: add_step() stops one before */

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (strlen(tags[i].name) == len && memcmp(tags[i].name, name, len) == 0) {
			*last = (struct relation){.kind = kind->id,
						  .name = tags[i].name,
						  .target = tags[i].kind,
						  .type = RELATION_REVERSE,
						  .field = tags[i].resource_field};
			c->depth++;
			c->field = tags[i].tag_field;
			c->never = c->op == OP_IS_NULL;
			c->none = c->op == OP_NE || c->op == OP_NOT_IN || c->op == OP_NOT_LIKE;
			c->op = c->op == OP_NE	       ? OP_EQ
				: c->op == OP_NOT_IN   ? OP_IN
				: c->op == OP_NOT_LIKE ? OP_LIKE
						       : c->op;
			return 0;
		}
	for (int i = 0; i < kind->field_count; i++) {
		const struct field *f = &kind->fields[i];

		if (!query_may_name(f) || strlen(f->name) != len || memcmp(f->name, name, len) != 0)
			continue;
		c->field = i;
		if (f->type == FIELD_VALUES) {
			*last = (struct relation){.kind = kind->id,
						  .name = f->name,
						  .target = f->target,
						  .type = RELATION_REVERSE,
						  .field = f->target_field};
			c->depth++;
			c->field = f->value_field;
			c->none = c->op == OP_IS_NULL;
			c->op = c->none ? OP_NOT_NULL : c->op;
		}
		return 0;
	}
	return no_such_field(kind, name, len, e);
}

static int resolve_path(struct condition *c, const struct kind *kind, const char *path, size_t len,
			struct error *e)
{
	const char *dot;

	while ((dot = memchr(path, '.', len))) {
		const struct relation *r = relation_find(kind, path, (size_t)(dot - path));
		char echo[ECHO_SIZE];
		int ret;

		if (!r)
			return error_set_code(e, EINVAL, "SYS.1000",
					      "no expand query[%s] found on inventory[%sInventory]",
					      query_echo(path, (size_t)(dot - path), echo), kind->name);
		ret = add_step(c, r, e);
		if (ret < 0)
			return ret;
		kind = kind_get(r->target);
		len -= (size_t)(dot + 1 - path);
		path = dot + 1;
	}
	return resolve_field(c, kind, path, len, e);
}

/* ------------------------------------------------------------------- values */

/* A decimal number, perhaps with a fraction, an exponent, or a unit of 1024s. */
static bool parse_number(const char *text, struct operand *ret)
{
	static const char units[] = "KMGTPE";
	size_t len = strspn(text, "+-0123456789.eE");
	long double value;
	const char *unit;
	char *end;

	/* The E of 2E is a unit, that of 1.0E7 is not: strtold() knows. */
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

static int64_t seconds_of(int64_t ns)
{
	return ns / 1000000000 - (ns % 1000000000 < 0);
}

/* Reads @text as a value of the field @f. */
static int operand_init(struct operand *operand, const struct field *f, const char *text, struct error *e)
{
	const char *expected = "a number";
	char echo[ECHO_SIZE];

	switch (f->type) {
	case FIELD_STRING:
		operand->text = strdup(text);
		return operand->text ? 0 : error_set(e, ENOMEM, "out of memory");
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

static int add_operand(struct condition *c, const struct field *f, const char *text, struct error *e)
{
	struct operand *grown;
	int r;

	if ((c->operand_count & (c->operand_count - 1)) == 0) { /* a power of two, or none yet */
		grown = reallocarray(c->operands, c->operand_count ? 2 * c->operand_count : 1,
				     sizeof(*grown));
		if (!grown)
			return error_set(e, ENOMEM, "out of memory");
		c->operands = grown;
	}
	c->operands[c->operand_count] = (struct operand){0};
	r = operand_init(&c->operands[c->operand_count], f, text, e);
	if (r == 0)
		c->operand_count++;
	return r;
}

static int add_list(struct condition *c, const struct field *f, const char *list, struct error *e)
{
	for (;;) {
		const char *comma = strchrnul(list, ',');
		_cleanup_free_ char *item = strndup(list, (size_t)(comma - list));
		int r = item ? add_operand(c, f, item, e) : error_set(e, ENOMEM, "out of memory");

		if (r < 0)
			return r;
		if (!*comma)
			break;
		list = comma + 1;
	}
	qsort(c->operands, c->operand_count, sizeof(*c->operands), operand_compare);
	return 0;
}

static int set_value(struct condition *c, const struct field *f, const char *value, struct error *e)
{
	int r;

	switch (c->op) {
	case OP_IS_NULL:
	case OP_NOT_NULL:
		return 0;
	case OP_LIKE:
	case OP_NOT_LIKE:
		r = like_new(value, &c->like);
		if (r == -EFBIG)
			return error_set_code(e, EINVAL, "SYS.1000",
					      "a pattern can have at most %d characters", LIKE_MAX);
		return r < 0 ? error_set(e, ENOMEM, "out of memory") : 0;
	case OP_IN:
	case OP_NOT_IN:
		return add_list(c, f, value, e);
	case OP_EQ:
	case OP_NE:
	case OP_GT:
	case OP_LT:
	case OP_GE:
	case OP_LE:
		return add_operand(c, f, value, e);
	}
	return 0;
}

int condition_new(const struct kind *kind, const char *text, struct condition **ret_condition,
		  struct error *e)
{
	_cleanup_(condition_free_p) struct condition *c = calloc(1, sizeof(*c));
	const struct kind *end;
	const char *name = text, *value = "";
	char echo[ECHO_SIZE];
	size_t len = 0;
	int r;

	if (!c)
		return error_set(e, ENOMEM, "out of memory");
	r = split(text, &len, &c->op, &value, e);
	if (r < 0)
		return r;
	if ((c->op == OP_EQ || c->op == OP_NE) && strcmp(value, "null") == 0)
		c->op = c->op == OP_EQ ? OP_IS_NULL : OP_NOT_NULL;
	for (; len > 0 && *name == ' '; len--)
		name++;
	while (len > 0 && name[len - 1] == ' ')
		len--;
	if (len == 0)
		return error_set(e, EINVAL,
				 "Invalid query parameter. The '%s' in the parameter[q] doesn't name a field",
				 query_echo(text, strlen(text), echo));
	r = resolve_path(c, kind, name, len, e);
	if (r < 0)
		return r;
	end = c->depth ? kind_get(c->steps[c->depth - 1].target) : kind;
	r = set_value(c, &end->fields[c->field], value, e);
	if (r < 0)
		return r;
	*ret_condition = steal(&c);
	return 0;
}
