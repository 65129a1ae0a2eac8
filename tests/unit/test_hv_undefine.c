/* SPDX-License-Identifier: Apache-2.0 */
/* A definition goes, or stays for what the guest keeps beside its disks, on the simulator, whose answers are changed here. */
#include "tests/unit/hv_sim_fixture.h"

#include <errno.h>

#include "hypervisor/driver.h"

extern const struct driver __real_simulated_driver;
extern struct driver __wrap_simulated_driver;
struct driver __wrap_simulated_driver;

static int undefined; /* calls */

static int undefine(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	undefined++;
	return __real_simulated_driver.undefine(call, domain, e);
}

/* Another host's libvirtd, or an administrator, has removed the domain since it was found. */
static int get_no_xml(const struct hv_call *call, const struct domain *domain, unsigned int flags,
		      const char *label, char **ret_xml, struct error *e)
{
	(void)call, (void)flags, (void)label, (void)ret_xml;
	return error_set(e, ENOENT, "cannot find domain '%s'", domain->uuid);
}

static int get_xml_with_variables(const struct hv_call *call, const struct domain *domain, unsigned int flags,
				  const char *label, char **ret_xml, struct error *e)
{
	(void)call, (void)domain, (void)flags, (void)label;
	*ret_xml = strdup("<domain><os firmware='efi'/></domain>");
	return *ret_xml ? 0 : error_oom(e);
}

static int begin(void **state)
{
	__wrap_simulated_driver = __real_simulated_driver;
	__wrap_simulated_driver.undefine = undefine;
	undefined = 0;
	return set_up_simulator(state);
}

static void start_and_stop(struct fixture *f)
{
	struct hv_domain_def spec = {.uuid = VM_1,
				     .title = "vm",
				     .virt_type = "test",
				     .cpu_num = 1,
				     .cpu_max = 1,
				     .memory = 256 * MIB,
				     .memory_max = 256 * MIB,
				     .cpu_mode = "none",
				     .platform = "Linux",
				     .video = "vga"};

	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	assert_ok(hv_domain_destroy(f->hv, HOST_A, VM_1, e));
}

static void nothing_is_undefined_of_what_has_gone(void **state)
{
	struct fixture *f = *state;

	start_and_stop(f);
	__wrap_simulated_driver.get_xml = get_no_xml;
	assert_ok(hv_domain_retire(f->hv, HOST_A, VM_1, e));
	assert_int_equal(undefined, 0);
}

static void a_definition_stays_for_what_the_guest_keeps(void **state)
{
	struct fixture *f = *state;

	start_and_stop(f);
	__wrap_simulated_driver.get_xml = get_xml_with_variables;
	assert_ok(hv_domain_retire(f->hv, HOST_A, VM_1, e));
	assert_int_equal(undefined, 0);
	__wrap_simulated_driver.get_xml = __real_simulated_driver.get_xml;
	assert_ok(hv_domain_retire(f->hv, HOST_A, VM_1, e));
	assert_int_equal(undefined, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_undefined_of_what_has_gone, begin,
						tear_down_simulator),
		cmocka_unit_test_setup_teardown(a_definition_stays_for_what_the_guest_keeps, begin,
						tear_down_simulator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
