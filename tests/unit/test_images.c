/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images and their storage in a complete pool with a simulated host: what AddImage
 * accepts and stores, several backup storages, deletion and recovery, the cache on
 * primary storage, and what remains after a kill at each step.
 */
#include "tests/unit/pool_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>

#include "actions/image/cache.h"
#include "actions/image/image.h"

#define MIB (1024 * 1024)

/* ------------------------------------------------------------------ helpers */

/* Writes a file of @size bytes with @head at byte @offset. Its path is valid until the next call. */
static const char *make_file(struct pool_fixture *f, const char *name, off_t size, off_t offset,
			     const void *head, size_t len)
{
	static char path[160];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(pwrite(fd, head, len, offset), len);
	return path;
}

static const char *raw_file(struct pool_fixture *f)
{
	return make_file(f, "disk.raw", MIB, 0, "boot", 4);
}

static const char *iso_file(struct pool_fixture *f)
{
	return make_file(f, "cd.iso", MIB, 32768, "\1CD001\1", 7);
}

static void put32(unsigned char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> (24 - 8 * i));
}

/*
 * A qcow2 file of version 3 with an empty table; @backing may be NULL. Its virtual size is 4 MiB, its clusters are the
 * header, the refcount table, a block of refcounts and the L1 table.
 */
static const char *qcow2_file(struct pool_fixture *f, const char *backing)
{
	static unsigned char header[4 << 16];

	memset(header, 0, sizeof(header));
	put32(header, 0x514649fb);
	put32(header + 4, 3);
	if (backing) {
		put32(header + 12, 112 + 8);
		put32(header + 16, (uint32_t)strlen(backing));
		memcpy(header + 112 + 8, backing, strlen(backing));
	}
	put32(header + 20, 16);
	put32(header + 28, 4 * MIB);
	put32(header + 36, 1);	     /* L1 entries */
	put32(header + 44, 3 << 16); /* L1 offset */
	put32(header + 52, 1 << 16); /* refcount table offset */
	put32(header + 56, 1);
	put32(header + 96, 4);
	put32(header + 100, 104);
	put32(header + (1 << 16) + 4, 2 << 16);
	for (int cluster = 0; cluster < 4; cluster++)
		header[(2 << 16) + 2 * cluster + 1] = 1;
	return make_file(f, backing ? "backed.qcow2" : "disk.qcow2", 4 << 16, 0, header, sizeof(header));
}

static json_t *image_params(const char *path, const char *format, json_t *backup_storages)
{
	return json_pack("{s:s, s:s, s:s, s:o}", "name", "image", "url", path, "format", format,
			 "backupStorageUuids", backup_storages);
}

static json_t *first_storage(struct pool_fixture *f)
{
	char bs[UUID_SIZE];

	first_uuid(f, KIND_BACKUP_STORAGE, bs);
	return json_pack("[s]", bs);
}

static void add_image_file(struct pool_fixture *f, const char *path, const char *format,
			   char ret_image[UUID_SIZE])
{
	must(f, "AddImage", NULL, image_params(path, format, first_storage(f)), ret_image);
}

static void refuse_image(struct pool_fixture *f, const char *path, const char *format, const char *text)
{
	must_fail(f, "AddImage", NULL, image_params(path, format, first_storage(f)), 0, text);
}

/* A second backup storage below the test's folder. */
static void add_storage(struct pool_fixture *f, const char *name, char ret[UUID_SIZE])
{
	char url[160];

	snprintf(url, sizeof(url), "%s/%s", f->dir, name);
	must(f, "AddSftpBackupStorage", NULL, json_pack("{s:s, s:s}", "name", name, "url", url), ret);
}

/* Number of files in a storage's folder. */
static int count_files(struct pool_fixture *f, enum kind_id kind, const char *uuid, int url_field)
{
	_cleanup_view_ struct view *view = view_now(f);
	const struct object *o = view_get(view, kind, uuid);
	DIR *dir = o ? opendir(object_text(o, url_field)) : NULL;
	int count = 0;

	for (const struct dirent *d; dir && (d = readdir(dir));)
		count += d->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

static int backup_files(struct pool_fixture *f)
{
	char bs[UUID_SIZE];

	first_uuid(f, KIND_BACKUP_STORAGE, bs);
	return count_files(f, KIND_BACKUP_STORAGE, bs, BACKUP_STORAGE_URL);
}

static int cached_files(struct pool_fixture *f)
{
	char ps[UUID_SIZE];

	first_uuid(f, KIND_PRIMARY_STORAGE, ps);
	return count_files(f, KIND_PRIMARY_STORAGE, ps, PRIMARY_STORAGE_URL);
}

static size_t count_rows(struct pool_fixture *f, enum kind_id kind)
{
	_cleanup_view_ struct view *view = view_now(f);

	return view_count(view, kind);
}

static int64_t number_of(struct pool_fixture *f, enum kind_id kind, const char *uuid, int field)
{
	_cleanup_view_ struct view *view = view_now(f);

	return object_int(view_get(view, kind, uuid), field);
}

/* The reference row of an image that has exactly one. */
static const struct object *ref_of(const struct view *view, const char *image)
{
	return view_next_where(view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image, 0);
}

/* --------------------------------------------------------------------- adding */

static void test_add_kinds(void **state)
{
	struct pool_fixture *f = *state;
	char raw[UUID_SIZE], qcow2[UUID_SIZE], iso[UUID_SIZE], said_raw[UUID_SIZE];

	add_image_file(f, raw_file(f), "raw", raw);
	assert_true(field_is(f, KIND_IMAGE, raw, IMAGE_STATUS, "Ready"));
	assert_true(field_is(f, KIND_IMAGE, raw, IMAGE_STATE, "Enabled"));
	assert_true(field_is(f, KIND_IMAGE, raw, IMAGE_FORMAT, "raw"));
	assert_true(field_is(f, KIND_IMAGE, raw, IMAGE_MEDIA_TYPE, "RootVolumeTemplate"));
	assert_true(field_is(f, KIND_IMAGE, raw, IMAGE_PLATFORM, "Linux"));
	assert_true(field_is(f, KIND_IMAGE, raw, IMAGE_TYPE, "zstack"));
	assert_int_equal(number_of(f, KIND_IMAGE, raw, IMAGE_SIZE), MIB);
	assert_int_equal(number_of(f, KIND_IMAGE, raw, IMAGE_ACTUAL_SIZE), MIB);
	{
		_cleanup_view_ struct view *view = view_now(f);
		const struct object *ref = ref_of(view, raw);

		assert_int_equal(strlen(object_text(view_get(view, KIND_IMAGE, raw), IMAGE_MD5)), 32);
		assert_true(object_str_is(ref, IMAGE_REF_STATUS, "Ready"));
		assert_int_equal(access(object_text(ref, IMAGE_REF_INSTALL_PATH), R_OK), 0);
	}

	add_image_file(f, qcow2_file(f, NULL), "qcow2", qcow2);
	assert_true(field_is(f, KIND_IMAGE, qcow2, IMAGE_FORMAT, "qcow2"));
	assert_int_equal(number_of(f, KIND_IMAGE, qcow2, IMAGE_SIZE), 4 * MIB);
	assert_int_equal(number_of(f, KIND_IMAGE, qcow2, IMAGE_ACTUAL_SIZE), 4 << 16);

	add_image_file(f, qcow2_file(f, NULL), "raw", said_raw);
	assert_true(field_is(f, KIND_IMAGE, said_raw, IMAGE_FORMAT, "qcow2"));

	add_image_file(f, iso_file(f), "raw", iso);
	assert_true(field_is(f, KIND_IMAGE, iso, IMAGE_FORMAT, "iso"));
	assert_true(field_is(f, KIND_IMAGE, iso, IMAGE_MEDIA_TYPE, "ISO"));
	assert_int_equal(backup_files(f), 4);
}

static void test_add_refused(void **state)
{
	struct pool_fixture *f = *state;
	char path[160];
	json_t *params;

	refuse_image(f, "gopher://x/a", "raw", "url must starts with");
	refuse_image(f, "upload://", "raw", "must be like upload://NAME");
	refuse_image(f, "zstore://a", "raw", "zstore://");
	refuse_image(f, "/a", "vmdk", "unknown format[vmdk]");
	refuse_image(f, "/nonexistent/a", "raw", "nonexistent");
	refuse_image(f, "/dev/zero", "raw", "not a regular file");
	refuse_image(f, raw_file(f), "qcow2", "the format is 'qcow2' but the file is 'raw'");
	refuse_image(f, raw_file(f), "iso", "the format is 'iso' but the file is 'raw'");
	refuse_image(f, qcow2_file(f, "/etc/passwd"), "qcow2", "backing file");
	refuse_image(f, qcow2_file(f, "/etc/passwd"), "raw", "backing file");
	refuse_image(f, make_file(f, "a.vmdk", MIB, 0, "KDMV\1\0\0\0", 8), "raw", "vmdk");
	refuse_image(f, make_file(f, "empty", 0, 0, "", 0), "raw", "empty");

	params = image_params(raw_file(f), "iso", first_storage(f));
	json_object_set_new(params, "system", json_true());
	must_fail(f, "AddImage", NULL, params, EINVAL, "ISO cannot be used as system image");
	params = image_params(raw_file(f), "raw", first_storage(f));
	json_object_set_new(params, "type", json_string("other"));
	must_fail(f, "AddImage", NULL, params, EINVAL, "unsupported image type[other]");

	/* an existing file with one of the image's names is not overwritten */
	snprintf(path, sizeof(path), "%s/backup/0123456789ab4def8123456789abcdef.raw", f->state);
	{
		char bs[UUID_SIZE];
		_cleanup_view_ struct view *view = view_now(f);

		first_uuid(f, KIND_BACKUP_STORAGE, bs);
		snprintf(path, sizeof(path), "%s/0123456789ab4def8123456789abcdef.raw",
			 object_text(view_get(view, KIND_BACKUP_STORAGE, bs), BACKUP_STORAGE_URL));
	}
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
	params = image_params(raw_file(f), "raw", first_storage(f));
	json_object_set_new(params, "resourceUuid", json_string("0123456789ab4def8123456789abcdef"));
	must_fail(f, "AddImage", NULL, params, 0, "is not an image of this pool");
	assert_int_equal(unlink(path), 0);

	assert_int_equal(count_rows(f, KIND_IMAGE), 0);
	assert_int_equal(count_rows(f, KIND_IMAGE_REF), 0);
	assert_int_equal(backup_files(f), 0);
}

static void test_two_storages(void **state)
{
	struct pool_fixture *f = *state;
	char first[UUID_SIZE], second[UUID_SIZE], image[UUID_SIZE], partial[UUID_SIZE], third[UUID_SIZE],
		url[160], other[160];

	first_uuid(f, KIND_BACKUP_STORAGE, first);
	add_storage(f, "second", second);
	must(f, "AddImage", NULL,
	     image_params(raw_file(f), "raw", json_pack("[s, s, s]", first, second, first)), image);
	assert_int_equal(count_rows(f, KIND_IMAGE_REF), 2);
	assert_int_equal(backup_files(f), 1);
	assert_int_equal(count_files(f, KIND_BACKUP_STORAGE, second, BACKUP_STORAGE_URL), 1);

	/* one storage fails: the image is on the other one */
	snprintf(url, sizeof(url), "%s/second/%s.raw", f->dir, image);
	assert_int_equal(unlink(url), 0);
	snprintf(url, sizeof(url), "%s/second", f->dir);
	assert_int_equal(rmdir(url), 0);
	must(f, "AddImage", NULL, image_params(raw_file(f), "raw", json_pack("[s, s]", second, first)),
	     partial);
	assert_true(field_is(f, KIND_IMAGE, partial, IMAGE_STATUS, "Ready"));
	{
		_cleanup_view_ struct view *view = view_now(f);
		int ready = 0;

		view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, partial)
			ready += object_str_is(ref, IMAGE_REF_STATUS, "Ready") &&
				 object_str_is(ref, IMAGE_REF_BACKUP_STORAGE_UUID, first);
		assert_int_equal(ready, 1);
	}

	/* and the failure was recorded */
	assert_true(field_is(f, KIND_BACKUP_STORAGE, second, BACKUP_STORAGE_STATUS, "Disconnected"));
	must_fail(f, "ReconnectBackupStorage", second, NULL, 0, "cannot use the folder");
	assert_true(field_is(f, KIND_BACKUP_STORAGE, second, BACKUP_STORAGE_STATUS, "Disconnected"));
	must_fail(f, "AddImage", NULL, image_params(raw_file(f), "raw", json_pack("[s]", second)), EINVAL,
		  "no backup storage specified in uuids[");
	assert_int_equal(mkdir(url, 0700), 0);
	must(f, "ReconnectBackupStorage", second, NULL, NULL);
	assert_true(field_is(f, KIND_BACKUP_STORAGE, second, BACKUP_STORAGE_STATUS, "Connected"));

	/* all fail, each for its own reason */
	add_storage(f, "third", third);
	snprintf(other, sizeof(other), "%s/third", f->dir);
	assert_int_equal(rmdir(url), 0);
	assert_int_equal(rmdir(other), 0);
	must_fail(f, "AddImage", NULL, image_params(raw_file(f), "raw", json_pack("[s, s]", second, third)),
		  0, "failed to add the image to all backup storage");
	assert_int_equal(count_rows(f, KIND_IMAGE), 2);
}

static void test_no_room(void **state)
{
	struct pool_fixture *f = *state;

	set_config(f, "backupStorage", "reservedCapacity", "1000T");
	must_fail(f, "AddImage", NULL, image_params(raw_file(f), "raw", first_storage(f)), 0, "are reserved");
	assert_int_equal(count_rows(f, KIND_IMAGE), 0);
}

/* ------------------------------------------------------------------- deletion */

static void test_delay(void **state)
{
	struct pool_fixture *f = *state;
	char image[UUID_SIZE];

	add_image_file(f, raw_file(f), "raw", image);
	must_fail(f, "ExpungeImage", image, NULL, EBUSY, "is not deleted on any backup storage");
	must_fail(f, "RecoverImage", image, NULL, EBUSY, "is not deleted on any backup storage");
	must(f, "DeleteImage", image, NULL, NULL);
	assert_true(field_is(f, KIND_IMAGE, image, IMAGE_STATUS, "Deleted"));
	assert_int_equal(backup_files(f), 1);
	must(f, "DeleteImage", image, NULL, NULL);
	must(f, "RecoverImage", image, NULL, NULL);
	assert_true(field_is(f, KIND_IMAGE, image, IMAGE_STATUS, "Ready"));
	must(f, "DeleteImage", image, NULL, NULL);
	must(f, "ExpungeImage", image, NULL, NULL);
	assert_false(exists(f, KIND_IMAGE, image));
	assert_int_equal(count_rows(f, KIND_IMAGE_REF), 0);
	assert_int_equal(backup_files(f), 0);
	must(f, "DeleteImage", image, NULL, NULL);
	must_fail(f, "ExpungeImage", image, NULL, ENOENT, "not found");
}

static void test_direct(void **state)
{
	struct pool_fixture *f = *state;
	char image[UUID_SIZE];

	set_config(f, "image", "deletionPolicy", "Direct");
	add_image_file(f, raw_file(f), "raw", image);
	must(f, "DeleteImage", image, NULL, NULL);
	assert_false(exists(f, KIND_IMAGE, image));
	assert_int_equal(backup_files(f), 0);
}

/* Without one of its two copies the image remains; it is removed with the last one. */
static void test_delete_copies(void **state)
{
	struct pool_fixture *f = *state;
	char first[UUID_SIZE], second[UUID_SIZE], image[UUID_SIZE];

	first_uuid(f, KIND_BACKUP_STORAGE, first);
	add_storage(f, "second", second);
	must(f, "AddImage", NULL, image_params(raw_file(f), "raw", json_pack("[s, s]", first, second)),
	     image);
	must(f, "DeleteImage", image, json_pack("{s:[s]}", "backupStorageUuids", second), NULL);
	assert_true(field_is(f, KIND_IMAGE, image, IMAGE_STATUS, "Ready"));
	must_fail(f, "ExpungeImage", image, json_pack("{s:[s]}", "backupStorageUuids", first), EBUSY,
		  "'s status[Ready] is not Deleted on the backup storage[uuid:");
	must_fail(f, "RecoverImage", image, json_pack("{s:[s]}", "backupStorageUuids", first), EBUSY,
		  "status[Ready]");
	must(f, "ExpungeImage", image, NULL, NULL);
	assert_true(field_is(f, KIND_IMAGE, image, IMAGE_STATUS, "Ready"));
	assert_int_equal(count_rows(f, KIND_IMAGE_REF), 1);
	assert_int_equal(count_files(f, KIND_BACKUP_STORAGE, second, BACKUP_STORAGE_URL), 0);
	must_fail(f, "DeleteBackupStorage", first, NULL, ENOTEMPTY, "still holds image");
	must(f, "DeleteBackupStorage", second, NULL, NULL);
	must(f, "DeleteBackupStorage", first, json_pack("{s:s}", "deleteMode", "Enforcing"), NULL);
	assert_int_equal(count_rows(f, KIND_IMAGE), 0);
	assert_int_equal(count_rows(f, KIND_BACKUP_STORAGE), 0);
}

static bool image_is_gone(const struct view *view, const void *uuid)
{
	return !view_get(view, KIND_IMAGE, uuid);
}

static int put_image_fn(struct txn *t, void *uuid, struct error *e)
{
	struct object *o = make(KIND_IMAGE, uuid);

	object_set_str(o, IMAGE_STATUS, "Ready");
	return txn_put(t, o, NULL, e);
}

/* An image without a file cannot be exported, and the sentence does not name a storage that nobody has named. */
static void test_export_of_nothing(void **state)
{
	static char image[] = "00000000000040008000000000000001";
	struct pool_fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char storage[UUID_SIZE];

	first_uuid(f, KIND_BACKUP_STORAGE, storage);
	assert_true(store_run(pool_store(f->pool), put_image_fn, image, &e) >= 0);
	must_fail(f, "ExportImageFromBackupStorage", image, NULL, ENOENT, "is on no backup storage");
	must_fail(f, "ExportImageFromBackupStorage", image, json_pack("{s:s}", "backupStorageUuid", storage),
		  ENOENT, "is not on backup storage");
}

static void test_expunge_timer(void **state)
{
	struct pool_fixture *f = *state;
	char image[UUID_SIZE], live[UUID_SIZE];
	const struct timespec over_a_second = {.tv_sec = 1, .tv_nsec = 100000000};

	add_image_file(f, raw_file(f), "raw", image);
	add_image_file(f, raw_file(f), "raw", live);
	must(f, "DeleteImage", image, NULL, NULL);
	assert_int_equal(image_expunge_due(f->pool, NULL), 0);
	assert_true(exists(f, KIND_IMAGE, image));
	set_config(f, "image", "expungePeriod", "1");
	(void)nanosleep(&over_a_second, NULL);
	set_config(f, "image", "deletionPolicy", "Never");
	assert_int_equal(image_expunge_due(f->pool, NULL), 0);
	assert_true(exists(f, KIND_IMAGE, image));
	set_config(f, "image", "deletionPolicy", "Delay");
	assert_int_equal(image_expunge_due(f->pool, NULL), 0);
	wait_until(f, image_is_gone, image);
	assert_true(field_is(f, KIND_IMAGE, live, IMAGE_STATUS, "Ready"));
}

/* --------------------------------------------------------------------- updates */

static void test_update(void **state)
{
	struct pool_fixture *f = *state;
	char image[UUID_SIZE], iso[UUID_SIZE], path[256];

	add_image_file(f, raw_file(f), "raw", image);
	add_image_file(f, iso_file(f), "iso", iso);
	must(f, "UpdateImage", image,
	     json_pack("{s:s, s:s}", "name", "other", "mediaType", "DataVolumeTemplate"), NULL);
	assert_true(field_is(f, KIND_IMAGE, image, IMAGE_NAME, "other"));
	assert_true(field_is(f, KIND_IMAGE, image, IMAGE_MEDIA_TYPE, "DataVolumeTemplate"));
	must(f, "UpdateImage", image, json_pack("{s:s}", "format", "raw"), NULL);
	must_fail(f, "UpdateImage", image, json_pack("{s:s}", "format", "qcow2"), EINVAL,
		  "cannot be set to 'qcow2'");
	must_fail(f, "UpdateImage", image, json_pack("{s:s}", "mediaType", "ISO"), EINVAL,
		  "cannot be set to 'ISO'");
	must_fail(f, "UpdateImage", iso, json_pack("{s:b}", "system", 1), EINVAL,
		  "ISO cannot be used as system image");
	must(f, "ChangeImageState", image, json_pack("{s:s}", "stateEvent", "disable"), NULL);
	assert_true(field_is(f, KIND_IMAGE, image, IMAGE_STATE, "Disabled"));
	must(f, "ChangeImageState", image, json_pack("{s:s}", "stateEvent", "enable"), NULL);
	assert_true(field_is(f, KIND_IMAGE, image, IMAGE_STATE, "Enabled"));
	{
		_cleanup_view_ struct view *view = view_now(f);

		snprintf(path, sizeof(path), "%s", object_text(ref_of(view, image), IMAGE_REF_INSTALL_PATH));
	}
	assert_int_equal(truncate(path, 2 * MIB), 0);
	must(f, "SyncImageSize", image, NULL, NULL);
	assert_int_equal(number_of(f, KIND_IMAGE, image, IMAGE_SIZE), 2 * MIB);
	assert_int_equal(number_of(f, KIND_IMAGE, image, IMAGE_ACTUAL_SIZE), 2 * MIB);
}

/* ------------------------------------------------------------------------ cache */

struct getter {
	struct pool_fixture *f;
	const char *image, *ps, *host;
	char *path, *format; /* owned by the test */
	int result;
};

static void *get_cached(void *arg)
{
	struct getter *g = arg;
	struct job job = {.pool = g->f->pool, .deadline = store_now() + 20 * NS_PER_S};

	g->result = image_cache_get(&job, g->image, g->ps, g->host, &g->path, &g->format, NULL);
	return NULL;
}

/* Many concurrent VMs cause one copy, which stays cached while a volume is based on it. */
static void test_cache(void **state)
{
	enum { GETTERS = 16 };
	struct pool_fixture *f = *state;
	struct getter getters[GETTERS];
	pthread_t threads[GETTERS];
	char image[UUID_SIZE], ps[UUID_SIZE], host[UUID_SIZE];
	int64_t before;

	add_image_file(f, make_file(f, "big.raw", MIB, 0, "boot", 4), "raw", image);
	first_uuid(f, KIND_PRIMARY_STORAGE, ps);
	first_uuid(f, KIND_HOST, host);
	before = number_of(f, KIND_PRIMARY_STORAGE, ps, PRIMARY_STORAGE_AVAILABLE);
	for (int i = 0; i < GETTERS; i++) {
		getters[i] = (struct getter){.f = f, .image = image, .ps = ps, .host = host};
		assert_int_equal(pthread_create(&threads[i], NULL, get_cached, &getters[i]), 0);
	}
	for (int i = 0; i < GETTERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(getters[i].result, 0);
		assert_string_equal(getters[i].format, "raw");
		assert_string_equal(getters[i].path, getters[0].path);
	}
	assert_int_equal(count_rows(f, KIND_IMAGE_CACHE), 1);
	assert_int_equal(cached_files(f), 1);
	assert_int_equal(access(getters[0].path, R_OK), 0);
	assert_true(number_of(f, KIND_PRIMARY_STORAGE, ps, PRIMARY_STORAGE_AVAILABLE) < before);

	/* in use while its image exists, removed with it */
	assert_int_equal(image_cache_clean(f->pool, NULL), 0);
	assert_int_equal(count_rows(f, KIND_IMAGE_CACHE), 1);
	must(f, "DeleteImage", image, NULL, NULL);
	must(f, "ExpungeImage", image, NULL, NULL);
	assert_int_equal(count_rows(f, KIND_IMAGE_CACHE), 0);
	assert_int_equal(cached_files(f), 0);
	assert_int_equal(number_of(f, KIND_PRIMARY_STORAGE, ps, PRIMARY_STORAGE_AVAILABLE), before);
	for (int i = 0; i < GETTERS; i++) {
		free(getters[i].path);
		free(getters[i].format);
	}
}

/* Writes an object unchecked, as a crash would have left it. */
static int put_object(struct txn *t, void *arg, struct error *e)
{
	return txn_put(t, arg, NULL, e);
}

static void put_row(struct pool_fixture *f, struct object *o)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (store_run(pool_store(f->pool), put_object, o, &e) < 0)
		fail_msg("put: %s", error_sentence(&e));
}

static void test_cache_crash(void **state)
{
	struct pool_fixture *f = *state;
	struct getter g = {.f = f};
	char image[UUID_SIZE], ps[UUID_SIZE], host[UUID_SIZE], left[256];
	struct object *row;
	FILE *file;

	add_image_file(f, raw_file(f), "raw", image);
	first_uuid(f, KIND_PRIMARY_STORAGE, ps);
	first_uuid(f, KIND_HOST, host);
	row = object_new(kind_get(KIND_IMAGE_CACHE));
	object_set_str(row, IMAGE_CACHE_UUID, test_uuid(77));
	object_set_str(row, IMAGE_CACHE_IMAGE_UUID, image);
	object_set_str(row, IMAGE_CACHE_PRIMARY_STORAGE_UUID, ps);
	object_set_str(row, IMAGE_CACHE_HOST_UUID, host);
	object_set_str(row, IMAGE_CACHE_FORMAT, "raw");
	object_set_int(row, IMAGE_CACHE_SIZE, 4096);
	object_set_str(row, IMAGE_CACHE_STATUS, "Creating");
	put_row(f, row);
	{
		_cleanup_view_ struct view *view = view_now(f);

		snprintf(left, sizeof(left), "%s/image-%s.raw",
			 object_text(view_get(view, KIND_PRIMARY_STORAGE, ps), PRIMARY_STORAGE_URL), image);
	}
	file = fopen(left, "w");
	assert_non_null(file);
	fputs("half", file);
	fclose(file);

	pool_fixture_reopen(f);
	assert_true(field_is(f, KIND_IMAGE_CACHE, test_uuid(77), IMAGE_CACHE_STATUS, "Stale"));
	wait_until(f, host_is_there, NULL);
	g.image = image;
	g.ps = ps;
	g.host = host;
	(void)get_cached(&g);
	assert_int_equal(g.result, 0);
	assert_string_equal(g.path, left);
	assert_false(exists(f, KIND_IMAGE_CACHE, test_uuid(77)));
	assert_int_equal(count_rows(f, KIND_IMAGE_CACHE), 1);
	assert_int_equal(cached_files(f), 1);
	{
		struct stat st;

		assert_int_equal(stat(left, &st), 0);
		assert_int_equal(st.st_size, MIB);
	}
	free(g.path);
	free(g.format);
}

/* -------------------------------------------------------------- kills, by rows */

/* The job row and image rows as a kill in the middle of AddImage leaves them. */
static void leave_unfinished(struct pool_fixture *f, const char *status, const char *file_ending,
			     char ret_image[UUID_SIZE], char ret_job[UUID_SIZE])
{
	const struct actor actor = {.source = "fs"};
	json_t *params = image_params("/nonexistent/a", "raw", first_storage(f));
	struct object *job, *image, *ref;
	struct request *req;
	char bs[UUID_SIZE], path[256];
	char *text;
	json_t *stored;

	first_uuid(f, KIND_BACKUP_STORAGE, bs);
	assert_int_equal(request_new(operation_by_name("AddImage"), NULL, params, &actor, &req, NULL), 0);
	json_decref(params);
	memcpy(ret_image, req->target, UUID_SIZE);
	memcpy(ret_job, req->job, UUID_SIZE);
	stored = request_to_json(req, false);
	text = json_dumps(stored, JSON_COMPACT);
	json_decref(stored);

	image = make(KIND_IMAGE, req->target);
	object_set_str(image, IMAGE_STATUS, status);
	object_set_str(image, IMAGE_STATE, "Enabled");
	object_set_str(image, IMAGE_FORMAT, "raw");
	put_row(f, image);
	ref = make(KIND_IMAGE_REF, test_uuid(1));
	object_set_str(ref, IMAGE_REF_IMAGE_UUID, req->target);
	object_set_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID, bs);
	object_set_str(ref, IMAGE_REF_STATUS, status);
	{
		_cleanup_view_ struct view *view = view_now(f);

		snprintf(path, sizeof(path), "%s/%s.%s",
			 object_text(view_get(view, KIND_BACKUP_STORAGE, bs), BACKUP_STORAGE_URL),
			 req->target, file_ending);
	}
	if (strcmp(status, "Ready") == 0)
		object_set_str(ref, IMAGE_REF_INSTALL_PATH, path);
	put_row(f, ref);
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);

	job = make(KIND_JOB, req->job);
	object_set_str(job, JOB_STATE, "Processing");
	object_set_str(job, JOB_OPERATION, "AddImage");
	object_set_str(job, JOB_RESOURCE_UUID, req->target);
	object_set_str(job, JOB_QUEUE, req->target);
	object_set_str(job, JOB_SECRET_REQUEST, text);
	object_set_int(job, JOB_DEADLINE, store_now() + INT64_C(60000000000));
	put_row(f, job);
	free(text);
	request_free(req);
}

static void test_killed_add(void **state)
{
	static const struct {
		const char *status, *ending;
		bool kept;
	} cases[] = {
		{"Downloading", "part", false}, /* during the download */
		{"Downloading", "raw", false},	/* before the last change */
		{"Ready", "raw", true},		/* before the end of the job was written */
		{"Deleting", "part", false},	/* during the cleanup of a failure */
	};
	struct pool_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		char image[UUID_SIZE], job[UUID_SIZE];

		leave_unfinished(f, cases[i].status, cases[i].ending, image, job);
		pool_fixture_reopen(f);
		assert_int_equal(job_end(f, job, &e) == 0, cases[i].kept);
		assert_int_equal(exists(f, KIND_IMAGE, image), cases[i].kept);
		assert_int_equal(count_rows(f, KIND_IMAGE_REF), cases[i].kept);
		assert_int_equal(backup_files(f), cases[i].kept);
		if (cases[i].kept) {
			set_config(f, "image", "deletionPolicy", "Direct");
			must(f, "DeleteImage", image, NULL, NULL);
		}
	}
}

/* A name that a job has removed can be back after a loss of power. */
static void test_staging(void **state)
{
	struct pool_fixture *f = *state;
	char path[160];

	snprintf(path, sizeof(path), "%s/staging/%s", f->state, test_uuid(1));
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
	pool_fixture_reopen(f);
	assert_int_equal(access(path, F_OK), -1);
}

#define pool_test(fn) cmocka_unit_test_setup_teardown(fn, pool_fixture_setup, pool_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		pool_test(test_add_kinds),     pool_test(test_add_refused),
		pool_test(test_two_storages),  pool_test(test_no_room),
		pool_test(test_delay),	       pool_test(test_direct),
		pool_test(test_delete_copies), pool_test(test_expunge_timer),
		pool_test(test_update),	       pool_test(test_cache),
		pool_test(test_cache_crash),   pool_test(test_killed_add),
		pool_test(test_staging),       pool_test(test_export_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
