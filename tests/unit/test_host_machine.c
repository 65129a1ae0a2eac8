/* SPDX-License-Identifier: Apache-2.0 */
/* What a host says of the machines that it can make. */
#include "tests/unit/test.h"

#include <string.h>

#include "hypervisor/host_machine.h"

#define DOMAINS(loader, tpm, cpu)                                                                            \
	"<domainCapabilities><os supported='yes'><enum name='firmware'><value>efi</value></enum>"            \
	"<loader supported='yes'><enum name='secure'>" loader "</enum></loader></os><cpu>" cpu               \
	"</cpu><devices><tpm supported='yes'><enum name='backendModel'><value>passthrough</value>" tpm       \
	"</enum></tpm></devices></domainCapabilities>"

/* The <os> of a domain that never runs. */
static void check_idle_os(const struct host_machine *m, const char *wanted)
{
	_cleanup_free_ char *text = NULL;
	struct xml x;

	xml_begin(&x);
	host_machine_write_idle_os(&x, m);
	text = xml_finish(&x);
	assert_non_null(text);
	assert_non_null(strstr(text, wanted));
}

static void pc_host(void **state)
{
	xmlDocPtr caps =
		xml_parse("<capabilities><host><cpu><arch>x86_64</arch></cpu></host></capabilities>");
	struct host_machine m = {0};

	(void)state;
	host_machine_read_arch(caps, &m);
	host_machine_parse(DOMAINS("<value>yes</value>", "<value>emulator</value>",
				   "<mode name='host-model' supported='yes'><model>EPYC</model>"
				   "<feature policy='require' name='ss'/></mode>"),
			   &m);
	assert_string_equal(m.arch, "x86_64");
	assert_false(host_machine_is_arm(m.arch));
	assert_false(host_machine_offers_kvm(caps, &m));
	check_idle_os(&m, "<type arch=\"x86_64\" machine=\"pc\">hvm</type>");
	assert_true(m.known && m.uefi && m.secure_boot && m.tpm);
	assert_string_equal(m.cpu, "<cpu><arch>x86_64</arch><model>EPYC</model>"
				   "<feature policy=\"require\" name=\"ss\"/></cpu>");
	host_machine_done(&m);
	xmlFreeDoc(caps);
}

static void arm_host(void **state)
{
	xmlDocPtr caps = xml_parse("<capabilities><host><cpu><arch>aarch64</arch></cpu></host><guest>"
				   "<os_type>hvm</os_type><arch name='aarch64'><domain type='kvm'/></arch>"
				   "</guest></capabilities>");
	struct host_machine m = {0};

	(void)state;
	host_machine_read_arch(caps, &m);
	host_machine_parse(DOMAINS("<value>no</value>", "", "<mode name='host-model' supported='no'/>"), &m);
	assert_string_equal(m.arch, "aarch64");
	assert_true(host_machine_is_arm(m.arch));
	assert_true(host_machine_offers_kvm(caps, &m));
	check_idle_os(&m, "<type arch=\"aarch64\" machine=\"virt\">hvm</type>");
	assert_true(m.known && m.uefi);
	assert_false(m.secure_boot || m.tpm);
	assert_null(m.cpu);
	host_machine_done(&m);
	xmlFreeDoc(caps);
}

static void silent_host(void **state)
{
	struct host_machine m = {0};

	(void)state;
	host_machine_read_arch(NULL, &m);
	host_machine_parse("no XML", &m);
	assert_string_equal(m.arch, "x86_64");
	assert_false(host_machine_offers_kvm(NULL, &m));
	assert_false(m.known || m.uefi || m.tpm);
	host_machine_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pc_host),
		cmocka_unit_test(arm_host),
		cmocka_unit_test(silent_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
