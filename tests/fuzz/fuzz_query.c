/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary query strings, over every kind, on a small pool. The first byte
 * chooses the kind and whether an account asks; the rest is the query string.
 * Every input gives an answer or a sentence of one line, and both are JSON.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <time.h>

#include "model/query_run.h"

static struct view *view;

static void put(enum kind_id kind, int64_t id)
{
	const struct kind *k = kind_get(kind);
	struct object *o = object_new(k);
	char text[64];

	if (!o)
		abort();
	o->id = id;
	for (int i = 0; i < k->field_count; i++) {
		const struct field *f = &k->fields[i];

		if ((id + i) % 7 == 0 && i != FIELD_UUID)
			continue;
		if (field_is_integer(f)) {
			object_set_int(o, i,
				       f->type == FIELD_BOOL ? id % 2 : id * 1000000007LL * (i % 3 - 1));
		} else if (f->type == FIELD_STRING) {
			/* References lead to the object with the same number, tags to VMs. */
			const char *prefix = i == FIELD_UUID ? k->table
					     : f->target     ? kind_get(f->target)->table
							     : "text";

			if (strcmp(f->name, "resourceUuid") == 0)
				prefix = "vm";
			snprintf(text, sizeof(text), "%s%ld", prefix, (long)id);
			object_set_str(o, i, text);
		}
	}
	if (view_put(view, o) < 0)
		abort();
	object_unref(o);
}

static void dump(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	if (!text)
		abort();
	free(text);
	json_decref(json);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	setenv("TZ", "UTC", 1);
	view = view_new();
	for (int k = KIND_ZONE; k < KIND_COUNT; k++)
		for (int64_t id = 1; id <= 4; id++)
			put((enum kind_id)k, id);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_query_ struct query *q = NULL;
	_cleanup_free_ char *text = NULL;
	struct query_scope scope = {0};
	json_t *json = NULL;

	if (size < 1)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	scope.account = data[0] & 0x80 ? "account1" : NULL;
	if (query_parse(kind_get((enum kind_id)(data[0] % (KIND_COUNT - 1) + 1)), text, &q, &e) < 0 ||
	    query_run(q, view, &scope, &json, &e) < 0) {
		if (e.errnum != EINVAL || strchr(error_sentence(&e), '\n') || !error_description(e.code))
			abort();
		json = error_to_json(&e);
	}
	dump(json);
	return 0;
}
