/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary documents for the file `spec` of every kind that has one, on a
 * small pool. The first byte chooses the object, the rest is the document.
 * Every input gives a plan of operations of the table or a sentence of one line; and
 * the content of the file is a document that needs no step.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "actions/spec/members.h"
#include "actions/spec/spec.h"

static struct view *view;
static const struct object *objects[16];
static size_t count;

static void uuid_of(enum kind_id kind, char ret_uuid[UUID_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	memset(ret_uuid, digits[kind % 16], UUID_SIZE - 1);
	ret_uuid[0] = digits[kind / 16];
	ret_uuid[UUID_SIZE - 1] = '\0';
}

/* An object of each kind, with all its fields; references name the one object of their kind. */
static void put(enum kind_id kind)
{
	const struct kind *k = kind_get(kind);
	struct object *o = object_new(k);
	char uuid[UUID_SIZE], vm[UUID_SIZE];

	fuzz_require(o);
	o->id = 1;
	uuid_of(KIND_VM, vm);
	for (int i = 0; i < k->field_count; i++) {
		const struct field *f = &k->fields[i];

		uuid_of(f->target != KIND_NONE ? f->target : kind, uuid);
		if (field_is_integer(f))
			object_set_int(o, i, f->type == FIELD_LONG ? 1 << 28 : 1);
		else if (i == FIELD_UUID || f->target != KIND_NONE)
			object_set_str(o, i, uuid);
		else if (kind == KIND_AFFINITY_USAGE && i == AFFINITY_USAGE_RESOURCE_UUID)
			object_set_str(o, i, vm);
		else if (strcmp(f->name, "state") == 0)
			object_set_str(o, i, kind == KIND_VM ? "Running" : "Enabled");
	}
	fuzz_require(view_put(view, o) == 0);
	if (operation_by_spec(kind))
		objects[count++] = o;
	else
		object_unref(o);
}

static int plan(const struct object *o, const json_t *document, struct spec_plan *ret, struct error *e)
{
	static const struct actor actor = {.source = "fs"};

	*ret = (struct spec_plan){.view = view, .object = o, .document = document, .actor = &actor};
	return spec_plan_make(ret, e);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	view = view_new();
	for (int k = KIND_ZONE; k < KIND_COUNT; k++)
		if (k != KIND_SHAREABLE_REF) /* the volume belongs to the VM already */
			put((enum kind_id)k);
	for (size_t i = 0; i < count; i++) {
		struct spec_plan p;
		json_t *document = spec_members_render(view, objects[i]);

		fuzz_require(document && plan(objects[i], document, &p, NULL) == 0 && p.count == 0);
		spec_plan_done(&p);
		json_decref(document);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	json_t *document = NULL;
	struct spec_plan p;
	int r;

	if (size < 1)
		return 0;
	r = spec_parse((const char *)data + 1, size - 1, &document, &e);
	if (r == 0) {
		r = plan(objects[data[0] % count], document, &p, &e);
		for (size_t i = 0; i < p.count; i++)
			fuzz_require(p.steps[i].req && p.steps[i].req->op && p.steps[i].req->params);
		spec_plan_done(&p);
	}
	if (r < 0)
		fuzz_require(e.errnum == -r && r != -ENOMEM && !strchr(error_sentence(&e), '\n') &&
			     error_description(e.code));
	json_decref(document);
	return 0;
}
