/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operation table against operations.json, member by member, and against
 * itself: names that must be unique, targets that must be parameters, and that
 * every operation is implemented.
 */
#include "tests/unit/test.h"

#include <ctype.h>
#include <ftw.h>
#include <regex.h>
#include <string.h>

#include "actions/engine/operation.h"
#include "actions/engine/request.h"

static json_t *wire; /* operations.json */

static int load(void **state)
{
	(void)state;
	wire = json_load_file(SOURCE_ROOT "/tests/data/operations.json", 0, NULL);
	return json_is_array(json_object_get(wire, "operations")) ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	json_decref(wire);
	return 0;
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void same_text(const char *what, const char *have, const char *want)
{
	if (!have != !want || (have && strcmp(have, want) != 0))
		fail_msg("%s: the table has '%s', operations.json '%s'", what, have ? have : "(none)",
			 want ? want : "(none)");
}

static void same_list(const char *what, const char *const *have, const json_t *want)
{
	size_t n = 0;

	for (; have && have[n]; n++)
		same_text(what, have[n], json_string_value(json_array_get(want, n)));
	if (n != json_array_size(want))
		fail_msg("%s: %zu entries in the table, %zu in operations.json", what, n,
			 json_array_size(want));
}

/* Parameters that are not in the manual, each after those of the manual. */
static const struct {
	const char *operation, *param;
} additions[] = {
	{"DeleteVolumeSnapshot", "scope"}, /* of later versions */
	{"CreateVolumeSnapshotScheduler", "snapshotMaxNumber"},
	{"AddImage", "baseUrl"}, /* of poolfs-rest */
	{"CreateAccount", "unixUsers"},
	{"UpdateAccount", "unixUsers"},
	{"CreateVmInstance", "cpuNum"}, /* of later versions, as all that follow */
	{"CreateVmInstance", "memorySize"},
	{"CreateVmInstance", "rootDiskSize"},
	{"CreateVmInstance", "dataDiskSizes"},
	{"CreateDataVolume", "diskSize"},
	{"GetCandidatePrimaryStoragesForCreatingVm", "rootDiskSize"},
	{"GetCandidatePrimaryStoragesForCreatingVm", "dataDiskSizes"},
	{"GetCandidateZonesClustersHostsForCreatingVm", "cpuNum"},
	{"GetCandidateZonesClustersHostsForCreatingVm", "memorySize"},
	{"GetCandidateZonesClustersHostsForCreatingVm", "rootDiskSize"},
	{"GetCandidateZonesClustersHostsForCreatingVm", "dataDiskSizes"},
};

/* Parameters that the manual requires and later versions do not, nor the pool. */
static const char *const optional[][2] = {{"AddImage", "format"}};

static bool is_optional(const struct operation *op, const struct param *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
		if (strcmp(optional[i][0], op->name) == 0 && strcmp(optional[i][1], p->name) == 0)
			return true;
	return false;
}

static bool is_addition(const struct operation *op, const struct param *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(additions); i++)
		if (strcmp(additions[i].operation, op->name) == 0 && strcmp(additions[i].param, p->name) == 0)
			return !(p->flags & PARAM_REQUIRED);
	return false;
}

/* Values that are not in the manual, after those of the manual. */
static const struct {
	const char *operation, *param, *value;
} more_values[] = {
	{"CreateAffinityGroup", "policy", "proSoft"}, /* of later versions */
	{"CreateAffinityGroup", "policy", "proHard"},
};

static bool is_more(const struct operation *op, const struct param *p, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(more_values); i++)
		if (strcmp(more_values[i].operation, op->name) == 0 &&
		    strcmp(more_values[i].param, p->name) == 0 && strcmp(more_values[i].value, value) == 0)
			return true;
	return false;
}

static void same_values(const struct operation *op, const struct param *p, const json_t *want)
{
	const char *of_manual[32] = {NULL};
	size_t n = 0;

	for (size_t i = 0; p->values && p->values[i]; i++)
		if (i < json_array_size(want) || !is_more(op, p, p->values[i])) {
			assert_true(n + 1 < ARRAY_SIZE(of_manual));
			of_manual[n++] = p->values[i];
		}
	same_list(p->name, of_manual, want);
}

/* Paths of later versions, the last of the aliases of a row. */
static const char *const later_paths[][2] = {
	{"GetCandidateBackupStorageForCreatingImage", "GET /images/candidate-backup-storage"},
};

static void same_aliases(const struct operation *op, const json_t *want)
{
	const char *aliases[16] = {0};
	size_t n = 0;

	for (const char *const *alias = op->route_aliases; alias && *alias; alias++) {
		bool later = false;

		for (size_t i = 0; i < ARRAY_SIZE(later_paths); i++)
			later = later || (strcmp(later_paths[i][0], op->name) == 0 &&
					  strcmp(later_paths[i][1], *alias) == 0);
		assert_true(n < ARRAY_SIZE(aliases) - 1);
		if (!later)
			aliases[n++] = *alias;
	}
	same_list(op->name, aliases, want);
}

static enum param_type type_of(const char *type)
{
	if (strcasecmp(type, "Integer") == 0 || strcmp(type, "int") == 0)
		return PARAM_INT;
	if (strcasecmp(type, "Long") == 0)
		return PARAM_LONG;
	if (strcasecmp(type, "Boolean") == 0)
		return PARAM_BOOL;
	if (strncmp(type, "List", 4) == 0)
		return PARAM_LIST;
	assert_string_equal(type, "String");
	return PARAM_STRING;
}

static int64_t bound(const json_t *range, size_t i)
{
	const char *text = json_string_value(json_array_get(range, i));

	if (!text)
		return 0;
	return strcmp(text, "2^63-1") == 0 ? INT64_MAX : strtoll(text, NULL, 10);
}

static const char *const place_names[] = {[IN_BODY] = "body", [IN_PATH] = "path", [IN_QUERY] = "query"};

static void same_param(const struct operation *op, const struct param *p, const json_t *want)
{
	const json_t *range = json_object_get(want, "range");
	const char *resource = text_of(want, "resource");

	same_text(op->name, p->name, text_of(want, "name"));
	same_text(p->name, place_names[p->in], text_of(want, "in"));
	assert_int_equal(p->type, type_of(text_of(want, "type")));
	if (is_optional(op, p)) {
		assert_false(p->flags & PARAM_REQUIRED);
		return;
	}
	assert_int_equal(!!(p->flags & PARAM_REQUIRED), json_is_true(json_object_get(want, "required")));
	assert_int_equal(!!(p->flags & PARAM_NONEMPTY), json_is_true(json_object_get(want, "nonempty")));
	assert_int_equal(!!(p->flags & PARAM_SINE), json_is_true(json_object_get(want, "successIfMissing")));
	assert_int_equal(p->max_length, json_integer_value(json_object_get(want, "maxLength")));
	assert_true(p->min == bound(range, 0) && p->max == bound(range, 1));
	/* The wire names the kinds of objects that must exist; access control needs those of all others, too. */
	if (resource ||
	    !((p->flags & (PARAM_MAYBE | PARAM_CHANGES)) || (op->target && strcmp(op->target, p->name) == 0)))
		same_text(p->name, p->resource == KIND_NONE ? NULL : kind_get(p->resource)->name, resource);
	same_values(op, p, json_object_get(want, "values"));
	same_text(p->name, p->default_value, text_of(want, "default"));
}

static const char *const method_names[] = {
	[METHOD_GET] = "GET", [METHOD_POST] = "POST", [METHOD_PUT] = "PUT", [METHOD_DELETE] = "DELETE"};

static void table_equals_operations_json(void **state)
{
	const json_t *list = json_object_get(wire, "operations");
	size_t i;
	json_t *want;

	(void)state;
	assert_int_equal(json_array_size(list), 122);
	json_array_foreach (list, i, want) {
		const struct operation *op = operation_by_name(text_of(want, "name"));
		const json_t *params = json_object_get(want, "params");
		size_t n = 0;

		if (!op)
			fail_msg("no row for '%s'", text_of(want, "name"));
		same_text(op->name, op->section, text_of(want, "section"));
		same_text(op->name, method_names[op->method], text_of(want, "method"));
		same_text(op->name, op->key, text_of(want, "key"));
		same_text(op->name, op->flags & OP_SYNC ? "sync" : "async", text_of(want, "mode"));
		same_list(op->name, op->paths, json_object_get(want, "paths"));
		same_aliases(op, json_object_get(want, "routeAliases"));
		same_list(op->name, op->key_aliases, json_object_get(want, "keyAliases"));
		same_list(op->name, op->results, json_object_get(want, "result"));
		for (const struct param *p = op->params; p && p->name; p++)
			if (n < json_array_size(params) || !is_addition(op, p))
				same_param(op, p, json_array_get(params, n++));
		assert_int_equal(n, json_array_size(params));
	}
}

/* The first operation of this form whose file is at @where; KIND_NONE: of any kind. */
static const struct operation *first_at(enum op_form form, enum kind_id kind, const char *where)
{
	for (const struct operation *const *a = operations(); *a; a++)
		if ((*a)->form == form && (kind == KIND_NONE || (*a)->kind == kind) &&
		    strcmp((*a)->where, where) == 0)
			return *a;
	return NULL;
}

static void rows_are_consistent(void **state)
{
	(void)state;
	for (const struct operation *const *a = operations(); *a; a++) {
		const struct operation *op = *a;

		assert_non_null(op->help);
		assert_non_null(op->message);
		assert_ptr_equal(operation_by_name(op->name), op);
		if (op->target && !operation_param(op, op->target))
			fail_msg("%s: its target '%s' is not a parameter", op->name, op->target);
		switch (op->form) {
		case FORM_VERB:
			assert_non_null(op->target);
			if (operation_by_verb(op->kind, op->verb) != op)
				fail_msg("%s: the verb '%s' belongs to another operation", op->name,
					 op->verb);
			break;
		case FORM_CREATE:
			assert_ptr_equal(first_at(FORM_CREATE, KIND_NONE, op->where), op);
			break;
		case FORM_GET:
			assert_ptr_equal(first_at(FORM_GET, op->kind, op->where), op);
			assert_true(op->flags & OP_SYNC);
			break;
		case FORM_COLLECTION_GET:
			assert_non_null(op->where);
			break;
		case FORM_CALL:
			assert_null(op->target);
			break;
		case FORM_QUERY:
			assert_true(op->flags & OP_SYNC);
			break;
		}
		/* Work that a crash can leave half done needs a function that finishes or undoes it. */
		if (!op->run != !op->recover)
			fail_msg("%s: it has %s", op->name,
				 op->run ? "'run' without 'recover'" : "'recover' without 'run'");
		if (op->state_code)
			assert_non_null(error_description(op->state_code));
		if (op->error_code)
			assert_non_null(error_description(op->error_code));
	}
}

/* A function that uses the data of its row in one row has data in all of its rows. */
static void data_is_complete(void **state)
{
	(void)state;
	for (const struct operation *const *a = operations(); *a; a++)
		for (const struct operation *const *b = operations(); (*a)->data && *b; b++)
			if (!(*b)->data &&
			    (((*a)->check && (*a)->check == (*b)->check) ||
			     ((*a)->apply && (*a)->apply == (*b)->apply) ||
			     ((*a)->run && (*a)->run == (*b)->run) || ((*a)->get && (*a)->get == (*b)->get) ||
			     ((*a)->recover && (*a)->recover == (*b)->recover)))
				fail_msg("%s shares a function with %s and has no data", (*b)->name,
					 (*a)->name);
}

static void every_operation_is_implemented(void **state)
{
	(void)state;
	for (const struct operation *const *op = operations(); *op; op++)
		if ((*op)->form != FORM_QUERY && !(*op)->apply && !(*op)->run && !(*op)->get)
			fail_msg("not implemented: %s %s", (*op)->section, (*op)->name);
}

static void operations_are_found_by_verb_and_key(void **state)
{
	(void)state;
	assert_ptr_equal(operation_by_verb(KIND_VM, "start"), operation_by_name("StartVmInstance"));
	assert_ptr_equal(operation_by_verb(KIND_VM, "startVmInstance"), operation_by_name("StartVmInstance"));
	assert_ptr_equal(operation_by_verb(KIND_VM, "changeVmlImage"), operation_by_name("ChangeVmImage"));
	assert_ptr_equal(operation_by_verb(KIND_VM, "destroyVmInstance"),
			 operation_by_name("DestroyVmInstance"));
	assert_null(operation_by_verb(KIND_VM, "params"));
	assert_null(operation_by_verb(KIND_IMAGE, "start"));
}

static void operations_are_found_by_field(void **state)
{
	(void)state;
	assert_ptr_equal(operation_by_field(KIND_VM, "name"), operation_by_name("UpdateVmInstance"));
	assert_ptr_equal(operation_by_field(KIND_VM, "memorySize"), operation_by_name("UpdateVmInstance"));
	assert_null(operation_by_field(KIND_VM, "uuid"));
	assert_null(operation_by_field(KIND_VM, "hostUuid"));
	assert_ptr_equal(operation_by_field(KIND_GLOBAL_CONFIG, "value"),
			 operation_by_name("UpdateGlobalConfig"));
}

/* Does an operation's name begin with the word that ends before @end? */
static bool is_verb(const char *word, const char *end)
{
	size_t len = (size_t)(end - word);

	for (const struct operation *const *op = operations(); *op; op++)
		if (strncmp((*op)->name, word, len) == 0 && isupper((unsigned char)(*op)->name[len]))
			return true;
	return false;
}

/* Texts of the sources that only look like the name of an operation. */
static bool is_something_else(const char *text)
{
	static const char *const others[] = {"CreateStopped", "MigrateVmAllocatorStrategy"};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(others[i], text) == 0)
			return true;
	return false;
}

static size_t names_seen; /* by check_names() */

/*
 * Checks each literal "VerbNoun" in a C file: it is the name of an operation, or the class of a
 * scheduler's job, which is the name of an operation and "Job".
 */
static int check_names(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *ending = strrchr(path, '.');
	_cleanup_free_ char *source = NULL;
	_cleanup_fclose_ FILE *file = NULL;
	size_t size = 0;
	regmatch_t at[2];
	regex_t literal;

	(void)st, (void)ftw;
	if (type != FTW_F || !ending || strcmp(ending, ".c") != 0)
		return 0;
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(getdelim(&source, &size, '\0', file) > 0); /* the whole of it */
	assert_int_equal(regcomp(&literal, "\"([A-Z][a-z]+)[A-Z][A-Za-z]*\"", REG_EXTENDED), 0);
	for (const char *p = source; regexec(&literal, p, ARRAY_SIZE(at), at, 0) == 0; p += at[0].rm_eo) {
		_cleanup_free_ char *name =
			strndup(p + at[0].rm_so + 1, (size_t)(at[0].rm_eo - at[0].rm_so - 2));
		size_t len = strlen(name);

		if (!is_verb(p + at[1].rm_so, p + at[1].rm_eo) || is_something_else(name))
			continue;
		if (!operation_by_name(name) && len > 3 && strcmp(name + len - 3, "Job") == 0)
			name[len - 3] = '\0';
		if (!operation_by_name(name))
			fail_msg("%s: there is no operation '%s'", path, name);
		names_seen++;
	}
	regfree(&literal);
	return 0;
}

/* Code submits operations by name, and no compiler notices a name that does not exist. */
static void named_operations_exist(void **state)
{
	(void)state;
	names_seen = 0;
	assert_int_equal(nftw(SOURCE_ROOT "/actions", check_names, 16, FTW_PHYS), 0);
	assert_int_equal(nftw(SOURCE_ROOT "/fs", check_names, 16, FTW_PHYS), 0);
	assert_true(names_seen > 200); /* the rows of the table alone are more */
}

/* An upload goes on in another process; downloads, and all others, end before this one does. */
static void uploads_go_on(void **state)
{
	struct request req = {.actor = {.source = "upload"}};

	(void)state;
	for (const struct operation *const *op = operations(); *op; op++)
		if (strcmp((*op)->name, "AddImage") != 0)
			assert_null((*op)->goes_on);
	assert_true(operation_by_name("AddImage")->goes_on(&req));
	req.actor.source = "rest";
	assert_false(operation_by_name("AddImage")->goes_on(&req));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_equals_operations_json),
		cmocka_unit_test(rows_are_consistent),
		cmocka_unit_test(every_operation_is_implemented),
		cmocka_unit_test(operations_are_found_by_verb_and_key),
		cmocka_unit_test(operations_are_found_by_field),
		cmocka_unit_test(named_operations_exist),
		cmocka_unit_test(uploads_go_on),
		cmocka_unit_test(data_is_complete),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
