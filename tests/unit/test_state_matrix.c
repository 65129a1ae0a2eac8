/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every operation on a VM in every state of a VM, against the table of
 * behaviour.md 3.1.1 as it stands here, typed from the document and not from
 * the operation table: which states are legal, and the code and cause otherwise.
 */
#include "test.h"

#include <ftw.h>
#include <string.h>

#include "../../actions/request.h"

#define R "Running "
#define S "Stopped "
#define P "Paused "
#define U "Unknown "
#define C "Created "
#define D "Destroyed "

/* Operations that are gated by VM.1010; all others of a VM are legal in any state as far as this gate goes.
 */
static const struct {
	const char *operation, *legal, *code;
} gates[] = {
	{"StartVmInstance", C S, "VM.1001"},
	{"StopVmInstance", R P U S, "VM.1002"},
	{"RebootVmInstance", R, "VM.1003"},
	{"PauseVmInstance", R, "VM.1012"},
	{"ResumeVmInstance", P, "VM.1013"},
	{"MigrateVm", R P, "VM.1008"},
	{"RecoverVmInstance", D, "SYS.1006"},
	{"ExpungeVmInstance", D, "SYS.1006"},
	{"GetVmMigrationCandidateHosts", R P, "SYS.1006"},
	{"GetVmStartingCandidateClustersHosts", S, "SYS.1006"},
	{"GetVmConsoleAddress", R, "SYS.1006"},
	{"AttachIsoToVmInstance", R S P, "SYS.1006"},
	{"DetachIsoFromVmInstance", R S P, "SYS.1006"},
	{"SetVmStaticIp", S, "SYS.1006"},
	{"DeleteVmStaticIp", R S P, "SYS.1006"},
	{"CloneVmInstance", R S P, "SYS.1006"},
};

static const char *const all_states[] = {
	"Created",	   "Starting", "Running",    "Stopping",  "Stopped",
	"Rebooting",	   "Pausing",  "Paused",     "Resuming",  "Migrating",
	"VolumeMigrating", "Unknown",  "Destroying", "Destroyed", "Expunging",
};

static char folder[] = "/tmp/poolfs-matrix-XXXXXX";
static struct store *store;
static char vm[UUID_SIZE];

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) && store_open(folder, &store, NULL) == 0 ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int put_vm_fn(struct txn *t, void *arg, struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_VM, vm);
	struct object *o = before ? object_copy(before) : object_new(kind_get(KIND_VM));

	object_set_str(o, VM_UUID, vm);
	object_set_str(o, VM_NAME, "matrix");
	object_set_str(o, VM_STATE, arg);
	return txn_put(t, o, NULL, e);
}

/* The gate alone: the operation without its own check and without objects that its parameters name. */
static int gate(const struct operation *op, const struct view *view, struct error *e)
{
	struct operation bare = *op;
	struct request req = {
		.op = &bare, .params = json_object(), .system_tags = json_array(), .user_tags = json_array()};
	int r;

	bare.check = NULL;
	memcpy(req.target, vm, sizeof(vm));
	r = request_check(view, &req, false, e);
	json_decref(req.params);
	json_decref(req.system_tags);
	json_decref(req.user_tags);
	return r;
}

static bool is_legal(const struct operation *op, const char *state, const char **ret_code)
{
	char word[32];

	snprintf(word, sizeof(word), "%s ", state);
	for (size_t i = 0; i < ARRAY_SIZE(gates); i++)
		if (strcmp(gates[i].operation, op->name) == 0) {
			*ret_code = gates[i].code;
			return strstr(gates[i].legal, word) != NULL;
		}
	return true;
}

static void every_operation_in_every_state(void **state)
{
	size_t tried = 0;

	(void)state;
	uuid_make(vm);
	for (size_t s = 0; s < ARRAY_SIZE(all_states); s++) {
		_cleanup_view_ struct view *view = NULL;

		assert_int_equal(store_run(store, put_vm_fn, (void *)(uintptr_t)all_states[s], NULL), 0);
		view = store_view(store);
		for (const struct operation *const *op = operations(); *op; op++) {
			_cleanup_(error_done) struct error e = ERROR_INIT;
			const char *code = NULL;
			bool legal;
			int r;

			if ((*op)->kind != KIND_VM || !(*op)->target)
				continue;
			legal = is_legal(*op, all_states[s], &code);
			r = gate(*op, view, &e);
			tried++;
			if (legal != (r == 0))
				fail_msg("%s in state %s: %s", (*op)->name, all_states[s],
					 error_sentence(&e));
			if (legal)
				continue;
			assert_int_equal(r, -EBUSY);
			assert_string_equal(e.code, code);
			assert_non_null(e.cause);
			assert_string_equal(e.cause->code, "VM.1010");
			assert_non_null(strstr(error_sentence(&e), all_states[s]));
			assert_non_null(strstr(error_sentence(&e), (*op)->message));
		}
	}
	assert_true(tried > 15 * 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_in_every_state),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
