/* SPDX-License-Identifier: Apache-2.0 */
/* See zql.h. */
#include "model/zql.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "model/cleanup.h"

/* Deepest nesting of parentheses. */
#define DEPTH_MAX 16

void zql_done(struct zql *z)
{
	free(z->entity);
	free(z->name);
	free(z->fields);
	free(z->sort);
	free(z->group_by);
	free(z->limit);
	free(z->offset);
	for (int i = 0; i < z->condition_count; i++)
		free(z->conditions[i]);
	*z = (struct zql){0};
}

/* ---------------------------------------------------------------------- words */

enum token { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_SIGN };

struct parser {
	const char *at; /* behind the token */
	enum token token;
	const char *start; /* of the token; of a string: behind its quote */
	size_t len;
	struct error *e;
	struct zql *z;
};

static int error_here(const struct parser *p, const char *expected)
{
	return error_set_code(p->e, EINVAL, "SYS.1000", "invalid zql: expected %s, but there is '%.*s'",
			      expected, p->token == TOKEN_END ? 3 : (int)(p->len < 60 ? p->len : 60),
			      p->token == TOKEN_END ? "end" : p->start);
}

static int error_unsupported(const struct parser *p, const char *what)
{
	return error_set_code(p->e, EINVAL, "SYS.1000", "this zql cannot be answered here: %s", what);
}

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

/* A string: two single quotes in a row are one of it. */
static int next_string(struct parser *p)
{
	char quote = *p->at++;

	p->start = p->at;
	p->token = TOKEN_STRING;
	for (; *p->at; p->at++) {
		if (*p->at != quote)
			continue;
		if (quote == '\'' && p->at[1] == '\'') {
			p->at++;
			continue;
		}
		p->len = (size_t)(p->at++ - p->start);
		return 0;
	}
	return error_set_code(p->e, EINVAL, "SYS.1000", "invalid zql: a string has no end");
}

static int next(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
	p->start = p->at;
	p->len = 0;
	if (!*p->at) {
		p->token = TOKEN_END;
		return 0;
	}
	if (*p->at == '\'' || *p->at == '"')
		return next_string(p);
	if (in_word(*p->at)) {
		p->token = TOKEN_WORD;
		while (in_word(p->start[p->len]))
			p->len++;
	} else {
		p->token = TOKEN_SIGN;
		p->len = strchr("!<>", *p->at) && p->at[1] == '=' ? 2 : 1;
	}
	p->at += p->len;
	return 0;
}

static bool is_word(const struct parser *p, const char *word)
{
	return p->token == TOKEN_WORD && strlen(word) == p->len && strncasecmp(p->start, word, p->len) == 0;
}

static bool is_sign(const struct parser *p, const char *sign)
{
	return p->token == TOKEN_SIGN && strlen(sign) == p->len && strncmp(p->start, sign, p->len) == 0;
}

/* The text of the token, allocated; NULL when memory is short. */
static char *text_of(const struct parser *p)
{
	char *text = strndup(p->start, p->len), *out = text;

	for (const char *in = text; text && *in; in++) {
		*out++ = *in;
		in += p->token == TOKEN_STRING && in[0] == '\'' && in[1] == '\'' && p->start[-1] == '\'';
	}
	if (text)
		*out = '\0';
	return text;
}

/* Stores the token, which is a word with letters, digits and, with @dots, dots; goes on. */
static int take_word(struct parser *p, const char *what, char **ret)
{
	if (p->token != TOKEN_WORD)
		return error_here(p, what);
	free(*ret);
	*ret = text_of(p);
	return *ret ? next(p) : error_oom(p->e);
}

static int expect_sign(struct parser *p, const char *sign)
{
	return is_sign(p, sign) ? next(p) : error_here(p, sign);
}

static int expect_word(struct parser *p, const char *word)
{
	return is_word(p, word) ? next(p) : error_here(p, word);
}

/* ----------------------------------------------------------------- conditions */

/* Operators and what is said in our language. */
static const struct {
	const char *words[3], *sign;
	bool bare, list;
} operators[] = {
	{{"is", "not", "null"}, "!=null", true, false},
	{{"is", "null"}, "=null", true, false},
	{{"not", "in"}, "!?=", false, true},
	{{"in"}, "?=", false, true},
	{{"not", "like"}, "!~=", false, false},
	{{"like"}, "~=", false, false},
};

/* The operator that begins at the token, which is a word; goes behind it. -1: none. */
static int take_operator(struct parser *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		struct parser ahead = *p;
		size_t k = 0;

		while (k < 3 && operators[i].words[k] && is_word(&ahead, operators[i].words[k])) {
			k++;
			if (next(&ahead) < 0)
				return -1;
		}
		if (k == 3 || !operators[i].words[k]) {
			*p = ahead;
			return (int)i;
		}
	}
	return -1;
}

static int add_condition(struct parser *p, const char *path, const char *sign, const char *value)
{
	char *text;

	if (p->z->condition_count == QUERY_CONDITIONS_MAX)
		return error_unsupported(p, "it has too many conditions");
	/* `=null` would mean something else */
	if (strcmp(value, "null") == 0 && (strcmp(sign, "=") == 0 || strcmp(sign, "!=") == 0))
		sign = *sign == '!' ? "!?=" : "?=";
	if (asprintf(&text, "%s%s%s", path, sign, value) < 0)
		return error_oom(p->e);
	p->z->conditions[p->z->condition_count++] = text;
	return 0;
}

static int take_value(struct parser *p, char **ret)
{
	if (p->token != TOKEN_STRING && p->token != TOKEN_WORD)
		return error_here(p, "a value");
	if (is_word(p, "query") || is_word(p, "getapi"))
		return error_unsupported(p,
					 "values of other queries; use a path such as vmNics.l3Network.uuid");
	*ret = text_of(p);
	return *ret ? next(p) : error_oom(p->e);
}

/* `('a', 'b')` as "a,b". */
static int take_list(struct parser *p, char **ret)
{
	int r = expect_sign(p, "(");

	while (r == 0) {
		_cleanup_free_ char *value = NULL;
		char *longer;

		r = take_value(p, &value);
		if (r < 0)
			return r;
		if (strchr(value, ','))
			return error_unsupported(p, "a value of a list has a comma");
		if (asprintf(&longer, "%s%s%s", *ret ? *ret : "", *ret ? "," : "", value) < 0)
			return error_oom(p->e);
		free(*ret);
		*ret = longer;
		if (!is_sign(p, ","))
			return expect_sign(p, ")");
		r = next(p);
	}
	return r;
}

/* A value, perhaps in parentheses. */
static int take_single(struct parser *p, char **ret)
{
	bool open = is_sign(p, "(");
	int r = open ? next(p) : 0;

	if (r == 0)
		r = take_value(p, ret);
	return r == 0 && open ? expect_sign(p, ")") : r;
}

/* What follows the path of a condition. */
static int take_comparison(struct parser *p, const char *path)
{
	static const char *const signs[] = {"=", "!=", ">=", "<=", ">", "<"};
	_cleanup_free_ char *value = NULL;
	int op, r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (is_sign(p, signs[i])) {
			r = next(p);
			if (r == 0)
				r = take_single(p, &value);
			return r < 0 ? r : add_condition(p, path, signs[i], value);
		}
	if (is_word(p, "has"))
		return error_unsupported(p, "the operator 'has'");
	op = take_operator(p);
	if (op < 0)
		return error_here(p, "an operator");
	if (!operators[op].bare)
		r = operators[op].list ? take_list(p, &value) : take_single(p, &value);
	return r < 0 ? r : add_condition(p, path, operators[op].sign, value ? value : "");
}

static int take_condition(struct parser *p, int depth);

/* Conditions that all must hold. */
static int take_conditions(struct parser *p, int depth)
{
	int r = take_condition(p, depth);

	while (r == 0 && is_word(p, "and")) {
		r = next(p);
		if (r == 0)
			r = take_condition(p, depth);
	}
	if (r == 0 && is_word(p, "or"))
		return error_unsupported(p, "conditions with 'or'; use in (...), or several queries");
	return r;
}

static int take_condition(struct parser *p, int depth)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (depth == DEPTH_MAX)
		return error_unsupported(p, "it is nested too deep");
	if (is_sign(p, "(")) {
		r = next(p);
		if (r == 0)
			r = take_conditions(p, depth + 1);
		return r < 0 ? r : expect_sign(p, ")");
	}
	r = take_word(p, "the name of a field", &path);
	return r < 0 ? r : take_comparison(p, path);
}

/* -------------------------------------------------------------------- clauses */

static int take_where(struct parser *p)
{
	return take_conditions(p, 0);
}

static int take_restriction(struct parser *p)
{
	int r = expect_word(p, "by");

	if (r == 0)
		r = expect_sign(p, "(");
	while (r == 0) {
		r = take_condition(p, 0);
		if (r < 0 || !is_sign(p, ","))
			return r < 0 ? r : expect_sign(p, ")");
		r = next(p);
	}
	return r;
}

static int take_returns(struct parser *p)
{
	int r = expect_word(p, "with");

	if (r == 0)
		r = expect_sign(p, "(");
	if (r == 0 && !is_word(p, "total"))
		return error_unsupported(p, "it returns something else than the total");
	p->z->total = true;
	if (r == 0)
		r = next(p);
	if (r == 0 && is_sign(p, ","))
		return error_unsupported(p, "it returns something else than the total");
	return r < 0 ? r : expect_sign(p, ")");
}

static int take_group(struct parser *p)
{
	int r = expect_word(p, "by");

	if (r == 0)
		r = take_word(p, "the name of a field", &p->z->group_by);
	if (r == 0 && is_sign(p, ","))
		return error_unsupported(p, "it groups by several fields");
	return r;
}

static int take_order(struct parser *p)
{
	_cleanup_free_ char *field = NULL;
	bool descending;
	int r = expect_word(p, "by");

	if (r == 0)
		r = take_word(p, "the name of a field", &field);
	if (r < 0)
		return r;
	descending = is_word(p, "desc");
	if (descending || is_word(p, "asc"))
		r = next(p);
	if (r == 0 && is_sign(p, ","))
		return error_unsupported(p, "it orders by several fields");
	free(p->z->sort);
	if (asprintf(&p->z->sort, "%c%s", descending ? '-' : '+', field) < 0) {
		p->z->sort = NULL;
		return error_oom(p->e);
	}
	return r;
}

static int take_limit(struct parser *p)
{
	return take_word(p, "a number", &p->z->limit);
}

static int take_offset(struct parser *p)
{
	return take_word(p, "a number", &p->z->offset);
}

static int take_name(struct parser *p)
{
	int r = expect_word(p, "as");

	if (r < 0)
		return r;
	if (p->token != TOKEN_STRING)
		return error_here(p, "a string");
	free(p->z->name);
	p->z->name = text_of(p);
	return p->z->name ? next(p) : error_oom(p->e);
}

/* In the order that the grammar has. */
static const struct {
	const char *word;
	int (*take)(struct parser *p);
} clauses[] = {
	{"where", take_where},	 {"restrict", take_restriction}, {"return", take_returns},
	{"group", take_group},	 {"order", take_order},		 {"limit", take_limit},
	{"offset", take_offset}, {"named", take_name},
};

/* The entity, with the fields that are wanted: `vminstance.name,uuid`. */
static int take_target(struct parser *p)
{
	char *dot;
	int r = take_word(p, "the name of an inventory", &p->z->entity);

	if (r < 0)
		return r;
	if (is_sign(p, "("))
		return error_unsupported(p, "functions");
	dot = strchr(p->z->entity, '.');
	if (dot) {
		*dot = '\0';
		p->z->fields = strdup(dot + 1);
		if (!p->z->fields)
			return error_oom(p->e);
	}
	while (dot && is_sign(p, ",")) {
		_cleanup_free_ char *field = NULL;
		char *longer;

		r = next(p);
		if (r == 0)
			r = take_word(p, "the name of a field", &field);
		if (r < 0)
			return r;
		if (asprintf(&longer, "%s,%s", p->z->fields, field) < 0)
			return error_oom(p->e);
		free(p->z->fields);
		p->z->fields = longer;
	}
	return 0;
}

static int take_statement(struct parser *p)
{
	int r = next(p);

	p->z->count = is_word(p, "count");
	if (r == 0 && (is_word(p, "sum") || is_word(p, "search")))
		return error_unsupported(p, "sums and searches");
	if (r == 0 && !p->z->count && !is_word(p, "query"))
		return error_here(p, "'query' or 'count'");
	if (r == 0)
		r = next(p);
	if (r == 0)
		r = take_target(p);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(clauses); i++) {
		if (!is_word(p, clauses[i].word))
			continue;
		r = next(p);
		if (r == 0)
			r = clauses[i].take(p);
	}
	if (r < 0 || p->token == TOKEN_END || is_sign(p, ";"))
		return r;
	return error_here(
		p, "a clause, in their order: where, restrict by, return with, group by, order by, limit, "
		   "offset, named as");
}

int zql_parse(const char **text, struct zql *ret, struct error *e)
{
	struct zql z = {0};
	struct parser p = {.at = *text, .e = e, .z = &z};
	int r = take_statement(&p);

	if (r < 0) {
		zql_done(&z);
		return r;
	}
	*text = p.at;
	*ret = z;
	return 0;
}

int zql_query(const struct zql *z, const struct kind *kind, struct query **ret_query, struct error *e)
{
	_cleanup_query_ struct query *q = query_new(kind);
	const struct {
		const char *key, *value;
	} parameters[] = {{"fields", z->fields},
			  {"sort", z->sort},
			  {"groupBy", z->group_by},
			  {"limit", z->limit},
			  {"start", z->offset},
			  {"count", z->count ? "true" : NULL},
			  {"replyWithCount", z->total ? "true" : NULL}};
	int r = q ? 0 : error_oom(e);

	if (q)
		query_set_limit(q, INT64_MAX);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parameters); i++)
		if (parameters[i].value)
			r = query_set(q, parameters[i].key, parameters[i].value, e);
	for (int i = 0; r == 0 && i < z->condition_count; i++)
		r = query_add_condition(q, z->conditions[i], e);
	if (r == 0)
		*ret_query = steal(&q);
	return r;
}
