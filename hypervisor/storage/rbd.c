/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row of "rbd". Its volumes are worked on from this machine (ceph.c), whichever
 * host asks: so no other row stands for it on a simulated host.
 */
#include "hypervisor/storage/rbd.h"

#include <string.h>

#include "hypervisor/storage/ceph.h"
#include "hypervisor/storage/ceph_source.h"

/* --------------------------------------------------------------------- the pool */

static int rbd_write_source(struct xml *x, const char *source, struct error *e)
{
	_cleanup_ceph_ struct ceph_path p = {0};
	int rc = hv_ceph_url_check(source, e);

	if (rc == 0)
		rc = ceph_path_parse(source, &p, e);
	if (rc == 0)
		ceph_write_source(x, &p);
	return rc;
}

/* A host needs the key of the pool's user before it can open the pool; the test driver opens nothing. */
static int rbd_prepare_host(const struct hv_call *call, const struct hv_storage_pool_def *spec,
			    struct error *e)
{
	_cleanup_ceph_ struct ceph_path p = {0};
	int rc;

	if (call->simulated)
		return 0;
	rc = ceph_path_parse(spec->source, &p, e);
	return rc < 0 ? rc : ceph_define_secret(call->conn, &p, e);
}

static char *rbd_read_root(xmlDocPtr pool)
{
	xmlNodePtr source = xml_find(pool, "/pool/source");

	return source ? ceph_path_of_source(pool, source) : NULL;
}

/* ------------------------------------------------------------------ its volumes */

/* An image is always raw, so formats say nothing here. */

static int rbd_create(const struct hv_call *call, const struct storage_pool *at, const char *name,
		      const char *format, int64_t size, const char *backing, const char *backing_format,
		      char **ret_path, struct error *e)
{
	(void)call;
	(void)format;
	(void)backing_format;
	return ceph_create(at->root, name, size, backing, ret_path, e);
}

static int rbd_upload(const struct hv_call *call, const struct storage_pool *at, const char *name,
		      const char *format, const char *file, hv_progress *progress, void *ctx, char **ret_path,
		      struct error *e)
{
	(void)call;
	return ceph_upload(at->root, name, format, file, progress, ctx, ret_path, e);
}

static int rbd_download(const struct hv_call *call, const char *path, const char *file, hv_progress *progress,
			void *ctx, struct error *e)
{
	(void)call;
	return ceph_download(path, file, progress, ctx, e);
}

static int rbd_copy(const struct hv_call *call, const char *path, const char *path_format,
		    const struct storage_pool *at, const char *name, const char *format,
		    hv_progress *progress, void *ctx, char **ret_path, struct error *e)
{
	(void)call;
	(void)path_format;
	(void)format;
	return ceph_copy(path, at->root, name, progress, ctx, ret_path, e);
}

static int rbd_resize(const struct hv_call *call, const char *path, int64_t size, struct error *e)
{
	(void)call;
	return ceph_resize(path, size, e);
}

static int rbd_pull(const struct hv_call *call, const char *path, const char *base, hv_progress *progress,
		    void *ctx, struct error *e)
{
	(void)call;
	return ceph_pull(path, base, progress, ctx, e);
}

static int rbd_remove(const struct hv_call *call, const struct storage_pool *at, const char *name,
		      struct error *e)
{
	(void)call;
	return ceph_delete(at->root, name, e);
}

static int rbd_info(const struct hv_call *call, const char *path, struct hv_volume_info *ret, struct error *e)
{
	(void)call;
	return ceph_info(path, ret, e);
}

static int rbd_snapshot_remove(const char *path, struct error *e)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *storage = slash ? strndup(path, (size_t)(slash - path)) : NULL;

	return storage ? ceph_delete(storage, slash + 1, e) : error_set(e, ENOMEM, "out of memory");
}

/* -------------------------------------------------------------- disks of domains */

static void rbd_write_disk_source(struct xml *x, const char *path)
{
	_cleanup_ceph_ struct ceph_path p = {0};

	if (ceph_path_parse(path, &p, NULL) == 0)
		ceph_write_source(x, &p);
	else
		x->failed = true;
}

static char *rbd_read_disk_source(xmlDocPtr doc, xmlNodePtr disk)
{
	_cleanup_free_ char *where = (char *)xmlGetNodePath(disk), *path = NULL;
	xmlNodePtr source;

	if (!where || asprintf(&path, "%s/source[@protocol='rbd']", where) < 0) {
		path = NULL;
		return NULL;
	}
	source = xml_find(doc, path);
	return source ? ceph_path_of_source(doc, source) : NULL;
}

const struct storage_backend storage_rbd = {
	.type = "rbd",
	.scheme = CEPH_SCHEME,
	.write_source = rbd_write_source,
	.prepare_host = rbd_prepare_host,
	.read_root = rbd_read_root,
	.create = rbd_create,
	.upload = rbd_upload,
	.download = rbd_download,
	.copy = rbd_copy,
	.resize = rbd_resize,
	.pull = rbd_pull,
	.remove = rbd_remove,
	.info = rbd_info,
	.write_image_options = ceph_write_options,
	.snapshot = ceph_snapshot,
	.snapshot_remove = rbd_snapshot_remove,
	.copy_source = ceph_copy_source,
	.end_copies = ceph_end_copies,
	.disk_type = "network",
	.write_disk_source = rbd_write_disk_source,
	.read_disk_source = rbd_read_disk_source,
	.pulls_in_use = true,
};
