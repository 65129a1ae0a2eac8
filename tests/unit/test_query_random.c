/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random queries over random pools against a reference that shares no code with
 * the query engine: rows are JSON objects, relations are joins over their
 * columns, patterns are matched by recursion, everything is a nested loop. The
 * tree must give the same, in the file of the query and in `where`.
 */
#include "tests/unit/test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actions/engine/pool_internal.h"
#include "fs/table.h"
#include "fs/tree/class.h"
#include "fs/tree/by_name.h"
#include "fs/tree/queries.h"
#include "fs/class/scratches.h"
#include "fs/tree/where.h"
#include "fs/tree/where_list.h"
#include "model/query_run.h"

enum { POOLS = 8, QUERIES = 500 };

/* ----------------------------------------------------------------- the pool */

/* The kinds that take part, and their columns: s(tring), n(umber), d(ate), b(ool). */
static const struct table {
	enum kind_id kind;
	int rows;
	const char *columns[16];
} tables[] = {
	{KIND_ZONE, 3, {"s:uuid", "s:name", "s:description", "s:state"}},
	{KIND_CLUSTER, 5, {"s:uuid", "s:name", "s:zoneUuid", "s:state"}},
	{KIND_HOST, 8, {"s:uuid", "s:name", "s:zoneUuid", "s:clusterUuid", "s:managementIp", "n:cpuNum"}},
	{KIND_L2_NETWORK, 4, {"s:uuid", "s:name", "s:zoneUuid", "n:vlan", "s:type"}},
	{KIND_CLUSTER_L2_NETWORK, 8, {"s:uuid", "s:clusterUuid", "s:l2NetworkUuid"}},
	{KIND_L3_NETWORK, 5, {"s:uuid", "s:name", "s:l2NetworkUuid", "s:zoneUuid", "b:system"}},
	{KIND_VM,
	 70,
	 {"s:uuid", "s:name", "s:description", "s:zoneUuid", "s:clusterUuid", "s:hostUuid",
	  "s:rootVolumeUuid", "s:state", "n:cpuNum", "n:memorySize", "d:createDate", "d:lastOpDate"}},
	{KIND_NIC,
	 60,
	 {"s:uuid", "s:vmInstanceUuid", "s:l3NetworkUuid", "s:ip", "n:deviceId", "d:createDate"}},
	{KIND_VOLUME,
	 60,
	 {"s:uuid", "s:name", "s:vmInstanceUuid", "n:size", "b:isShareable", "s:status", "d:createDate",
	  "n:deviceId"}},
	{KIND_USER_TAG, 50, {"s:uuid", "s:resourceUuid", "s:tag"}},
	{KIND_SYSTEM_TAG, 50, {"s:uuid", "s:resourceUuid", "s:tag"}},
};

/* a.name goes to b where a.left = b.right, perhaps by way of a link table's two columns. */
static const struct join {
	enum kind_id a;
	const char *name;
	enum kind_id b;
	const char *left, *right;
	enum kind_id link;
	const char *link_left, *link_right;
} joins[] = {
	{KIND_ZONE, "cluster", KIND_CLUSTER, "uuid", "zoneUuid", 0, 0, 0},
	{KIND_ZONE, "host", KIND_HOST, "uuid", "zoneUuid", 0, 0, 0},
	{KIND_ZONE, "vmInstance", KIND_VM, "uuid", "zoneUuid", 0, 0, 0},
	{KIND_ZONE, "l2Network", KIND_L2_NETWORK, "uuid", "zoneUuid", 0, 0, 0},
	{KIND_ZONE, "l3Network", KIND_L3_NETWORK, "uuid", "zoneUuid", 0, 0, 0},
	{KIND_CLUSTER, "zone", KIND_ZONE, "zoneUuid", "uuid", 0, 0, 0},
	{KIND_CLUSTER, "host", KIND_HOST, "uuid", "clusterUuid", 0, 0, 0},
	{KIND_CLUSTER, "vmInstance", KIND_VM, "uuid", "clusterUuid", 0, 0, 0},
	{KIND_CLUSTER, "l2Network", KIND_L2_NETWORK, "uuid", "uuid", KIND_CLUSTER_L2_NETWORK, "clusterUuid",
	 "l2NetworkUuid"},
	{KIND_HOST, "zone", KIND_ZONE, "zoneUuid", "uuid", 0, 0, 0},
	{KIND_HOST, "cluster", KIND_CLUSTER, "clusterUuid", "uuid", 0, 0, 0},
	{KIND_HOST, "vmInstance", KIND_VM, "uuid", "hostUuid", 0, 0, 0},
	{KIND_L2_NETWORK, "zone", KIND_ZONE, "zoneUuid", "uuid", 0, 0, 0},
	{KIND_L2_NETWORK, "cluster", KIND_CLUSTER, "uuid", "uuid", KIND_CLUSTER_L2_NETWORK, "l2NetworkUuid",
	 "clusterUuid"},
	{KIND_L2_NETWORK, "l3Network", KIND_L3_NETWORK, "uuid", "l2NetworkUuid", 0, 0, 0},
	{KIND_L3_NETWORK, "zone", KIND_ZONE, "zoneUuid", "uuid", 0, 0, 0},
	{KIND_L3_NETWORK, "l2Network", KIND_L2_NETWORK, "l2NetworkUuid", "uuid", 0, 0, 0},
	{KIND_L3_NETWORK, "vmNic", KIND_NIC, "uuid", "l3NetworkUuid", 0, 0, 0},
	{KIND_VM, "vmNics", KIND_NIC, "uuid", "vmInstanceUuid", 0, 0, 0},
	{KIND_VM, "allVolumes", KIND_VOLUME, "uuid", "vmInstanceUuid", 0, 0, 0},
	{KIND_VM, "rootVolume", KIND_VOLUME, "rootVolumeUuid", "uuid", 0, 0, 0},
	{KIND_VM, "host", KIND_HOST, "hostUuid", "uuid", 0, 0, 0},
	{KIND_VM, "cluster", KIND_CLUSTER, "clusterUuid", "uuid", 0, 0, 0},
	{KIND_VM, "zone", KIND_ZONE, "zoneUuid", "uuid", 0, 0, 0},
	{KIND_NIC, "vmInstance", KIND_VM, "vmInstanceUuid", "uuid", 0, 0, 0},
	{KIND_NIC, "l3Network", KIND_L3_NETWORK, "l3NetworkUuid", "uuid", 0, 0, 0},
	{KIND_VOLUME, "vmInstance", KIND_VM, "vmInstanceUuid", "uuid", 0, 0, 0},
};

static json_t *rows_of[KIND_COUNT]; /* arrays of row objects */
static struct view *view;

static unsigned pick(size_t n)
{
	return (unsigned)((size_t)rand() % n);
}

#define pick_of(array) ((array)[pick(ARRAY_SIZE(array))])

static const struct table *table_of(enum kind_id kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (tables[i].kind == kind)
			return &tables[i];
	return NULL;
}

static const char *some_text(void)
{
	static const char *const texts[] = {"web",    "Web ", "WEB-1", "db%",	  "a_b",     "it's",
					    "云主机", "x\"y", "",      "a,b",	  "null",    "web  x",
					    "ab",     "AAB",  "a.b=c", "Running", "Stopped", "RUNNING"};
	return pick_of(texts);
}

static const char *uuid_name(enum kind_id kind, unsigned n)
{
	static char ring[8][32];
	static unsigned next;
	char *text = ring[next++ % 8];

	snprintf(text, sizeof(ring[0]), "%s-%u", kind_get(kind)->table, n);
	return text;
}

static enum kind_id kind_of_column(const char *column)
{
	if (strcmp(column, "zoneUuid") == 0)
		return KIND_ZONE;
	if (strcmp(column, "clusterUuid") == 0)
		return KIND_CLUSTER;
	if (strcmp(column, "hostUuid") == 0)
		return KIND_HOST;
	if (strcmp(column, "rootVolumeUuid") == 0)
		return KIND_VOLUME;
	if (strcmp(column, "vmInstanceUuid") == 0)
		return KIND_VM;
	if (strcmp(column, "l2NetworkUuid") == 0)
		return KIND_L2_NETWORK;
	return strcmp(column, "l3NetworkUuid") == 0 ? KIND_L3_NETWORK : KIND_NONE;
}

static json_t *random_value(char type, const char *column)
{
	static const enum kind_id tagged[] = {KIND_VM, KIND_NIC, KIND_ZONE, KIND_HOST, KIND_VOLUME};
	static const json_int_t numbers[] = {0,	   1,	 2,	  3,  10,	 12,
					     1024, 4096, 1048576, -3, INT64_MAX, INT64_MIN};
	enum kind_id target = kind_of_column(column);

	if (strcmp(column, "resourceUuid") == 0)
		target = pick_of(tagged);
	if (pick(6) == 0)
		return json_null();
	if (target) /* some refer to nothing */
		return json_string(uuid_name(target, pick((size_t)table_of(target)->rows + 1)));
	switch (type) {
	case 'n':
		return json_integer(pick_of(numbers));
	case 'd': /* seconds; the engine gets some nanoseconds more */
		return json_integer(1510698050 + (json_int_t)pick(10));
	case 'b':
		return json_boolean(pick(2));
	default:
		return json_string(some_text());
	}
}

static void make_pool(void)
{
	view = view_new();
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		enum kind_id kind = tables[t].kind;

		rows_of[kind] = json_array();
		for (int n = 0; n < tables[t].rows; n++) {
			struct object *o = object_new(kind_get(kind));
			json_t *row = json_object();

			o->id = 3 * n + 1;
			for (const char *const *c = tables[t].columns; *c; c++) {
				const char *name = *c + 2;
				int field = kind_field(kind_get(kind), name);
				json_t *value = strcmp(name, "uuid") == 0
							? json_string(uuid_name(kind, (unsigned)n))
							: random_value(**c, name);

				assert_true(field >= 0);
				json_object_set_new(row, name, value);
				if (json_is_string(value))
					object_set_str(o, field, json_string_value(value));
				else if (json_is_boolean(value))
					object_set_int(o, field, json_is_true(value));
				else if (json_is_integer(value))
					object_set_int(o, field,
						       **c == 'd' ? json_integer_value(value) * NS_PER_S +
									    pick(999999999)
								  : json_integer_value(value));
			}
			json_array_append_new(rows_of[kind], row);
			assert_int_equal(view_put(view, o), 0);
			object_unref(o);
		}
	}
}

static void free_pool(void)
{
	for (int k = 0; k < KIND_COUNT; k++) {
		json_decref(rows_of[k]);
		rows_of[k] = NULL;
	}
	view_unref(view);
}

/* --------------------------------------------------------- random conditions */

struct condition {
	const struct join *path[6];
	int depth;
	const char *column; /* with its type; NULL: a tag */
	enum kind_id tag;
	const char *op;
	char value[128];
	char text[512];
};

static const char *const operators[] = {
	"=", "!=", ">", "<", ">=", "<=", "?=", "!?=", "~=", "!~=", " is null", " not null"};

static void random_operand(char type, char *out, size_t size)
{
	static const char *const numbers[] = {"0",
					      "1",
					      "2",
					      "3",
					      "10",
					      "1K",
					      "4k",
					      "1M",
					      "-3",
					      "2.5",
					      "1e1",
					      "12.0",
					      "9223372036854775807",
					      "-9223372036854775808",
					      "1e30",
					      "+3"};
	static const char *const bools[] = {"true", "false", "TRUE", "1", "0"};
	time_t seconds = 1510698050 + (time_t)pick(10);
	struct tm tm;

	if (type == 'n') {
		snprintf(out, size, "%s", pick_of(numbers));
	} else if (type == 'b') {
		snprintf(out, size, "%s", pick_of(bools));
	} else if (type == 'd') {
		gmtime_r(&seconds, &tm);
		strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm);
	} else if (pick(3) == 0) {
		const struct table *t = &tables[pick(ARRAY_SIZE(tables))];

		snprintf(out, size, "%s", uuid_name(t->kind, pick((size_t)t->rows)));
	} else {
		snprintf(out, size, "%s", some_text());
	}
}

static void random_pattern(char *out, size_t size)
{
	static const char *const pieces[] = {"%",   "_",   "a", "b", "W",  "e", "-1", "云",
					     "\\%", "\\_", "1", "5", "20", ":", "ru", " "};
	size_t at = 0;

	out[0] = '\0';
	for (unsigned n = pick(6); n > 0; n--)
		at += (size_t)snprintf(out + at, size - at, "%s", pick_of(pieces));
}

static void random_condition(struct condition *c, enum kind_id kind)
{
	char list[40];
	size_t at = 0;
	char type = 's';

	memset(c, 0, sizeof(*c));
	for (unsigned hops = pick(3) ? pick(2) : pick(5); hops > 0; hops--) {
		const struct join *candidates[16];
		size_t n = 0;

		for (size_t i = 0; i < ARRAY_SIZE(joins); i++)
			if (joins[i].a == kind)
				candidates[n++] = &joins[i];
		if (n == 0)
			break;
		c->path[c->depth] = candidates[pick(n)];
		at += (size_t)snprintf(c->text + at, sizeof(c->text) - at, "%s.", c->path[c->depth]->name);
		kind = c->path[c->depth++]->b;
	}
	if (pick(6) == 0) {
		c->tag = pick(2) ? KIND_USER_TAG : KIND_SYSTEM_TAG;
		at += (size_t)snprintf(c->text + at, sizeof(c->text) - at, "%s",
				       c->tag == KIND_USER_TAG ? "__userTag__" : "__systemTag__");
	} else {
		size_t n = 0;

		while (table_of(kind)->columns[n])
			n++;
		c->column = table_of(kind)->columns[pick(n)];
		type = *c->column;
		at += (size_t)snprintf(c->text + at, sizeof(c->text) - at, "%s", c->column + 2);
	}
	c->op = pick_of(operators);
	if (strchr(c->op, '~')) {
		random_pattern(c->value, sizeof(c->value));
	} else if (strchr(c->op, '?')) {
		for (unsigned n = 1 + pick(3), used = 0; n > 0; n--) {
			random_operand(type, list, sizeof(list));
			used += (unsigned)snprintf(c->value + used, sizeof(c->value) - used, "%s%s",
						   used ? "," : "", list);
		}
	} else if (c->op[0] != ' ') {
		random_operand(type, c->value, sizeof(c->value));
		if (pick(12) == 0 && (strcmp(c->op, "=") == 0 || strcmp(c->op, "!=") == 0))
			snprintf(c->value, sizeof(c->value), "null");
	}
	snprintf(c->text + at, sizeof(c->text) - at, "%s%s", c->op, c->value);
}

/* ------------------------------------------------------------- the reference */

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

static bool reference_holds(const struct condition *c, int level, const json_t *row)
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

struct random_query {
	enum kind_id kind;
	struct condition conditions[3];
	int condition_count;
	const char *sort, *group; /* columns, or NULL */
	bool descending, count, with_total;
	long limit, start; /* -1 = not given */
	char text[8192];
};

/* Uuids in order, and the total. */
static json_t *reference_run(const struct random_query *q, json_int_t *ret_total)
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

/* ------------------------------------------------------------------ the test */

/* Encodes what must be encoded, and other characters now and then. */
static size_t encode(char *out, size_t size, const char *text)
{
	size_t at = 0;

	for (; *text; text++) {
		bool plain = isalnum((unsigned char)*text) || strchr("=!<>~?_.-,'", *text);

		if (*text == ' ' && pick(2))
			at += (size_t)snprintf(out + at, size - at, "+");
		else if (plain && pick(10))
			at += (size_t)snprintf(out + at, size - at, "%c", *text);
		else
			at += (size_t)snprintf(out + at, size - at, "%%%02X", (unsigned char)*text);
	}
	return at;
}

static void random_query(struct random_query *q)
{
	static const enum kind_id kinds[] = {KIND_VM,	      KIND_VM,	      KIND_VM,	 KIND_NIC,
					     KIND_VOLUME,     KIND_HOST,      KIND_ZONE, KIND_CLUSTER,
					     KIND_L2_NETWORK, KIND_L3_NETWORK};
	size_t at = 0, columns = 0;

	memset(q, 0, sizeof(*q));
	q->kind = pick_of(kinds);
	q->limit = pick(3) ? -1 : (long)pick(20);
	q->start = pick(3) ? -1 : (long)pick(20);
	while (table_of(q->kind)->columns[columns])
		columns++;
	q->sort = pick(2) ? table_of(q->kind)->columns[pick(columns)] : NULL;
	q->group = pick(4) ? NULL : table_of(q->kind)->columns[pick(columns)];
	q->descending = pick(2);
	q->count = pick(10) == 0;
	q->with_total = pick(3) == 0;
	q->condition_count = (int)pick(4);
	for (int i = 0; i < q->condition_count; i++) {
		random_condition(&q->conditions[i], q->kind);
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at,
				       "%s=", pick(4) ? "q" : "condition");
		at += encode(q->text + at, sizeof(q->text) - at, q->conditions[i].text);
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "&");
	}
	if (q->limit >= 0)
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "limit=%ld&", q->limit);
	if (q->start >= 0)
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "start=%ld&", q->start);
	if (q->sort)
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "sort=%s%s&",
				       q->descending ? "-"
				       : pick(2)     ? "+"
						     : "%2B",
				       q->sort + 2);
	if (q->group)
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "groupBy=%s&", q->group + 2);
	if (q->count)
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "count=true&");
	snprintf(q->text + at, sizeof(q->text) - at, "fields=uuid%s",
		 q->with_total ? "&replyWithCount=true" : "");
}

/* ------------------------------------------------------------------ the tree */

static struct pool pool;
static struct fs fs = {.nodes = node_table, .pool = &pool};

/* The result of a worker for a file. */
struct made {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	struct document *d;
};

static void content_made(void *arg, int result, struct document *d, const struct error *e)
{
	struct made *made = arg;

	if (result < 0)
		fail_msg("%s", error_sentence(e));
	pthread_mutex_lock(&made->lock);
	made->d = d;
	made->done = true;
	pthread_cond_signal(&made->cond);
	pthread_mutex_unlock(&made->lock);
}

static json_t *read_file(const struct place *p)
{
	struct made made = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
	json_t *json;

	content_start(p, content_made, &made);
	pthread_mutex_lock(&made.lock);
	while (!made.done)
		pthread_cond_wait(&made.cond, &made.lock);
	pthread_mutex_unlock(&made.lock);
	json = json_loadb(made.d->data, made.d->len, 0, NULL);
	assert_non_null(json);
	assert_true(made.d->mtime > 0);
	document_unref(made.d);
	return json;
}

/* The directory that the collection of @kind is in, and the last part of its name. */
static const char *find_parent(const struct kind *kind, struct place *ret)
{
	const char *name = kind->directory, *slash;
	char part[NAME_SIZE];

	place_init(&fs, view, NODE_ROOT, ret);
	while ((slash = strchr(name, '/'))) {
		struct place dir = *ret;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - name), name);
		assert_int_equal(place_lookup(&dir, part, ret), 0);
		name = slash + 1;
	}
	return name;
}

static void check_file(const struct random_query *rq, const json_t *answer)
{
	struct place dir, p, again;
	const char *name = find_parent(kind_get(rq->kind), &dir);
	char file[sizeof(rq->text) + NAME_SIZE];
	json_t *json;

	if (strlen(rq->text) > QUERIES_TEXT)
		return;
	snprintf(file, sizeof(file), "%s?%s", name, rq->text);
	assert_int_equal(place_lookup(&dir, file, &p), 0);
	assert_int_equal(place_find(&fs, view, node_pack(p.node), 0, &again), 0);
	json = read_file(&again);
	if (!json_equal(json, answer))
		fail_msg("the file '%s' has another answer", file);
	json_decref(json);
}

/* All conditions as directories: no paging, no grouping, in order of creation. */
static void check_where(const struct random_query *rq)
{
	struct random_query all = {
		.kind = rq->kind, .condition_count = rq->condition_count, .limit = INT32_MAX};
	_cleanup_query_ struct query *q = NULL;
	_cleanup_free_ char *text = NULL;
	struct place dir, below;
	const char *name = find_parent(kind_get(rq->kind), &dir);
	struct where_list *list;
	json_int_t total;
	json_t *expected;

	memcpy(all.conditions, rq->conditions, sizeof(all.conditions));
	assert_int_equal(place_lookup(&dir, name, &below), 0);
	assert_int_equal(place_lookup(&below, "where", &dir), 0);
	for (int i = 0; i < rq->condition_count; i++) {
		char component[sizeof(rq->conditions[0].text) * 3] = "";
		size_t at = 0;

		for (const char *c = rq->conditions[i].text; *c; c++)
			at += (size_t)snprintf(component + at, sizeof(component) - at, "%c%s", *c,
					       *c == '%' ? "25" : "");
		if (at > NAME_SIZE - 1)
			return;
		if (place_lookup(&dir, component, &below) != 0)
			fail_msg("no directory '%s'", component);
		assert_int_equal(below.node.class, N_CONDITION);
		assert_int_equal(place_find(&fs, view, node_pack(below.node), 0, &dir), 0);
	}
	if (!rq->condition_count)
		return;
	text = where_text(&dir);
	assert_int_equal(query_parse(kind_get(rq->kind), text, &q, NULL), 0);
	query_set_limit(q, INT64_MAX);
	list = where_list_new(&dir, q, &(struct query_scope){0}, NULL);
	expected = reference_run(&all, &total);
	assert_int_equal(list->result.count, total);
	dir.list = list;
	for (int64_t at = 0, i = 0; i < total; i++) {
		char entry[NAME_SIZE];
		struct place p, found;

		assert_true(place_next(&dir, at, &at, entry, &p));
		assert_string_equal(object_uuid(p.object),
				    json_string_value(json_array_get(expected, (size_t)i)));
		assert_int_equal(place_lookup(&dir, entry, &found), 0);
		assert_int_equal(node_pack(found.node), node_pack(p.node));
		/* Some NICs of this pool have no VM, in whose directory theirs would be. */
		assert_true(place_readlink(&p, (char[PATH_SIZE]){0}) || rq->kind == KIND_NIC);
	}
	json_decref(expected);
	where_list_free(list);
}

static void check_query(const struct random_query *rq, size_t *ret_hits)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_query_ struct query *q = NULL;
	json_t *json = NULL, *uuids = json_array(), *expected, *item, *total;
	json_int_t expected_total;
	size_t i;

	if (query_parse(kind_get(rq->kind), rq->text, &q, &e) < 0 ||
	    query_run(q, view, &(struct query_scope){0}, &json, &e) < 0)
		fail_msg("%s ? %s: %s", kind_get(rq->kind)->name, rq->text, error_sentence(&e));
	json_array_foreach (json_object_get(json, "inventories"), i, item)
		json_array_append(uuids, json_object_get(item, "uuid"));
	expected = reference_run(rq, &expected_total);
	if (rq->count)
		json_array_clear(expected);
	total = json_object_get(json, "total");
	if (!json_equal(uuids, expected) || (rq->count || rq->with_total) != (total != NULL) ||
	    (total && json_integer_value(total) != expected_total)) {
		char *is = json_dumps(json, 0), *should_be = json_dumps(expected, 0);

		fail_msg("%s ? %s\nconditions: %s | %s | %s\ngave %s\nnot  %s, total %ld",
			 kind_get(rq->kind)->name, rq->text, rq->conditions[0].text, rq->conditions[1].text,
			 rq->conditions[2].text, is, should_be, (long)expected_total);
	}
	*ret_hits += json_array_size(uuids) != 0;
	/* One object at a time: the same conditions, without paging. */
	for (unsigned n = 0; n < 3; n++) {
		json_t *row = json_array_get(rows_of[rq->kind], pick(json_array_size(rows_of[rq->kind])));
		const struct object *o =
			view_get(view, rq->kind, json_string_value(json_object_get(row, "uuid")));
		bool holds = true;

		for (int c = 0; c < rq->condition_count; c++)
			holds = holds && reference_holds(&rq->conditions[c], 0, row);
		assert_int_equal(query_match(q, view, &(struct query_scope){0}, o, NULL), holds);
	}
	check_file(rq, json);
	check_where(rq);
	json_decref(json);
	json_decref(uuids);
	json_decref(expected);
}

static void random_queries_agree_with_the_reference(void **state)
{
	static struct random_query q;
	size_t hits = 0;
	(void)state;

	setenv("TZ", "UTC", 1);
	tzset();
	for (int round = 0; round < POOLS; round++) {
		srand((unsigned)round + 1);
		make_pool();
		fs.ranks = ranks_new(); /* of one view; all of these have the same number */
		assert_non_null(fs.ranks);
		for (int i = 0; i < QUERIES; i++) {
			random_query(&q);
			check_query(&q, &hits);
		}
		ranks_free(fs.ranks);
		free_pool();
	}
	print_message("%d queries, %zu of them with matches\n", POOLS * QUERIES, hits);
	assert_true(hits > POOLS * QUERIES / 4); /* or the generator tests nothing */
}

static int set_up(void **state)
{
	(void)state;
	pool.background = workers_new("background", 4);
	pool.turns = turns_new(pool.background, 2);
	fs.queries = queries_new(NULL);
	fs.scratches = scratches_new(NULL);
	fs.born = 1;
	return pool.background && pool.turns && fs.queries && fs.scratches ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	workers_free(pool.background);
	turns_free(pool.turns);
	queries_free(fs.queries);
	scratches_free(fs.scratches);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_queries_agree_with_the_reference)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
