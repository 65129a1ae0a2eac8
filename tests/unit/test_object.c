/* SPDX-License-Identifier: Apache-2.0 */
/* Packed objects: the same content as the edited form, shared texts, intact when memory is short. */
#include "tests/unit/test.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/json.h"
#include "model/object.h"

/* Allocations that succeed before one fails; negative: none fails. */
static int fail_after = -1;
/* Blocks that have not been freed. */
static atomic_int blocks;

static bool fails(void)
{
	return fail_after == 0 || (fail_after > 0 && fail_after-- == 0);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	void *p = fails() ? NULL : __real_malloc(size);

	blocks += p != NULL;
	return p;
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	void *p = fails() ? NULL : __real_calloc(n, size);

	blocks += p != NULL;
	return p;
}

char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__wrap_strdup(const char *s)
{
	char *p = fails() ? NULL : __real_strdup(s);

	blocks += p != NULL;
	return p;
}

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	blocks -= p != NULL;
	__real_free(p);
}

static const int64_t numbers[] = {
	0,	   1,	      -1,	 64,	     INT32_MAX,		 (int64_t)INT32_MAX + 1,
	INT32_MIN, INT64_MAX, INT64_MIN, UINT32_MAX, 1795938890693657472};

/* A text that depends on @choice: NULL, empty, short, a common one, or long. */
static const char *some_text(unsigned choice)
{
	static char text[70000];

	switch (choice % 6) {
	case 0:
		return NULL;
	case 1:
		return "";
	case 2:
		snprintf(text, sizeof(text), "text %u é", choice);
		return text;
	case 3:
		return "Running";
	case 4:
		for (size_t i = 0; i < 3000; i++)
			text[i] = (char)(' ' + (choice * 2654435761U ^ (unsigned)(i * i * 40503U)) % 90);
		text[3000] = '\0';
		return text;
	default:
		memset(text, 'a' + (char)(choice % 26), sizeof(text) - 1);
		text[choice * 37 % sizeof(text)] = '\0';
		return text;
	}
}

static struct object *some_object(const struct kind *kind, unsigned choice)
{
	struct object *o = object_new(kind);

	if (!o)
		return NULL;
	o->id = choice + 1;
	o->changed = choice * 1000;
	for (int i = 0; i < kind->field_count; i++) {
		unsigned at = choice * 31 + (unsigned)i * 7;

		object_set_time(o, i, choice % 3 ? (int64_t)(at % 11) << 40 : i);
		if (!field_is_stored(&kind->fields[i]) || choice == 0)
			continue;
		if (!field_is_integer(&kind->fields[i]))
			object_set_str(o, i, some_text(at));
		else if (at % 4)
			object_set_int(o, i, numbers[at % ARRAY_SIZE(numbers)]);
	}
	return o;
}

static void assert_same_text(const struct object *a, const struct object *b, int field)
{
	_cleanup_free_ char *x = object_long_text(a, field), *y = object_long_text(b, field);

	if (object_is_null(a, field)) {
		assert_null(x);
		assert_null(y);
		return;
	}
	assert_string_equal(x, y);
	assert_true(object_str_is(b, field, x));
	if (!(a->kind->fields[field].flags & F_COMPRESSED))
		assert_string_equal(object_str(b, field), x);
}

static void assert_same(const struct object *a, const struct object *b)
{
	assert_ptr_equal(a->kind, b->kind);
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->changed, b->changed);
	assert_true(object_equal(a, b));
	for (int i = 0; i < a->kind->field_count; i++) {
		assert_int_equal(object_time(a, i), object_time(b, i));
		assert_int_equal(object_is_null(a, i), object_is_null(b, i));
		if (field_is_integer(&a->kind->fields[i]))
			assert_int_equal(object_int(a, i), object_int(b, i));
		else
			assert_same_text(a, b, i);
	}
}

static void packing_keeps_every_field_of_every_kind(void **state)
{
	(void)state;

	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		for (unsigned choice = 0; choice < 20; choice++) {
			_cleanup_object_ struct object *o = some_object(kind_get((enum kind_id)k), choice);
			_cleanup_object_ const struct object *packed = object_pack(o);
			_cleanup_object_ const struct object *again = object_pack(packed);
			_cleanup_object_ struct object *copy = object_copy(packed);

			assert_same(o, packed);
			assert_same(o, copy);
			assert_ptr_equal(again, packed);
		}
}

static void an_object_outlives_what_it_was_packed_from(void **state)
{
	struct object *o = some_object(kind_get(KIND_VM), 3);
	_cleanup_object_ struct object *same = some_object(kind_get(KIND_VM), 3);
	_cleanup_object_ const struct object *packed = object_pack(o);
	(void)state;

	object_unref(o);
	assert_same(packed, same);
}

/* One object after the other, by way of one that borrows, as rows are read. */
static void what_is_packed_of_borrowed_texts_keeps_them(void **state)
{
	const struct kind *kind = kind_get(KIND_JOB);
	_cleanup_object_ struct object *row = object_new_borrowing(kind);
	int before = blocks;
	(void)state;

	for (unsigned choice = 0; choice < 20; choice++) {
		struct object *o = some_object(kind, choice);
		const struct object *packed, *stored = object_pack(o);

		row->id = o->id;
		row->changed = o->changed;
		for (int i = 0; i < kind->field_count; i++) {
			object_set_time(row, i, object_time(o, i));
			if (kind->fields[i].flags & F_COMPRESSED)
				object_borrow_str(row, i, object_compressed(stored, i));
			else if (!field_is_integer(&kind->fields[i]))
				object_borrow_str(row, i, object_str(o, i));
			else if (object_is_null(o, i))
				object_set_null(row, i);
			else
				object_set_int(row, i, object_int(o, i));
		}
		packed = object_pack(row);
		assert_same(o, packed);
		for (int i = 0; i < kind->field_count; i++)
			if (!field_is_integer(&kind->fields[i]))
				object_borrow_str(row, i, "other");
		assert_same(o, packed);
		object_unref(packed);
		object_unref(stored);
		object_unref(o);
	}
	assert_in_range(blocks, before, before + 2); /* the table of shared texts may have grown */
}

static struct object *vm_of(const char *host)
{
	struct object *o = object_new(kind_get(KIND_VM));

	object_set_str(o, VM_HOST_UUID, host);
	object_set_str(o, VM_NAME, host);
	return o;
}

static void common_texts_are_in_memory_once_and_go_with_the_last_object(void **state)
{
	_cleanup_object_ struct object *o = vm_of("a-host");
	const struct object *a = object_pack(o), *b = object_pack(o);
	int before = blocks;
	(void)state;

	assert_ptr_equal(object_str(a, VM_HOST_UUID), object_str(b, VM_HOST_UUID));
	assert_ptr_not_equal(object_str(a, VM_NAME), object_str(b, VM_NAME));
	object_unref(a);
	assert_string_equal(object_str(b, VM_HOST_UUID), "a-host");
	object_unref(b);
	assert_int_equal(blocks, before - 3); /* two objects, one text */
	/* Numbers are used again: ten thousand texts, one after the other, take no more room. */
	for (int i = 0; i < 10000; i++) {
		char host[32];
		struct object *next;

		snprintf(host, sizeof(host), "host %d", i);
		next = vm_of(host);
		a = object_pack(next);
		assert_string_equal(object_str(a, VM_HOST_UUID), host);
		object_unref(next);
		object_unref(a);
	}
	assert_int_equal(blocks, before - 3);
}

/* As a thread does that loads: more texts than a stock has places for, each again and again. */
static void texts_from_a_stock_are_the_same_and_go_with_the_last_object(void **state)
{
	enum { TEXTS = 700, TIMES = 4000 };
	static uint32_t texts[TEXTS];
	const int before = blocks;
	char text[32];
	(void)state;

	for (int i = 0; i < TEXTS; i++) {
		snprintf(text, sizeof(text), "stored %d", i);
		texts[i] = shared_text_get(text);
	}
	shared_text_stock();
	for (int i = 0; i < TIMES; i++) {
		snprintf(text, sizeof(text), "stored %d", i % 3 ? i % 2 : i % TEXTS);
		assert_int_equal(shared_text_get(text), texts[i % 3 ? i % 2 : i % TEXTS]);
		assert_string_equal(shared_text(texts[i % 3 ? i % 2 : i % TEXTS]), text);
	}
	for (int i = 0; i < TIMES; i++)
		shared_text_put(texts[i % 3 ? i % 2 : i % TEXTS]);
	/* these have no other reference any more than those in stock, if any */
	for (int i = 0; i < TEXTS; i++)
		shared_text_put(texts[i]);
	for (int i = 0; i < TIMES; i++) {
		uint32_t number;

		snprintf(text, sizeof(text), "stored %d", i % TEXTS);
		number = shared_text_get(text);
		assert_string_equal(shared_text(number), text);
		shared_text_put(number);
	}
	shared_text_release();
	assert_in_range(blocks, before, before + 5); /* the table may have grown */
}

static void a_packed_object_is_one_small_block(void **state)
{
	_cleanup_object_ struct object *o = vm_of("00000000000000000000000000000001");
	_cleanup_object_ const struct object *one = object_pack(o), *two = NULL;
	int before = blocks;
	(void)state;

	two = object_pack(o);
	assert_int_equal(blocks, before + 1);
	assert_in_range(malloc_usable_size((void *)(uintptr_t)two), 1, 192);
}

/* More common texts than a slot of two bytes can number. */
static void numbers_of_common_texts_may_be_large(void **state)
{
	enum { COUNT = 33000 };
	static const struct object *all[COUNT];
	size_t wide = 0;
	(void)state;

	for (unsigned i = 0; i < COUNT; i++) {
		char host[32];
		struct object *o;

		snprintf(host, sizeof(host), "host %u", i);
		o = vm_of(host);
		object_set_time(o, VM_NAME, i);
		all[i] = object_pack(o);
		assert_same(o, all[i]);
		wide += (all[i]->nulls & OBJECT_WIDE) != 0;
		object_unref(o);
	}
	assert_in_range(wide, 1, 1000);
	for (unsigned i = 0; i < COUNT; i++) {
		char host[32];

		snprintf(host, sizeof(host), "host %u", i);
		assert_string_equal(object_str(all[i], VM_HOST_UUID), host);
		assert_string_equal(object_str(all[i], VM_NAME), host);
		object_unref(all[i]);
	}
}

static void a_text_that_ends_another_takes_nothing(void **state)
{
	_cleanup_object_ struct object *o = object_new(kind_get(KIND_JOB));
	_cleanup_object_ const struct object *packed = NULL, *other = NULL;
	const char *path;
	(void)state;

	object_set_str(o, JOB_RESOURCE, "vm-instances/00000000000000000000000000000001");
	object_set_str(o, JOB_RESOURCE_UUID, "00000000000000000000000000000001");
	object_set_str(o, JOB_QUEUE, "");
	packed = object_pack(o);
	assert_same(o, packed);
	path = object_str(packed, JOB_RESOURCE);
	assert_ptr_equal(object_str(packed, JOB_RESOURCE_UUID), path + strlen("vm-instances/"));
	assert_ptr_equal(object_str(packed, JOB_QUEUE), path + strlen(path));
	object_set_str(o, JOB_RESOURCE, NULL);
	other = object_pack(o);
	assert_same(o, other);
}

static const struct object *job_with(const char *request)
{
	_cleanup_object_ struct object *o = object_new(kind_get(KIND_JOB));

	object_set_str(o, JOB_REQUEST, request);
	return object_pack(o);
}

static void documents_are_compressed(void **state)
{
	static const char request[] =
		"{\"operation\":\"CreateVmInstance\",\"target\":\"a56ceb9516134fcf809d113179490891\",\"params\":{"
		"\"name\":\"web-server-199\",\"instanceOfferingUuid\":\"e231c1b8dad642f099e122d89ad21a35\","
		"\"imageUuid\":\"ea453e9d167e426a8593223e8c9ce7ae\",\"strategy\":\"JustCreate\","
		"\"resourceUuid\":\"a56ceb9516134fcf809d113179490891\"},\"systemTags\":[],\"userTags\":[]}";
	_cleanup_object_ const struct object *none = job_with(NULL), *o = job_with(request),
					     *odd = job_with("q");
	_cleanup_free_ char *text = object_long_text(o, JOB_REQUEST);
	_cleanup_json_ json_t *json = object_json(o, JOB_REQUEST), *no_json = object_json(odd, JOB_REQUEST);
	(void)state;

	assert_string_equal(text, request);
	assert_string_equal(json_string_value(json_object_get(json, "operation")), "CreateVmInstance");
	assert_null(no_json);
	assert_true(object_str_is(odd, JOB_REQUEST, "q"));
	assert_false(object_equal(o, odd));
	assert_in_range(malloc_usable_size((void *)(uintptr_t)o) -
				malloc_usable_size((void *)(uintptr_t)none),
			1, strlen(request) * 4 / 10);
}

static void assert_kept(const char *text)
{
	_cleanup_object_ const struct object *o = job_with(text);
	_cleanup_free_ char *read = object_long_text(o, JOB_REQUEST);

	assert_string_equal(read, text);
}

/* Texts in which uuids, or what looks like them, stand anywhere. */
static void documents_stay_as_they_are(void **state)
{
#define UUID "a56ceb9516134fcf809d113179490891"
	(void)state;
	assert_kept("");
	assert_kept(UUID);
	assert_kept(UUID UUID);
	assert_kept("0" UUID "f" UUID);
	assert_kept(UUID "\"" UUID "\"," UUID UUID UUID "  " UUID);
	assert_kept("\"A56CEB9516134FCF809D113179490891\"" UUID "g");
	assert_kept("\"a56ceb9516134fcf809d11317949089\"\"a56ceb9516134fcf809d11317949089-" UUID "\"");
	assert_kept("\001" UUID "\001\002" UUID "\001");
	assert_kept(UUID UUID UUID UUID "\001");
	assert_kept("00000000000000000000000000000000ffffffffffffffffffffffffffffffff0101010101010101");
#undef UUID
}

/* A reader that forgets object_long_text() ends here; outside of tests it finds nothing, not rubbish. */
static void documents_are_not_read_as_short_texts(void **state)
{
	_cleanup_object_ const struct object *o = job_with("{\"operation\":\"StopVmInstance\"}");
	_cleanup_object_ struct object *edited = object_copy(o);
	(void)state;

	assert_string_equal(object_str(edited, JOB_REQUEST), "{\"operation\":\"StopVmInstance\"}");
#ifdef POOLFS_TESTS
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		(void)prctl(PR_SET_DUMPABLE, 0);
		(void)close(STDERR_FILENO);
		_exit(object_text(o, JOB_REQUEST)[0] ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
#else
	assert_string_equal(object_str(o, JOB_REQUEST), "");
#endif
}

static void when_memory_is_short_nothing_is_packed_and_nothing_is_lost(void **state)
{
	int before = blocks;
	(void)state;

	for (int n = 0; n < 300; n++) {
		struct object *o = some_object(kind_get(KIND_VM), (unsigned)n + 1);
		const struct object *packed;

		fail_after = n % 7;
		packed = object_pack(o);
		fail_after = -1;
		if (packed)
			assert_same(o, packed);
		object_unref(packed);
		object_unref(o);
	}
	assert_in_range(blocks, before, before + 40); /* the table of shared texts has grown */
}

/* Objects are read, released and packed at once on all threads; a text that goes on one is taken anew on another. */
static void *pack_and_read(void *arg)
{
	unsigned seed = *(unsigned *)arg;

	if (seed % 2)
		shared_text_stock();
	for (unsigned i = 0; i < 3000; i++) {
		char host[32];
		struct object *o;
		const struct object *packed;

		snprintf(host, sizeof(host), "host %u", (i + seed) % 17);
		o = vm_of(host);
		packed = object_pack(o);
		object_unref(o);
		if (!packed || strcmp(object_str(packed, VM_HOST_UUID), host) != 0)
			return arg;
		object_unref(packed);
	}
	shared_text_release();
	return NULL;
}

static void threads_share_texts(void **state)
{
	unsigned seeds[4] = {0, 5, 9, 16};
	pthread_t threads[ARRAY_SIZE(seeds)];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(seeds); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pack_and_read, &seeds[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(seeds); i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packing_keeps_every_field_of_every_kind),
		cmocka_unit_test(what_is_packed_of_borrowed_texts_keeps_them),
		cmocka_unit_test(an_object_outlives_what_it_was_packed_from),
		cmocka_unit_test(common_texts_are_in_memory_once_and_go_with_the_last_object),
		cmocka_unit_test(texts_from_a_stock_are_the_same_and_go_with_the_last_object),
		cmocka_unit_test(a_packed_object_is_one_small_block),
		cmocka_unit_test(numbers_of_common_texts_may_be_large),
		cmocka_unit_test(a_text_that_ends_another_takes_nothing),
		cmocka_unit_test(documents_are_compressed),
		cmocka_unit_test(documents_stay_as_they_are),
		cmocka_unit_test(documents_are_not_read_as_short_texts),
		cmocka_unit_test(when_memory_is_short_nothing_is_packed_and_nothing_is_lost),
		cmocka_unit_test(threads_share_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
