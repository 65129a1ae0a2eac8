/* SPDX-License-Identifier: Apache-2.0 */
/* See nocloud.h. */
#include "actions/vm/nocloud.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>

#include "actions/engine/tags.h"
#include "actions/volume/location.h"
#include "hypervisor/storage/volume.h"

#define USER_DATA_MAX (1 << 20) /* bytes */

struct files {
	char *meta, *user, *vendor; /* owned */
};

static void files_done(struct files *f)
{
	free(f->meta);
	free(f->user);
	free(f->vendor);
}

/* A JSON string is a YAML string: the safe way to put any text into YAML. */
static char *quote(const char *text)
{
	json_t *s = json_string(text);
	char *quoted = s ? json_dumps(s, JSON_ENCODE_ANY) : NULL;

	json_decref(s);
	return quoted;
}

static int make_meta(const struct view *view, const struct object *vm, struct files *f, struct error *e)
{
	const char *host = tag_value(view, object_uuid(vm), "hostname");
	const char *key = tag_value(view, object_uuid(vm), "sshkey");
	_cleanup_free_ char *quoted = key ? quote(key) : NULL;

	if ((key && !quoted) ||
	    asprintf(&f->meta, "instance-id: %s\n%s%s%s%s%s%s", object_uuid(vm),
		     host ? "local-hostname: " : "", host ? host : "", host ? "\n" : "",
		     key ? "public-keys:\n  - " : "", key ? quoted : "", key ? "\n" : "") < 0) {
		f->meta = NULL;
		return error_oom(e);
	}
	return 0;
}

static int make_user(const char *base64, struct files *f, struct error *e)
{
	size_t room = base64 ? strlen(base64) / 4 * 3 + 3 : 0, len = 0;

	if (!base64) {
		f->user = strdup("#cloud-config\n{}\n");
		return f->user ? 0 : error_oom(e);
	}
	if (room > USER_DATA_MAX)
		return error_set(e, EFBIG, "user data has more than %d bytes", USER_DATA_MAX);
	f->user = malloc(room + 1);
	if (!f->user)
		return error_oom(e);
	if (sodium_base642bin((unsigned char *)f->user, room, base64, strlen(base64), " \r\n", &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) < 0)
		return error_set(e, EINVAL, "user data is not base64");
	f->user[len] = '\0';
	return 0;
}

/* The root password goes into vendor data, so that the user's own data stays as it is. */
static int make_vendor(const struct view *view, const struct object *vm, struct files *f, struct error *e)
{
	const char *password = tag_value(view, object_uuid(vm), "rootPassword");
	_cleanup_free_ char *quoted = password ? quote(password) : NULL;

	if (!password)
		return 0;
	if (!quoted || asprintf(&f->vendor,
				"#cloud-config\nssh_pwauth: true\nchpasswd:\n  expire: false\n  users:\n"
				"    - {name: root, type: text, password: %s}\n",
				quoted) < 0) {
		f->vendor = NULL;
		return error_oom(e);
	}
	return 0;
}

static int iso_failed(struct archive *a, struct error *e)
{
	return error_set(e, EIO, "cannot make the NoCloud disk: %s", archive_error_string(a));
}

static int add_file(struct archive *a, const char *name, const char *data, struct error *e)
{
	struct archive_entry *entry = archive_entry_new();
	size_t len = strlen(data);
	int r = 0;

	if (!entry)
		return error_oom(e);
	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, (la_int64_t)len);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0444);
	if (archive_write_header(a, entry) != ARCHIVE_OK ||
	    archive_write_data(a, data, len) != (la_ssize_t)len)
		r = iso_failed(a, e);
	archive_entry_free(entry);
	return r;
}

static int write_files(struct archive *a, int fd, const struct files *f, struct error *e)
{
	int r;

	archive_write_set_format_iso9660(a);
	(void)archive_write_set_format_option(a, "iso9660", "volume-id", "cidata");
	(void)archive_write_add_filter_none(a);
	if (archive_write_open_fd(a, fd) != ARCHIVE_OK)
		return iso_failed(a, e);
	r = add_file(a, "meta-data", f->meta, e);
	if (r < 0)
		return r;
	r = add_file(a, "user-data", f->user, e);
	if (r < 0)
		return r;
	if (f->vendor) {
		r = add_file(a, "vendor-data", f->vendor, e);
		if (r < 0)
			return r;
	}
	return archive_write_close(a) == ARCHIVE_OK ? 0 : iso_failed(a, e);
}

static int write_iso(const char *path, const struct files *f, struct error *e)
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

static int make_files(const struct view *view, const struct object *vm, const char *user_data,
		      struct files *f, struct error *e)
{
	int r = make_meta(view, vm, f, e);

	if (r < 0)
		return r;
	r = make_user(user_data, f, e);
	return r < 0 ? r : make_vendor(view, vm, f, e);
}

/* The primary storage with the disk; NULL when the VM has no root volume yet. */
static const char *storage_of(const struct view *view, const struct object *vm)
{
	const struct object *root = view_get(view, KIND_VOLUME, object_str(vm, VM_ROOT_VOLUME_UUID));

	return root ? object_str(root, VOLUME_PRIMARY_STORAGE_UUID) : NULL;
}

static void disk_name(const struct object *vm, char ret_name[64])
{
	snprintf(ret_name, 64, "nocloud-%s.iso", object_uuid(vm));
}

int vm_remove_nocloud(struct pool *pool, const struct view *view, const struct object *vm, const char *host,
		      struct error *e)
{
	const char *storage = storage_of(view, vm);
	char name[64];

	disk_name(vm, name);
	return storage ? hv_volume_delete(pool_hypervisor(pool), host, storage, name, e) : 0;
}

int vm_make_nocloud(struct job *job, const struct view *view, const struct object *vm,
		    const struct object *host, char **ret_path, struct error *e)
{
	const char *uuid = object_uuid(vm), *storage = storage_of(view, vm);
	const char *data = tag_value(view, uuid, "userdata");
	_cleanup_(files_done) struct files f = {0};
	_cleanup_free_ char *local = NULL;
	char name[64];
	int r;

	*ret_path = NULL;
	if (!storage || (!data && !tag_value(view, uuid, "sshkey") && !tag_value(view, uuid, "rootPassword")))
		return 0;
	r = make_files(view, vm, data, &f, e);
	if (r < 0)
		return r;
	disk_name(vm, name);
	if (asprintf(&local, "%s/%s", pool_state_dir(job->pool), name) < 0) {
		local = NULL;
		return error_oom(e);
	}
	r = write_iso(local, &f, e);
	if (r == 0)
		r = vm_remove_nocloud(job->pool, view, vm, object_uuid(host), e);
	if (r == 0)
		r = hv_volume_upload(pool_hypervisor(job->pool), object_uuid(host), storage, name, "raw",
				     local, NULL, NULL, ret_path, e);
	(void)unlink(local);
	return r;
}
