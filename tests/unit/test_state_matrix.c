/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every operation on a VM in every state of a VM, against the table of
 * behaviour.md 3.1.1 as it stands here, typed from the document and not from
 * the operation table: which states are legal; otherwise errno, code, cause and the
 * whole sentence. The requests are complete, so that in a legal state
 * they are not refused for another reason.
 *
 * The VM is a real row of a pool on the test driver; only its state is written
 * by the test.
 */
#include "tests/unit/pool_fixture.h"

#include "actions/engine/request_check.h"

#define R   "Running"
#define S   "Stopped"
#define P   "Paused"
#define U   "Unknown"
#define C   "Created"
#define D   "Destroyed"
#define ANY NULL

/* Words after '@' are replaced: names in the fixture below, @state, @operation, @legal. */
#define GATE_TEXT                                                                                            \
	"current vm instance state[@state] doesn't allow to proceed message[@class], allowed states are "    \
	"[@legal]"
#define VM_CLASS     "org.zstack.header.vm.API@operationMsg"
#define VOLUME_CLASS "org.zstack.header.volume.API@operationMsg"

/* The row of 3.1.1 for one operation. @code is that of VM.1010's wrapper; with @text, of the error itself. */
struct rule {
	const char *operation, *target, *params;
	const char *legal; /* states, separated by ", " in the order of their rows; ANY */
	const char *code;  /* NULL: SYS.1006 */
	const char *text;  /* NULL: that of the check of states */
	const char *cause; /* NULL: VM.1010 for the check of states, none with a @text */
	const char *class; /* of the message, NULL: that of VMs */
	const char *numa;  /* value of vm.numa, NULL: false */
	int errnum;	   /* 0: EBUSY */
};

#define NOT_STOPPED_ROOT "unable to reset volume[uuid:@root] to origin image[uuid:@image], the vm[uuid:@vm] "

static const struct rule rules[] = {
	{"DestroyVmInstance", "vm", "{}", ANY},
	{"RecoverVmInstance", "vm", "{}", D},
	{"ExpungeVmInstance", "vm", "{}", D},
	{"StartVmInstance", "vm", "{}", C ", " S, "VM.1001"},
	{"StopVmInstance", "vm", "{}", R ", " S ", " P ", " U, "VM.1002"},
	{"RebootVmInstance", "vm", "{}", R, "VM.1003"},
	{"PauseVmInstance", "vm", "{}", R, "VM.1012"},
	{"ResumeVmInstance", "vm", "{}", P, "VM.1013"},
	{"ReimageVmInstance", "vm", "{}", S, "VM.1014",
	 NOT_STOPPED_ROOT "volume attached to is not in Stopped state, current state is @state"},
	{"MigrateVm", "member", "{}", R ", " P, "VM.1008"},
	{"GetVmPlacement", "vm", "{}", ANY},
	{"GetVmMigrationCandidateHosts", "vm", "{}", R ", " P},
	{"GetCandidateIsoForAttachingVm", "vm", "{}", ANY},
	{"AttachIsoToVmInstance", "vm", "{'isoUuid':'@iso'}", R ", " S ", " P},
	{"DetachIsoFromVmInstance", "vm", "{}", R ", " S ", " P},
	{"GetVmAttachableDataVolume", "vm", "{}", ANY},
	{"GetVmAttachableL3Network", "vm", "{}", ANY},
	{"AttachL3NetworkToVm", "vm", "{'l3NetworkUuid':'@other-l3'}", R ", " S, NULL,
	 "unable to attach a L3 network. The vm[uuid: @vm] is not Running or Stopped; the current state is "
	 "@state"},
	{"DetachL3NetworkFromVm", "nic", "{}", R ", " S, NULL,
	 "unable to detach a L3 network. The vm[uuid: @vm] is not Running or Stopped; the current state is "
	 "@state"},
	{"SetNicQoS", "nic", "{'outboundBandwidth':8192}", ANY},
	{"GetNicQoS", "nic", "{}", ANY},
	{"DeleteNicQoS", "nic", "{'direction':'in'}", ANY},
	{"SetVmSshKey", "vm", "{'SshKey':'ssh-ed25519 AAAA'}", ANY},
	{"GetVmSshKey", "vm", "{}", ANY},
	{"DeleteVmSshKey", "vm", "{}", ANY},
	{"ChangeVmPassword", "vm", "{'account':'root','password':'x'}", R, "VM.1011",
	 "state is not correct while change password."},
	{"SetVmConsolePassword", "vm", "{'consolePassword':'x'}", ANY},
	{"GetVmConsolePassword", "vm", "{}", ANY},
	{"DeleteVmConsolePassword", "vm", "{}", ANY},
	{"GetVmConsoleAddress", "vm", "{}", R},
	{"SetVmHostname", "vm", "{'hostname':'web'}", ANY},
	{"GetVmHostname", "vm", "{}", ANY},
	{"DeleteVmHostname", "vm", "{}", ANY},
	{"CreateStartVmInstanceScheduler", "vm", "{'schedulerName':'s','type':'cron','cron':'0 0 1 * * ?'}",
	 "!" D, NULL, "vm[uuid:@vm] can only create scheduler when state is not Destroyed"},
	{"CreateStopVmInstanceScheduler", "vm", "{'schedulerName':'s','type':'cron','cron':'0 0 1 * * ?'}",
	 "!" D, NULL, "vm[uuid:@vm] can only create scheduler when state is not Destroyed"},
	{"CreateRebootVmInstanceScheduler", "vm", "{'schedulerName':'s','type':'cron','cron':'0 0 1 * * ?'}",
	 "!" D, NULL, "vm[uuid:@vm] can only create scheduler when state is not Destroyed"},
	{"GetVmBootOrder", "vm", "{}", ANY},
	{"SetVmBootOrder", "vm", "{'bootOrder':['CdRom']}", ANY},
	{"GetVmStartingCandidateClustersHosts", "vm", "{}", S},
	{"SetVmStaticIp", "vm", "{'l3NetworkUuid':'@l3','ip':'@ip'}", S},
	{"DeleteVmStaticIp", "vm", "{'l3NetworkUuid':'@l3'}", R ", " S ", " P},
	{"GetVmCapabilities", "vm", "{}", ANY},
	{"UpdateVmInstance", "vm", "{'name':'n','description':'d','platform':'Linux'}", ANY},
	{"UpdateVmInstance", "vm", "{'defaultL3NetworkUuid':'@l3'}", ANY},
	{"UpdateVmInstance", "vm", "{'cpuNum':2}", R ", " S, NULL,
	 "The state of vm[uuid:@vm] is @state. Only these state[Running,Stopped] is allowed to update cpu or "
	 "memory.",
	 .numa = "true"},
	{"UpdateVmInstance", "vm", "{'memorySize':268435456}", S, "SYS.1007",
	 "the VM cannot do online cpu/memory update because it is not of NUMA architecture. Please stop the "
	 "VM then do the cpu/memory update again",
	 .errnum = EINVAL},
	{"CloneVmInstance", "vm", "{'names':['copy']}", R ", " S ", " P},
	{"SetVmInstanceHaLevel", "vm", "{'level':'NeverStop'}", ANY},
	{"GetVmInstanceHaLevel", "vm", "{}", ANY},
	{"DeleteVmInstanceHaLevel", "vm", "{}", ANY},
	{"GetVmQga", "vm", "{}", ANY},
	{"SetVmQga", "vm", "{'enable':true}", ANY},
	{"GetVmRDP", "vm", "{}", ANY},
	{"SetVmRDP", "vm", "{'enable':true}", ANY},
	{"GetVmMonitorNumber", "vm", "{}", ANY},
	{"SetVmMonitorNumber", "vm", "{'monitorNumber':2}", ANY},
	{"ChangeVmImage", "vm", "{'imageUuid':'@other-image'}", S, NULL,
	 "do not change vm image when it's not stopped"},
	{"GetImageCandidatesForVmToChange", "vm", "{}", ANY},
	{"UpdateVmNicMac", "nic", "{'mac':'fa:00:00:00:00:77'}", S, NULL,
	 "The operation only allows when vm [@vm] state is stopped "},
	{"AddVmToAffinityGroup", "group", "{'uuid':'@vm'}", R ", " S, NULL,
	 "Vm can change its affinityGroup only in state [Running,Stopped], but vm is in state [@state]"},
	{"RemoveVmFromAffinityGroup", "group", "{'uuid':'@member'}", R ", " S, NULL,
	 "Vm can change its affinityGroup only in state [Running,Stopped], but vm is in state [@state]"},
	/* of other sections, but in the same table */
	{"ApplyVmInstanceSpec", "vm", "{'spec':'{}'}",
	 C ", Starting, " R ", Stopping, " S ", Rebooting, Pausing, " P
	   ", Resuming, Migrating, VolumeMigrating, " U ", Destroying",
	 NULL, "the VM is @state, which a spec cannot change"},
	{"ChangeInstanceOffering", "vm", "{'instanceOfferingUuid':'@large'}", R ", " S, NULL,
	 "The state of vm[uuid:@vm] is @state. Only these state[Running,Stopped] is allowed to update cpu or "
	 "memory.",
	 .numa = "true"},
	{"ChangeInstanceOffering", "vm", "{'instanceOfferingUuid':'@large'}", S, "SYS.1007",
	 "the VM cannot do online cpu/memory update because it is not of NUMA architecture. Please stop the "
	 "VM then do the cpu/memory update again",
	 .errnum = EINVAL},
	{"AttachDataVolumeToVm", "free", "{'vmInstanceUuid':'@vm'}", R ", " S ", " P, "VM.1005",
	 "vm[uuid:@vm] can only attach volume when state is Running or Stopped, current state is @state",
	 "VM.1010"},
	{"DetachDataVolumeFromVm", "data", "{}", R ", " S ", " P, "VM.1006", .class = VOLUME_CLASS},
	{"CreateRootVolumeTemplateFromRootVolume", "root", "{'name':'t'}", R ", " S ", " P, NULL,
	 "vm[uuid:@vm] is not Running, Stopped or Paused, current state[@state]"},
	{"CreateVolumeSnapshot", "root", "{'name':'s'}", R ", " S ", " P, NULL,
	 "vm[uuid:@vm] is not Running or Stopped, current state[@state]"},
	{"RevertVolumeFromSnapshot", "snapshot", "{}", S, NULL,
	 "unable to reset volume[uuid:@root] to snapshot[uuid:@snapshot], the vm[uuid:@vm] volume attached to "
	 "is not in Stopped state, current state is @state"},
};

/* Operations of the two sections that act on no existing VM. */
static const char *const about_no_vm[] = {
	"CreateVmInstance",
	"QueryVmInstance",
	"QueryShareableVolumeVmInstanceRef",
	"GetCandidatePrimaryStoragesForCreatingVm",
	"GetCandidateVmForAttachingIso",
	"QueryVmNic",
	"GetInterdependentL3NetworksImages",
	"ReleaseVmInstance", /* which volumes the VM has decides, too: tree/45-foreign-domains.sh */
	"GetCandidateZonesClustersHostsForCreatingVm",
	"CreateAffinityGroup",
	"DeleteAffinityGroup",
	"QueryAffinityGroup",
	"UpdateAffinityGroup",
	"ChangeAffinityGroupState",
};

static const char *const all_states[] = {
	"Created",	   "Starting", "Running",    "Stopping",  "Stopped",
	"Rebooting",	   "Pausing",  "Paused",     "Resuming",  "Migrating",
	"VolumeMigrating", "Unknown",  "Destroying", "Destroyed", "Expunging",
};

/* -------------------------------------------------------------------- the fixture */

static struct {
	char name[24], text[UUID_SIZE];
} world[32];
static size_t world_size;

static char *place_for(const char *name)
{
	assert_true(world_size < ARRAY_SIZE(world));
	snprintf(world[world_size].name, sizeof(world[0].name), "%s", name);
	return world[world_size++].text;
}

static const char *in_world(const char *name)
{
	for (size_t i = 0; i < world_size; i++)
		if (strcmp(world[i].name, name) == 0)
			return world[i].text;
	fail_msg("there is no '%s' in the fixture of this test", name);
	return NULL;
}

static const char *const *vms(void)
{
	static const char *uuids[3];

	uuids[0] = in_world("vm");
	uuids[1] = in_world("member");
	return uuids;
}

/* A JSON with '@' words and single quotes as an object; borrowed words, owned result. */
static char *fill(const char *template, const char *state, const struct rule *rule);

static json_t *params_of(const struct rule *rule)
{
	_cleanup_free_ char *text = fill(rule->params, "", rule);
	json_t *json;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	json = json_loads(text, 0, NULL);
	if (!json)
		fail_msg("%s: %s", rule->operation, text);
	return json;
}

static const char *word_text(const char *word, const char *state, const struct rule *rule)
{
	if (strcmp(word, "state") == 0)
		return state;
	if (strcmp(word, "operation") == 0)
		return rule->operation;
	if (strcmp(word, "legal") == 0)
		return rule->legal;
	return in_world(word);
}

static char *fill(const char *template, const char *state, const struct rule *rule)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	for (const char *c = template; *c; c++) {
		char word[24];
		size_t n = strspn(c + 1, "abcdefghijklmnopqrstuvwxyz3-");

		if (*c != '@') {
			(void)fputc(*c, f);
			continue;
		}
		snprintf(word, sizeof(word), "%.*s", (int)n, c + 1);
		if (strcmp(word, "class") == 0) {
			_cleanup_free_ char *class = fill(rule->class ? rule->class : VM_CLASS, state, rule);

			(void)fputs(class, f);
		} else {
			(void)fputs(word_text(word, state, rule), f);
		}
		c += n;
	}
	assert_int_equal(fclose(f), 0);
	return text;
}

static void add_vm(struct pool_fixture *f, const char *name)
{
	create_vm(f, name, in_world("image"),
		  json_pack("{s:s, s:s}", "instanceOfferingUuid", in_world("small"), "strategy",
			    "CreateStopped"),
		  place_for(name));
}

static void add_offering(struct pool_fixture *f, const char *name, int cpus)
{
	must(f, "CreateInstanceOffering", NULL,
	     json_pack("{s:s, s:i, s:i}", "name", name, "cpuNum", cpus, "memorySize", cpus << 27),
	     place_for(name));
}

static void add_networks(struct pool_fixture *f)
{
	char l2[UUID_SIZE];
	_cleanup_view_ struct view *view = view_now(f);
	const struct object *range = view_next(view, KIND_IP_RANGE, 0);
	char *ip = place_for("ip");

	/* the last address of the first network's range is free */
	snprintf(ip, UUID_SIZE, "%s", object_text(range, IP_RANGE_END_IP));
	first_uuid(f, KIND_L2_NETWORK, l2);
	first_uuid(f, KIND_L3_NETWORK, place_for("l3"));
	must(f, "CreateL3Network", NULL,
	     json_pack("{s:s, s:s, s:s}", "name", "other", "type", "L3BasicNetwork", "l2NetworkUuid", l2),
	     place_for("other-l3"));
}

static void add_volume(struct pool_fixture *f, const char *name)
{
	must(f, "CreateDataVolume", NULL,
	     json_pack("{s:s, s:s}", "name", name, "diskOfferingUuid", in_world("disk")), place_for(name));
}

static void remember_parts(struct pool_fixture *f)
{
	_cleanup_view_ struct view *view = view_now(f);
	const struct object *vm = view_get(view, KIND_VM, in_world("vm"));
	const struct object *nic = view_next_where(view, KIND_NIC, NIC_VM_UUID, in_world("vm"), 0);

	assert_non_null(nic);
	memcpy(place_for("nic"), object_uuid(nic), UUID_SIZE);
	memcpy(place_for("root"), object_str(vm, VM_ROOT_VOLUME_UUID), UUID_SIZE);
}

static int setup(void **state)
{
	static const char *const images[] = {"image", "other-image", "iso"};
	struct pool_fixture *f;

	assert_int_equal(pool_fixture_setup(state), 0);
	f = *state;
	add_networks(f);
	for (size_t i = 0; i < ARRAY_SIZE(images); i++)
		add_image(f, images[i], i == 2 ? "iso" : "raw", json_pack("{s:s}", "platform", "Linux"),
			  place_for(images[i]));
	add_offering(f, "small", 1);
	add_offering(f, "large", 2);
	must(f, "CreateDiskOffering", NULL, json_pack("{s:s, s:i}", "name", "disk", "diskSize", 1 << 20),
	     place_for("disk"));
	add_vm(f, "vm");
	add_vm(f, "member");
	remember_parts(f);
	add_volume(f, "data");
	add_volume(f, "free");
	must(f, "AttachDataVolumeToVm", in_world("data"),
	     json_pack("{s:s}", "vmInstanceUuid", in_world("vm")), NULL);
	must(f, "CreateVolumeSnapshot", in_world("root"), json_pack("{s:s}", "name", "snapshot"), NULL);
	first_uuid(f, KIND_SNAPSHOT, place_for("snapshot"));
	must(f, "CreateAffinityGroup", NULL, json_pack("{s:s, s:s}", "name", "group", "policy", "antiSoft"),
	     place_for("group"));
	must(f, "AddVmToAffinityGroup", in_world("group"), json_pack("{s:s}", "uuid", in_world("member")),
	     NULL);
	must(f, "SetVmQga", in_world("vm"), json_pack("{s:b}", "enable", 1), NULL);
	set_config(f, "localStoragePrimaryStorage", "liveMigrationWithStorage.allow", "true");
	return 0;
}

/* ----------------------------------------------------------------------- states */

static bool has_host(const char *state)
{
	return strcmp(state, C) != 0 && strcmp(state, S) != 0 && strcmp(state, D) != 0;
}

static int put_state_fn(struct txn *t, void *arg, struct error *e)
{
	const char *state = arg, *host = object_uuid(view_next(txn_view(t), KIND_HOST, 0));
	int r = 0;

	for (const char *const *uuid = vms(); *uuid && r == 0; uuid++) {
		struct object *vm = object_copy(view_get(txn_view(t), KIND_VM, *uuid));

		assert_non_null(vm);
		object_set_str(vm, VM_STATE, state);
		object_set_str(vm, VM_HOST_UUID, has_host(state) ? host : NULL);
		r = txn_put(t, vm, NULL, e);
	}
	return r;
}

static void write_state(struct pool_fixture *f, const char *state)
{
	assert_int_equal(store_run(pool_store(f->pool), put_state_fn, (void *)(uintptr_t)state, NULL), 0);
}

static bool is_in(const char *list, const char *state)
{
	size_t len = strlen(state);

	for (const char *word = list; word; word = strstr(word, ", ") ? strstr(word, ", ") + 2 : NULL)
		if (strncmp(word, state, len) == 0 && (word[len] == ',' || !word[len]))
			return true;
	return false;
}

static bool is_legal(const struct rule *rule, const char *state)
{
	if (!rule->legal)
		return true;
	return *rule->legal == '!' ? !is_in(rule->legal + 1, state) : is_in(rule->legal, state);
}

static void check_refusal(const struct rule *rule, const char *state, int r, const struct error *e)
{
	_cleanup_free_ char *text = fill(rule->text ? rule->text : GATE_TEXT, state, rule);
	const char *cause = rule->text ? rule->cause : "VM.1010";

	if (r != -(rule->errnum ? rule->errnum : EBUSY) || strcmp(error_sentence(e), text) != 0)
		fail_msg("%s in state %s: %d '%s', expected '%s'", rule->operation, state, r,
			 error_sentence(e), text);
	assert_string_equal(e->code, rule->code ? rule->code : "SYS.1006");
	assert_true(!e->cause == !cause);
	if (cause)
		assert_string_equal(e->cause->code, cause);
}

static void every_operation_in_every_state(void **fixture)
{
	struct pool_fixture *f = *fixture;
	const struct actor actor = {.source = "fs"};
	const char *numa = "false";

	for (size_t s = 0; s < ARRAY_SIZE(all_states); s++) {
		write_state(f, all_states[s]);
		for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
			const struct rule *rule = &rules[i];
			_cleanup_(error_done) struct error e = ERROR_INIT;
			_cleanup_view_ struct view *view = NULL;
			const char *wanted = rule->numa ? rule->numa : "false";
			json_t *params = params_of(rule);
			struct request *req = NULL;
			int r;

			if (strcmp(numa, wanted) != 0)
				set_config(f, "vm", "numa", wanted);
			numa = wanted;
			view = view_now(f);
			if (!operation_by_name(rule->operation))
				fail_msg("there is no operation '%s'", rule->operation);
			r = request_new(operation_by_name(rule->operation), in_world(rule->target), params,
					&actor, &req, &e);
			json_decref(params);
			if (r == 0)
				r = request_check(view, req, false, &e);
			request_free(req);
			if (is_legal(rule, all_states[s]) && r < 0)
				fail_msg("%s in state %s: %s", rule->operation, all_states[s],
					 error_sentence(&e));
			if (!is_legal(rule, all_states[s]))
				check_refusal(rule, all_states[s], r, &e);
		}
	}
}

/* Candidates are listed in these states; in others the answer is an empty list, not an error. */
static void candidates_by_state(void **fixture)
{
	static const struct {
		const char *operation, *target, *legal;
	} lists[] = {
		{"GetCandidateIsoForAttachingVm", "vm", R ", " S},
		{"GetCandidateVmForAttachingIso", "iso", R ", " S},
		{"GetVmAttachableDataVolume", "vm", R ", " S},
		{"GetVmAttachableL3Network", "vm", ANY},
		{"GetImageCandidatesForVmToChange", "vm", ANY},
	};
	struct pool_fixture *f = *fixture;
	const struct actor actor = {.source = "fs"};

	for (size_t s = 0; s < ARRAY_SIZE(all_states); s++) {
		_cleanup_view_ struct view *view = NULL;

		write_state(f, all_states[s]);
		view = view_now(f);
		for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
			const struct operation *op = operation_by_name(lists[i].operation);
			_cleanup_(error_done) struct error e = ERROR_INIT;
			struct request *req = NULL;
			json_t *result = NULL;
			bool any;

			assert_int_equal(request_new(op, in_world(lists[i].target), NULL, &actor, &req, &e),
					 0);
			assert_int_equal(op->get(f->pool, view, req, &result, &e), 0);
			any = json_array_size(json_object_get(result, "inventories")) > 0;
			if (any != (!lists[i].legal || is_in(lists[i].legal, all_states[s])))
				fail_msg("%s in state %s: %s", op->name, all_states[s],
					 any ? "something" : "nothing");
			json_decref(result);
			request_free(req);
		}
	}
}

static bool has_rule(const char *operation)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (strcmp(rules[i].operation, operation) == 0)
			return true;
	return false;
}

/* Nothing of sections 4.1 and 4.4, and nothing else that acts on a VM, is missing above. */
static void no_operation_is_left_out(void **fixture)
{
	size_t of_manual = 0;

	(void)fixture;
	for (const struct operation *const *op = operations(); *op; op++) {
		bool is_ours =
			strncmp((*op)->section, "4.1.", 4) == 0 || strncmp((*op)->section, "4.4.", 4) == 0;
		bool free = false;

		for (size_t i = 0; i < ARRAY_SIZE(about_no_vm); i++)
			free = free || strcmp(about_no_vm[i], (*op)->name) == 0;
		of_manual += is_ours;
		if ((is_ours || ((*op)->kind == KIND_VM && (*op)->target)) && has_rule((*op)->name) == free)
			fail_msg("%s is in %s of the lists", (*op)->name, free ? "both" : "none");
	}
	assert_int_equal(of_manual, 63 + 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_in_every_state),
		cmocka_unit_test(candidates_by_state),
		cmocka_unit_test(no_operation_is_left_out),
	};

	return cmocka_run_group_tests(tests, setup, pool_fixture_teardown);
}
