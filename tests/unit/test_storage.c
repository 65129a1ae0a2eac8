/* SPDX-License-Identifier: Apache-2.0 */
/* Primary and backup storage on a whole pool with a simulated host. */
#include "tests/unit/storage_fixture.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "actions/host/capacity.h"
#include "actions/storage/orphan_file.h"
#include "actions/storage/primary_storage.h"
#include "actions/storage/url.h"
#include "actions/storage_refresh.h"
#include "actions/volume/size.h"
#include "model/json.h"

static void test_folders(void **state)
{
	static const char *const good[] = {"/srv",	 "/srv/pool", "/devices",
					   "/process/x", "/srv/..x",  "/srv/x.."};
	static const char *const bad[] = {"",	     "/",    "srv",	    "/dev",   "/dev/shm/x",
					  "/proc/1", "/sys", "/srv/../dev", "/srv/.."};
	_cleanup_free_ char *plain = storage_plain_url("/srv//x///");
	_cleanup_free_ char *root = storage_plain_url("///");
	_cleanup_free_ char *nfs = primary_storage_mount_path("/state", &storage_type_nfs, "h:/x", "0123");
	_cleanup_free_ char *local = primary_storage_mount_path("/state", &storage_type_local, "/x", "0123");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(storage_check_folder(good[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(storage_check_folder(bad[i], NULL), -EINVAL);
	assert_string_equal(plain, "/srv//x");
	assert_string_equal(root, "/");
	assert_string_equal(nfs, "/state/mnt/0123");
	assert_string_equal(local, "/x");
}

static void test_round_size(void **state)
{
	static const int64_t sizes[][2] = {
		{0, 0},
		{1, 4096},
		{511, 4096},
		{512, 4096},
		{4096, 4096},
		{4097, 8192},
		{4096 * 3 + 512, 4096 * 4},
		{1000000000, 1000001536},
		{1 << 30, 1 << 30},
		{INT64_MAX - 4095, INT64_MAX - 4095},
		{INT64_MAX - 1, INT64_MAX - 4095},
		{INT64_MAX, INT64_MAX - 4095},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		assert_int_equal(volume_round_size(sizes[i][0]), sizes[i][1]);
}

static int64_t number_of(struct pool_fixture *f, const char *uuid, int field)
{
	_cleanup_view_ struct view *view = view_now(f);

	return object_int(view_get(view, KIND_PRIMARY_STORAGE, uuid), field);
}

static void test_add(void **state)
{
	struct pool_fixture *f = *state;
	char local[UUID_SIZE], nfs[UUID_SIZE], smp[UUID_SIZE], url[128];

	snprintf(url, sizeof(url), "%s/local/", f->dir);
	must(f, "AddLocalPrimaryStorage", NULL, storage_params(f, url), local);
	url[strlen(url) - 1] = '\0';
	assert_true(field_is(f, KIND_PRIMARY_STORAGE, local, PRIMARY_STORAGE_TYPE, "LocalStorage"));
	assert_true(field_is(f, KIND_PRIMARY_STORAGE, local, PRIMARY_STORAGE_URL, url));
	assert_true(field_is(f, KIND_PRIMARY_STORAGE, local, PRIMARY_STORAGE_MOUNT_PATH, url));
	assert_true(field_is(f, KIND_PRIMARY_STORAGE, local, PRIMARY_STORAGE_STATE, "Enabled"));
	assert_int_equal(number_of(f, local, PRIMARY_STORAGE_TOTAL), 0);
	must_fail(f, "AddLocalPrimaryStorage", NULL, storage_params(f, url), EEXIST, "having url[");
	must_fail(f, "AddLocalPrimaryStorage", NULL, storage_params(f, "/proc/x"), EINVAL, "/proc");
	must_fail(f, "AddNfsPrimaryStorage", NULL, storage_params(f, "/x"), EINVAL, "host:/path");
	must_fail(f, "AddNfsPrimaryStorage", NULL, storage_params(f, ":/x"), EINVAL, "host:/path");
	must(f, "AddNfsPrimaryStorage", NULL, storage_params(f, "server:/export"), nfs);
	assert_true(field_is(f, KIND_PRIMARY_STORAGE, nfs, PRIMARY_STORAGE_TYPE, "NFS"));
	must(f, "AddSharedMountPointPrimaryStorage", NULL, storage_params(f, "/srv/shared"), smp);
	assert_true(field_is(f, KIND_PRIMARY_STORAGE, smp, PRIMARY_STORAGE_TYPE, "SharedMountPoint"));
	must(f, "UpdatePrimaryStorage", smp, json_pack("{s:s, s:s}", "name", "new", "url", "/srv/other/"),
	     NULL);
	assert_true(field_is(f, KIND_PRIMARY_STORAGE, smp, PRIMARY_STORAGE_NAME, "new"));
	assert_true(field_is(f, KIND_PRIMARY_STORAGE, smp, PRIMARY_STORAGE_URL, "/srv/other"));
	assert_true(field_is(f, KIND_PRIMARY_STORAGE, smp, PRIMARY_STORAGE_MOUNT_PATH, "/srv/other"));
	must_fail(f, "UpdatePrimaryStorage", smp, json_pack("{s:s}", "url", url), EEXIST, "having url[");
	must(f, "DeletePrimaryStorage", smp, NULL, NULL);
	must(f, "DeletePrimaryStorage", smp, NULL, NULL);
	assert_false(exists(f, KIND_PRIMARY_STORAGE, smp));
}

static void test_attach(void **state)
{
	struct pool_fixture *f = *state;
	char ps[UUID_SIZE], url[128];

	snprintf(url, sizeof(url), "%s/local", f->dir);
	must(f, "AddLocalPrimaryStorage", NULL, storage_params(f, url), ps);
	must_fail(f, "DetachPrimaryStorageFromCluster", ps, cluster_params(f), EBUSY,
		  "has not been attached to cluster[uuid:");
	must(f, "AttachPrimaryStorageToCluster", ps, cluster_params(f), NULL);
	assert_true(number_of(f, ps, PRIMARY_STORAGE_TOTAL) > 0);
	assert_true(number_of(f, ps, PRIMARY_STORAGE_AVAILABLE) > 0);
	assert_true(number_of(f, ps, PRIMARY_STORAGE_AVAILABLE_PHYSICAL) > 0);
	assert_int_equal(access(url, W_OK), 0);
	must_fail(f, "AttachPrimaryStorageToCluster", ps, cluster_params(f), 0,
		  "has been attached to cluster[uuid:");
	must_fail(f, "DeletePrimaryStorage", ps, NULL, EBUSY, "for still being attached to cluster[uuid:");
	must_fail(f, "UpdatePrimaryStorage", ps, json_pack("{s:s}", "url", "/srv/other"), EBUSY,
		  "can only be changed while");
	must(f, "UpdatePrimaryStorage", ps, json_pack("{s:s}", "url", url), NULL);
	must(f, "ReconnectPrimaryStorage", ps, NULL, NULL);
	assert_true(field_is(f, KIND_PRIMARY_STORAGE, ps, PRIMARY_STORAGE_STATUS, "Connected"));
	must(f, "DetachPrimaryStorageFromCluster", ps, cluster_params(f), NULL);
	must(f, "DeletePrimaryStorage", ps, NULL, NULL);
	assert_false(exists(f, KIND_PRIMARY_STORAGE, ps));
}

/* A storage that cannot be opened is not attached. */
static void test_attach_fails(void **state)
{
	struct pool_fixture *f = *state;
	char ps[UUID_SIZE], url[128];

	snprintf(url, sizeof(url), "%s/file", f->dir);
	fclose(fopen(url, "w"));
	snprintf(url, sizeof(url), "%s/file/x", f->dir);
	must(f, "AddLocalPrimaryStorage", NULL, storage_params(f, url), ps);
	must_fail(f, "AttachPrimaryStorageToCluster", ps, cluster_params(f), 0, "file");
	{
		_cleanup_view_ struct view *view = view_now(f);

		assert_null(view_next_where(view, KIND_CLUSTER_PRIMARY_STORAGE,
					    CLUSTER_PS_PRIMARY_STORAGE_UUID, ps, 0));
	}
}

static void test_state(void **state)
{
	static const char *const events[][2] = {{"disable", "Disabled"},
						{"maintain", "Maintenance"},
						{"deleting", "Deleting"},
						{"enable", "Enabled"}};
	struct pool_fixture *f = *state;
	char ps[UUID_SIZE];

	first_uuid(f, KIND_PRIMARY_STORAGE, ps);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		must(f, "ChangePrimaryStorageState", ps, json_pack("{s:s}", "stateEvent", events[i][0]),
		     NULL);
		assert_true(field_is(f, KIND_PRIMARY_STORAGE, ps, PRIMARY_STORAGE_STATE, events[i][1]));
	}
}

/* A volume without a VM prevents the deletion of its storage, except with Enforcing. */
static void test_delete_with_volume(void **state)
{
	struct pool_fixture *f = *state;
	char ps[UUID_SIZE];
	struct object *volume = make(KIND_VOLUME, test_uuid(9));
	_cleanup_(error_done) struct error e = ERROR_INIT;

	first_uuid(f, KIND_PRIMARY_STORAGE, ps);
	object_set_str(volume, VOLUME_PRIMARY_STORAGE_UUID, ps);
	object_set_str(volume, VOLUME_STATUS, "Ready");
	object_set_str(volume, VOLUME_TYPE, "Data");
	assert_int_equal(store_run(pool_store(f->pool), fixture_put_fn, volume, &e), 0);
	must(f, "DetachPrimaryStorageFromCluster", ps, cluster_params(f), NULL);
	must_fail(f, "DeletePrimaryStorage", ps, NULL, ENOTEMPTY, "still holds volume");
	must(f, "DeletePrimaryStorage", ps, json_pack("{s:s}", "deleteMode", "Enforcing"), NULL);
	assert_false(exists(f, KIND_PRIMARY_STORAGE, ps));
	assert_false(exists(f, KIND_VOLUME, test_uuid(9)));
}

struct answer {
	json_t *json; /* owned */
};

static void take_answer(void *arg, int result, json_t *json, const struct error *e)
{
	(void)e;
	assert_int_equal(result, 0);
	((struct answer *)arg)->json = json;
}

static json_int_t capacity(struct pool_fixture *f, json_t *params)
{
	const struct actor actor = {.source = "fs"};
	struct answer answer = {NULL};
	struct request *req;
	json_int_t total;

	assert_int_equal(
		request_new(operation_by_name("GetPrimaryStorageCapacity"), NULL, params, &actor, &req, NULL),
		0);
	json_decref(params);
	pool_get(f->pool, req, take_answer, &answer);
	assert_non_null(answer.json);
	total = json_integer_value(json_object_get(answer.json, "totalCapacity"));
	json_decref(answer.json);
	return total;
}

static void test_capacity(void **state)
{
	struct pool_fixture *f = *state;
	char ps[UUID_SIZE], zone[UUID_SIZE], cluster[UUID_SIZE];

	first_uuid(f, KIND_PRIMARY_STORAGE, ps);
	first_uuid(f, KIND_ZONE, zone);
	first_uuid(f, KIND_CLUSTER, cluster);
	assert_int_equal(capacity(f, json_pack("{s:b}", "all", 1)), number_of(f, ps, PRIMARY_STORAGE_TOTAL));
	assert_int_equal(capacity(f, json_pack("{s:[s]}", "primaryStorageUuids", ps)),
			 number_of(f, ps, PRIMARY_STORAGE_TOTAL));
	assert_int_equal(capacity(f, json_pack("{s:[s]}", "clusterUuids", cluster)),
			 number_of(f, ps, PRIMARY_STORAGE_TOTAL));
	assert_int_equal(capacity(f, json_pack("{s:[s]}", "zoneUuids", zone)),
			 number_of(f, ps, PRIMARY_STORAGE_TOTAL));
	assert_int_equal(capacity(f, json_pack("{s:[s]}", "zoneUuids", cluster)), 0);
}

#define GIB (INT64_C(1) << 30)

/* A storage of 100 GiB of which @available are not reserved, on a file system with @free. */
struct filling {
	const char *ps;
	int64_t available, free;
	int64_t wanted;
};

static int fill_and_reserve_fn(struct txn *t, void *arg, struct error *e)
{
	const struct filling *fill = arg;
	struct object *ps = object_copy(view_get(txn_view(t), KIND_PRIMARY_STORAGE, fill->ps));
	int r;

	object_set_int(ps, PRIMARY_STORAGE_TOTAL, 100 * GIB);
	object_set_int(ps, PRIMARY_STORAGE_AVAILABLE, fill->available);
	object_set_int(ps, PRIMARY_STORAGE_TOTAL_PHYSICAL, 100 * GIB);
	object_set_int(ps, PRIMARY_STORAGE_AVAILABLE_PHYSICAL, fill->free);
	r = txn_put(t, ps, NULL, e);
	return r < 0 ? r : capacity_reserve_storage(t, fill->ps, fill->wanted, e);
}

static int reserve(struct pool_fixture *f, const char *ps, int64_t available, int64_t free, int64_t wanted)
{
	struct filling fill = {ps, available, free, wanted};

	return store_run(pool_store(f->pool), fill_and_reserve_fn, &fill, NULL);
}

/* 1 GiB is never reserved, and nothing is reserved on a file system that is 90 % full. */
static void test_room(void **state)
{
	struct pool_fixture *f = *state;
	char ps[UUID_SIZE];

	first_uuid(f, KIND_PRIMARY_STORAGE, ps);
	assert_int_equal(reserve(f, ps, 50 * GIB, 50 * GIB, 49 * GIB), 0);
	assert_int_equal(reserve(f, ps, 50 * GIB, 50 * GIB, 49 * GIB + 1), -ENOSPC);
	assert_int_equal(reserve(f, ps, 50 * GIB, 10 * GIB, 1 * GIB), 0);
	assert_int_equal(reserve(f, ps, 50 * GIB, 10 * GIB - 1, 1 * GIB), -ENOSPC);
	assert_int_equal(reserve(f, ps, 50 * GIB, 0, 1), -ENOSPC);
}

static json_t *backup_params(const char *url, const char *hostname)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", "images", "url", url, "hostname", hostname,
			 "username", "root", "password", "secret");
}

static void test_backup(void **state)
{
	struct pool_fixture *f = *state;
	char bs[UUID_SIZE], zone[UUID_SIZE], url[128];
	struct stat st;

	snprintf(url, sizeof(url), "%s/a/b", f->dir);
	must_fail(f, "AddSftpBackupStorage", NULL, backup_params(url, "192.0.2.1"), EOPNOTSUPP,
		  "another machine");
	must_fail(f, "AddSftpBackupStorage", NULL, backup_params("/dev", "localhost"), EINVAL, "/dev");
	must(f, "AddSftpBackupStorage", NULL, backup_params(url, "127.0.0.1"), bs);
	assert_int_equal(stat(url, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_true(field_is(f, KIND_BACKUP_STORAGE, bs, BACKUP_STORAGE_TYPE, "SftpBackupStorage"));
	assert_true(field_is(f, KIND_BACKUP_STORAGE, bs, BACKUP_STORAGE_STATUS, "Connected"));
	assert_true(field_is(f, KIND_BACKUP_STORAGE, bs, BACKUP_STORAGE_USERNAME, "root"));
	must_fail(f, "AddImageStoreBackupStorage", NULL, backup_params(url, "localhost"), EEXIST,
		  "having url[");

	first_uuid(f, KIND_ZONE, zone);
	must_fail(f, "DetachBackupStorageFromZone", bs, json_pack("{s:s}", "zoneUuid", zone), EBUSY,
		  "has not been attached");
	must(f, "AttachBackupStorageToZone", bs, json_pack("{s:s}", "zoneUuid", zone), NULL);
	must_fail(f, "AttachBackupStorageToZone", bs, json_pack("{s:s}", "zoneUuid", zone), 0,
		  "has been attached");
	must(f, "ChangeBackupStorageState", bs, json_pack("{s:s}", "stateEvent", "disable"), NULL);
	assert_true(field_is(f, KIND_BACKUP_STORAGE, bs, BACKUP_STORAGE_STATE, "Disabled"));
	must(f, "DetachBackupStorageFromZone", bs, json_pack("{s:s}", "zoneUuid", zone), NULL);
	must(f, "AttachBackupStorageToZone", bs, json_pack("{s:s}", "zoneUuid", zone), NULL);
	must(f, "DeleteBackupStorage", bs, NULL, NULL);
	assert_false(exists(f, KIND_BACKUP_STORAGE, bs));
	assert_int_equal(rmdir(url), 0);
}

static bool is_connected(const struct view *view, const void *bs)
{
	return object_str_is(view_get(view, KIND_BACKUP_STORAGE, bs), BACKUP_STORAGE_STATUS, "Connected");
}

static bool is_disconnected(const struct view *view, const void *bs)
{
	return object_str_is(view_get(view, KIND_BACKUP_STORAGE, bs), BACKUP_STORAGE_STATUS, "Disconnected");
}

/* A folder that was removed and exists again is noticed by the periodic check. */
/* What a disk that was to grow has become is looked at when a host is back. */
static void test_growth_is_settled(void **state)
{
	struct pool_fixture *f = *state;
	char offering[UUID_SIZE], ps[UUID_SIZE], uuid[UUID_SIZE];
	struct object *volume;

	first_uuid(f, KIND_PRIMARY_STORAGE, ps);
	must(f, "CreateDiskOffering", NULL,
	     json_pack("{s:s, s:I}", "name", "8M", "diskSize", (json_int_t)8 << 20), offering);
	must(f, "CreateDataVolume", NULL,
	     json_pack("{s:s, s:s, s:s}", "name", "v", "diskOfferingUuid", offering, "primaryStorageUuid",
		       ps),
	     uuid);
	{
		_cleanup_view_ struct view *view = view_now(f);

		volume = object_copy(view_get(view, KIND_VOLUME, uuid));
	}
	object_set_int(volume, VOLUME_SIZE, 4 << 20);
	object_set_int(volume, VOLUME_NEXT_SIZE, 8 << 20);
	assert_int_equal(store_run(pool_store(f->pool), fixture_put_fn, volume, NULL), 0);
	volumes_settle_growth(f->pool);
	{
		_cleanup_view_ struct view *view = view_now(f);
		const struct object *now = view_get(view, KIND_VOLUME, uuid);

		assert_int_equal(object_int(now, VOLUME_SIZE), 8 << 20);
		assert_true(object_is_null(now, VOLUME_NEXT_SIZE));
	}
}

static void test_refresh(void **state)
{
	struct pool_fixture *f = *state;
	char bs[UUID_SIZE], url[128];

	snprintf(url, sizeof(url), "%s/images", f->dir);
	must(f, "AddSftpBackupStorage", NULL, backup_params(url, "localhost"), bs);
	assert_int_equal(rmdir(url), 0);
	assert_int_equal(storage_refresh(f->pool, NULL), 0);
	wait_until(f, is_disconnected, bs);
	assert_int_equal(mkdir(url, 0700), 0);
	set_config(f, "host", "ping.interval", "1");
	wait_until(f, is_connected, bs);
}

/* ------------------------------------------------------------------ orphan files */

/* A Ceph storage, with an rbd of which two removals of the image "orphan" at a time leave the file "overlap". */
static void add_ceph(struct pool_fixture *f, char ret[UUID_SIZE])
{
	char path[128];
	FILE *rbd;

	(void)snprintf(path, sizeof(path), "%s/rbd", f->dir);
	rbd = fopen(path, "w");
	assert_non_null(rbd);
	assert_true(
		fprintf(rbd,
			"#!/bin/sh\ncd '%s'\ncase \"$*\" in\n"
			"*snap*ls*) echo '[]' ;;\n"
			"*rm*) mkdir removing || touch overlap; echo >>removals; sleep 0.3; rmdir removing ;;\n"
			"*) echo '{}' ;;\nesac\n",
			f->dir) > 0);
	assert_int_equal(fclose(rbd), 0);
	assert_int_equal(chmod(path, 0755), 0);
	must(f, "AddCephPrimaryStorage", NULL, storage_params(f, "ceph://mon1/vms"), ret);
	must(f, "AttachPrimaryStorageToCluster", ret, cluster_params(f), NULL);
}

static int put_orphan_fn(struct txn *t, void *ps, struct error *e)
{
	return orphan_file_put(t, ps, NULL, "orphan", NULL, e);
}

static void *remove_orphans(void *pool)
{
	orphan_files_remove(pool, NULL);
	return NULL;
}

static int64_t size_of(struct pool_fixture *f, const char *name)
{
	char path[128];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void test_one_removal_at_a_time(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_free_ char *before = strdup(getenv("PATH")), *path = NULL;
	_cleanup_view_ struct view *view = NULL;
	pthread_t threads[4];
	char ps[UUID_SIZE];

	assert_true(asprintf(&path, "%s:%s", f->dir, before) > 0);
	assert_int_equal(setenv("PATH", path, 1), 0);
	add_ceph(f, ps);
	assert_int_equal(store_run(pool_store(f->pool), put_orphan_fn, ps, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, remove_orphans, f->pool), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		/* whoever did not remove it has waited for the one who did */
		assert_int_equal(size_of(f, "removing"), -1);
	}
	assert_int_equal(setenv("PATH", before, 1), 0);
	assert_int_equal(size_of(f, "overlap"), -1);
	assert_int_equal(size_of(f, "removals"), 1);
	view = view_now(f);
	assert_null(view_next(view, KIND_ORPHAN_FILE, 0));
}

/* The rows of orphan files that are left. */
static size_t orphans(struct pool_fixture *f)
{
	_cleanup_view_ struct view *view = view_now(f);

	return view_count(view, KIND_ORPHAN_FILE);
}

/* The file of an orphan row on the stopped pool is removed: libvirt stops a pool when it cannot look at one of its files. */
static void test_a_stopped_pool_is_started(void **state)
{
	virConnectPtr conn = virConnectOpen("test:///default"); /* one for the whole process */
	struct pool_fixture *f = *state;
	virStoragePoolPtr pool;
	char ps[UUID_SIZE];

	assert_non_null(conn);
	first_uuid(f, KIND_PRIMARY_STORAGE, ps);
	pool = host_pool(conn, ps);
	assert_int_equal(virStoragePoolDestroy(pool), 0);
	assert_int_equal(store_run(pool_store(f->pool), put_orphan_fn, ps, NULL), 0);
	assert_int_equal(orphan_files_collect(f->pool, NULL), 0);
	assert_int_equal(virStoragePoolIsActive(pool), 1);
	assert_int_equal(orphans(f), 0);

	/* nor does it matter when it is not there at all */
	assert_int_equal(virStoragePoolDestroy(pool), 0);
	assert_int_equal(virStoragePoolUndefine(pool), 0);
	assert_int_equal(store_run(pool_store(f->pool), put_orphan_fn, ps, NULL), 0);
	assert_int_equal(orphan_files_collect(f->pool, NULL), 0);
	assert_int_equal(orphans(f), 0);
	(void)virStoragePoolFree(pool);
	(void)virConnectClose(conn);
}

/* But not one of which an administrator has said that it shall not start by itself. */
static void test_a_disabled_pool_stays(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	virConnectPtr conn = virConnectOpen("test:///default");
	struct pool_fixture *f = *state;
	virStoragePoolPtr pool;
	char ps[UUID_SIZE];

	assert_non_null(conn);
	first_uuid(f, KIND_PRIMARY_STORAGE, ps);
	pool = host_pool(conn, ps);
	/* in this order: what is there is looked after in the background, too, since the host has just connected */
	assert_int_equal(virStoragePoolSetAutostart(pool, 0), 0);
	assert_int_equal(virStoragePoolDestroy(pool), 0);
	assert_int_equal(store_run(pool_store(f->pool), put_orphan_fn, ps, NULL), 0);
	orphan_files_remove(f->pool, NULL);
	assert_int_equal(orphan_files_collect(f->pool, &e), -EBUSY);
	assert_non_null(strstr(error_sentence(&e), "is switched off on host"));
	assert_int_equal(virStoragePoolIsActive(pool), 0);
	assert_int_equal(orphans(f), 1);

	assert_int_equal(virStoragePoolCreate(pool, 0), 0);
	assert_int_equal(orphan_files_collect(f->pool, NULL), 0);
	assert_int_equal(orphans(f), 0);
	assert_int_equal(virStoragePoolSetAutostart(pool, 1), 0);
	(void)virStoragePoolFree(pool);
	(void)virConnectClose(conn);
}

#define NEW_ROOT "36c27e8ff05c4780bf6d2fa65700cccc"

/* What an attempt before could not remove: the file of the new root volume, where the VM has its present one. */
static int put_former_root_fn(struct txn *t, void *vm, struct error *e)
{
	const struct object *root = view_next_where(txn_view(t), KIND_VOLUME, VOLUME_VM_UUID, vm, 0);

	return orphan_file_put(t, object_text(root, VOLUME_PRIMARY_STORAGE_UUID),
			       object_str(root, VOLUME_HOST_UUID), NEW_ROOT ".qcow2", NULL, e);
}

static void recover_change(struct pool_fixture *f, const char *vm, json_t *params)
{
	const struct actor actor = {.source = "fs"};
	struct job job = {.pool = f->pool, .uuid = "j", .deadline = INT64_MAX};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_json_ json_t *result = NULL;

	assert_int_equal(request_new(operation_by_name("ChangeVmImage"), vm, params, &actor, &job.req, NULL),
			 0);
	assert_int_equal(job.req->op->recover(&job, &result, &e), -EINTR);
	assert_true(e.undone);
	request_free(job.req);
	json_decref(params);
}

/* A new volume does not get a file that is about to be removed. */
static void test_a_new_file_has_a_name_of_its_own(void **state)
{
	struct pool_fixture *f = *state;
	char image[UUID_SIZE], other[UUID_SIZE], vm[UUID_SIZE], host[UUID_SIZE];
	json_t *params;

	first_uuid(f, KIND_HOST, host);
	add_image(f, "one", "raw", NULL, image);
	add_image(f, "other", "raw", NULL, other);
	create_vm(f, "web", image, NULL, vm);
	must(f, "StopVmInstance", vm, json_pack("{s:s}", "type", "cold"), NULL);
	assert_int_equal(store_run(pool_store(f->pool), put_former_root_fn, vm, NULL), 0);
	params = json_pack("{s:s, s:s}", "imageUuid", other, "resourceUuid", NEW_ROOT);
	must_fail(f, "ChangeVmImage", vm, json_incref(params), EBUSY, "'" NEW_ROOT ".qcow2' could not be");
	assert_false(exists(f, KIND_VOLUME, NEW_ROOT));
	assert_true(field_is(f, KIND_VM, vm, VM_IMAGE_UUID, image));

	/* a job that was stopped once more has it removed, so that it can begin anew */
	recover_change(f, vm, json_incref(params));
	assert_int_equal(orphans(f), 0);
	must(f, "ChangeVmImage", vm, params, NULL);
	assert_true(field_is(f, KIND_VM, vm, VM_ROOT_VOLUME_UUID, NEW_ROOT));
	assert_true(field_is(f, KIND_VOLUME, NEW_ROOT, VOLUME_STATUS, "Ready"));
}

#define pool_test(fn) cmocka_unit_test_setup_teardown(fn, pool_fixture_setup, pool_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_round_size),
		pool_test(test_one_removal_at_a_time),
		pool_test(test_a_stopped_pool_is_started),
		pool_test(test_a_disabled_pool_stays),
		pool_test(test_a_new_file_has_a_name_of_its_own),
		pool_test(test_add),
		pool_test(test_attach),
		pool_test(test_attach_fails),
		pool_test(test_state),
		pool_test(test_delete_with_volume),
		pool_test(test_capacity),
		pool_test(test_room),
		pool_test(test_backup),
		pool_test(test_refresh),
		pool_test(test_growth_is_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
