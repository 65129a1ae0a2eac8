/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage pools on a host: folders, NFS mounts and Ceph pools.
 *
 * A pool is only libvirt's view of a storage: defining, stopping and undefining
 * it never touches a file. So a definition that differs from what the caller
 * wants (a storage that moved) is simply replaced.
 */
#include "hypervisor/storage/storage.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/errors.h"
#include "hypervisor/storage/ceph.h"
#include "hypervisor/xml.h"

/* How long pool_refresh() waits for volumes that are being written, and how often it asks. */
#define REFRESH_PATIENCE_MS 5000
#define REFRESH_STEP_MS	    20

int pool_find(const struct hv_call *call, const char *uuid, virStoragePoolPtr *ret_pool, struct error *e)
{
	virStoragePoolPtr pool = virStoragePoolLookupByUUIDString(call->conn, uuid);

	if (!pool)
		return error_set_virt(e, call->conn, "cannot find storage pool '%s'", uuid);
	*ret_pool = pool;
	return 0;
}

int pool_refresh(virStoragePoolPtr pool)
{
	const struct timespec step = {.tv_nsec = REFRESH_STEP_MS * 1000000L};

	for (int waited = 0;; waited += REFRESH_STEP_MS) {
		if (virStoragePoolRefresh(pool, 0) == 0)
			return 0;
		/* "pool has asynchronous jobs running" has no code of its own */
		if (virt_error_code() != VIR_ERR_INTERNAL_ERROR || waited >= REFRESH_PATIENCE_MS)
			return -hv_errno_of_virt(virt_error_code());
		(void)nanosleep(&step, NULL);
	}
}

int pool_place_find(const struct hv_call *call, const char *uuid, struct pool_place *ret, struct error *e)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_xml_ xmlDocPtr doc = NULL;
	xmlNodePtr source;
	int rc = pool_find(call, uuid, &ret->pool, e);

	if (rc < 0)
		return rc;
	text = virStoragePoolGetXMLDesc(ret->pool, 0);
	if (!text)
		return error_set_virt(e, call->conn, "cannot read storage pool '%s'", uuid);
	doc = xml_parse(text);
	source = doc ? xml_find(doc, "/pool[@type='rbd']/source") : NULL;
	if (source)
		ret->ceph = ceph_path_of_source(doc, source);
	else if (doc)
		ret->folder = xml_get(doc, NULL, "/pool/target/path");
	return ret->ceph || ret->folder
		       ? 0
		       : error_set(e, EIO, "storage pool '%s' has neither a folder nor monitors", uuid);
}

void pool_place_done(struct pool_place *place)
{
	pool_free(&place->pool);
	free(place->folder);
	free(place->ceph);
}

/* ------------------------------------------------------------------ definition */

/* "host:/path"; an IPv6 address of the host stands in brackets. */
static int write_nfs_source(struct xml *x, const char *source, struct error *e)
{
	const char *path = source ? strstr(source, ":/") : NULL;
	_cleanup_free_ char *server = NULL;
	size_t len;

	if (!path || path == source)
		return error_set(e, EINVAL, "'%s' is not of the form host:/path", source ? source : "");
	len = (size_t)(path - source);
	server = source[0] == '[' && source[len - 1] == ']' ? strndup(source + 1, len - 2)
							    : strndup(source, len);
	xml_open(x, "source", NULL);
	xml_leaf(x, "host", "name", server, NULL);
	xml_leaf(x, "dir", "path", path + 1, NULL);
	xml_leaf(x, "format", "type", "nfs", NULL);
	xml_close(x);
	return 0;
}

static int write_rbd_source(struct xml *x, const char *source, struct error *e)
{
	_cleanup_ceph_ struct ceph_path p = {0};
	int rc = hv_ceph_url_check(source, e);

	if (rc == 0)
		rc = ceph_path_parse(source, &p, e);
	if (rc == 0)
		ceph_write_source(x, &p);
	return rc;
}

static int pool_xml(const struct hv_pool_spec *spec, char **ret_xml, struct error *e)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_free_ char *text = NULL;
	struct xml x;
	int rc = 0;

	if (asprintf(&name, "poolfs-%s", spec->uuid) < 0)
		return error_set(e, ENOMEM, "out of memory");
	xml_begin(&x);
	xml_open(&x, "pool", "type", spec->type, NULL);
	xml_element(&x, "name", name);
	xml_element(&x, "uuid", spec->uuid);
	if (strcmp(spec->type, "netfs") == 0)
		rc = write_nfs_source(&x, spec->source, e);
	else if (strcmp(spec->type, "rbd") == 0)
		rc = write_rbd_source(&x, spec->source, e);
	else if (strcmp(spec->type, "dir") != 0)
		rc = error_set(e, EINVAL, "unknown type of storage pool '%s'", spec->type);
	if (spec->target && strcmp(spec->type, "rbd") != 0) {
		xml_open(&x, "target", NULL);
		xml_element(&x, "path", spec->target);
		xml_close(&x);
	}
	xml_close(&x);
	text = xml_finish(&x);
	if (rc < 0)
		return rc;
	if (!text)
		return error_set(e, ENOMEM, "out of memory");
	*ret_xml = steal(&text);
	return 0;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whether the host's definition is the one in @wanted, as far as it says where the files are. */
static bool pool_matches(virStoragePoolPtr pool, const char *wanted)
{
	static const char *const paths[] = {"/pool/@type", "/pool/target/path", "/pool/source/host/@name",
					    "/pool/source/dir/@path", "/pool/source/name"};
	_cleanup_free_ char *text = virStoragePoolGetXMLDesc(pool, VIR_STORAGE_XML_INACTIVE);
	_cleanup_xml_ xmlDocPtr mine = xml_parse(wanted);
	_cleanup_xml_ xmlDocPtr theirs = text ? xml_parse(text) : NULL;

	if (!mine || !theirs)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *a = xml_get(mine, NULL, paths[i]);
		_cleanup_free_ char *b = xml_get(theirs, NULL, paths[i]);

		/* libvirt fills in what is left out */
		if (a && !same(a, b))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------- opening and closing */

/* A host needs the key of a Ceph pool's user before it can open the pool. */
static int give_key(const struct hv_call *call, const struct hv_pool_spec *spec, struct error *e)
{
	_cleanup_ceph_ struct ceph_path p = {0};
	int rc;

	if (strcmp(spec->type, "rbd") != 0 || call->simulated)
		return 0;
	rc = ceph_path_parse(spec->source, &p, e);
	return rc < 0 ? rc : ceph_define_secret(call->conn, &p, e);
}

static int pool_start(const struct hv_call *call, virStoragePoolPtr pool, const struct hv_pool_spec *spec,
		      struct error *e)
{
	int rc;

	if (call->simulated) {
		/* a Ceph pool has no folder */
		rc = strcmp(spec->type, "rbd") != 0 ? sim_pool_build(spec->target, e) : 0;
		if (rc < 0)
			return rc;
	} else if (virStoragePoolBuild(pool, 0) < 0 && virt_error_code() != VIR_ERR_NO_SUPPORT &&
		   virt_error_code() != VIR_ERR_OPERATION_INVALID) {
		/* rbd has nothing to build; an active pool (somebody was faster) is built */
		return error_set_virt(e, call->conn, "cannot make the folder of storage pool '%s'",
				      spec->uuid);
	}
	if (virStoragePoolCreate(pool, 0) < 0) {
		rc = error_set_virt(e, call->conn, "cannot start storage pool '%s'", spec->uuid);
		if (virStoragePoolIsActive(pool) != 1)
			return rc;
		error_done(e); /* started by somebody else at the same time */
	}
	(void)virStoragePoolSetAutostart(pool, 1);
	return 0;
}

int hv_pool_open(struct hypervisor *hv, const char *host, const struct hv_pool_spec *spec, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_pool_ virStoragePoolPtr pool = NULL;
	_cleanup_free_ char *xml = NULL;
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = pool_xml(spec, &xml, e);
	if (rc < 0)
		return rc;
	pool = virStoragePoolLookupByUUIDString(call.conn, spec->uuid);
	if (!pool && virt_error_code() != VIR_ERR_NO_STORAGE_POOL)
		return error_set_virt(e, call.conn, "cannot find storage pool '%s'", spec->uuid);
	if (pool && !pool_matches(pool, xml)) {
		(void)virStoragePoolDestroy(pool);
		(void)virStoragePoolUndefine(pool);
		pool_free(&pool);
		pool = NULL;
	}
	if (pool && virStoragePoolIsActive(pool) == 1)
		return 0;
	rc = give_key(&call, spec, e);
	if (rc < 0)
		return rc;
	if (!pool) {
		pool = virStoragePoolDefineXML(call.conn, xml, 0);
		if (!pool)
			return error_set_virt(e, call.conn, "cannot define storage pool '%s'", spec->uuid);
	}
	rc = pool_start(&call, pool, spec, e);
	if (rc < 0)
		(void)virStoragePoolUndefine(pool);
	return rc;
}

int hv_pool_close(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_pool_ virStoragePoolPtr pool = NULL;
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc < 0)
		return rc;
	pool = virStoragePoolLookupByUUIDString(call.conn, uuid);
	if (!pool && virt_error_code() == VIR_ERR_NO_STORAGE_POOL)
		return 0;
	if (!pool)
		return error_set_virt(e, call.conn, "cannot find storage pool '%s'", uuid);
	if (virStoragePoolIsActive(pool) == 1 && virStoragePoolDestroy(pool) < 0)
		return error_set_virt(e, call.conn, "cannot stop storage pool '%s'", uuid);
	if (virStoragePoolUndefine(pool) < 0 && virt_error_code() != VIR_ERR_NO_STORAGE_POOL)
		return error_set_virt(e, call.conn, "cannot undefine storage pool '%s'", uuid);
	return 0;
}

/* -------------------------------------------------------------------- looking */

int hv_pool_capacity(struct hypervisor *hv, const char *host, const char *uuid, struct hv_capacity *ret,
		     struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_place_ struct pool_place at = {0};
	virStoragePoolInfo info;
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = pool_place_find(&call, uuid, &at, e);
	if (rc < 0)
		return rc;
	if (call.simulated && at.folder)
		return sim_pool_capacity(at.folder, ret, e);
	/* libvirt counts at a refresh only; while volumes are written, the last count must do */
	(void)virStoragePoolRefresh(at.pool, 0);
	if (virStoragePoolGetInfo(at.pool, &info) < 0)
		return error_set_virt(e, call.conn, "cannot ask storage pool '%s' for its capacity", uuid);
	if (info.state != VIR_STORAGE_POOL_RUNNING)
		return error_set(e, EBUSY, "storage pool '%s' is not active", uuid);
	*ret = (struct hv_capacity){.total = (int64_t)info.capacity, .available = (int64_t)info.available};
	return 0;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int hv_pool_list(struct hypervisor *hv, const char *host, const char *uuid, char ***ret_names,
		 size_t *ret_count, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_place_ struct pool_place at = {0};
	virStorageVolPtr *volumes = NULL;
	char **names;
	int count;
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = pool_place_find(&call, uuid, &at, e);
	if (rc < 0)
		return rc;
	if (at.ceph)
		return ceph_list(at.ceph, ret_names, ret_count, e);
	if (call.simulated)
		return sim_pool_list(at.folder, ret_names, ret_count, e);
	if (pool_refresh(at.pool) < 0)
		return error_set_virt(e, call.conn, "cannot read the files of storage pool '%s'", uuid);
	count = virStoragePoolListAllVolumes(at.pool, &volumes, 0);
	if (count < 0)
		return error_set_virt(e, call.conn, "cannot list the volumes of storage pool '%s'", uuid);
	names = calloc((size_t)count + 1, sizeof(*names));
	for (int i = 0; i < count; i++) {
		if (names && !(names[i] = strdup(virStorageVolGetName(volumes[i])))) {
			hv_names_free(names, (size_t)i);
			names = NULL;
		}
		(void)virStorageVolFree(volumes[i]);
	}
	free(volumes);
	if (!names)
		return error_set(e, ENOMEM, "out of memory");
	qsort(names, (size_t)count, sizeof(*names), name_compare);
	*ret_names = names;
	*ret_count = (size_t)count;
	return 0;
}

void hv_names_free(char **names, size_t count)
{
	for (size_t i = 0; names && i < count; i++)
		free(names[i]);
	free(names);
}
