/* SPDX-License-Identifier: Apache-2.0 */
/* See nocloud.h. */
#include "actions/vm/nocloud.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>

#include "actions/storage/orphan_file.h"
#include "actions/vm/nocloud_files.h"
#include "actions/volume/location.h"
#include "hypervisor/storage/volume.h"

#define NAME_SIZE 64

/* -------------------------------------------------------------------- the image */

static int iso_failed(struct archive *a, struct error *e)
{
	return error_set(e, EIO, "cannot make the NoCloud disk: %s", archive_error_string(a));
}

static int add_file(struct archive *a, const struct nocloud_file *file, struct error *e)
{
	struct archive_entry *entry = archive_entry_new();
	int r = 0;

	if (!entry)
		return error_oom(e);
	archive_entry_set_pathname(entry, file->name);
	archive_entry_set_size(entry, (la_int64_t)file->len);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0444);
	if (archive_write_header(a, entry) != ARCHIVE_OK ||
	    archive_write_data(a, file->bytes, file->len) != (la_ssize_t)file->len)
		r = iso_failed(a, e);
	archive_entry_free(entry);
	return r;
}

static int write_files(struct archive *a, int fd, const struct nocloud_files *f, struct error *e)
{
	int r;

	archive_write_set_format_iso9660(a);
	(void)archive_write_set_format_option(a, "iso9660", "volume-id", "cidata");
	(void)archive_write_add_filter_none(a);
	if (archive_write_open_fd(a, fd) != ARCHIVE_OK)
		return iso_failed(a, e);
	for (size_t i = 0; i < f->count; i++) {
		r = add_file(a, &f->file[i], e);
		if (r < 0)
			return r;
	}
	return archive_write_close(a) == ARCHIVE_OK ? 0 : iso_failed(a, e);
}

static int write_iso(const char *path, const struct nocloud_files *f, struct error *e)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct archive *a;
	int r;

	if (fd < 0)
		return error_set(e, errno, "cannot write '%s': %s", path, strerror(errno));
	a = archive_write_new();
	if (!a)
		return error_oom(e);
	r = write_files(a, fd, f, e);
	archive_write_free(a);
	return r;
}

/* --------------------------------------------------------------------- its rows */

/* Where a disk lies: beside the root volume. */
struct place {
	const char *storage; /* NULL: the VM has no root volume */
	const char *host;    /* NULL unless the storage is local */
};

static struct place place_of(const struct view *view, const struct object *vm)
{
	const struct object *root = vm_root_volume(view, vm);

	return root ? (struct place){object_str(root, VOLUME_PRIMARY_STORAGE_UUID),
				     object_str(root, VOLUME_HOST_UUID)}
		    : (struct place){0};
}

/* The name of the VM's disk; that of former versions if the row has none, which may not exist. */
static void name_of(const struct object *vm, char ret_name[NAME_SIZE])
{
	const char *name = object_str(vm, VM_NOCLOUD_DISK);

	(void)snprintf(ret_name, NAME_SIZE, name ? "%s" : "nocloud-%s.iso", name ? name : object_uuid(vm));
}

/* The VM has the disk @name (NULL: none) instead of its former one, which is an orphan file now. */
static int put_disk(struct txn *t, const char *uuid, const char *name, struct error *e)
{
	_cleanup_object_ const struct object *before = object_ref(view_get(txn_view(t), KIND_VM, uuid));
	struct place place = before ? place_of(txn_view(t), before) : (struct place){0};
	char former[NAME_SIZE];
	struct object *vm;
	int r;

	if (!place.storage)
		return 0;
	name_of(before, former);
	r = orphan_file_put(t, place.storage, place.host, former, NULL, e);
	if (r < 0)
		return r;
	r = name ? orphan_file_adopt(t, place.storage, name, e) : 0;
	if (r < 0)
		return r;
	r = txn_edit(t, KIND_VM, uuid, &vm, e);
	if (r < 0)
		return r;
	object_set_str(vm, VM_NOCLOUD_DISK, name);
	return txn_put(t, vm, NULL, e);
}

int vm_put_nocloud_gone(struct txn *t, const char *vm, struct error *e)
{
	return put_disk(t, vm, NULL, e);
}

int vm_put_nocloud_moved(struct txn *t, const char *uuid, const char *from, struct error *e)
{
	const struct object *vm = view_get(txn_view(t), KIND_VM, uuid);
	const char *storage = vm ? place_of(txn_view(t), vm).storage : NULL;
	char name[NAME_SIZE];
	int r;

	if (!storage)
		return 0;
	name_of(vm, name);
	r = orphan_file_adopt(t, storage, name, e);
	return r < 0 || !from ? r : orphan_file_put(t, storage, from, name, NULL, e);
}

/* Another name for each disk: one that is being removed cannot be mistaken for the next. */
static void make_name(const struct object *vm, char ret_name[NAME_SIZE])
{
	char uuid[UUID_SIZE];

	uuid_make(uuid);
	(void)snprintf(ret_name, NAME_SIZE, "nocloud-%s-%.8s.iso", object_uuid(vm), uuid);
}

/* ------------------------------------------------------------------- on the host */

/* A disk that is to be made. */
struct making {
	struct job *job;
	const char *vm, *name;
	struct place place;
};

static int begin_fn(struct txn *t, void *arg, struct error *e)
{
	const struct making *m = arg;

	return orphan_file_put(t, m->place.storage, m->place.host, m->name, m->job->uuid, e);
}

static int end_fn(struct txn *t, void *arg, struct error *e)
{
	const struct making *m = arg;

	return put_disk(t, m->vm, m->name, e);
}

/* Writes the disk and copies it to the host @host, as an orphan file of the job. */
static int upload(struct making *m, const struct view *view, const struct object *vm,
		  const struct object *host, char **ret_path, struct error *e)
{
	_cleanup_(nocloud_files_done) struct nocloud_files files = {0};
	_cleanup_free_ char *local = NULL;
	int r = nocloud_files_make(view, vm, &files, e);

	if (r < 0)
		return r;
	r = store_run(pool_store(m->job->pool), begin_fn, m, e);
	if (r < 0)
		return r;
	if (asprintf(&local, "%s/%s", pool_state_dir(m->job->pool), m->name) < 0) {
		local = NULL;
		return error_oom(e);
	}
	r = write_iso(local, &files, e);
	if (r == 0)
		r = hv_volume_upload(pool_hypervisor(m->job->pool), object_uuid(host), m->place.storage,
				     m->name, "raw", local, NULL, NULL, ret_path, e);
	(void)unlink(local);
	return r;
}

static int gone_fn(struct txn *t, void *arg, struct error *e)
{
	return vm_put_nocloud_gone(t, arg, e);
}

int vm_make_nocloud(struct job *job, const struct view *view, const struct object *vm,
		    const struct object *host, char **ret_path, struct error *e)
{
	struct making m = {.job = job, .vm = object_uuid(vm), .place = place_of(view, vm)};
	_cleanup_free_ char *path = NULL;
	char name[NAME_SIZE];
	int r;

	*ret_path = NULL;
	if (!m.place.storage)
		return 0;
	if (!nocloud_is_wanted(view, vm)) {
		if (!object_str(vm, VM_NOCLOUD_DISK))
			return 0;
		r = store_run(pool_store(job->pool), gone_fn, (void *)(uintptr_t)object_uuid(vm), e);
		if (r == 0)
			orphan_files_remove(job->pool, NULL);
		return r;
	}
	make_name(vm, name);
	m.name = name;
	r = upload(&m, view, vm, host, &path, e);
	if (r == 0)
		r = store_run(pool_store(job->pool), end_fn, &m, e);
	orphan_files_remove(job->pool, job->uuid);
	if (r == 0)
		*ret_path = steal(&path);
	return r;
}

int vm_copy_nocloud(struct job *job, const struct view *view, const struct object *vm,
		    const struct object *to, struct error *e)
{
	struct making m = {.job = job, .vm = object_uuid(vm), .place = place_of(view, vm)};
	_cleanup_free_ char *path = NULL;
	char name[NAME_SIZE];

	if (!m.place.host || (!object_str(vm, VM_NOCLOUD_DISK) && !nocloud_is_wanted(view, vm)))
		return 0;
	name_of(vm, name);
	m.name = name;
	m.place.host = object_uuid(to);
	return upload(&m, view, vm, to, &path, e);
}
