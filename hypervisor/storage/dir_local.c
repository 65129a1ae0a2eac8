/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See dir_local.h.
 *
 * qemu-img does what a domain without a guest does on another host (dir_jobs.c), without the start of a machine. It
 * ends with the daemon (box_main.c), and QEMU's locks keep others away from the files that it has open.
 *
 * A merge that is interrupted leaves a file with the same content, since all of it is copied before another backing
 * file is named. Only that name may get to the disk before what was copied, as with QEMU's own merge: the
 * callers note the former one until the file was flushed, and have it named again first (dir_stand_on()).
 */
#include "hypervisor/storage/dir_local.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "hypervisor/storage/command.h"
#include "hypervisor/storage/flush.h"
#include "hypervisor/storage/qcow2.h"
#include "hypervisor/storage/transfer.h"
#include "model/clock.h"

/* More files than a chain has. */
#define CHAIN_MAX 1024
#define SECTOR	  512
/* A program or domain of a daemon that was killed ends, but not before its death is seen here. */
#define LOCK_PATIENCE_MS 30000
#define LOCK_STEP_MS	 250
/* To merge everything qemu-img reads all of the disk, also what was never written. */
#define ALONE_MAX (INT64_C(1) << 40)

/* ------------------------------------------------------------------- programs */

/* Exit statuses do not say what went wrong. */
static bool is_locked(const struct command_end *ended)
{
	return strstr(ended->message, "Is another process using") != NULL;
}

static int error_of(const struct command_end *ended, const char *what, const char *path, struct error *e)
{
	if (!*ended->message)
		return error_set(e, EIO, "cannot %s '%s': qemu-img ended with status %d", what, path,
				 ended->status);
	if (strstr(ended->message, "No space left") || strstr(ended->message, "quota exceeded"))
		return error_set(e, ENOSPC, "cannot %s '%s', is the storage full? %s", what, path,
				 ended->message);
	return error_set(e, is_locked(ended) ? EBUSY : EIO, "cannot %s '%s': %s", what, path, ended->message);
}

/* When it closes the file it writes its last tables. Of a failure its status says nothing. */
static bool has_succeeded(const struct command_end *ended)
{
	return ended->status == 0 && !strstr(ended->message, "Failed to flush");
}

static int wait_a_little(hv_progress *progress, void *ctx, struct error *e)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};

	if (progress && progress(ctx, 0))
		return error_set(e, ECANCELED, "the job was cancelled");
	(void)nanosleep(&step, NULL);
	return 0;
}

/* Runs qemu-img on @path, which another one may have open for a moment. */
static int run(const char *const argv[], const char *what, const char *path, hv_progress *progress, void *ctx,
	       struct error *e)
{
	int64_t patience = clock_monotonic_ms() + LOCK_PATIENCE_MS;

	for (;;) {
		_cleanup_command_ struct command_end ended = {0};
		int r = command_run_writing(argv, 0, progress, ctx, &ended, e);

		if (r < 0 || has_succeeded(&ended))
			return r;
		if (!is_locked(&ended) || clock_monotonic_ms() >= patience)
			return error_of(&ended, what, path, e);
		r = wait_a_little(progress, ctx, e);
		if (r < 0)
			return r;
	}
}

/* Fills the file @to, which is there, empty and as large as the disk. */
static int convert(const char *path, const char *path_format, const char *to, const char *format,
		   hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_free_ char *from_options = image_options_make(path, path_format, image_options_write_file);
	_cleanup_free_ char *to_options = image_options_make(to, format, image_options_write_file);
	const char *const argv[] = {"qemu-img",
				    "convert",
				    "-p",
				    "-n",
				    "--target-is-zero",
				    "--image-opts",
				    from_options,
				    "--target-image-opts",
				    to_options,
				    NULL};

	if (!from_options || !to_options)
		return error_oom(e);
	return run(argv, "copy", path, progress, ctx, e);
}

/* ---------------------------------------------------------------------- chains */

/* A file, and what its header says of the one below it. */
struct overlay {
	char *backing, *format; /* owned; of the file below; NULL: none */
};

static void overlay_done(struct overlay *o)
{
	free(o->backing);
	free(o->format);
	*o = (struct overlay){0};
}
#define _cleanup_overlay_ _cleanup_(overlay_done)

static bool is_in_folder_of(const char *path, const char *other)
{
	const char *end = strrchr(other, '/'), *slash = strrchr(path, '/');

	return end && slash && slash - path == end - other &&
	       strncmp(path, other, (size_t)(end - other)) == 0;
}

/* -EOPNOTSUPP, without a sentence, for what cannot be read, or is not as the pool's own files are. */
static int overlay_read(const char *path, struct overlay *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int r = fd < 0 ? -errno : qcow2_read_backing(fd, &ret->backing);

	if (r == 0 && ret->backing)
		r = qcow2_read_backing_format(fd, &ret->format);
	if (r < 0 || (ret->backing && (!ret->format || !is_in_folder_of(ret->backing, path))))
		return -EOPNOTSUPP;
	return 0;
}

static bool is_plain_file(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/*
 * Are all files of the chain the pool's own: in one folder, no links, with no data elsewhere? Their owner is the user of the
 * host's QEMU. A QEMU that its guest controls can write what it likes into the header of its file, and a program that may
 * use the files of others must not believe that. What is not plain is left to the host, which confines it.
 */
static bool is_plain_chain(const char *path, const char *format)
{
	_cleanup_overlay_ struct overlay at = {0};

	for (int depth = 0; depth < CHAIN_MAX && is_plain_file(path); depth++) {
		_cleanup_overlay_ struct overlay next = {0};

		if (strcmp(format, "qcow2") != 0)
			return true;
		if (overlay_read(path, &next) < 0)
			return false;
		if (!next.backing)
			return true;
		overlay_done(&at);
		at = next;
		next = (struct overlay){0};
		path = at.backing;
		format = at.format;
	}
	return false;
}

/* Opens the file to read it. *ret_here as in dir_local.h. */
static int open_here(const struct hv_call *call, const char *path, const char *format, struct flush *file,
		     bool *ret_here, struct error *e)
{
	int r;

	flush_begin(file, call, path);
	r = flush_is_here(file, call, ret_here, e);
	if (r == 0 && *ret_here)
		*ret_here = is_plain_chain(path, format);
	return r;
}

/* The same, of a file that is going to be written to. */
static int open_to_write(const struct hv_call *call, const char *path, const char *format, struct flush *file,
			 bool *ret_here, struct error *e)
{
	int r = open_here(call, path, format, file, ret_here, e);

	if (r == 0 && *ret_here)
		*ret_here = faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
	return r;
}

/* -------------------------------------------------------------------- copying */

/* The size of the disk in the file @fd; a disk has whole sectors. */
static int disk_size(int fd, const char *path, const char *format, int64_t *ret, struct error *e)
{
	struct stat st;
	int r = 0;

	if (strcmp(format, "qcow2") == 0)
		r = qcow2_read_size(fd, ret);
	else if (fstat(fd, &st) < 0)
		r = -errno;
	else
		*ret = (st.st_size + SECTOR - 1) / SECTOR * SECTOR;
	return r < 0 ? error_set(e, EIO, "cannot get the size of volume '%s': %s", path, strerror(-r)) : 0;
}

/* Opens the file to copy all of its disk, of *ret_size bytes. *ret_here as in dir_local.h. */
static int open_to_copy(const struct hv_call *call, const char *path, const char *format, struct flush *file,
			bool *ret_here, int64_t *ret_size, struct error *e)
{
	int r = open_here(call, path, format, file, ret_here, e);

	return r < 0 || !*ret_here ? r : disk_size(file->fd, path, format, ret_size, e);
}

/* Into the new volume @to. *ret_here as in dir_local.h. */
static int fill(const struct hv_call *call, const char *path, const char *path_format, const char *to,
		const char *format, hv_progress *progress, void *ctx, bool *ret_here, struct error *e)
{
	_cleanup_flush_ struct flush flush = FLUSH_INIT;
	int r;

	r = open_to_write(call, to, format, &flush, ret_here, e);
	if (r < 0 || !*ret_here)
		return r;
	r = convert(path, path_format, to, format, progress, ctx, e);
	return r < 0 ? r : flush_end(&flush, call, NULL, e);
}

int dir_local_copy(const struct hv_call *call, const char *path, const char *path_format,
		   const struct storage_pool *at, const char *name, const char *format, hv_progress *progress,
		   void *ctx, bool *ret_here, char **ret_path, struct error *e)
{
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	_cleanup_flush_ struct flush from = FLUSH_INIT;
	_cleanup_free_ char *to = NULL;
	int64_t size = 0;
	int r = open_to_copy(call, path, path_format, &from, ret_here, &size, e);

	if (r < 0 || !*ret_here)
		return r;
	r = volume_make(call, at->pool, name, format, size, NULL, NULL, &volume, &to, e);
	if (r < 0)
		return r;
	r = fill(call, path, path_format, to, format, progress, ctx, ret_here, e);
	if (r < 0 || !*ret_here)
		(void)virStorageVolDelete(volume, 0);
	else
		*ret_path = steal(&to);
	return r;
}

/* A new, empty file. */
static int make_file(const char *file, const char *format, int64_t size, struct error *e)
{
	_cleanup_close_ int fd = open_target(file, e);
	int r;

	if (fd < 0)
		return fd;
	if (strcmp(format, "qcow2") == 0)
		r = qcow2_write(fd, size, NULL, NULL);
	else
		r = ftruncate(fd, size) < 0 ? -errno : 0;
	return r < 0 ? error_set(e, -r, "cannot write '%s': %s", file, strerror(-r)) : 0;
}

int dir_local_export(const struct hv_call *call, const char *path, const char *path_format, const char *file,
		     const char *format, hv_progress *progress, void *ctx, bool *ret_here, struct error *e)
{
	_cleanup_flush_ struct flush from = FLUSH_INIT;
	int64_t size = 0;
	int r = open_to_copy(call, path, path_format, &from, ret_here, &size, e);

	if (r < 0 || !*ret_here)
		return r;
	r = make_file(file, format, size, e);
	if (r == -EEXIST)
		return r;
	if (r == 0)
		r = convert(path, path_format, file, format, progress, ctx, e);
	if (r < 0)
		(void)unlink(file);
	return r;
}

/* -------------------------------------------------------------------- looking */

int dir_local_backing(const struct hv_call *call, const char *path, char **ret_backing, bool *ret_here,
		      struct error *e)
{
	_cleanup_flush_ struct flush file = FLUSH_INIT;
	_cleanup_free_ char *backing = NULL;
	int r;

	flush_begin(&file, call, path);
	r = flush_is_here(&file, call, ret_here, e);
	if (r < 0 || !*ret_here)
		return r;
	/* a name that is no path is left to the host */
	*ret_here = qcow2_read_backing(file.fd, &backing) == 0 && (!backing || *backing == '/');
	if (*ret_here)
		*ret_backing = steal(&backing);
	return 0;
}

/* -------------------------------------------------------------------- merging */

/* What a merge begins with. */
struct merge {
	struct overlay first;
	bool done;	   /* it stands on the base already */
	char *base_format; /* owned; NULL without a base */
};

static void merge_done(struct merge *m)
{
	overlay_done(&m->first);
	free(m->base_format);
}

/* Looks for @base below the file @path that @first is of. -EINVAL with a sentence: it is not there. */
static int find_base(struct merge *m, const char *path, const char *base, struct error *e)
{
	_cleanup_overlay_ struct overlay at = {0};
	const struct overlay *o = &m->first;

	for (int depth = 1; depth < CHAIN_MAX && o->backing; depth++) {
		_cleanup_overlay_ struct overlay next = {0};
		int r;

		if (strcmp(o->backing, base) == 0) {
			m->done = depth == 1;
			m->base_format = strdup(o->format);
			return m->base_format ? 0 : error_oom(e);
		}
		if (strcmp(o->format, "qcow2") != 0)
			break;
		r = overlay_read(o->backing, &next);
		if (r < 0)
			return r;
		overlay_done(&at);
		at = next;
		next = (struct overlay){0};
		o = &at;
	}
	return error_set(e, EINVAL, "'%s' is not below volume '%s'", base, path);
}

/* Reads the chain. -EOPNOTSUPP, without a sentence: the host has to do it. */
static int merge_look(struct merge *m, const char *path, const char *base, struct error *e)
{
	int r = overlay_read(path, &m->first);

	if (r < 0)
		return r;
	m->done = !base && !m->first.backing;
	return base ? find_base(m, path, base, e) : 0;
}

static int rebase(const char *path, const struct merge *m, const char *base, hv_progress *progress, void *ctx,
		  struct error *e)
{
	_cleanup_free_ char *options = image_options_make(path, "qcow2", image_options_write_file);
	const char *const onto[] = {"qemu-img", "rebase", "-p",		  "-F",	   m->base_format,
				    "-b",	base,	  "--image-opts", options, NULL};
	const char *const alone[] = {"qemu-img", "rebase", "-p", "-b", "", "--image-opts", options, NULL};
	const char *const repair[] = {"qemu-img", "check",	  "-q",	   "-r",
				      "leaks",	  "--image-opts", options, NULL};
	int r = options ? run(base ? onto : alone, "merge", path, progress, ctx, e) : error_oom(e);

	/* what it had copied when it was stopped */
	if (r == -ECANCELED)
		(void)run(repair, "repair", path, NULL, NULL, NULL);
	return r;
}

int dir_local_pull(const struct hv_call *call, const char *path, const char *base, hv_progress *progress,
		   void *ctx, bool *ret_here, struct error *e)
{
	_cleanup_flush_ struct flush flush = FLUSH_INIT;
	_cleanup_(merge_done) struct merge m = {0};
	int64_t size = 0;
	int r = open_to_write(call, path, "qcow2", &flush, ret_here, e);

	if (r == 0 && *ret_here)
		r = disk_size(flush.fd, path, "qcow2", &size, e);
	if (r == 0 && !base && size > ALONE_MAX)
		*ret_here = false;
	if (r < 0 || !*ret_here)
		return r;
	r = merge_look(&m, path, base, e);
	if (r == -EOPNOTSUPP) {
		*ret_here = false;
		return 0;
	}
	if (r == 0 && !m.done)
		r = rebase(path, &m, base, progress, ctx, e);
	/* files that it does not need any more are removed next */
	return r < 0 ? r : flush_end(&flush, call, NULL, e);
}
