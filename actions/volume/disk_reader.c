/* SPDX-License-Identifier: Apache-2.0 */
/* See disk_reader.h. */
#include "actions/volume/disk_reader.h"

#include <fcntl.h>
#include <libnbd.h>
#include <string.h>
#include <sys/stat.h>

#include "actions/host/topology.h"
#include "actions/image/file.h"
#include "actions/storage/storage_type.h"
#include "actions/volume/location.h"
#include "actions/volume/read_ahead.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/volume.h"
#include "hypervisor/storage/volume.h"
#include "model/child.h"
#include "model/states.h"

/* The maximum number of bytes of one query for holes, and of one read: the protocol counts in 32 bits. */
#define QUERY_MAX  (INT64_C(1) << 30)
#define READ_MAX   (1 << 20)
#define ALLOCATION "base:allocation"
/* The unit of st_blocks. */
#define BLOCK 512

struct disk_reader {
	struct ref ref;
	enum kind_id kind;	  /* immutable */
	char uuid[UUID_SIZE];	  /* immutable */
	char *path;		  /* immutable; owned */
	int fd;			  /* immutable; -1 when it is read through nbd */
	struct nbd_handle *nbd;	  /* locks itself; owned */
	struct read_ahead *ahead; /* of nbd; owned */
	int64_t size;		  /* immutable */
	int64_t content;	  /* immutable; disk_reader_content() */
};

/* --------------------------------------------------------------------- looking */

static int path_field(const struct object *o)
{
	return o->kind->id == KIND_VOLUME ? (int)VOLUME_INSTALL_PATH : (int)SNAPSHOT_INSTALL_PATH;
}

static int format_field(const struct object *o)
{
	return o->kind->id == KIND_VOLUME ? (int)VOLUME_FORMAT : (int)SNAPSHOT_FORMAT;
}

static int merge_field(const struct object *o)
{
	return o->kind->id == KIND_VOLUME ? (int)VOLUME_MERGE_PATH : (int)SNAPSHOT_MERGE_PATH;
}

int64_t disk_reader_size(const struct object *o)
{
	if (o->kind->id == KIND_IMAGE)
		return object_str_is(o, IMAGE_STATUS, STATUS_READY) ? object_int(o, IMAGE_ACTUAL_SIZE) : 0;
	if (!object_str(o, path_field(o)))
		return 0;
	return object_int(o, o->kind->id == KIND_VOLUME ? (int)VOLUME_SIZE : (int)SNAPSHOT_VIRTUAL_SIZE);
}

int64_t disk_reader_occupied(const struct object *o)
{
	int64_t size = disk_reader_size(o), occupied = size;

	if (o->kind->id != KIND_IMAGE)
		occupied = object_int(o, o->kind->id == KIND_VOLUME ? (int)VOLUME_ACTUAL_SIZE
								    : (int)SNAPSHOT_SIZE);
	/* tar and cp seek holes only when blocks are missing, and take a file without blocks for one hole. */
	if (occupied > size - BLOCK)
		occupied = size - BLOCK;
	return occupied > BLOCK ? occupied : BLOCK;
}

/* The path of the first readable copy of an image; NULL when there is none. */
static const char *image_path(const struct view *view, const struct object *image)
{
	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, object_uuid(image)) {
		const char *path = image_file_path(ref);

		if (path && object_str_is(ref, IMAGE_REF_STATUS, STATUS_READY) && access(path, R_OK) == 0)
			return path;
	}
	return NULL;
}

/* The volume itself, or that of a snapshot. */
static const struct object *volume_of(const struct view *view, const struct object *o)
{
	return o->kind->id == KIND_VOLUME ? o
					  : view_get(view, KIND_VOLUME, object_str(o, SNAPSHOT_VOLUME_UUID));
}

/* True when the host is this machine. */
static bool is_here(const struct object *host)
{
	const char *uri = object_text(host, HOST_URI);

	return strncmp(uri, "test:", 5) == 0 || strncmp(uri, "qemu:///", 8) == 0 ||
	       strncmp(uri, "qemu+unix:", 10) == 0;
}

/* A host that has the files: a Connected one, or else one that is Connecting, as all are right after a mount. */
static const struct object *host_of_files(const struct view *view, const struct object *volume)
{
	const char *local = object_str(volume, VOLUME_HOST_UUID);
	const struct object *connected = volume_any_host(view, volume);

	if (connected)
		return connected;
	view_for_each (host, view, KIND_HOST)
		if (object_str_is(host, HOST_STATUS, STATUS_CONNECTING) &&
		    (local ? strcmp(object_uuid(host), local) == 0
			   : cluster_has_primary_storage(view, object_str(host, HOST_CLUSTER_UUID),
							 object_text(volume, VOLUME_PRIMARY_STORAGE_UUID))))
			return host;
	return NULL;
}

/* True when no guest has the volume open. */
static bool is_at_rest(const struct view *view, const struct object *volume)
{
	const struct object *vm = view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID));

	if (view_next_where(view, KIND_SHAREABLE_REF, SHAREABLE_REF_VOLUME_UUID, object_uuid(volume), 0))
		return false;
	return !vm || object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)) ||
	       object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_DESTROYED));
}

/* Its file, or one below it, may lack what was merged into it (merge.h). */
static bool is_merging(const struct view *view, const struct object *o)
{
	const struct object *s = o->kind->id == KIND_VOLUME ? snapshot_latest(view, object_uuid(o)) : o;

	if (object_str(o, merge_field(o)))
		return true;
	for (; s; s = view_get(view, KIND_SNAPSHOT, object_str(s, SNAPSHOT_PARENT_UUID)))
		if (object_str(s, SNAPSHOT_MERGE_PATH))
			return true;
	return false;
}

int disk_reader_check(const struct view *view, const struct object *o, struct error *e)
{
	const struct object *volume, *ps, *host;

	if (disk_reader_size(o) == 0)
		return error_set(e, EBUSY, "%s '%s' has no data to read yet", o->kind->noun, object_uuid(o));
	if (o->kind->id == KIND_IMAGE)
		return 0;
	volume = volume_of(view, o);
	if (!volume || (o->kind->id == KIND_VOLUME && !is_at_rest(view, volume)))
		return error_set(e, EBUSY, "volume '%s' is in use by a VM, read one of its snapshots instead",
				 object_uuid(o));
	if (is_merging(view, o))
		return error_set(
			e, EBUSY,
			"%s '%s' is being merged; if that was interrupted, the next start, attachment or snapshot settles it",
			o->kind->noun, object_uuid(o));
	if (o->kind->id == KIND_SNAPSHOT) {
		int r = snapshot_check_readable(o, e);

		if (r < 0)
			return r;
	}
	ps = view_get(view, KIND_PRIMARY_STORAGE, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID));
	if (storage_type_of(ps)->reachable_from_daemon)
		return 0;
	host = host_of_files(view, volume);
	if (!host || !is_here(host))
		return error_set(e, EOPNOTSUPP, "the files of volume '%s' are not on this machine",
				 object_uuid(volume));
	return 0;
}

bool disk_reader_is_valid(const struct disk_reader *r, const struct view *view)
{
	const struct object *o = view_get(view, r->kind, r->uuid);

	if (!o || r->kind == KIND_IMAGE)
		return o != NULL;
	if (!object_str_is(o, path_field(o), r->path))
		return false;
	return r->kind == KIND_SNAPSHOT ? object_str_is(o, SNAPSHOT_STATE, STATE_ENABLED)
					: is_at_rest(view, o);
}

/* --------------------------------------------------------------------- opening */

static void reader_destroy(struct ref *self)
{
	struct disk_reader *r = (struct disk_reader *)self;

	read_ahead_free(r->ahead);
	nbd_close(r->nbd);
	if (r->fd >= 0)
		(void)close(r->fd);
	free(r->path);
	free(r);
}

struct disk_reader *disk_reader_ref(struct disk_reader *r)
{
	ref_get(&r->ref);
	return r;
}

void disk_reader_unref(struct disk_reader *r)
{
	ref_put((struct ref *)r);
}
DEFINE_CLEANUP(struct disk_reader *, disk_reader_unref)

static int nbd_errno(void)
{
	int errnum = nbd_get_errno();

	return errnum ? -errnum : -EIO;
}

/*
 * A program that an image has made lie may say that all is read, and leave bytes of @buffer as they were: nothing must be
 * in there that is not of this disk.
 */
static int read_disk(void *arg, void *buffer, size_t size, int64_t offset)
{
	const struct disk_reader *r = arg;

	return nbd_pread(r->nbd, buffer, size, (uint64_t)offset, 0) < 0 ? nbd_errno() : 0;
}

static int open_disk(struct disk_reader *r, const char *format, struct error *e)
{
	_cleanup_free_ char *image = hv_image_options(r->path, format), *options = NULL;
	_cleanup_free_ char *box = child_find_helper("poolfs-box");
	char program[] = "qemu-nbd", read_only[] = "--read-only", with_options[] = "--image-opts";
	char network[] = "--network";
	/* a file needs no network, an image of Ceph has no path */
	char *command[] = {box,	    read_only, *r->path == '/' ? read_only : network,
			   program, read_only, with_options,
			   NULL,    NULL};

	if (!image || asprintf(&options, "%s,force-share=on", image) < 0)
		return error_oom(e);
	if (!box)
		return error_no_helper("poolfs-box", e);
	command[6] = options;
	r->nbd = nbd_create();
	if (!r->nbd)
		return error_oom(e);
	if (nbd_add_meta_context(r->nbd, ALLOCATION) < 0 ||
	    nbd_set_pread_initialize(r->nbd, false) < 0 || /* see read_disk() */
	    nbd_connect_systemd_socket_activation(r->nbd, command) < 0)
		return error_set(e, EIO, "cannot read '%s' with qemu-nbd: %s", r->path, nbd_get_error());
	r->size = nbd_get_size(r->nbd);
	if (r->size < 0)
		return error_set(e, EIO, "cannot get the size of '%s': %s", r->path, nbd_get_error());
	r->ahead = read_ahead_new(read_disk, r, r->size);
	return r->ahead ? 0 : error_oom(e);
}

/* FNV-1a. Not 0. */
static int64_t mix(const int64_t *values, size_t count)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < count * sizeof(*values); i++)
		h = (h ^ ((const uint8_t *)values)[i]) * UINT64_C(0x100000001b3);
	return (int64_t)(h | 1);
}

static int64_t content_of_file(const struct stat *st)
{
	const int64_t values[] = {(int64_t)st->st_dev, (int64_t)st->st_ino, st->st_size, st->st_mtim.tv_sec,
				  st->st_mtim.tv_nsec};

	return mix(values, ARRAY_SIZE(values));
}

/* Before the disk is opened: a change meanwhile makes it another content. */
static int note_content(struct disk_reader *r, const struct object *o, struct error *e)
{
	struct stat st;

	if (*r->path != '/')
		r->content = mix(&o->changed, 1);
	else if (stat(r->path, &st) == 0)
		r->content = content_of_file(&st);
	else
		return error_set(e, errno, "cannot read '%s': %s", r->path, strerror(errno));
	return 0;
}

/* Has nobody written to the file since? qemu-nbd would go on with what it knows of it. */
static bool is_unchanged(const struct disk_reader *r)
{
	struct stat st;

	return *r->path != '/' || (stat(r->path, &st) == 0 && content_of_file(&st) == r->content);
}

int64_t disk_reader_content(const struct disk_reader *r)
{
	return r->content;
}

static int open_image(struct disk_reader *r, struct error *e)
{
	struct stat st;

	r->fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (r->fd < 0 || fstat(r->fd, &st) < 0)
		return error_set(e, errno, "cannot read '%s': %s", r->path, strerror(errno));
	r->size = st.st_size;
	r->content = content_of_file(&st);
	return 0;
}

int disk_reader_open(const struct view *view, const struct object *o, struct disk_reader **ret_reader,
		     struct error *e)
{
	_cleanup_(disk_reader_unref_p) struct disk_reader *r = NULL;
	const char *path;
	int rc = disk_reader_check(view, o, e);

	if (rc < 0)
		return rc;
	path = o->kind->id == KIND_IMAGE ? image_path(view, o) : object_str(o, path_field(o));
	if (!path)
		return error_set(e, ENOENT, "no copy of image '%s' can be read", object_uuid(o));
	r = calloc(1, sizeof(*r));
	if (!r)
		return error_oom(e);
	ref_init(&r->ref, reader_destroy);
	r->fd = -1;
	r->kind = o->kind->id;
	snprintf(r->uuid, sizeof(r->uuid), "%s", object_uuid(o));
	r->path = strdup(path);
	if (!r->path)
		return error_oom(e);
	if (r->kind == KIND_IMAGE)
		rc = open_image(r, e);
	else
		rc = note_content(r, o, e);
	if (rc == 0 && r->fd < 0)
		rc = open_disk(r, object_text(o, format_field(o)), e);
	if (rc < 0)
		return rc;
	*ret_reader = steal(&r);
	return 0;
}

/* --------------------------------------------------------------------- reading */

ssize_t disk_reader_read(struct disk_reader *r, void *buffer, size_t size, int64_t offset)
{
	if (offset >= r->size || size == 0)
		return 0;
	if ((int64_t)size > r->size - offset)
		size = (size_t)(r->size - offset);
	if (size > READ_MAX)
		size = READ_MAX;
	if (r->fd >= 0) {
		ssize_t got = pread(r->fd, buffer, size, offset);

		return got < 0 ? -errno : got;
	}
	if (!read_ahead_take(r->ahead, buffer, size, offset)) {
		int rc;

		memset(buffer, 0, size);
		rc = read_disk(r, buffer, size, offset);
		if (rc < 0)
			return rc;
	}
	return is_unchanged(r) ? (ssize_t)size : -ESTALE;
}

/* The search for the first hole, or the first data. */
struct search {
	bool want_hole, found;
	int64_t at, end; /* it goes from `at`, which moves on, to before `end` */
};

static int look_at_extents(void *data, const char *context, uint64_t offset, uint32_t *entries, size_t count,
			   int *error)
{
	struct search *s = data;

	(void)error;
	if (strcmp(context, ALLOCATION) != 0)
		return 0;
	(void)offset;
	for (size_t i = 0; i + 1 < count && !s->found && s->at < s->end; i += 2) {
		s->found = s->want_hole == ((entries[i + 1] & LIBNBD_STATE_ZERO) != 0);
		if (!s->found)
			s->at += entries[i];
	}
	return 0;
}

static int64_t seek_disk(struct disk_reader *r, int64_t offset, bool want_hole)
{
	struct search s = {.want_hole = want_hole, .at = offset, .end = r->size};

	while (!s.found && s.at < s.end) {
		nbd_extent_callback look = {.callback = look_at_extents, .user_data = &s};
		int64_t before = s.at, left = s.end - s.at;

		if (nbd_block_status(r->nbd, (uint64_t)(left < QUERY_MAX ? left : QUERY_MAX), (uint64_t)s.at,
				     look, 0) < 0)
			return nbd_errno();
		if (!s.found && s.at == before)
			return -EIO;
	}
	if (s.found)
		return s.at;
	/* There is a hole at the end of every file. */
	return want_hole ? r->size : -ENXIO;
}

int64_t disk_reader_seek(struct disk_reader *r, int64_t offset, int whence)
{
	off_t at;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	if (offset < 0 || offset >= r->size)
		return -ENXIO;
	if (r->fd < 0) {
		at = seek_disk(r, offset, whence == SEEK_HOLE);
		return is_unchanged(r) ? at : -ESTALE;
	}
	at = lseek(r->fd, offset, whence);
	return at < 0 ? -errno : at;
}
