/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes whose files are on this machine, on a real libvirtd: what is done with the files here, and what is left to the
 * host.
 *
 * Started by 01-real-host.sh, which sets up what is said in the environment:
 *   HV_URI   of the host
 *   HV_HERE  folder that the host has in common with this program, with folders pool and elsewhere, and small, a file
 *            system of a few MiB
 *   HV_IMAGE an image that is larger than that
 * The tests build on each other, in this order.
 */
#include "tests/unit/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

#include "hypervisor/storage/pool.h"
#include "hypervisor/storage/qcow2.h"
#include "hypervisor/storage/volume.h"
#include "tests/hv/real.h"
#include "tests/hv/recorder.h"

#define HOST  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define POOL  "cccccccccccccccccccccccccccccccc"
#define SMALL "5555555555555555555555555555555a"

#define PATH_ROOM 512

/* The path of a file below HV_HERE. */
static void path_of(char path[static PATH_ROOM], const char *name)
{
	assert_true(snprintf(path, PATH_ROOM, "%s/%s", env("HV_HERE"), name) < PATH_ROOM);
}

static void connects(void **state)
{
	static const struct hv_events events = {on_host, on_domain, on_agent, on_device_removed};
	(void)state;

	assert_ok(hv_new(&events, NULL, &hv, e));
	assert_ok(hv_host_add(hv, HOST, env("HV_URI"), e));
	await("host", "", HV_HOST_CONNECTED);
}

static void open_pool(const char *uuid, const char *folder)
{
	char target[PATH_ROOM];
	const struct hv_storage_pool_def pool = {.uuid = uuid, .type = "dir", .target = target};

	path_of(target, folder);
	assert_ok(hv_storage_pool_open(hv, HOST, &pool, e));
}

static bool is_empty(const char *folder)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count == 2; /* . and .. */
}

/* The upload is written here: what the error says is not libvirt's. */
static void a_full_storage_is_enospc(void **state)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	char folder[PATH_ROOM], path[PATH_ROOM], wanted[2 * PATH_ROOM];
	char *none = NULL;
	(void)state;

	open_pool(SMALL, "small");
	assert_int_equal(
		hv_volume_upload(hv, HOST, SMALL, "image", "qcow2", env("HV_IMAGE"), NULL, NULL, &none, &why),
		-ENOSPC);
	path_of(path, "small/image");
	(void)snprintf(wanted, sizeof(wanted), "cannot write '%s': %s", path, strerror(ENOSPC));
	assert_string_equal(error_sentence(&why), wanted);
	assert_null(none);
	path_of(folder, "small");
	assert_true(is_empty(folder));
}

/* Makes a raw file of 1 MiB. */
static void make_raw(const char *name)
{
	char path[PATH_ROOM];
	int fd;

	path_of(path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "content", 7, MIB / 2), 7);
	assert_int_equal(ftruncate(fd, MIB), 0);
	close(fd);
}

/* Makes an overlay in the pool. @data_elsewhere: its header says that its data is in another file. */
static void make_overlay(const char *name, const char *backing, bool data_elsewhere)
{
	char path[PATH_ROOM], below[PATH_ROOM];
	int fd;

	path_of(path, name);
	path_of(below, backing);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(qcow2_write(fd, MIB, below, strstr(backing, ".raw") ? "raw" : "qcow2"), 0);
	if (data_elsewhere)
		assert_int_equal(pwrite(fd, "\4", 1, 79), 1);
	close(fd);
}

/* Whether the volume was copied to a file of this machine; else nothing was done. */
static bool is_copied_here(const char *name)
{
	char path[PATH_ROOM], copy[PATH_ROOM], found[7];
	bool here = false;
	int fd;

	path_of(path, name);
	path_of(copy, "elsewhere/copy");
	assert_ok(hv_volume_export(hv, HOST, path, "qcow2", copy, "raw", NULL, NULL, &here, e));
	fd = open(copy, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd >= 0, here);
	if (fd < 0)
		return false;
	assert_int_equal(pread(fd, found, sizeof(found), MIB / 2), sizeof(found));
	assert_memory_equal(found, "content", sizeof(found));
	close(fd);
	assert_int_equal(unlink(copy), 0);
	return true;
}

/* A guest that has broken out of its QEMU may have written what it likes into the headers of its files. */
static void only_files_of_the_pool_are_followed_here(void **state)
{
	char path[PATH_ROOM];
	(void)state;

	open_pool(POOL, "pool");
	make_raw("pool/base.raw");
	make_raw("elsewhere/base.raw");
	path_of(path, "pool/link.raw");
	assert_int_equal(symlink("base.raw", path), 0);
	make_overlay("pool/plain", "pool/base.raw", false);
	make_overlay("pool/on-plain", "pool/plain", false);
	make_overlay("pool/on-link", "pool/link.raw", false);
	make_overlay("pool/elsewhere", "elsewhere/base.raw", false);
	make_overlay("pool/on-elsewhere", "pool/elsewhere", false);
	make_overlay("pool/on-nothing", "pool/no-such-file.raw", false);
	make_overlay("pool/data-elsewhere", "pool/base.raw", true);
	make_overlay("pool/on-data-elsewhere", "pool/data-elsewhere", false);
	path_of(path, "pool/link");
	assert_int_equal(symlink("plain", path), 0);

	assert_true(is_copied_here("pool/plain"));
	assert_true(is_copied_here("pool/on-plain"));
	assert_false(is_copied_here("pool/link"));
	assert_false(is_copied_here("pool/on-link"));
	assert_false(is_copied_here("pool/elsewhere"));
	assert_false(is_copied_here("pool/on-elsewhere"));
	assert_false(is_copied_here("pool/on-nothing"));
	assert_false(is_copied_here("pool/data-elsewhere"));
	assert_false(is_copied_here("pool/on-data-elsewhere"));
}

/* Whether libvirt knows the volume without looking for new files. */
static bool is_known(const char *path)
{
	virConnectPtr conn = virConnectOpen(env("HV_URI"));
	virStorageVolPtr volume = virStorageVolLookupByPath(conn, path);

	if (volume)
		virStorageVolFree(volume);
	virConnectClose(conn);
	return volume != NULL;
}

/* A refresh opens all files of the pool, and would find the new one. */
static void a_backing_file_is_read_without_a_refresh(void **state)
{
	_cleanup_free_ char *path = NULL, *found = NULL;
	char below[PATH_ROOM], other[PATH_ROOM];
	(void)state;

	path_of(below, "pool/base.raw");
	assert_ok(hv_volume_create(hv, HOST, POOL, "thin", "qcow2", 3 * MIB, below, "raw", &path, e));
	make_raw("pool/new.raw");
	path_of(other, "pool/new.raw");
	assert_ok(hv_volume_backing(hv, HOST, path, &found, e));
	assert_string_equal(found, below);
	assert_false(is_known(other));
	assert_ok(hv_volume_delete(hv, HOST, POOL, "thin", e));
}

/* Of POOL; the connection stays open. */
static virStoragePoolPtr find_pool(virConnectPtr *ret_conn)
{
	virStoragePoolPtr pool;

	*ret_conn = virConnectOpen(env("HV_URI"));
	assert_non_null(*ret_conn);
	pool = virStoragePoolLookupByUUIDString(*ret_conn, POOL);
	assert_non_null(pool);
	return pool;
}

/* An administrator may have stopped it; libvirt does when it cannot open a file, and then the files are needed again. */
static void only_a_request_for_a_volume_starts_a_pool(void **state)
{
	_cleanup_free_ char *path = NULL, *found = NULL;
	struct hv_capacity capacity;
	virConnectPtr conn;
	virStoragePoolPtr pool = find_pool(&conn);
	(void)state;

	assert_int_equal(virStoragePoolDestroy(pool), 0);
	assert_fails(EBUSY, hv_storage_pool_capacity(hv, HOST, POOL, &capacity, e));
	assert_int_equal(virStoragePoolIsActive(pool), 0);
	assert_ok(hv_volume_create(hv, HOST, POOL, "late", "qcow2", MIB, NULL, NULL, &path, e));
	assert_int_equal(virStoragePoolIsActive(pool), 1);
	assert_ok(hv_storage_pool_capacity(hv, HOST, POOL, &capacity, e));
	assert_int_equal(virStoragePoolDestroy(pool), 0);
	assert_ok(hv_volume_backing(hv, HOST, path, &found, e));
	assert_null(found);
	assert_int_equal(virStoragePoolIsActive(pool), 1);
	assert_ok(hv_volume_delete(hv, HOST, POOL, "late", e));
	virStoragePoolFree(pool);
	virConnectClose(conn);
}

static void everything_can_be_removed(void **state)
{
	(void)state;

	assert_ok(hv_storage_pool_close(hv, HOST, POOL, e));
	assert_ok(hv_storage_pool_close(hv, HOST, SMALL, e));
	hv_free(hv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects),
		cmocka_unit_test(a_full_storage_is_enospc),
		cmocka_unit_test(only_files_of_the_pool_are_followed_here),
		cmocka_unit_test(a_backing_file_is_read_without_a_refresh),
		cmocka_unit_test(only_a_request_for_a_volume_starts_a_pool),
		cmocka_unit_test(everything_can_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
