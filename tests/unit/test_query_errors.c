/* SPDX-License-Identifier: Apache-2.0 */
/* What the query language refuses: errors, limits, hostile input, a deadline, a lack of memory. */
#include "tests/unit/query_fixture.h"

#include "model/clock.h"
#include "tests/unit/failing_memory.h"

static void errors(void **state)
{
	static const struct {
		const char *query, *code, *text;
	} rows[] = {
		{"limit=x", "SYS.1007", "Invalid query parameter. 'limit' must be an integer"},
		{"limit=", "SYS.1007", "Invalid query parameter. 'limit' must be an integer"},
		{"limit=1e3", "SYS.1007", "Invalid query parameter. 'limit' must be an integer"},
		{"limit=99999999999999999999", "SYS.1007",
		 "Invalid query parameter. 'limit' must be an integer"},
		{"limit=-1", "SYS.1007", "Invalid query parameter. 'limit' must not be negative"},
		{"start=1.5", "SYS.1007", "Invalid query parameter. 'start' must be an integer"},
		{"q=name", "SYS.1007",
		 "Invalid query parameter. The 'name' in the parameter[q] doesn't contain any query operator. Valid query "
		 "operators are [=, !=, >, <, >=, <=, ?=, !?=, ~=, !~=, is null, not null]"},
		{"q=", "SYS.1007",
		 "Invalid query parameter. The '' in the parameter[q] doesn't contain any query operator. Valid query "
		 "operators are [=, !=, >, <, >=, <=, ?=, !?=, ~=, !~=, is null, not null]"},
		{"q==x", "SYS.1007",
		 "Invalid query parameter. The '=x' in the parameter[q] doesn't name a field"},
		{"q= is null", "SYS.1007",
		 "Invalid query parameter. The ' is null' in the parameter[q] doesn't name a field"},
		{"q=name=a%00b", "SYS.1007", "Invalid query parameter. It must not contain a NUL character"},
		{"%00=a", "SYS.1007", "Invalid query parameter. It must not contain a NUL character"},
		{"q=name=%ff", "SYS.1007", "Invalid query parameter. The parameter[q] is not UTF-8 text"},
		{"q=nothing=1", "SYS.1000", "inventory class[VmInstanceInventory] not having field[nothing]"},
		{"q=accountUuid=1", "SYS.1000",
		 "inventory class[VmInstanceInventory] not having field[accountUuid]"},
		{"q=Name=1", "SYS.1000", "inventory class[VmInstanceInventory] not having field[Name]"},
		{"q=vmNics=1", "SYS.1000", "inventory class[VmInstanceInventory] not having field[vmNics]"},
		{"q=vmNics.=1", "SYS.1000", "inventory class[VmNicInventory] not having field[]"},
		{"q=.name=1", "SYS.1000", "no expand query[] found on inventory[VmInstanceInventory]"},
		{"q=vmNics.vip.ip=1", "SYS.1000", "no expand query[vip] found on inventory[VmNicInventory]"},
		{"q=name.uuid=1", "SYS.1000",
		 "no expand query[name] found on inventory[VmInstanceInventory]"},
		{"q=na%0Ame=1", "SYS.1000", "inventory class[VmInstanceInventory] not having field[na?me]"},
		{"q=vmNics.vmInstance.vmNics.vmInstance.vmNics.vmInstance.vmNics.vmInstance.vmNics.ip=1",
		 "SYS.1000", "a condition can follow at most 8 relations"},
		{"q=cpuNum=x", "SYS.1000", "'x' is not a number, as field 'cpuNum' is"},
		{"q=cpuNum=", "SYS.1000", "'' is not a number, as field 'cpuNum' is"},
		{"q=cpuNum=0x10", "SYS.1000", "'0x10' is not a number, as field 'cpuNum' is"},
		{"q=cpuNum=nan", "SYS.1000", "'nan' is not a number, as field 'cpuNum' is"},
		{"q=cpuNum=1Q", "SYS.1000", "'1Q' is not a number, as field 'cpuNum' is"},
		{"q=cpuNum?=1,,2", "SYS.1000", "'' is not a number, as field 'cpuNum' is"},
		{"q=allVolumes.isShareable=maybe", "SYS.1000",
		 "'maybe' is not true or false, as field 'isShareable' is"},
		{"q=createDate>yesterday", "SYS.1000",
		 "'yesterday' is not a date like 'Nov 14, 2017 10:20:57 PM' or '2017-11-14 22:20:57', as field "
		 "'createDate' is"},
		{"sort=nothing", "SYS.1000",
		 "invalid order by clause, inventory[VmInstanceInventory] doesn't have field[nothing]"},
		{"sort=-vmNics", "SYS.1000",
		 "invalid order by clause, inventory[VmInstanceInventory] doesn't have field[vmNics]"},
		{"sort=host.name", "SYS.1000",
		 "invalid order by clause, inventory[VmInstanceInventory] doesn't have field[host.name]"},
		{"groupBy=nothing", "SYS.1000",
		 "invalid group by clause, inventory[VmInstanceInventory] doesn't have field[nothing]"},
		{"fields=name,nothing", "SYS.1000",
		 "inventory class[VmInstanceInventory] not having field[nothing]"},
		{"fields=__userTag__", "SYS.1000",
		 "inventory class[VmInstanceInventory] not having field[__userTag__]"},
		{"fields=createSpec", "SYS.1000",
		 "inventory class[VmInstanceInventory] not having field[createSpec]"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		_cleanup_query_ struct query *q = NULL;

		if (query_parse(kind_get(KIND_VM), rows[i].query, &q, &e) != -EINVAL)
			fail_msg("%s is accepted", rows[i].query);
		assert_null(q);
		assert_string_equal(error_sentence(&e), rows[i].text);
		assert_string_equal(e.code, rows[i].code);
	}
}

static void limits(void **state)
{
	static char big[QUERY_LENGTH_MAX + 200];
	_cleanup_(error_done) struct error length = ERROR_INIT;
	_cleanup_(error_done) struct error conditions = ERROR_INIT;
	_cleanup_(error_done) struct error pattern = ERROR_INIT;
	struct query *q = NULL;
	size_t at = 0;
	(void)state;

	memset(big, 'a', sizeof(big) - 1);
	memcpy(big, "q=name=", 7);
	assert_int_equal(query_parse(kind_get(KIND_VM), big, &q, &length), -EINVAL);
	assert_non_null(strstr(error_sentence(&length), "at most 65536 bytes"));
	big[60000] = '\0';
	assert_int_equal(query_parse(kind_get(KIND_VM), big, &q, NULL), 0);
	query_free(q);
	memcpy(big, "q=name~=", 8);
	assert_int_equal(query_parse(kind_get(KIND_VM), big, &q, &pattern), -EINVAL);
	assert_string_equal(error_sentence(&pattern), "a pattern can have at most 1024 characters");
	for (int i = 0; i < QUERY_CONDITIONS_MAX; i++)
		at += (size_t)snprintf(big + at, sizeof(big) - at, "q=name=x&");
	assert_int_equal(query_parse(kind_get(KIND_VM), big, &q, NULL), 0);
	query_free(q);
	snprintf(big + at, sizeof(big) - at, "q=name=x");
	assert_int_equal(query_parse(kind_get(KIND_VM), big, &q, &conditions), -EINVAL);
	assert_non_null(strstr(error_sentence(&conditions), "at most 64 conditions"));
}

/* Any text is a value or a clean error, and the pool is unchanged. */
static void injections(void **state)
{
	static const char *const pieces[] = {
		"'",
		"\"",
		"';--",
		"' OR '1'='1",
		"\\",
		"\\'",
		"/*",
		"*/",
		"--",
		";DROP TABLE vm;",
		"%00",
		"\n",
		"\r\n",
		"`",
		"$(reboot)",
		"${x}",
		"../..",
		"<script>",
		"%",
		"%%",
		"_",
		"\\%",
		"\xF0\x9F\x98\x80",
		"\xE2\x80\xAE",
		"\xFF\xFE",
		"\xC0\x80",
		"{\"a\":1}",
		"UNION SELECT * FROM session",
		"name",
		"=",
		"!=",
		"is null",
		".",
		",",
		"%s%n",
		"__userTag__",
		"zone.",
		"zone.cluster.",
		"&",
		"&limit=",
		"&q=",
		"99999999999999999999",
		"-1",
		"+",
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		for (size_t j = 0; j < ARRAY_SIZE(pieces); j++)
			for (int form = 0; form < 4; form++) {
				static const char *const forms[] = {"q=name=%s%s", "q=%s=%s", "%s=%s",
								    "sort=%s&fields=%s"};
				_cleanup_(error_done) struct error e = ERROR_INIT;
				_cleanup_query_ struct query *q = NULL;
				char text[300];
				json_t *json = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
				snprintf(text, sizeof(text), forms[form], pieces[i], pieces[j]);
#pragma GCC diagnostic pop
				if (query_parse(kind_get(KIND_VM), text, &q, &e) < 0 ||
				    query_run(q, view, &(struct query_scope){0}, &json, &e) < 0) {
					assert_int_equal(e.errnum, EINVAL);
					assert_null(strchr(error_sentence(&e), '\n'));
					json = error_to_json(&e);
				}
				char *dumped = json_dumps(json, 0);
				assert_non_null(dumped);
				free(dumped);
				json_decref(json);
			}
}

static void a_query_is_aborted_at_its_deadline(void **state)
{
	_cleanup_view_ struct view *big = view_copy(view, 1);
	_cleanup_query_ struct query *q = NULL;
	_cleanup_query_ struct query *nested = NULL;
	_cleanup_query_result_ struct query_result result = {0};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct view *small = view;
	int64_t start, end;
	(void)state;

	view = big;
	for (int i = 0; i < 20000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "vm%d", i);
		vm(name, "Running", i % 2 ? "h1" : "h2", 1, 1, NULL);
	}
	view = small;
	ids[KIND_VM] -= 20000;
	assert_int_equal(query_parse(kind_get(KIND_VM), "q=name~=%25x%25", &q, NULL), 0);
	assert_int_equal(query_select(q, big, &(struct query_scope){.deadline = 1}, &result, &e), -ETIMEDOUT);
	assert_string_equal(e.code, "SYS.1001");
	assert_null(result.objects);
	/* Every VM leads to every VM, four times over: with a memo of results it ends in time. */
	assert_int_equal(
		query_parse(
			kind_get(KIND_VM),
			"q=zone.vmInstance.host.vmInstance.zone.vmInstance.host.vmInstance.name~=%25nothing",
			&nested, NULL),
		0);
	start = clock_monotonic();
	assert_int_equal(query_select(nested, big,
				      &(struct query_scope){.deadline = start + INT64_C(20000000000)},
				      &result, NULL),
			 0);
	end = clock_monotonic();
	assert_int_equal(result.count, 0);
	assert_true(end - start < INT64_C(15000000000));
}

/* ------------------------------------------------------------ lack of memory */

static void *json_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

static int parse_and_run(enum kind_id kind, const char *text, json_t **ret_json)
{
	_cleanup_query_ struct query *q = NULL;
	int r = query_parse(kind_get(kind), text, &q, NULL);

	return r < 0 ? r : query_run(q, view, &(struct query_scope){0}, ret_json, NULL);
}

/* The answer is whole or it is -ENOMEM, whichever allocation fails. (A memo that is lost only costs time.) */
static void lack_of_memory_is_an_error(void **state)
{
	static const struct {
		enum kind_id kind;
		const char *text;
	} queries[] = {
		{KIND_VM,
		 "q=zone.cluster.host.name?=h1,h2,x&q=name~=%25云%25&sort=-name&replyWithCount=true"},
		{KIND_VM, "q=vmNics.l3Network.zone.vmInstance.name!=x&groupBy=state&fields=name,cpuNum"},
		{KIND_VM, "q=name=web1"},
		/* a text that is compressed in memory */
		{KIND_JOB, "q=result=&fields=uuid"},
		{KIND_JOB, "q=result!=x&fields=uuid"},
		{KIND_JOB, "q=result!?=x,y&fields=uuid"},
		{KIND_JOB, "q=result!~=x%25&fields=uuid"},
	};
	struct object *job = make(KIND_JOB, "job");
	(void)state;

	object_set_str(job, JOB_RESULT, "{\"inventory\": {\"name\": \"web1\"}}");
	put(job);
	fail_once = true;
	json_set_alloc_funcs(json_malloc, free);
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		json_t *whole = ask(queries[i].kind, queries[i].text);
		int r = -ENOMEM;

		for (int n = 0; r == -ENOMEM || n < 20; n++) {
			json_t *json = NULL;
			bool failed;

			assert_true(n < 2000);
			fail_after = n;
			r = parse_and_run(queries[i].kind, queries[i].text, &json);
			failed = fail_after < 0;
			fail_after = -1;
			assert_true(r == 0 || r == -ENOMEM);
			if (r == 0)
				assert_true(json_equal(json, whole));
			else
				assert_null(json);
			json_decref(json);
			if (!failed)
				break;
			r = -ENOMEM;
		}
		json_decref(whole);
	}
	json_set_alloc_funcs(malloc, free);
}

/* Sorting would have all documents in memory at a time, of which one may have a MiB. */
static void test_documents_have_no_order(void **state)
{
	static const char *const queries[] = {"sort=request", "sort=-result", "groupBy=result"};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		_cleanup_query_ struct query *q = NULL;

		assert_int_equal(query_parse(kind_get(KIND_JOB), queries[i], &q, &e), -EINVAL);
		assert_non_null(strstr(error_sentence(&e), "is a document, which has no order"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents_have_no_order),
		cmocka_unit_test(errors),
		cmocka_unit_test(limits),
		cmocka_unit_test(injections),
		cmocka_unit_test(a_query_is_aborted_at_its_deadline),
		cmocka_unit_test(lack_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
