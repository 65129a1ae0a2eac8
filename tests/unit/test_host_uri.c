/* SPDX-License-Identifier: Apache-2.0 */
/* The libvirt URIs that a host may have. */
#include "tests/unit/test.h"

#include "hypervisor/host_uri.h"

static const char *const good[] = {
	"qemu:///system",
	"qemu:///session",
	"qemu://node.example/system",
	"qemu://root@192.0.2.1/system",
	"qemu+unix:///system",
	"qemu+unix:///system?socket=/run/x/libvirt-sock",
	"qemu+unix:///session?socket=/run/user/1000/libvirt/libvirt-sock",
	"qemu+unix:///system?socket=%2Frun%2Flibvirt-sock",
	"qemu:///system?socket=/run/x/libvirt-sock",
	"qemu+unix:///system?mode=direct&socket=/run/x.sock",
	"qemu+ssh://root@10.0.0.1/system?no_tty=1",
	"qemu+ssh://10.0.0.1:2222/system?no_tty=0&mode=auto",
	"qemu+ssh://first.last@node-1.example.org/system",
	"qemu+ssh://root@[2001:db8::1]:22/system?no_tty=1",
	"qemu+ssh://root@node/system?socket=/run/libvirt/libvirt-sock;no_tty=1",
	"qemu+libssh://root@node/system",
	"qemu+libssh2://root@node/system?",
	"qemu+tcp://[fe80::1]:16509/system",
	"qemu+tcp://10.0.0.1/system?&",
	"qemu+tls://node.example/system",
	"test:///default",
	"test:///var/lib/node.xml",
	"test:///srv/my%20pool/simulators/0.xml",
	"qemu+unix:///system?socket=/run/my%20pool/libvirt-sock",
	"test:///var/lib/pool_1/hosts/0a-b.xml",
};

static const struct {
	const char *uri, *says;
} bad[] = {
	/* no URI, or of another hypervisor */
	{"", "not a URI"},
	{"qemu", "not a URI"},
	{"/system", "not a URI"},
	{"qemu:system", "path is not"},
	{"qemu:///system with blanks", "not a URI"},
	{"qemu:///system#x", "not a URI"},
	{"lxc:///", "not qemu or test"},
	{"http://h/system", "not qemu or test"},
	{"QEMU:///system", "not qemu or test"},
	{"esx://h/?no_verify=1", "not qemu or test"},
	/* transports */
	{"qemu+ext:///system?command=/tmp/run", "the transport 'ext'"},
	{"qemu+ext://h/system", "the transport 'ext'"},
	{"qemu+smoke://h/system", "the transport 'smoke'"},
	{"qemu+://h/system", "the transport ''"},
	{"qemu+ssh+ssh://h/system", "the transport 'ssh+ssh'"},
	{"qemu+SSH://h/system", "the transport 'SSH'"},
	{"test+ssh://h/default", "always local"},
	{"test+unix:///default", "always local"},
	/* parameters that run programs, read files or trust anybody */
	{"qemu+ssh://h/system?command=/tmp/run", "'command'"},
	{"qemu+ssh://h/system?no_tty=1&command=/tmp/run", "'command'"},
	{"qemu+ssh://h/system?no_tty=1;command=/tmp/run", "'command'"},
	{"qemu+ssh://h/system?%63ommand=/tmp/run", "'command'"},
	{"qemu+ssh://h/system?COMMAND=/tmp/run", "'COMMAND'"},
	{"qemu+ssh://h/system?&&command=/tmp/run", "'command'"},
	{"qemu+ssh://h/system?command", "'command'"},
	{"qemu+ssh://h/system?netcat=/tmp/run", "'netcat'"},
	{"qemu+ssh://h/system?keyfile=/etc/shadow", "'keyfile'"},
	{"qemu+libssh2://h/system?known_hosts=/etc/shadow", "'known_hosts'"},
	{"qemu+libssh2://h/system?known_hosts_verify=ignore", "'known_hosts_verify'"},
	{"qemu+libssh://h/system?sshauth=password", "'sshauth'"},
	{"qemu+ssh://h/system?no_verify=1", "'no_verify'"},
	{"qemu+tls://h/system?no_verify=1", "'no_verify'"},
	{"qemu+tls://h/system?no_sanity=1", "'no_sanity'"},
	{"qemu+tls://h/system?pkipath=/tmp", "'pkipath'"},
	{"qemu+tls://h/system?tls_priority=NORMAL", "'tls_priority'"},
	{"qemu+ssh://h/system?proxy=netcat", "'proxy'"},
	{"qemu:///system?name=test:///x", "'name'"},
	{"qemu:///system?=x", "''"},
	{"test:///default?command=x", "'command'"},
	{"test:///default?socket=/x", "'socket'"},
	/* values */
	{"qemu+unix:///system?socket=run/x", "'socket=run/x'"},
	{"qemu+unix:///system?socket=", "'socket='"},
	{"qemu+unix:///system?socket", "'socket='"},
	{"qemu+ssh://h/system?socket=/x%20-U;no_tty=1", "'socket=/x -U'"},
	{"qemu+ssh://h/system?socket=/x'$(id)", "is not accepted"},
	{"qemu+ssh://h/system?socket=/run/%60id%60", "is not accepted"},
	{"qemu+ssh://h/system?socket=/run/../etc/x", "is not accepted"},
	{"qemu+ssh://h/system?no_tty=yes", "0 or 1"},
	{"qemu+ssh://h/system?mode=x", "auto, legacy or direct"},
	/* servers and users */
	{"qemu+ssh:///system", "no server name"},
	{"qemu+tcp:///system", "no server name"},
	{"qemu+unix://h/system", "names no server"},
	{"qemu+ssh://-oProxyCommand=id/system", "server"},
	{"qemu+ssh://-h/system", "not the name or address"},
	{"qemu+ssh://h%3Bid/system", "not the name or address"},
	{"qemu+ssh://-oProxyCommand=id@h/system", "not a user name"},
	{"qemu+ssh://root:secret@h/system", "not a user name"},
	{"qemu+ssh://@h/system", "not a user name"},
	{"test://h/default", "names no server"},
	/* paths */
	{"qemu://", "path is not"},
	{"qemu:///", "path is not"},
	{"qemu:///embed?root=/tmp", "path is not"},
	{"qemu:///system/", "path is not"},
	{"test://", "neither /default"},
	{"test:///", "neither /default"},
	{"test:///etc/passwd", "neither /default"},
	{"test:///.xml", "neither /default"},
	{"test:///a/../../etc/x.xml", "neither /default"},
};

static void accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;

		if (hv_uri_check(good[i], &e) < 0)
			fail_msg("%s: %s", good[i], error_sentence(&e));
	}
}

static void refused_with_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;

		if (hv_uri_check(bad[i].uri, &e) != -EINVAL || !strstr(error_sentence(&e), bad[i].says))
			fail_msg("%s: '%s'", bad[i].uri, error_sentence(&e));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted),
		cmocka_unit_test(refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
