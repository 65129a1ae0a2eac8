/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The menu in `actions` against what is refused: every verb of every kind, on each
 * object of a small pool, in each state that the help of its kind names. What is
 * behind "# " is refused with the same sentence whatever the parameters are; what
 * is not is accepted with some of them, or refused for these.
 *
 * States are written, and requests carried out, in changes that are rolled back, so
 * that nothing else reacts to them. Work on hosts is not done.
 */
#include "tests/unit/pool_fixture.h"

#include <ctype.h>

#include "actions/engine/menu.h"
#include "actions/engine/request_check.h"

/* Objects to try for a parameter that names one. */
#define CHOICES 6

static const struct actor owner = {.source = "fs"};

/* ------------------------------------------------------------------ the pool */

static int setup(void **state)
{
	char image[UUID_SIZE], other[UUID_SIZE], disk[UUID_SIZE], l2[UUID_SIZE], vm[UUID_SIZE],
		volume[UUID_SIZE], group[UUID_SIZE], account[UUID_SIZE];
	struct pool_fixture *f;

	assert_int_equal(pool_fixture_setup(state), 0);
	f = *state;
	add_image(f, "root", "raw", NULL, image);
	add_image(f, "data", "raw", json_pack("{s:s}", "mediaType", "DataVolumeTemplate"), other);
	add_image(f, "iso", "iso", json_pack("{s:s}", "mediaType", "ISO"), other);
	first_uuid(f, KIND_L2_NETWORK, l2);
	must(f, "CreateL3Network", NULL,
	     json_pack("{s:s, s:s, s:s}", "name", "other", "type", "L3BasicNetwork", "l2NetworkUuid", l2),
	     other);
	must(f, "CreateDiskOffering", NULL, json_pack("{s:s, s:i}", "name", "disk", "diskSize", 1 << 20),
	     disk);
	create_vm(f, "vm", image, json_pack("{s:s}", "strategy", "CreateStopped"), vm);
	must(f, "SetVmQga", vm, json_pack("{s:b}", "enable", 1), NULL);
	must(f, "CreateDataVolume", NULL, json_pack("{s:s, s:s}", "name", "free", "diskOfferingUuid", disk),
	     volume);
	must(f, "CreateDataVolume", NULL, json_pack("{s:s, s:s}", "name", "used", "diskOfferingUuid", disk),
	     volume);
	must(f, "AttachDataVolumeToVm", volume, json_pack("{s:s}", "vmInstanceUuid", vm), NULL);
	must(f, "CreateVolumeSnapshot", volume, json_pack("{s:s}", "name", "snapshot"), NULL);
	must(f, "CreateAffinityGroup", NULL, json_pack("{s:s, s:s}", "name", "group", "policy", "antiSoft"),
	     group);
	must(f, "CreateStopVmInstanceScheduler", vm,
	     json_pack("{s:s, s:s, s:s}", "schedulerName", "s", "type", "cron", "cron", "0 0 1 1 1 ?"), NULL);
	must(f, "CreateAccount", NULL, json_pack("{s:s, s:s}", "name", "bob", "password", "x"), account);
	must(f, "CreateUserTag", NULL,
	     json_pack("{s:s, s:s, s:s}", "resourceUuid", vm, "resourceType", "VmInstanceVO", "tag", "t"),
	     NULL);
	return 0;
}

/* ---------------------------------------------------------------- one request */

/* Values for required parameters that a default for their type would not make sense of. */
static const struct {
	const char *name, *json;
} values[] = {
	{"type", "\"cron\""},
	{"cron", "\"0 0 1 1 1 ?\""},
	{"size", "1099511627776"},
	{"mac", "\"fa:00:00:00:00:77\""},
	{"ip", "\"192.168.100.77\""},
	{"dns", "\"9.9.9.9\""},
	{"names", "[\"copy\"]"},
	{"spec", "\"{}\""},
	{"level", "\"NeverStop\""},
	{"direction", "\"in\""},
	{"networkCidr", "\"172.16.9.0/24\""},
	{"startIp", "\"172.16.9.10\""},
	{"endIp", "\"172.16.9.20\""},
	{"netmask", "\"255.255.255.0\""},
	{"gateway", "\"172.16.9.1\""},
};

static json_t *value_for(const struct view *view, const struct param *p, int choice)
{
	const struct object *o = NULL;
	json_t *value = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (strcmp(values[i].name, p->name) == 0)
			return json_loads(values[i].json, JSON_DECODE_ANY, NULL);
	if (p->resource != KIND_NONE) {
		for (int i = 0; i <= choice; i++) {
			const struct object *next = view_next(view, p->resource, o ? o->id : 0);

			if (!next)
				break;
			o = next;
		}
		value = json_string(o ? object_uuid(o) : test_uuid(1));
		return p->type == PARAM_LIST ? json_pack("[o]", value) : value;
	}
	if (p->values) {
		int count = 0;

		while (p->values[count])
			count++;
		return json_string(p->values[choice % count]);
	}
	switch (p->type) {
	case PARAM_STRING:
		return json_string("x");
	case PARAM_INT:
	case PARAM_LONG:
		return json_integer(p->min > 1 ? p->min : 1);
	case PARAM_BOOL:
		return json_true();
	case PARAM_LIST:
		return json_pack("[s]", "x");
	case PARAM_MAP:
		return json_object();
	}
	return NULL;
}

static json_t *params_for(const struct view *view, const struct operation *op, int choice)
{
	json_t *params = json_object();

	for (const struct param *p = op->params; p && p->name; p++)
		if (((p->flags & PARAM_REQUIRED) && strcmp(p->name, op->target) != 0) ||
		    strcmp(p->name, "cron") == 0)
			(void)json_object_set_new(params, p->name, value_for(view, p, choice));
	return params;
}

/* A verb on an object in a state: first what the menu says, then what a request gets. */
struct attempt {
	const struct operation *op;
	const char *uuid;
	int field; /* of the state; -1: as it is */
	const char *word;
	int choice;
	int ret_possible, ret_result;
	struct error why_not, refusal;
};

static int attempt_fn(struct txn *t, void *arg, struct error *e)
{
	_cleanup_(request_free_p) struct request *req = NULL;
	struct attempt *a = arg;
	json_t *params, *result = NULL;
	struct object *o;

	if (a->field >= 0) {
		assert_int_equal(txn_edit(t, a->op->kind, a->uuid, &o, e), 0);
		object_set_str(o, a->field, a->word);
		assert_int_equal(txn_put(t, o, NULL, e), 0);
	}
	a->ret_possible = request_check_possible(txn_view(t), a->op, a->uuid, &owner, &a->why_not);
	params = params_for(txn_view(t), a->op, a->choice);
	a->ret_result = request_new(a->op, a->uuid, params, &owner, &req, &a->refusal);
	json_decref(params);
	if (a->ret_result == 0)
		a->ret_result = request_check(txn_view(t), req, false, &a->refusal);
	if (a->ret_result == 0 && a->op->apply)
		a->ret_result =
			request_explain_error(req, a->op->apply(t, req, &result, &a->refusal), &a->refusal);
	json_decref(result);
	return error_set(e, ECANCELED, "only tried");
}

static unsigned tried, forbidden, wrong;

/* Goes on, so that one run shows all. */
static void _printf_(1, 2) complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprint_error(format, args);
	va_end(args);
	print_error("\n");
	wrong++;
}

static bool is_about_parameters(int result)
{
	return result == -EINVAL || result == -ENOENT || result == -EEXIST || result == -ERANGE;
}

static void try_verb(struct pool_fixture *f, const struct operation *op, const struct object *o, int field,
		     const char *word)
{
	char refusal[512] = "";
	bool accepted = false;
	int choices = operation_needs_parameters(op) ? CHOICES : 1;

	for (int choice = 0; choice < choices && !accepted; choice++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		struct attempt a = {
			.op = op, .uuid = object_uuid(o), .field = field, .word = word, .choice = choice};

		assert_int_equal(store_run(pool_store(f->pool), attempt_fn, &a, &e), -ECANCELED);
		tried++;
		forbidden += a.ret_possible < 0;
		if (a.ret_possible < 0 &&
		    (a.ret_result >= 0 ||
		     strcmp(error_sentence(&a.why_not), error_sentence(&a.refusal)) != 0) &&
		    !(choices > 1 && a.ret_result == -EINVAL))
			complain("%s on %s '%s' (%s): the menu says '%s', the request %d '%s'", op->name,
				 o->kind->noun, object_name(o), word ? word : "as it is",
				 error_sentence(&a.why_not), a.ret_result,
				 a.ret_result < 0 ? error_sentence(&a.refusal) : "");
		accepted = a.ret_possible < 0 || a.ret_result >= 0 || is_about_parameters(a.ret_result);
		if (a.ret_result < 0)
			snprintf(refusal, sizeof(refusal), "%d %s", a.ret_result, error_sentence(&a.refusal));
		error_done(&a.why_not);
		error_done(&a.refusal);
	}
	if (!accepted)
		complain("%s on %s '%s' (%s): the menu offers it, all requests are refused: %s", op->name,
			 o->kind->noun, object_name(o), word ? word : "as it is", refusal);
}

/* ------------------------------------------------------------------- the tests */

static void try_verbs(struct pool_fixture *f, const struct object *o, int field, const char *word)
{
	for (const struct operation *const *op = operations(); *op; op++)
		if ((*op)->form == FORM_VERB && (*op)->kind == o->kind->id)
			try_verb(f, *op, o, field, word);
}

static void try_words(struct pool_fixture *f, const struct object *o, int field)
{
	const char *help = o->kind->fields[field].help;
	char word[32];

	if (o->kind->id == KIND_VM) {
		for (int s = 0; s < VM_STATE_COUNT; s++)
			try_verbs(f, o, field, vm_state_name((enum vm_state)s));
		return;
	}
	while (*help) { /* the words with a capital letter, see test_kind.c */
		size_t len = 0;

		while (isalpha((unsigned char)help[len]))
			len++;
		if (isupper((unsigned char)*help) && len < sizeof(word)) {
			snprintf(word, sizeof(word), "%.*s", (int)len, help);
			try_verbs(f, o, field, word);
		}
		help += len ? len : 1;
	}
}

static void menus_say_what_is_refused(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_view_ struct view *view = view_now(f);

	for (int k = 0; k < KIND_COUNT; k++)
		view_for_each (o, view, (enum kind_id)k) {
			try_verbs(f, o, -1, NULL);
			for (int i = 0; i < o->kind->field_count; i++)
				if (strcmp(o->kind->fields[i].name, "state") == 0 ||
				    strcmp(o->kind->fields[i].name, "status") == 0)
					try_words(f, o, i);
		}
	print_message("%u requests, %u of them forbidden by the menu\n", tried, forbidden);
	assert_int_equal(wrong, 0);
	assert_true(tried > 1000 && forbidden > 200);
}

static void the_menu_is_what_the_check_says(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_view_ struct view *view = view_now(f);

	view_for_each (o, view, KIND_VOLUME) {
		struct document *d = actions_render_menu(view, o, &owner);
		bool is_root = object_str_is(o, VOLUME_TYPE, "Root");

		assert_non_null(d);
		assert_true(!strstr(d->data, "\n# attach ") == !(is_root || object_str(o, VOLUME_VM_UUID)));
		assert_non_null(
			strstr(d->data, is_root ? " is Root volume, can't be deleted\n" : "delete - "));
		assert_non_null(strstr(d->data, " is not deleted yet, can't expunge it\n"));
		document_unref(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_menu_is_what_the_check_says),
		cmocka_unit_test(menus_say_what_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, pool_fixture_teardown);
}
