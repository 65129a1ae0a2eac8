/* SPDX-License-Identifier: Apache-2.0 */
/* Flushing files of hosts from here: only the file that the host has, and no failure is missed. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "hypervisor/host.h"
#include "hypervisor/storage/flush.h"
#include "hypervisor/storage/virt_storage.h"

static char folder[] = "/tmp/poolfs-test-XXXXXX";
static char path[64];
static const char *host_time; /* of the file's last change, as its host tells it; NULL: the host is gone */
static int flushed;	      /* calls of fsync(2) */
static int failing;	      /* the errno that it fails with; 0: none */

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	assert_true(fd >= 0);
	flushed++;
	errno = failing;
	return failing ? -1 : 0;
}

int __wrap_volume_find(const struct hv_call *call, const char *volume, virStorageVolPtr *ret,
		       struct error *e);
int __wrap_volume_find(const struct hv_call *call, const char *volume, virStorageVolPtr *ret, struct error *e)
{
	(void)call;
	assert_string_equal(volume, path);
	*ret = NULL;
	return host_time ? 0 : error_set(e, ENOTCONN, "the host is gone");
}

char *__wrap_virStorageVolGetXMLDesc(virStorageVolPtr volume, unsigned int flags);
char *__wrap_virStorageVolGetXMLDesc(virStorageVolPtr volume, unsigned int flags)
{
	char *text;

	(void)volume;
	(void)flags;
	assert_true(asprintf(&text,
			     "<volume><target><timestamps><mtime>%s</mtime></timestamps></target></volume>",
			     host_time) > 0);
	return text;
}

static int setup(void **state)
{
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/volume", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

static void set_time(time_t seconds, long ns)
{
	const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = seconds, .tv_nsec = ns}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Begins and ends on a host of this URI. */
static int flush_on(const char *uri, bool *ret_here, struct error *e)
{
	struct hv_call call = {0};
	_cleanup_flush_ struct flush flush = FLUSH_INIT;
	int r;

	assert_int_equal(host_new("00000000000000000000000000000001", uri, NULL, NULL, &call.host, NULL), 0);
	call.simulated = call.host->simulated;
	flushed = 0;
	flush_begin(&flush, &call, path);
	r = flush_end(&flush, &call, ret_here, e);
	host_unref(call.host);
	return r;
}

/* The file and its folder. */
static void test_here(void **state)
{
	static const char *const uris[] = {"qemu:///system", "qemu+unix:///system?socket=/run/x"};
	_cleanup_(error_done) struct error e = ERROR_INIT;

	(void)state;
	set_time(1700000000, 1);
	host_time = "1700000000.000000001";
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		bool here = false;

		assert_int_equal(flush_on(uris[i], &here, &e), 0);
		assert_true(here);
		assert_int_equal(flushed, 2);
	}
}

/* One of the same path that another host has is not taken for it. */
static void test_elsewhere(void **state)
{
	static const char *const uris[] = {"qemu+ssh://h1/system", "qemu+tcp://10.0.0.1/system",
					   "qemu+tls://h1/system", "test:///default"};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	bool here = true;

	(void)state;
	set_time(1700000000, 0);
	host_time = "1700000000";
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		assert_int_equal(flush_on(uris[i], &here, &e), 0);
		assert_false(here);
		assert_int_equal(flushed, 0);
	}
	host_time = "1700000000.000000001"; /* libvirtd sees other file systems */
	assert_int_equal(flush_on("qemu:///system", &here, &e), 0);
	assert_false(here);
	assert_int_equal(flushed, 0);
}

static void test_failures(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	bool here;

	(void)state;
	set_time(1700000000, 0);
	host_time = "1700000000";
	failing = EIO;
	assert_int_equal(flush_on("qemu:///system", &here, &e), -EIO);
	failing = 0;
	assert_non_null(strstr(error_sentence(&e), path));
	host_time = NULL;
	assert_int_equal(flush_on("qemu:///system", &here, &e), -ENOTCONN);
	assert_int_equal(flushed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_here),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
