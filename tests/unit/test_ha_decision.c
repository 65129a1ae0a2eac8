/* SPDX-License-Identifier: Apache-2.0 */
/* What HA does about a silent host and its VMs: a row per situation, then what must hold in all of them. */
#include "tests/unit/test.h"

#include "actions/vm/ha_decision.h"
#include "model/cleanup.h"

#define S INT64_C(1000000000)

static const struct {
	const char *situation;
	struct ha_host host;
	enum ha_host_step step;
} hosts[] = {
	{"it is connected", {.needed = true, .has_command = true, .silent_ns = 900 * S}, HA_HOST_WAIT},
	{"what was known of its power is of the past", {.dead = true, .needed = true}, HA_HOST_WAIT},
	{"no VM needs HA",
	 {.disconnected = true, .has_command = true, .silent_ns = 900 * S, .patience_ns = 180 * S},
	 HA_HOST_WAIT},
	{"it is silent for a moment",
	 {.disconnected = true,
	  .needed = true,
	  .has_command = true,
	  .silent_ns = 179 * S,
	  .patience_ns = 180 * S},
	 HA_HOST_WAIT},
	{"the clock was set back",
	 {.disconnected = true, .needed = true, .has_command = true, .silent_ns = -S, .patience_ns = 180 * S},
	 HA_HOST_WAIT},
	{"only its libvirt is silent",
	 {.disconnected = true,
	  .needed = true,
	  .answers = true,
	  .has_command = true,
	  .silent_ns = 180 * S,
	  .patience_ns = 180 * S},
	 HA_HOST_LIVES},
	{"it is silent, and nobody can cut its power",
	 {.disconnected = true, .needed = true, .silent_ns = 9000 * S, .patience_ns = 180 * S},
	 HA_HOST_ASK},
	{"it is silent for long enough",
	 {.disconnected = true,
	  .needed = true,
	  .has_command = true,
	  .silent_ns = 180 * S,
	  .patience_ns = 180 * S},
	 HA_HOST_FENCE},
	{"the fence command is running",
	 {.disconnected = true,
	  .needed = true,
	  .has_command = true,
	  .pending = true,
	  .silent_ns = 200 * S,
	  .patience_ns = 180 * S},
	 HA_HOST_WAIT},
	{"the fence command has just failed",
	 {.disconnected = true,
	  .needed = true,
	  .has_command = true,
	  .silent_ns = 200 * S,
	  .patience_ns = 180 * S,
	  .next_try_ns = S},
	 HA_HOST_WAIT},
	{"the fence command has failed a while ago",
	 {.disconnected = true,
	  .needed = true,
	  .has_command = true,
	  .silent_ns = 200 * S,
	  .patience_ns = 180 * S,
	  .next_try_ns = 0},
	 HA_HOST_FENCE},
	{"it is off", {.disconnected = true, .dead = true}, HA_HOST_RELEASE},
};

static void each_situation_of_a_host(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (ha_decide_host(&hosts[i].host) != hosts[i].step)
			fail_msg("%s: the step is %d, not %d", hosts[i].situation,
				 (int)ha_decide_host(&hosts[i].host), (int)hosts[i].step);
}

/* Over all situations: VMs are released only from a dead host; power is cut only of a silent one, by a command. */
static void silence_is_not_death(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 1u << 8; bits++) {
		struct ha_host host = {
			.disconnected = bits & 1,
			.dead = bits & 2,
			.needed = bits & 4,
			.answers = bits & 8,
			.has_command = bits & 16,
			.pending = bits & 32,
			.silent_ns = bits & 64 ? 1000000 * S : 0,
			.patience_ns = S,
			.next_try_ns = bits & 128 ? S : -S,
		};
		enum ha_host_step step = ha_decide_host(&host);

		if (step == HA_HOST_RELEASE)
			assert_true(host.disconnected && host.dead);
		if (step == HA_HOST_FENCE)
			assert_true(host.disconnected && host.has_command && !host.answers && host.needed &&
				    !host.pending && host.silent_ns >= host.patience_ns);
	}
}

static const struct {
	const char *situation;
	struct ha_vm vm;
	enum ha_vm_step step;
} vms[] = {
	{"it is not Unknown", {.shared = true, .available = true}, HA_VM_KEEP},
	{"a job is at it", {.unknown = true, .pending = true, .shared = true, .available = true}, HA_VM_KEEP},
	{"it may have been migrated to a silent host",
	 {.unknown = true, .elsewhere = true, .shared = true, .available = true},
	 HA_VM_KEEP},
	{"its files are on the dead host", {.unknown = true, .available = true}, HA_VM_KEEP},
	{"it has no level", {.unknown = true, .shared = true}, HA_VM_STOP},
	{"it has a level", {.unknown = true, .shared = true, .available = true}, HA_VM_RESTART},
};

static void each_situation_of_a_vm(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vms); i++)
		if (ha_decide_vm(&vms[i].vm) != vms[i].step)
			fail_msg("%s: the step is %d, not %d", vms[i].situation,
				 (int)ha_decide_vm(&vms[i].vm), (int)vms[i].step);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_situation_of_a_host),
		cmocka_unit_test(silence_is_not_death),
		cmocka_unit_test(each_situation_of_a_vm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
