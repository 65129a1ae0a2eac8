/* SPDX-License-Identifier: Apache-2.0 */
/* Work on the images of a Ceph pool, by rbd and qemu-img. See ceph.h. */
#include "hypervisor/storage/ceph.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "hypervisor/storage/ceph_source.h"
#include "hypervisor/storage/command.h"
#include "hypervisor/storage/image_options.h"
#include "hypervisor/storage/transfer.h"

/* The parent snapshot of clones of an image that was not named with a snapshot. */
#define BASE "base"
/* Prefix of the snapshots that copies of images in use are made from. */
#define COPY "copy-"

/* Retries of a query when rbd fails without a reason: that of Ceph 16 crashes now and then while others
 * change the image. */
#define QUERY_RETRIES 3

/* Seconds after which a call to a cluster that does not answer fails. */
#define CONNECT_TIMEOUT "30"
#define ANSWER_TIMEOUT	"120"
/* Seconds after which a program is killed, should it hang in spite of these. Copies, merges and removals
 * take as long as their data are large. */
#define PROGRAM_LIMIT 600

/* ---------------------------------------------------------------------- calling */

/* The arguments of one call of rbd. */
struct call {
	const char *argv[24];
	size_t argc;
	int limit;	/* seconds; 0 = none */
	char *monitors; /* owned */
	char *names[4]; /* owned */
	size_t name_count;
};

static void call_done(struct call *c)
{
	free(c->monitors);
	for (size_t i = 0; i < c->name_count; i++)
		free(c->names[i]);
}
#define _cleanup_call_args_ _cleanup_(call_done)

static void add(struct call *c, const char *argument)
{
	c->argv[c->argc++] = argument;
}

static char *join_monitors(const struct ceph_path *p)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; f && i < p->monitor_count; i++) {
		if (i)
			(void)fputc(',', f);
		ceph_print_monitor(f, p->monitors[i].host, p->monitors[i].port);
	}
	if (f && fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

/* "rbd" with what it needs to find the cluster of @p. */
static int begin(struct call *c, const struct ceph_path *p, struct error *e)
{
	*c = (struct call){.limit = PROGRAM_LIMIT, .monitors = join_monitors(p)};
	if (!c->monitors)
		return error_set(e, ENOMEM, "out of memory");
	add(c, "rbd");
	add(c, "--mon-host");
	add(c, c->monitors);
	if (p->user) {
		add(c, "--id");
		add(c, p->user);
	} else {
		add(c, "--auth-supported");
		add(c, "none");
	}
	add(c, "--client-mount-timeout");
	add(c, CONNECT_TIMEOUT);
	add(c, "--rados-osd-op-timeout");
	add(c, ANSWER_TIMEOUT);
	return 0;
}

/* Adds "pool[/image[@snapshot]]". */
static int add_image(struct call *c, const struct ceph_path *p, const char *snapshot, struct error *e)
{
	char *name = NULL;

	if (asprintf(&name, "%s%s%s%s%s", p->pool, p->image ? "/" : "", p->image ? p->image : "",
		     snapshot ? "@" : "", snapshot ? snapshot : "") < 0)
		return error_set(e, ENOMEM, "out of memory");
	c->names[c->name_count++] = name;
	add(c, name);
	return 0;
}

/* Runs it. rbd ends with the errno of what went wrong. @ret_output may be NULL. */
static int end(struct call *c, const char *what, hv_progress *progress, void *ctx, char **ret_output,
	       struct error *e)
{
	_cleanup_command_ struct command_end ended = {0};
	int r = command_run(c->argv, c->limit, progress, ctx, &ended, e);

	if (r < 0)
		return r;
	if (ended.status != 0)
		return error_set(e, ended.status < 125 ? ended.status : EIO, "cannot %s '%s': %s", what,
				 c->names[c->name_count - 1], ended.message);
	if (ret_output)
		*ret_output = steal(&ended.output);
	return 0;
}

/*
 * One whole call about one image: rbd @command image [--size @size]. With @is_long it has no time limit.
 * @what: see the message of end().
 */
static int run(const struct ceph_path *p, const char *command, const char *what, const char *size,
	       bool is_long, hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_call_args_ struct call c;
	int r = begin(&c, p, e);

	if (is_long)
		c.limit = 0;
	add(&c, command);
	if (r == 0)
		r = add_image(&c, p, NULL, e);
	if (size) {
		add(&c, "--size");
		add(&c, size);
	}
	return r < 0 ? r : end(&c, what, progress, ctx, NULL, e);
}

/* The same for the commands below "snap": about a snapshot of the image. */
static int run_snap(const struct ceph_path *p, const char *command, const char *what, const char *snapshot,
		    struct error *e)
{
	_cleanup_call_args_ struct call c;
	int r = begin(&c, p, e);

	add(&c, "snap");
	add(&c, command);
	if (r == 0)
		r = add_image(&c, p, snapshot, e);
	return r < 0 ? r : end(&c, what, NULL, NULL, NULL, e);
}

/* A query: its output as JSON, owned by the caller. @verb2 may be NULL. */
static int ask(const struct ceph_path *p, const char *verb, const char *verb2, json_t **ret, struct error *e)
{
	_cleanup_call_args_ struct call c;
	_cleanup_free_ char *output = NULL;
	int r = begin(&c, p, e);

	add(&c, verb);
	if (verb2)
		add(&c, verb2);
	add(&c, "--format");
	add(&c, "json");
	if (r == 0)
		r = add_image(&c, p, p->snapshot, e);
	for (int tries = 0; r == 0; tries++) {
		_cleanup_(error_done) struct error why = ERROR_INIT;

		r = end(&c, "query", NULL, NULL, &output, &why);
		if (r == 0)
			break;
		if (r != -EIO || tries == QUERY_RETRIES)
			return error_move(e, &why);
		r = 0;
	}
	if (r < 0)
		return r;
	*ret = json_loads(output ? output : "", 0, NULL);
	return *ret ? 0 : error_set(e, EIO, "unexpected output of rbd for '%s'", p->pool);
}

static void json_free(json_t **json)
{
	json_decref(*json);
}
#define _cleanup_json_ _cleanup_(json_free)

/* -------------------------------------------------------------------- paths */

/* The image @name of a storage, as a path and parsed. */
static int locate(const char *storage, const char *name, char **ret_path, struct ceph_path *p,
		  struct error *e)
{
	if (asprintf(ret_path, "%s/%s", storage, name) >= 0)
		return ceph_path_parse(*ret_path, p, e);
	*ret_path = NULL;
	return error_set(e, ENOMEM, "out of memory");
}

char *ceph_copy_source(const char *path, const char *name)
{
	char *source = NULL;

	return asprintf(&source, "%s@" COPY "%s", path, name) < 0 ? NULL : source;
}

/* ------------------------------------------------------------------- making */

int ceph_snapshot(const char *path, struct error *e)
{
	_cleanup_ceph_ struct ceph_path p;
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r = ceph_path_parse(path, &p, e);

	if (r < 0)
		return r;
	r = run_snap(&p, "create", "take the snapshot", p.snapshot ? p.snapshot : BASE, &why);
	return r == 0 || r == -EEXIST ? 0 : error_move(e, &why);
}

/* @backing, with the snapshot that can be cloned. */
static int clone_image(const struct ceph_path *p, const char *backing, struct error *e)
{
	_cleanup_ceph_ struct ceph_path from;
	_cleanup_call_args_ struct call c = {0};
	int r = ceph_path_parse(backing, &from, e);

	if (r == 0 && !from.snapshot)
		r = ceph_snapshot(backing, e);
	if (r == 0)
		r = begin(&c, p, e);
	if (r < 0)
		return r;
	add(&c, "--rbd-default-clone-format");
	add(&c, "2");
	add(&c, "clone");
	r = add_image(&c, &from, from.snapshot ? from.snapshot : BASE, e);
	if (r == 0)
		r = add_image(&c, p, NULL, e);
	return r < 0 ? r : end(&c, "create the image", NULL, NULL, NULL, e);
}

static int set_size(const struct ceph_path *p, const char *command, const char *what, int64_t size,
		    struct error *e)
{
	char bytes[32];

	(void)snprintf(bytes, sizeof(bytes), "%" PRId64 "B", size);
	return run(p, command, what, bytes, false, NULL, NULL, e);
}

/* Makes an image at least so large. Its size is cheaper to query than its usage. */
static int grow(const struct ceph_path *p, const char *path, int64_t size, bool may_be_larger,
		struct error *e)
{
	_cleanup_json_ json_t *json = NULL;
	json_int_t now = 0;
	int r = ask(p, "info", NULL, &json, e);

	if (r == 0 && json_unpack(json, "{s:I}", "size", &now) < 0)
		r = error_set(e, EIO, "unexpected output of rbd for '%s'", path);
	if (r == 0 && now > size && !may_be_larger)
		r = error_set(e, EINVAL, "volume '%s' has %lld bytes and cannot shrink to %" PRId64, path,
			      (long long)now, size);
	return r < 0 || now >= size ? r : set_size(p, "resize", "resize", size, e);
}

int ceph_create(const char *storage, const char *name, int64_t size, const char *backing, char **ret_path,
		struct error *e)
{
	_cleanup_ceph_ struct ceph_path p = {0};
	_cleanup_free_ char *path = NULL;
	int r = locate(storage, name, &path, &p, e);

	if (r < 0)
		return r;
	if (backing && !ceph_is_path(backing))
		return error_set(e, EOPNOTSUPP,
				 "'%s' is not on Ceph, so it cannot be the parent of an image there",
				 backing);
	r = backing ? clone_image(&p, backing, e) : set_size(&p, "create", "create the image", size, e);
	if (r < 0)
		return r;
	if (backing)
		r = grow(&p, path, size, true, e);
	if (r < 0)
		(void)run(&p, "rm", "remove", NULL, true, NULL, NULL, NULL);
	else
		*ret_path = steal(&path);
	return r;
}

int ceph_resize(const char *path, int64_t size, struct error *e)
{
	_cleanup_ceph_ struct ceph_path p;
	int r = ceph_path_parse(path, &p, e);

	return r < 0 ? r : grow(&p, path, size, false, e);
}

/* ------------------------------------------------------------------- copying */

/* qemu-img convert from @from to the image or file @to, both as options; @to is there and large enough. */
static int convert(const char *from, const char *to, const char *what, hv_progress *progress, void *ctx,
		   struct error *e)
{
	const char *const argv[] = {
		"qemu-img", "convert", "-p", "-n", "--image-opts", from, "--target-image-opts", to, NULL};
	_cleanup_command_ struct command_end ended = {0};
	int r = command_run_boxed(argv, 0, progress, ctx, &ended, e);

	if (r < 0 || ended.status == 0)
		return r;
	/* its exit status does not say what went wrong */
	return error_set(e, strstr(ended.message, "No space left") ? ENOSPC : EIO, "cannot copy '%s': %s",
			 what, ended.message);
}

/* The size of the disk in a file or image. */
static int virtual_size(const char *options, const char *what, int64_t *ret, struct error *e)
{
	const char *const argv[] = {"qemu-img", "info", "--output=json", "--image-opts", options, NULL};
	_cleanup_command_ struct command_end ended = {0};
	_cleanup_json_ json_t *json = NULL;
	int r = command_run_boxed(argv, PROGRAM_LIMIT, NULL, NULL, &ended, e);

	if (r < 0)
		return r;
	json = ended.status == 0 && ended.output ? json_loads(ended.output, 0, NULL) : NULL;
	*ret = json_integer_value(json_object_get(json, "virtual-size"));
	return *ret > 0 ? 0 : error_set(e, EIO, "cannot read '%s': %s", what, ended.message);
}

static char *options_of(const char *path)
{
	return image_options_make(path, "raw", ceph_write_options);
}

/* Fills the new image @name from what @from (as options) describes. */
static int fill(const char *storage, const char *name, const char *from, const char *what,
		hv_progress *progress, void *ctx, char **ret_path, struct error *e)
{
	_cleanup_free_ char *path = NULL, *to = NULL;
	int64_t size;
	int r = virtual_size(from, what, &size, e);

	if (r == 0)
		r = ceph_create(storage, name, size, NULL, &path, e);
	if (r < 0)
		return r;
	to = options_of(path);
	r = to ? convert(from, to, what, progress, ctx, e) : error_set(e, ENOMEM, "out of memory");
	if (r < 0)
		(void)ceph_delete(storage, name, NULL);
	else
		*ret_path = steal(&path);
	return r;
}

int ceph_upload(const char *storage, const char *name, const char *format, const char *file,
		hv_progress *progress, void *ctx, char **ret_path, struct error *e)
{
	_cleanup_free_ char *from = image_options_make(file, format, image_options_write_file);

	return from ? fill(storage, name, from, file, progress, ctx, ret_path, e)
		    : error_set(e, ENOMEM, "out of memory");
}

int ceph_copy(const char *path, const char *storage, const char *name, hv_progress *progress, void *ctx,
	      char **ret_path, struct error *e)
{
	_cleanup_free_ char *from = options_of(path);

	return from ? fill(storage, name, from, path, progress, ctx, ret_path, e)
		    : error_set(e, ENOMEM, "out of memory");
}

int ceph_download(const char *path, const char *file, hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_free_ char *from = options_of(path),
			    *to = image_options_make(file, "raw", image_options_write_file);
	_cleanup_close_ int fd = -1;
	int64_t size;
	int r = from && to ? virtual_size(from, path, &size, e) : error_set(e, ENOMEM, "out of memory");

	if (r < 0)
		return r;
	fd = open_target(file, e);
	if (fd < 0)
		return fd;
	r = ftruncate(fd, size) < 0 ? error_set(e, errno, "cannot write '%s': %s", file, strerror(errno))
				    : convert(from, to, path, progress, ctx, e);
	if (r == 0 && fsync(fd) < 0)
		r = error_set(e, errno, "cannot write '%s': %s", file, strerror(errno));
	if (r < 0)
		(void)unlink(file);
	return r;
}

/* ------------------------------------------------------------------- merging */

/* The parent of the image: "image@snapshot", allocated; NULL = none. */
static int parent_of(const struct ceph_path *p, char **ret, struct error *e)
{
	_cleanup_json_ json_t *json = NULL;
	const char *image = NULL, *snapshot = NULL;
	int r = ask(p, "info", NULL, &json, e);

	*ret = NULL;
	if (r < 0)
		return r;
	(void)json_unpack(json, "{s:{s:s, s:s}}", "parent", "image", &image, "snapshot", &snapshot);
	if (!image || !snapshot)
		return 0;
	return asprintf(ret, "%s@%s", image, snapshot) < 0 ? error_set(e, ENOMEM, "out of memory") : 0;
}

/*
 * Whether an image with the parent @parent has the parent @base already. That is also so when @base is a
 * snapshot of the image itself: no clone is between them.
 */
static int stands_on(const struct ceph_path *p, const char *parent, const char *base, struct error *e)
{
	_cleanup_ceph_ struct ceph_path b = {0};
	_cleanup_free_ char *name = NULL;
	int r = base ? ceph_path_parse(base, &b, e) : 0;

	if (r < 0 || !parent || !base)
		return r < 0 ? r : !parent;
	if (strcmp(p->image, b.image) == 0)
		return 1;
	if (asprintf(&name, "%s@%s", b.image, b.snapshot ? b.snapshot : BASE) < 0) {
		name = NULL;
		return error_set(e, ENOMEM, "out of memory");
	}
	return strcmp(parent, name) == 0;
}

int ceph_pull(const char *path, const char *base, hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_ceph_ struct ceph_path p;
	_cleanup_free_ char *parent = NULL;
	int r = ceph_path_parse(path, &p, e);

	if (r == 0)
		r = parent_of(&p, &parent, e);
	if (r == 0)
		r = stands_on(&p, parent, base, e);
	if (r != 0)
		return r < 0 ? r : 0;
	return run(&p, "flatten", "merge", NULL, true, progress, ctx, e);
}

/* ------------------------------------------------------------------ deleting */

static bool is_of_copy(const char *snapshot)
{
	return strncmp(snapshot, COPY, strlen(COPY)) == 0;
}

/* Removes the snapshots that this file made; -EBUSY when there is another one. */
static int remove_own_snapshots(const struct ceph_path *p, bool copies_only, struct error *e)
{
	_cleanup_json_ json_t *list = NULL;
	json_t *item;
	size_t i;
	int r = ask(p, "snap", "ls", &list, e);

	if (r < 0)
		return r;
	json_array_foreach (list, i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));

		if (name && !copies_only && strcmp(name, BASE) != 0 && !is_of_copy(name))
			return error_set(e, EBUSY, "image '%s' has the snapshot '%s'", p->image, name);
	}
	json_array_foreach (list, i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));

		if (name && (!copies_only || is_of_copy(name)))
			r = run_snap(p, "rm", "remove the snapshot", name, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int ceph_end_copies(const char *path, struct error *e)
{
	_cleanup_ceph_ struct ceph_path p;
	int r = ceph_path_parse(path, &p, e);

	return r < 0 ? r : remove_own_snapshots(&p, true, e);
}

int ceph_delete(const char *storage, const char *name, struct error *e)
{
	_cleanup_ceph_ struct ceph_path p = {0};
	_cleanup_free_ char *path = NULL;
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r = locate(storage, name, &path, &p, e);

	if (r < 0)
		return r;
	if (p.snapshot) {
		r = run_snap(&p, "rm", "remove the snapshot", p.snapshot, &why);
	} else {
		r = remove_own_snapshots(&p, false, &why);
		/* a removal that was interrupted has left the image in rbd's trash, where only rm looks */
		if (r == 0 || r == -ENOENT)
			r = run(&p, "rm", "remove", NULL, true, NULL, NULL, &why);
	}
	if (r == 0 || r == -ENOENT)
		return 0;
	/* the parent of a clone is in use */
	if (r == -ENOTEMPTY)
		return error_set(e, EBUSY, "%s", error_sentence(&why));
	return error_move(e, &why);
}

/* ------------------------------------------------------------------- looking */

int ceph_info(const char *path, struct hv_volume_info *ret, struct error *e)
{
	_cleanup_ceph_ struct ceph_path p = {0};
	_cleanup_json_ json_t *json = NULL;
	json_t *item;
	size_t i;
	int r = ceph_path_parse(path, &p, e);

	if (r == 0)
		r = ask(&p, "du", NULL, &json, e);
	if (r < 0)
		return r;
	json_array_foreach (json_object_get(json, "images"), i, item) {
		const char *snapshot = json_string_value(json_object_get(item, "snapshot"));
		json_int_t size = 0, used = 0;

		if (snapshot && p.snapshot ? strcmp(snapshot, p.snapshot) != 0 : snapshot != p.snapshot)
			continue;
		if (json_unpack(item, "{s:I, s:I}", "provisioned_size", &size, "used_size", &used) < 0)
			break;
		*ret = (struct hv_volume_info){.size = size, .actual_size = used};
		return 0;
	}
	return error_set(e, EIO, "unexpected output of rbd for '%s'", path);
}
