/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage pools on a host: folders, NFS mounts and Ceph pools.
 *
 * A pool is only libvirt's view of a storage: defining, stopping and undefining
 * it never touches a file. So a definition that differs from what the caller
 * wants (a storage that moved) is simply replaced.
 */
#include "hypervisor/storage/pool.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/errors.h"
#include "hypervisor/simulator/simulator.h"
#include "hypervisor/storage/backend.h"
#include "hypervisor/storage/virt_storage.h"
#include "hypervisor/xml.h"

/* Of storage of which a simulated host cannot tell. */
#define SIMULATED_CAPACITY (INT64_C(100) << 30)

/* ------------------------------------------------------------------ definition */

static int pool_xml(const struct storage_backend *backend, const struct hv_storage_pool_def *spec,
		    char **ret_xml, struct error *e)
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
	if (backend->write_source)
		rc = backend->write_source(&x, spec->source, e);
	if (spec->target && backend->has_target) {
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

/* 1 when the host's definition is the one in @wanted, as far as it says where the files are; 0 when it is another. */
static int pool_matches(const struct hv_call *call, virStoragePoolPtr pool, const char *uuid,
			const char *wanted, struct error *e)
{
	static const char *const paths[] = {"/pool/@type", "/pool/target/path", "/pool/source/host/@name",
					    "/pool/source/dir/@path", "/pool/source/name"};
	_cleanup_free_ char *text = virStoragePoolGetXMLDesc(pool, 0);
	_cleanup_xml_ xmlDocPtr mine = NULL;
	_cleanup_xml_ xmlDocPtr theirs = NULL;

	if (!text)
		return error_set_virt(e, call->conn, "cannot read storage pool '%s'", uuid);
	mine = xml_parse(wanted);
	theirs = xml_parse(text);
	if (!mine || !theirs)
		return error_set(e, EIO, "unexpected XML of storage pool '%s'", uuid);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *a = xml_get(mine, NULL, paths[i]);
		_cleanup_free_ char *b = xml_get(theirs, NULL, paths[i]);

		/* libvirt fills in what is left out */
		if (a && !same(a, b))
			return 0;
	}
	return 1;
}

/* ------------------------------------------------------------- opening and closing */

/* Success when it is not active. */
static int pool_stop(const struct hv_call *call, virStoragePoolPtr pool, const char *uuid, struct error *e)
{
	int rc = pool_is_active(call, pool, uuid, e);

	if (rc > 0 && virStoragePoolDestroy(pool) < 0)
		return error_set_virt(e, call->conn, "cannot stop storage pool '%s'", uuid);
	return rc < 0 ? rc : 0;
}

static int pool_start(const struct hv_call *call, const struct storage_backend *backend,
		      virStoragePoolPtr pool, const struct hv_storage_pool_def *spec, struct error *e)
{
	int rc = backend->build ? backend->build(call, pool, spec, e) : 0;

	if (rc == 0)
		rc = pool_activate(call, pool, spec->uuid, e);
	if (rc == 0)
		(void)virStoragePoolSetAutostart(pool, 1);
	return rc;
}

/* Defines the pool, in place of *@pool if that is not NULL, which stays as it is on a failure. */
static int pool_define(const struct hv_call *call, const char *uuid, const char *xml, virStoragePoolPtr *pool,
		       struct error *e)
{
	_cleanup_pool_ virStoragePoolPtr old = *pool;
	int rc, was_active = old ? pool_is_active(call, old, uuid, e) : 0;

	*pool = NULL;
	if (was_active < 0)
		return was_active;
	if (was_active && virStoragePoolDestroy(old) < 0)
		return error_set_virt(e, call->conn, "cannot stop storage pool '%s'", uuid);
	*pool = virStoragePoolDefineXML(call->conn, xml, 0);
	if (*pool) /* a request that has started it in between has started the former one */
		return old ? pool_stop(call, *pool, uuid, e) : 0;
	rc = error_set_virt(e, call->conn, "cannot define storage pool '%s'", uuid);
	if (was_active)
		(void)virStoragePoolCreate(old, 0);
	return rc;
}

/* The simulator takes part in nothing but the names: the storage is made here, and it is told where. */
static int open_simulated(const struct hv_call *call, const struct storage_backend *backend,
			  const struct hv_storage_pool_def *spec, const char *xml, struct error *e)
{
	const struct storage_backend *row = storage_backend_on(backend, call);
	struct simulator *simulator = call->host->simulator;
	_cleanup_free_ char *type = NULL, *present = NULL, *root = NULL;
	_cleanup_xml_ xmlDocPtr doc = xml_parse(xml);
	int rc;

	root = doc ? backend->read_root(doc) : NULL;
	if (!root)
		return error_set(e, EIO, "the definition of storage pool '%s' names no folder or monitors",
				 spec->uuid);
	if (simulator_find_pool(simulator, spec->uuid, &type, &present, NULL) == 0 &&
	    same(type, spec->type) && same(present, root))
		return 0;
	rc = row->build ? row->build(call, NULL, spec, e) : 0;
	return rc < 0 ? rc : simulator_open_pool(simulator, spec->uuid, spec->type, root, e);
}

static int open_virt(const struct hv_call *call, const struct storage_backend *backend,
		     const struct hv_storage_pool_def *spec, const char *xml, struct error *e)
{
	_cleanup_pool_ virStoragePoolPtr pool = virStoragePoolLookupByUUIDString(call->conn, spec->uuid);
	int rc, matches;

	if (!pool && virt_error_code() != VIR_ERR_NO_STORAGE_POOL)
		return error_set_virt(e, call->conn, "cannot find storage pool '%s'", spec->uuid);
	matches = pool ? pool_matches(call, pool, spec->uuid, xml, e) : 0;
	if (matches < 0)
		return matches;
	rc = matches ? pool_is_active(call, pool, spec->uuid, e) : 0;
	if (rc != 0)
		return rc < 0 ? rc : 0;
	backend = storage_backend_on(backend, call);
	rc = backend->prepare_host ? backend->prepare_host(call, spec, e) : 0;
	if (rc == 0 && !matches)
		rc = pool_define(call, spec->uuid, xml, &pool, e);
	if (rc < 0)
		return rc;
	rc = pool_start(call, backend, pool, spec, e);
	if (rc < 0 && !matches) /* else it is started when its files can be read again */
		(void)virStoragePoolUndefine(pool);
	return rc;
}

int hv_storage_pool_open(struct hypervisor *hv, const char *host, const struct hv_storage_pool_def *spec,
			 struct error *e)
{
	const struct storage_backend *backend = storage_backend_of_type(spec->type);
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_free_ char *xml = NULL;
	int rc = hv_call_begin(hv, host, &call, e);

	if (rc == 0 && !backend)
		rc = error_set(e, EINVAL, "unknown type of storage pool '%s'", spec->type);
	if (rc == 0)
		rc = pool_xml(backend, spec, &xml, e);
	if (rc < 0)
		return rc;
	return call.host->simulator ? open_simulated(&call, backend, spec, xml, e)
				    : open_virt(&call, backend, spec, xml, e);
}

int hv_storage_pool_close(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_pool_ virStoragePoolPtr pool = NULL;
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc < 0)
		return rc;
	if (call.host->simulator) {
		simulator_close_pool(call.host->simulator, uuid);
		return 0;
	}
	pool = virStoragePoolLookupByUUIDString(call.conn, uuid);
	if (!pool && virt_error_code() == VIR_ERR_NO_STORAGE_POOL)
		return 0;
	if (!pool)
		return error_set_virt(e, call.conn, "cannot find storage pool '%s'", uuid);
	for (int tries = 2;; tries--) {
		rc = pool_stop(&call, pool, uuid, e);
		if (rc < 0)
			return rc;
		if (virStoragePoolUndefine(pool) == 0 || virt_error_code() == VIR_ERR_NO_STORAGE_POOL)
			return 0;
		/* a request has started it in between */
		if (virt_error_code() != VIR_ERR_OPERATION_INVALID || tries == 1)
			return error_set_virt(e, call.conn, "cannot undefine storage pool '%s'", uuid);
	}
}

/* -------------------------------------------------------------------- looking */

int hv_storage_pool_state(struct hypervisor *hv, const char *host, const char *uuid, enum hv_pool_state *ret,
			  struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_pool_ virStoragePoolPtr pool = NULL;
	int autostart = 0, rc = hv_call_begin(hv, host, &call, e);

	*ret = HV_POOL_READY;
	if (rc < 0 || call.host->simulator) /* whose pools do not stop */
		return rc;
	pool = virStoragePoolLookupByUUIDString(call.conn, uuid);
	if (!pool && virt_error_code() == VIR_ERR_NO_STORAGE_POOL) {
		*ret = HV_POOL_STOPPED;
		return 0;
	}
	if (!pool)
		return error_set_virt(e, call.conn, "cannot find storage pool '%s'", uuid);
	rc = pool_is_active(&call, pool, uuid, e);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (virStoragePoolGetAutostart(pool, &autostart) < 0)
		return error_set_virt(e, call.conn, "cannot tell whether storage pool '%s' starts by itself",
				      uuid);
	*ret = autostart ? HV_POOL_STOPPED : HV_POOL_DISABLED;
	return 0;
}

int hv_storage_pool_capacity(struct hypervisor *hv, const char *host, const char *uuid,
			     struct hv_capacity *ret, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_storage_pool_ struct storage_pool at = {0};
	virStoragePoolInfo info;
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = storage_pool_find(&call, uuid, &at, e);
	if (rc < 0)
		return rc;
	if (at.backend->capacity)
		return at.backend->capacity(&at, ret, e);
	if (!at.pool) { /* as in libvirt's test driver */
		*ret = (struct hv_capacity){.total = SIMULATED_CAPACITY, .available = SIMULATED_CAPACITY};
		return 0;
	}
	/* libvirt counts at a refresh only; while volumes are written, the last count must do */
	(void)virStoragePoolRefresh(at.pool, 0);
	if (virStoragePoolGetInfo(at.pool, &info) < 0)
		return error_set_virt(e, call.conn, "cannot get the capacity of storage pool '%s'", uuid);
	if (info.state != VIR_STORAGE_POOL_RUNNING)
		return error_set(e, EBUSY, "storage pool '%s' is not active", uuid);
	*ret = (struct hv_capacity){.total = (int64_t)info.capacity, .available = (int64_t)info.available};
	return 0;
}
