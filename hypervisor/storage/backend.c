/* SPDX-License-Identifier: Apache-2.0 */
/* See backend.h. */
#include "hypervisor/storage/backend.h"

#include <string.h>

#include "hypervisor/errors.h"
#include "hypervisor/simulator/simulator.h"
#include "hypervisor/storage/dir.h"
#include "hypervisor/storage/rbd.h"

/* The first one's volumes have paths without a scheme. */
static const struct storage_backend *const backends[] = {
	&storage_dir,
	&storage_netfs,
	&storage_rbd,
};

const struct storage_backend *storage_backend_of_type(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (strcmp(backends[i]->type, type) == 0)
			return backends[i];
	return NULL;
}

const struct storage_backend *storage_backend_of_path(const char *path)
{
	for (size_t i = 0; path && i < ARRAY_SIZE(backends); i++) {
		const char *scheme = backends[i]->scheme;

		if (scheme && strncmp(path, scheme, strlen(scheme)) == 0)
			return backends[i];
	}
	return backends[0];
}

const struct storage_backend *storage_backend_on(const struct storage_backend *backend,
						 const struct hv_call *call)
{
	return call->simulated && backend->simulated ? backend->simulated : backend;
}

bool storage_backends_agree(const struct storage_backend *a, const struct storage_backend *b)
{
	return a->scheme && b->scheme ? strcmp(a->scheme, b->scheme) == 0 : a->scheme == b->scheme;
}

char *storage_read_disk_source(xmlDocPtr doc, xmlNodePtr disk)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++) {
		char *path = backends[i]->read_disk_source(doc, disk);

		if (path)
			return path;
	}
	return NULL;
}

static int find_simulated(const struct hv_call *call, const char *uuid, struct storage_pool *ret,
			  struct error *e)
{
	_cleanup_free_ char *type = NULL;
	int rc = simulator_find_pool(call->host->simulator, uuid, &type, &ret->root, e);

	if (rc == 0)
		ret->backend = storage_backend_on(storage_backend_of_type(type), call);
	return rc;
}

static int find_virt(const struct hv_call *call, const char *uuid, struct storage_pool *ret, struct error *e)
{
	const struct storage_backend *backend = NULL;
	_cleanup_free_ char *text = NULL, *type = NULL;
	_cleanup_xml_ xmlDocPtr doc = NULL;
	int rc = pool_find(call, uuid, &ret->pool, e);

	if (rc < 0)
		return rc;
	text = virStoragePoolGetXMLDesc(ret->pool, 0);
	if (!text)
		return error_set_virt(e, call->conn, "cannot read storage pool '%s'", uuid);
	doc = xml_parse(text);
	type = doc ? xml_get(doc, NULL, "/pool/@type") : NULL;
	backend = type ? storage_backend_of_type(type) : NULL;
	if (!backend)
		return error_set(e, EIO, "storage pool '%s' is of an unknown type", uuid);
	ret->root = backend->read_root(doc);
	if (!ret->root)
		return error_set(e, EIO, "the definition of storage pool '%s' names no folder or monitors",
				 uuid);
	ret->backend = storage_backend_on(backend, call);
	return 0;
}

int storage_pool_find(const struct hv_call *call, const char *uuid, struct storage_pool *ret, struct error *e)
{
	return call->host->simulator ? find_simulated(call, uuid, ret, e) : find_virt(call, uuid, ret, e);
}

int storage_pool_enter(const struct hv_call *call, const char *uuid, struct storage_pool *ret,
		       struct error *e)
{
	int rc = storage_pool_find(call, uuid, ret, e);

	/* what a URL names is reached without the host's pool */
	if (rc < 0 || !ret->pool || ret->backend->scheme)
		return rc;
	return pool_activate(call, ret->pool, uuid, e);
}

void storage_pool_done(struct storage_pool *at)
{
	pool_free(&at->pool);
	free(at->root);
}
