/* SPDX-License-Identifier: Apache-2.0 */
/* ZQL, translated into the query language: what each clause becomes, and what is refused. */
#include "model/zql.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The statement as one line: entity, flags, clauses, conditions. */
static void show(const struct zql *z, char ret[1024])
{
	int len = snprintf(ret, 1024, "%s%s%s%s%s", z->count ? "count " : "", z->entity, z->fields ? "." : "",
			   z->fields ? z->fields : "", z->total ? " total" : "");
	const char *const parts[][2] = {{"group", z->group_by},
					{"sort", z->sort},
					{"limit", z->limit},
					{"start", z->offset},
					{"as", z->name}};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i][1])
			len += snprintf(ret + len, 1024 - (size_t)len, " %s:%s", parts[i][0], parts[i][1]);
	for (int i = 0; i < z->condition_count; i++)
		len += snprintf(ret + len, 1024 - (size_t)len, " [%s]", z->conditions[i]);
}

static const struct {
	const char *zql,
		*expected; /* statements separated by " | "; or the beginning of the error after "!" */
} rows[] = {
	{"query vminstance", "vminstance"},
	{"QUERY VmInstance WHERE name='web' AND state = \"Running\"",
	 "VmInstance [name=web] [state=Running]"},
	{"query vminstance.name,uuid where uuid in ('a','b') limit 10 offset 20",
	 "vminstance.name,uuid limit:10 start:20 [uuid?=a,b]"},
	{"query vminstance.name", "vminstance.name"},
	{"query host where managementIp like '10.%' and name not like 'x%' and description is null and uuid is not null",
	 "host [managementIp~=10.%] [name!~=x%] [description=null] [uuid!=null]"},
	{"query image where size>=1024 and size<2048 and actualSize > 1 and size <= 9 and system = false and uuid != 'x'",
	 "image [size>=1024] [size<2048] [actualSize>1] [size<=9] [system=false] [uuid!=x]"},
	{"query vminstance where vmNics.l3Network.uuid='l3' and (name = 'a' and (state not in ('Stopped')))",
	 "vminstance [vmNics.l3Network.uuid=l3] [name=a] [state!?=Stopped]"},
	{"query vminstance where name='it''s' restrict by (zone.uuid='z', cluster.uuid='c') return with (total) group by "
	 "state order by createDate desc limit 1 offset 0 named as 'vms'",
	 "vminstance total group:state sort:-createDate limit:1 start:0 as:vms [name=it's] [zone.uuid=z] [cluster.uuid=c]"},
	{"query zone order by name", "zone sort:+name"},
	{"count zone where name = 'null' and name != 'null'", "count zone [name?=null] [name!?=null]"},
	{"query zone; count host;\n query image limit 1;", "zone | count host | image limit:1"},
	{"query zone where name=''", "zone [name=]"},
	{"query zone where name = ('a')", "zone [name=a]"},
	{"", "!invalid zql: expected 'query' or 'count', but there is 'end'"},
	{"select * from x", "!invalid zql: expected 'query' or 'count', but there is 'select'"},
	{"query", "!invalid zql: expected the name of an inventory"},
	{"query zone where", "!invalid zql: expected the name of a field"},
	{"query zone where name", "!invalid zql: expected an operator"},
	{"query zone where name =", "!invalid zql: expected a value"},
	{"query zone where name in 'a'", "!invalid zql: expected (, but there is 'a'"},
	{"query zone where name in ('a'", "!invalid zql: expected )"},
	{"query zone where name = 'a", "!invalid zql: a string has no end"},
	{"query zone limit 1 where name='a'", "!invalid zql: expected a clause, in their order"},
	{"query zone where (name='a'", "!invalid zql: expected )"},
	{"query zone where name='a' or name='b'", "!this zql cannot be answered here: conditions with 'or'"},
	{"query zone where (name='a' or name='b')",
	 "!this zql cannot be answered here: conditions with 'or'"},
	{"query vminstance where uuid in (query vmnic.vmInstanceUuid)",
	 "!this zql cannot be answered here: values of other"},
	{"query vminstance where __systemTag__ has ('x')",
	 "!this zql cannot be answered here: the operator 'has'"},
	{"query zone where name in ('a,b')",
	 "!this zql cannot be answered here: a value of a list has a comma"},
	{"query vminstance return with (zwatch{metricName='x'})",
	 "!this zql cannot be answered here: it returns"},
	{"query vminstance return with (total, zwatch{})", "!this zql cannot be answered here: it returns"},
	{"query zone order by name asc, uuid desc",
	 "!this zql cannot be answered here: it orders by several"},
	{"query zone group by name, uuid", "!this zql cannot be answered here: it groups by several"},
	{"sum vminstance.cpuNum by state", "!this zql cannot be answered here: sums"},
	{"search 'x' from vminstance", "!this zql cannot be answered here: sums and searches"},
	{"query distinct(vminstance.name)", "!this zql cannot be answered here: functions"},
	{"query zone where ((((((((((((((((((name='a'",
	 "!this zql cannot be answered here: it is nested too deep"},
};

static void statements_are_translated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		const char *text = rows[i].zql;
		char got[2048] = "", one[1024];
		int r;

		do {
			struct zql z = {0};

			r = zql_parse(&text, &z, &e);
			if (r < 0) {
				snprintf(got, sizeof(got), "!%s", error_sentence(&e));
				assert_string_equal(e.code, "SYS.1000");
				break;
			}
			show(&z, one);
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", *got ? " | " : "",
				 one);
			zql_done(&z);
		} while (text[strspn(text, " \n")]);
		if (*rows[i].expected == '!')
			assert_memory_equal(got, rows[i].expected, strlen(rows[i].expected));
		else
			assert_string_equal(got, rows[i].expected);
	}
}

/* The query has no limit of its own, and errors in names are those of queries. */
static void queries_are_made(void **state)
{
	const char *good = "query zone where name = 'a' return with (total) limit 3",
		   *bad = "query zone where nothing = 1";
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct query *q;
	struct zql z;

	(void)state;
	assert_int_equal(zql_parse(&good, &z, &e), 0);
	assert_int_equal(zql_query(&z, kind_get(KIND_ZONE), &q, &e), 0);
	query_free(q);
	zql_done(&z);
	assert_int_equal(zql_parse(&bad, &z, &e), 0);
	assert_int_equal(zql_query(&z, kind_get(KIND_ZONE), &q, &e), -EINVAL);
	assert_string_equal(e.code, "SYS.1000");
	zql_done(&z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_are_translated),
		cmocka_unit_test(queries_are_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
