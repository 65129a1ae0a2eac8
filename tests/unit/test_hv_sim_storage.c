/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated host has beside domains: storage, and networks with leases. */
#include "tests/unit/hv_sim_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <libvirt/libvirt.h>

#include "hypervisor/storage/volume.h"

/* -------------------------------------------------------------------- storage */

static void open_pool(struct fixture *f, char target[128])
{
	struct hv_storage_pool_def pool = {.uuid = POOL, .type = "dir", .target = target};

	(void)snprintf(target, 128, "%s/some/pool", f->folder);
	assert_ok(hv_storage_pool_open(f->hv, HOST_A, &pool, e));
	assert_ok(hv_storage_pool_open(f->hv, HOST_A, &pool, e));
}

/* libvirt has read the definition of a pool as intended, and its schema accepts it. */
static void assert_pool_xml(struct fixture *f, const char *const *parts)
{
	virConnectPtr conn = virConnectOpen("test:///default");
	virStoragePoolPtr pool = virStoragePoolLookupByUUIDString(conn, POOL);
	char *xml = pool ? virStoragePoolGetXMLDesc(pool, 0) : NULL;
	char path[160], command[256];
	FILE *file;

	assert_non_null(xml);
	for (; *parts; parts++)
		if (!strstr(xml, *parts))
			fail_msg("'%s' is not in the pool's XML: %s", *parts, xml);
	(void)snprintf(path, sizeof(path), "%s/pool.xml", f->folder);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(xml, file) >= 0);
	assert_int_equal(fclose(file), 0);
	(void)snprintf(command, sizeof(command), "virt-xml-validate %s storagepool >/dev/null", path);
	assert_int_equal(system(command), 0);
	free(xml);
	(void)virStoragePoolFree(pool);
	(void)virConnectClose(conn);
}

static void pools_on_other_machines(void **state)
{
	struct fixture *f = *state;
	char target[128];
	const struct hv_storage_pool_def nfs = {
		.uuid = POOL, .type = "netfs", .target = target, .source = "[fd00::5]:/export/vms"};
	const struct hv_storage_pool_def moved = {
		.uuid = POOL, .type = "netfs", .target = target, .source = "nas.example.org:/export/vms"};
	const struct hv_storage_pool_def ceph = {
		.uuid = POOL, .type = "rbd", .source = "ceph://pool@mon1,[fd00::7]:6790/vms"};

	(void)snprintf(target, sizeof(target), "%s/mnt", f->folder);
	assert_ok(hv_storage_pool_open(f->hv, HOST_A, &nfs, e));
	assert_pool_xml(f, (const char *const[]){"<pool type='netfs'>", "<host name='fd00::5'/>",
						 "<dir path='/export/vms'/>", "<format type='nfs'/>",
						 "<path>/tmp/poolfs-hv_sim.", NULL});
	assert_ok(hv_storage_pool_open(f->hv, HOST_A, &moved, e));
	assert_pool_xml(f, (const char *const[]){"<host name='nas.example.org'/>", NULL});
	assert_ok(hv_storage_pool_close(f->hv, HOST_A, POOL, e));
	assert_ok(hv_storage_pool_open(f->hv, HOST_A, &ceph, e));
	assert_pool_xml(f, (const char *const[]){"<pool type='rbd'>", "<host name='mon1' port='6789'/>",
						 "<host name='fd00::7' port='6790'/>", "<name>vms</name>",
						 "<auth type='ceph' username='pool'>",
						 "<secret usage='poolfs client.pool of mon1'/>", NULL});
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The names of the files in a folder, sorted; freed by names_free(). */
static size_t names_read(const char *folder, struct dirent ***ret_entries)
{
	int count = scandir(folder, ret_entries, is_visible, alphasort);

	assert_true(count >= 0);
	return (size_t)count;
}

static void names_free(struct dirent **entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

static void pools_open_and_close(void **state)
{
	struct fixture *f = *state;
	struct hv_capacity capacity;
	char target[128], other[160];
	struct dirent **names = NULL;
	size_t count = 0;
	struct hv_storage_pool_def bad = {.uuid = POOL, .type = "tape", .target = "/x"};
	struct hv_storage_pool_def moved = {.uuid = POOL, .type = "dir", .target = other};

	assert_fails(ENOENT, hv_storage_pool_capacity(f->hv, HOST_A, POOL, &capacity, e));
	assert_fails(EINVAL, hv_storage_pool_open(f->hv, HOST_A, &bad, e));
	bad.type = "netfs";
	assert_fails(EINVAL, hv_storage_pool_open(f->hv, HOST_A, &bad, e));
	bad.type = "rbd";
	assert_fails(EINVAL, hv_storage_pool_open(f->hv, HOST_A, &bad, e));
	open_pool(f, target);
	assert_int_equal(access(target, W_OK), 0);
	assert_ok(hv_storage_pool_capacity(f->hv, HOST_A, POOL, &capacity, e));
	assert_true(capacity.total > 0 && capacity.available > 0 && capacity.available <= capacity.total);
	count = names_read(target, &names);
	assert_int_equal(count, 0);
	names_free(names, count);
	(void)snprintf(other, sizeof(other), "%s/elsewhere", f->folder);
	assert_ok(hv_storage_pool_open(f->hv, HOST_A, &moved, e));
	assert_int_equal(access(other, W_OK), 0);
	assert_ok(hv_storage_pool_close(f->hv, HOST_A, POOL, e));
	assert_ok(hv_storage_pool_close(f->hv, HOST_A, POOL, e));
	assert_int_equal(access(target, W_OK), 0);
}

static void volumes_are_small_real_files(void **state)
{
	struct fixture *f = *state;
	char target[128];
	char *root = NULL, *leaf = NULL, *data = NULL, *none = NULL;
	struct dirent **names = NULL;
	size_t count = 0;
	struct hv_volume_info info;
	struct stat st;

	open_pool(f, target);
	assert_ok(hv_volume_create(f->hv, HOST_A, POOL, "root.qcow2", "qcow2", 40LL << 30, NULL, NULL, &root,
				   e));
	assert_ok(hv_volume_create(f->hv, HOST_A, POOL, "leaf.qcow2", "qcow2", 50LL << 30, root, "qcow2",
				   &leaf, e));
	assert_ok(hv_volume_create(f->hv, HOST_A, POOL, "data.raw", "raw", 1LL << 30, NULL, NULL, &data, e));
	assert_fails(EEXIST,
		     hv_volume_create(f->hv, HOST_A, POOL, "data.raw", "raw", MIB, NULL, NULL, &none, e));
	assert_fails(ENOENT,
		     hv_volume_create(f->hv, HOST_A, POOL, "x", "qcow2", MIB, "/nowhere/b", "raw", &none, e));
	assert_fails(EINVAL, hv_volume_create(f->hv, HOST_A, POOL, "../x", "raw", MIB, NULL, NULL, &none, e));
	assert_fails(EINVAL, hv_volume_create(f->hv, HOST_A, POOL, "x", "tape", MIB, NULL, NULL, &none, e));
	assert_fails(EINVAL, hv_volume_create(f->hv, HOST_A, POOL, "x", "raw", 0, NULL, NULL, &none, e));
	assert_fails(EINVAL, hv_volume_create(f->hv, HOST_A, POOL, "x", "qcow2", MIB, root, NULL, &none, e));
	assert_null(none);
	assert_int_equal(stat(root, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(st.st_blocks * 512 < 64 * 1024);

	assert_ok(hv_volume_info(f->hv, HOST_A, leaf, &info, e));
	assert_int_equal(info.size, 50LL << 30);
	assert_true(info.actual_size < MIB);
	assert_ok(hv_volume_info(f->hv, HOST_A, data, &info, e));
	assert_int_equal(info.size, 1LL << 30);
	assert_fails(ENOENT, hv_volume_info(f->hv, HOST_A, "/nowhere/at/all", &info, e));

	count = names_read(target, &names);
	assert_int_equal(count, 3);
	assert_string_equal(names[0]->d_name, "data.raw");
	assert_string_equal(names[2]->d_name, "root.qcow2");
	names_free(names, count);
	assert_ok(hv_volume_delete(f->hv, HOST_A, POOL, "data.raw", e));
	assert_ok(hv_volume_delete(f->hv, HOST_A, POOL, "data.raw", e));
	assert_int_equal(access(data, F_OK), -1);
	free(root);
	free(leaf);
	free(data);
}

static int count_progress(void *ctx, int percent)
{
	int *last = ctx;

	assert_true(percent > *last && percent <= 100);
	*last = percent;
	return 0;
}

static int cancel_at_half(void *ctx, int percent)
{
	(void)ctx;
	return percent >= 50;
}

static void uploads_and_downloads_preserve_holes(void **state)
{
	struct fixture *f = *state;
	char target[128], source[160], back[160], byte = 0;
	char *path = NULL, *none = NULL;
	struct stat st;
	int last = -1;
	int fd;

	open_pool(f, target);
	(void)snprintf(source, sizeof(source), "%s/source", f->folder);
	(void)snprintf(back, sizeof(back), "%s/back", f->folder);
	fd = open(source, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	/* data, hole, data, hole at the end */
	assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
	assert_int_equal(pwrite(fd, "middle", 6, 64 * MIB), 6);
	assert_int_equal(ftruncate(fd, 128 * MIB + 17), 0);
	close(fd);

	assert_ok(hv_volume_upload(f->hv, HOST_A, POOL, "image", "raw", source, count_progress, &last, &path,
				   e));
	assert_int_equal(last, 100);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 128 * MIB + 17);
	assert_true(st.st_blocks * 512 < MIB);
	last = -1;
	assert_ok(hv_volume_download(f->hv, HOST_A, path, back, count_progress, &last, e));
	assert_int_equal(last, 100);
	assert_int_equal(stat(back, &st), 0);
	assert_int_equal(st.st_size, 128 * MIB + 17);
	assert_true(st.st_blocks * 512 < MIB);
	fd = open(back, O_RDONLY);
	assert_int_equal(pread(fd, &byte, 1, 64 * MIB + 1), 1);
	assert_int_equal(byte, 'i');
	close(fd);

	/* an existing file is not overwritten, and not removed either */
	assert_fails(EEXIST, hv_volume_download(f->hv, HOST_A, path, back, NULL, NULL, e));
	assert_int_equal(access(back, F_OK), 0);
	assert_fails(EEXIST,
		     hv_volume_upload(f->hv, HOST_A, POOL, "image", "raw", source, NULL, NULL, &none, e));
	assert_fails(ECANCELED, hv_volume_upload(f->hv, HOST_A, POOL, "half", "raw", source, cancel_at_half,
						 NULL, &none, e));
	assert_fails(ENOENT, hv_volume_upload(f->hv, HOST_A, POOL, "gone", "raw", "/nowhere/x", NULL, NULL,
					      &none, e));
	assert_null(none);
	(void)snprintf(source, sizeof(source), "%s/half", target);
	assert_int_equal(access(source, F_OK), -1);
	free(path);
}

/* ------------------------------------------------------------------- networks */

static void networks_have_fixed_leases(void **state)
{
	struct fixture *f = *state;
	const char *dns[] = {"8.8.8.8"};
	struct hv_lease lease = {.mac = "fa:16:3e:00:00:01", .ip = "10.9.0.11", .hostname = "one"};
	struct hv_network_def spec = {
		.uuid = L3,
		.bridge = "brtest",
		.gateway = "10.9.0.1",
		.netmask = "255.255.255.0",
		.range_start = "10.9.0.10",
		.range_end = "10.9.0.99",
		.dns_domain = "pool.example",
		.dns = dns,
		.dns_count = 1,
		.nat = true,
		.leases = &lease,
		.lease_count = 1,
	};
	virConnectPtr conn = virConnectOpen("test:///default");
	virNetworkPtr network;
	char name[32];
	char *xml;

	assert_ok(hv_network_open(f->hv, HOST_A, &spec, name, e));
	assert_string_equal(name, "poolfs-dddddddd");
	assert_ok(hv_network_open(f->hv, HOST_A, &spec, name, e));
	network = virNetworkLookupByName(conn, name);
	assert_non_null(network);
	assert_int_equal(virNetworkIsActive(network), 1);

	/* The effect of leases is tested on a real host, in tests/hv: here no guest requests an address. */
	xml = virNetworkGetXMLDesc(network, 0);
	assert_null(strstr(xml, "<range"));
	free(xml);

	/* a definition that differs is replaced */
	spec.nat = false;
	assert_ok(hv_network_open(f->hv, HOST_A, &spec, name, e));
	xml = virNetworkGetXMLDesc(network, 0);
	assert_null(strstr(xml, "<forward mode"));
	free(xml);
	virNetworkFree(network);
	virConnectClose(conn);
	assert_ok(hv_network_close(f->hv, HOST_A, L3, e));
	assert_ok(hv_network_close(f->hv, HOST_A, L3, e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_DEFAULT(pools_open_and_close),
		ON_DEFAULT(pools_on_other_machines),
		ON_DEFAULT(volumes_are_small_real_files),
		ON_DEFAULT(uploads_and_downloads_preserve_holes),
		ON_SIMULATOR(pools_open_and_close),
		ON_SIMULATOR(volumes_are_small_real_files),
		ON_SIMULATOR(uploads_and_downloads_preserve_holes),
		ON_DEFAULT(networks_have_fixed_leases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
