/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every libvirt error code has an errno; the codes on which decisions of the pool depend have the right one;
 * sentences have our form.
 */
#define VIR_ENUM_SENTINELS
#include "tests/unit/test.h"

#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "hypervisor/errors.h"
#include "hypervisor/hypervisor.h"

static void every_code_has_an_errno_with_a_description(void **state)
{
	(void)state;
	assert_int_equal(hv_errno_of_virt(VIR_ERR_OK), 0);
	for (int code = 1; code < VIR_ERR_NUMBER_LAST; code++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		int errnum = hv_errno_of_virt(code);

		assert_true(errnum > 0);
		assert_int_equal(error_set(&e, errnum, "x"), -errnum);
		assert_non_null(error_description(e.code));
	}
}

static void unknown_codes_are_io_errors(void **state)
{
	(void)state;
	assert_int_equal(hv_errno_of_virt(VIR_ERR_NUMBER_LAST), EIO);
	assert_int_equal(hv_errno_of_virt(-1), EIO);
	assert_int_equal(hv_errno_of_virt(1 << 20), EIO);
}

static void codes_that_decide(void **state)
{
	static const struct {
		int code, errnum;
	} rows[] = {
		{VIR_ERR_NO_DOMAIN, ENOENT},
		{VIR_ERR_NO_NETWORK, ENOENT},
		{VIR_ERR_NO_STORAGE_POOL, ENOENT},
		{VIR_ERR_NO_STORAGE_VOL, ENOENT},
		{VIR_ERR_DEVICE_MISSING, ENOENT},
		{VIR_ERR_STORAGE_VOL_EXIST, EEXIST},
		{VIR_ERR_DOM_EXIST, EEXIST},
		{VIR_ERR_OPERATION_INVALID, EBUSY},
		{VIR_ERR_RESOURCE_BUSY, EBUSY},
		{VIR_ERR_NO_SUPPORT, EOPNOTSUPP},
		{VIR_ERR_CONFIG_UNSUPPORTED, EOPNOTSUPP},
		{VIR_ERR_OPERATION_TIMEOUT, ETIMEDOUT},
		{VIR_ERR_AGENT_UNRESPONSIVE, ETIMEDOUT},
		{VIR_ERR_OPERATION_ABORTED, ECANCELED},
		{VIR_ERR_AUTH_FAILED, EACCES},
		{VIR_ERR_NO_CONNECT, ENOTCONN},
		{VIR_ERR_RPC, ENOTCONN},
		{VIR_ERR_XML_ERROR, EINVAL},
		{VIR_ERR_INTERNAL_ERROR, EIO},
		{VIR_ERR_NO_MEMORY, ENOMEM},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(hv_errno_of_virt(rows[i].code), rows[i].errnum);
}

static void sentences_have_our_form(void **state)
{
	virErrorPtr none;
	(void)state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_(error_done) struct error lost = ERROR_INIT;

	virt_errors_silence();
	/* a real libvirt error: an unknown driver */
	assert_null(virConnectOpen("nothing:///"));
	none = virGetLastError();
	assert_non_null(none);
	assert_true(error_set_virt(&e, NULL, "cannot open '%s'", "nothing:///") < 0);
	assert_int_equal(strncmp(error_sentence(&e), "cannot open 'nothing:///': ", 27), 0);
	assert_null(strchr(error_sentence(&e), '\n'));

	assert_null(virConnectOpen("qemu:///system?socket=/nowhere/at/all"));
	assert_int_equal(error_set_virt(&lost, NULL, "cannot connect"),
			 -ENOENT); /* the socket does not exist */
}

/* Every libvirt call resets the last error: it has to be read before the arguments are evaluated. */
static void arguments_may_call_libvirt(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_(error_done) struct error second = ERROR_INIT;
	virConnectPtr conn;
	virDomainPtr domain;
	(void)state;

	virt_errors_silence();
	conn = virConnectOpen("test:///default");
	assert_non_null(conn);
	domain = virDomainLookupByName(conn, "test");
	assert_non_null(domain);

	assert_null(virDomainLookupByName(conn, "another"));
	assert_int_equal(error_set_virt(&e, conn, "cannot find the twin of '%s'", virDomainGetName(domain)),
			 -ENOENT);
	assert_non_null(strstr(error_sentence(&e), "cannot find the twin of 'test': "));
	assert_null(strstr(error_sentence(&e), "unknown error"));

	/* now there is none, and the earlier one does not come back */
	assert_non_null(virDomainGetName(domain));
	assert_int_equal(error_set_virt(&second, conn, "cannot say why"), -EIO);
	assert_string_equal(error_sentence(&second), "cannot say why: unknown error");
	(void)virDomainFree(domain);
	(void)virConnectClose(conn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_an_errno_with_a_description),
		cmocka_unit_test(unknown_codes_are_io_errors),
		cmocka_unit_test(codes_that_decide),
		cmocka_unit_test(sentences_have_our_form),
		cmocka_unit_test(arguments_may_call_libvirt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
