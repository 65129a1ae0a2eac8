/* SPDX-License-Identifier: Apache-2.0 */
/* The field tables: the properties on which every part of the program relies. */
#include "tests/unit/test.h"

#include <string.h>

#include "model/cleanup.h"
#include "model/kind.h"
#include "model/states.h"
#include "model/view_internal.h"

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LETTERS	 CAPITALS "abcdefghijklmnopqrstuvwxyz"

#define for_each_kind(k)                                                                                     \
	for (const struct kind *k = kind_get(KIND_ZONE); k;                                                  \
	     k = k->id + 1 < KIND_COUNT ? kind_get(k->id + 1) : NULL)

static void every_kind_has_a_row_and_unique_names(void **state)
{
	(void)state;
	for_each_kind(a)
	{
		assert_true(a->field_count > 0);
		assert_non_null(a->noun);
		assert_ptr_equal(kind_by_name(a->name), a);
		assert_ptr_equal(kind_by_name(a->vo), a);
		if (a->directory)
			assert_ptr_equal(kind_by_directory(a->directory), a);
		for_each_kind(b) if (a != b) assert_string_not_equal(a->table, b->table);
	}
	assert_null(kind_by_name("Nonsense"));
	assert_null(kind_by_directory("nonsense"));
}

static void field_names_are_unique_and_found(void **state)
{
	(void)state;
	for_each_kind(k)
	{
		for (int i = 0; i < k->field_count; i++) {
			assert_non_null(k->fields[i].name);
			assert_int_equal(kind_field(k, k->fields[i].name),
					 i);				  /* so there is no earlier one */
			assert_string_not_equal(k->fields[i].name, "id"); /* SQL's own columns */
			assert_string_not_equal(k->fields[i].name, "changed");
			assert_string_not_equal(k->fields[i].name, "times");
		}
		assert_int_equal(kind_field(k, "nonsense"), -1);
	}
}

static void fields_fit_their_limits(void **state)
{
	int indexed = 0;

	(void)state;
	for_each_kind(k)
	{
		assert_true(k->field_count <= FIELDS_MAX - 3); /* OBJECT_FLAGS are bits of the null flags */
		assert_string_equal(k->fields[FIELD_UUID].name, "uuid");
		assert_true(k->fields[FIELD_UUID].flags & F_INDEX);
		for (int i = 0; i < k->field_count; i++) {
			const struct field *f = &k->fields[i];

			if (f->flags & F_INDEX) {
				assert_int_equal(f->type, FIELD_STRING);
				indexed++;
			}
		}
	}
	assert_true(indexed <= INDEX_MAX);
}

static void special_fields_have_their_types(void **state)
{
	(void)state;
	for_each_kind(k)
	{
		if (k->name_field >= 0)
			assert_int_equal(k->fields[k->name_field].type, FIELD_STRING);
		if (k->create_date_field >= 0)
			assert_int_equal(k->fields[k->create_date_field].type, FIELD_DATE);
		if (k->last_op_field >= 0)
			assert_int_equal(k->fields[k->last_op_field].type, FIELD_DATE);
		assert_int_equal((k->flags & K_LASTOP) != 0, k->last_op_field >= 0);
		assert_int_equal((k->flags & K_DIRECTORY) != 0, k->directory != NULL);
		assert_int_equal(kind_field(k, "createDate"), k->id == KIND_JOB ? -1 : k->create_date_field);
		assert_int_equal(kind_field(k, "lastOpDate"), k->last_op_field);
	}
}

static void references_name_a_kind(void **state)
{
	(void)state;
	for_each_kind(k) for (int i = 0; i < k->field_count; i++)
	{
		const struct field *f = &k->fields[i];

		if (f->flags & (F_OWNER | F_FOREIGN)) {
			assert_int_equal(f->type, FIELD_STRING);
			assert_int_not_equal(f->target, KIND_NONE);
		}
		if (f->flags & F_FOREIGN) /* by which txn.c finds what refers to a row that is to go */
			assert_true(f->flags & F_INDEX);
		if (f->flags & F_SECRET) /* not in any inventory */
			assert_true(f->flags & (F_HIDDEN | F_FILE));
	}
}

/*
 * An inventory with sub-inventories is found through an index, and it is rendered anew when one of them
 * changes: that is what F_OWNER in the sub-object does, and it reaches one level up.
 */
static void sub_objects_point_back_to_their_owner(void **state)
{
	(void)state;
	for_each_kind(k) for (int i = 0; i < k->field_count; i++)
	{
		const struct field *f = &k->fields[i], *back;
		const struct kind *child;

		if (field_is_stored(f) || f->type == FIELD_NOTHING)
			continue;
		child = kind_get(f->target);
		assert_true(f->target_field < child->field_count);
		back = &child->fields[f->target_field];
		assert_int_equal(back->flags & (F_INDEX | F_OWNER), F_INDEX | F_OWNER);
		assert_int_equal(back->target, k->id);
		if (f->type == FIELD_VALUES)
			assert_true(field_is_stored(&child->fields[f->value_field]));
		for (int j = 0; f->type == FIELD_CHILDREN && j < child->field_count; j++)
			assert_true(field_is_stored(&child->fields[j]));
	}
}

/* Nothing is visible by default: each kind has a field from which the owner of an object follows. */
static void every_kind_defines_who_may_see_it(void **state)
{
	(void)state;
	for_each_kind(k)
	{
		const struct field *f;

		assert_int_not_equal(k->owner, OWNER_UNSPECIFIED);
		if (k->owner != OWNER_ACCOUNT && k->owner != OWNER_SHAREABLE && k->owner != OWNER_PARENT)
			continue;
		assert_in_range(k->owner_field, 0, k->field_count - 1);
		f = &k->fields[k->owner_field];
		assert_int_equal(f->type, FIELD_STRING);
		if (k->owner == OWNER_PARENT)
			assert_int_not_equal(f->target, KIND_ACCOUNT);
		else if (k->id != KIND_ACCOUNT)
			assert_int_equal(f->target, KIND_ACCOUNT);
	}
}

static void classes_are_named_after_their_kind(void **state)
{
	(void)state;
	for_each_kind(k)
	{
		char end[64];

		if (!k->class)
			continue;
		snprintf(end, sizeof(end), ".%sInventory", k->name);
		assert_string_equal(strrchr(k->class, '.'), end);
	}
}

/* The help of a `state` or `status` names words of states.h only, and each of those is in some help. */
static void states_are_those_of_the_help(void **state)
{
	static const char *const words[] = {
		STATE_ENABLED,	       STATE_DISABLED,	   STATE_COMPLETED,	STATE_SUSPENDED,
		STATE_PRE_MAINTENANCE, STATE_MAINTENANCE,  STATE_DELETING,	JOB_STATE_QUEUED,
		JOB_STATE_PROCESSING,  JOB_STATE_DONE,	   JOB_STATE_FAILED,	JOB_STATE_CANCELLED,
		STATUS_CONNECTING,     STATUS_CONNECTED,   STATUS_DISCONNECTED, STATUS_NOT_INSTANTIATED,
		STATUS_CREATING,       STATUS_DOWNLOADING, STATUS_READY,	STATUS_MIGRATING,
		STATUS_STALE,	       STATUS_DELETED,	   STATUS_DELETING,	LONG_JOB_WAITING,
		LONG_JOB_RUNNING,      LONG_JOB_CANCELING, LONG_JOB_SUCCEEDED,	LONG_JOB_CANCELED,
	};
	bool used[ARRAY_SIZE(words)] = {false};

	(void)state;
	for_each_kind(k) for (int i = 0; i < k->field_count; i++)
	{
		const struct field *f = &k->fields[i];

		if ((strcmp(f->name, "state") != 0 && strcmp(f->name, "status") != 0) || k->id == KIND_VM)
			continue;
		for (const char *p = f->help; *(p += strcspn(p, CAPITALS));) {
			size_t len = strspn(p, LETTERS), found = 0;

			while (found < ARRAY_SIZE(words) &&
			       (strncmp(words[found], p, len) != 0 || words[found][len]))
				found++;
			if (found == ARRAY_SIZE(words))
				fail_msg("'%.*s' in the help of '%s' is not in states.h", (int)len, p,
					 k->name);
			used[found] = true;
			p += len;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!used[i] && strcmp(words[i], STATUS_DELETING) != 0) /* the same word as STATE_DELETING */
			fail_msg("no field has '%s' in its help", words[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_a_row_and_unique_names),
		cmocka_unit_test(field_names_are_unique_and_found),
		cmocka_unit_test(fields_fit_their_limits),
		cmocka_unit_test(special_fields_have_their_types),
		cmocka_unit_test(references_name_a_kind),
		cmocka_unit_test(sub_objects_point_back_to_their_owner),
		cmocka_unit_test(every_kind_defines_who_may_see_it),
		cmocka_unit_test(classes_are_named_after_their_kind),
		cmocka_unit_test(states_are_those_of_the_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
