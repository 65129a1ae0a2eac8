/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: compiles text like `vmNics.ip=10.0.0.2`. See query_parse.h. */
#include "model/query_condition.h"

#include <strings.h>

#include "model/query_internal.h"
#include "model/query_value.h"

/* Where one operator is a prefix of another, the longer one comes first. */
static const struct {
	const char *token;
	enum operator op;
} operators[] = {
	{"!?=", OP_NOT_IN}, {"!~=", OP_NOT_LIKE}, {"!=", OP_NE}, {">=", OP_GE}, {"<=", OP_LE},
	{"~=", OP_LIKE},    {"?=", OP_IN},	  {"=", OP_EQ},	 {">", OP_GT},	{"<", OP_LT},
};

/* At the end of a condition, after a space. */
static const struct {
	const char *token;
	enum operator op;
} null_operators[] = {{"is null", OP_IS_NULL}, {"not null", OP_NOT_NULL}};

#define OPERATOR_LIST "[=, !=, >, <, >=, <=, ?=, !?=, ~=, !~=, is null, not null]"

bool query_may_name(const struct field *f)
{
	return f->type != FIELD_CHILDREN && f->type != FIELD_TREE && f->type != FIELD_NOTHING &&
	       !(f->flags & (F_HIDDEN | F_SECRET));
}

int query_field(const struct kind *kind, const char *name, size_t len)
{
	for (int i = 0; i < kind->field_count; i++)
		if (query_may_name(&kind->fields[i]) && strncmp(kind->fields[i].name, name, len) == 0 &&
		    kind->fields[i].name[len] == '\0')
			return i;
	return -1;
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

/* Splits @text into name, operator and value. */
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

static int add_step(struct condition *c, const struct relation *r, struct error *e)
{
	if (c->depth == QUERY_DEPTH_MAX)
		return error_set_code(e, EINVAL, "SYS.1000", "a condition can follow at most %d relations",
				      QUERY_DEPTH_MAX);
	c->steps[c->depth++] = *r;
	return 0;
}

/* Adds a step to the objects that refer to ours in @field: its tags, or the values of a list. */
static void add_last_step(struct condition *c, const struct kind *from, enum kind_id to, int field)
{
	/* There is room: add_step() leaves one entry free. */
	c->steps[c->depth++] = (struct relation){
		.kind = from->id, .name = "", .target = to, .type = RELATION_REVERSE, .field = field};
}

/* The operator applies to each tag; a negative one holds when the positive one holds for no tag. */
static void resolve_tag(struct condition *c, const struct kind *kind, enum kind_id tag, int resource_field,
			int tag_field)
{
	add_last_step(c, kind, tag, resource_field);
	c->field = tag_field;
	c->never = c->op == OP_IS_NULL; /* as on the manual's server */
	c->none = c->op == OP_NE || c->op == OP_NOT_IN || c->op == OP_NOT_LIKE;
	if (c->none)
		c->op = c->op == OP_NE ? OP_EQ : c->op == OP_NOT_IN ? OP_IN : OP_LIKE;
}

static bool is_name(const char *name, const char *text, size_t len)
{
	return strncmp(name, text, len) == 0 && name[len] == '\0';
}

/* The last part of a path is a field, a list, or the tags. */
static int resolve_field(struct condition *c, const struct kind *kind, const char *name, size_t len,
			 struct error *e)
{
	const struct field *f;
	char echo[ECHO_SIZE];

	if (is_name("__systemTag__", name, len)) {
		resolve_tag(c, kind, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, SYSTEM_TAG_TAG);
		return 0;
	}
	if (is_name("__userTag__", name, len)) {
		resolve_tag(c, kind, KIND_USER_TAG, USER_TAG_RESOURCE_UUID, USER_TAG_TAG);
		return 0;
	}
	c->field = query_field(kind, name, len);
	if (c->field < 0)
		return error_set_code(e, EINVAL, "SYS.1000",
				      "inventory class[%sInventory] not having field[%s]", kind->name,
				      query_echo(name, len, echo));
	f = &kind->fields[c->field];
	if (f->type == FIELD_VALUES) {
		add_last_step(c, kind, f->target, f->target_field);
		c->field = f->value_field;
		c->none = c->op == OP_IS_NULL; /* an empty list */
		if (c->none)
			c->op = OP_NOT_NULL;
	}
	return 0;
}

/* What resolve_path() returns when the path leads to nothing: there is no field to compare. */
#define CONDITION_VOID 1

static int resolve_path(struct condition *c, const struct kind *kind, const char *path, size_t len,
			struct error *e)
{
	const char *dot;

	while ((dot = memchr(path, '.', len))) {
		const struct relation *r = relation_find(kind, path, (size_t)(dot - path));
		char echo[ECHO_SIZE];
		int ret;

		if (!r && relation_is_void(kind, path, (size_t)(dot - path))) {
			c->never = true;
			return CONDITION_VOID;
		}
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

static int add_operand(struct condition *c, const struct field *f, const char *text, struct error *e)
{
	struct operand *grown;
	int r;

	if ((c->operand_count & (c->operand_count - 1)) == 0) { /* a power of two, or none yet */
		grown = reallocarray(c->operands, c->operand_count ? 2 * c->operand_count : 1,
				     sizeof(*grown));
		if (!grown)
			return error_oom(e);
		c->operands = grown;
	}
	c->operands[c->operand_count] = (struct operand){0};
	r = operand_init(&c->operands[c->operand_count], f, text, e);
	if (r < 0)
		return r;
	c->operand_count++;
	return 0;
}

static int add_list(struct condition *c, const struct field *f, const char *list, struct error *e)
{
	for (;;) {
		const char *comma = strchrnul(list, ',');
		_cleanup_free_ char *item = strndup(list, (size_t)(comma - list));
		int r = item ? add_operand(c, f, item, e) : error_oom(e);

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
		return r < 0 ? error_oom(e) : 0;
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
		return error_oom(e);
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
	if (r == CONDITION_VOID) {
		c->op = OP_NOT_NULL; /* needs no operand */
		*ret_condition = steal(&c);
		return 0;
	}
	end = c->depth ? kind_get(c->steps[c->depth - 1].target) : kind;
	r = set_value(c, &end->fields[c->field], value, e);
	if (r < 0)
		return r;
	*ret_condition = steal(&c);
	return 0;
}
