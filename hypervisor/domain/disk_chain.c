/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files below a disk of an active domain: a new head above them, and merging
 * some of them, up into the head or down into the one below.
 *
 * When QEMU ends a merge, the tables that map the data are still in its memory.
 * The merged files may be removed only after these are written: otherwise a QEMU
 * that is killed loses data that had long been on disk. But the disk's file names
 * its new backing file already then, so what it names proves nothing: whoever finds
 * that QEMU has ended has it name the former one again (hv_volume_stand_on()).
 */
#include "hypervisor/domain/disk_chain.h"

#include <string.h>

#include "hypervisor/domain/disk_lookup.h"
#include "hypervisor/errors.h"
#include "hypervisor/storage/backend.h"
#include "hypervisor/storage/disk_jobs.h"

/* ------------------------------------------------------------------ another head */

/* Puts the simulated disk on @path. */
static int sim_switch(struct disk *d, const char *path, struct error *e)
{
	char where[64];
	xmlNodePtr source;

	(void)snprintf(where, sizeof(where), "/domain/devices/disk[target/@dev='%s']/source", d->target);
	source = xml_find(d->devices.doc, where);
	if (!source)
		return error_set(e, EIO, "disk '%s' of domain '%s' has no file", d->target, d->devices.uuid);
	if (!xmlSetProp(source, BAD_CAST "file", BAD_CAST path))
		return error_set(e, ENOMEM, "out of memory");
	return guest_devices_redefine(&d->devices, e);
}

/* Writes <disk name='...' @key='no'/> for every disk but @target. */
struct others {
	struct xml *x;
	const char *target, *key;
};

static int write_other(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	struct others *o = ctx;
	_cleanup_free_ char *name = xml_get(doc, node, "target/@dev");

	if (name && strcmp(name, o->target) != 0)
		xml_leaf(o->x, "disk", "name", name, o->key, "no", NULL);
	return 0;
}

static void write_others(struct xml *x, const struct disk *d, const char *key)
{
	struct others o = {x, d->target, key};

	(void)xml_each(d->devices.doc, "/domain/devices/disk", write_other, &o);
}

static char *switch_xml(const struct disk *d, const char *overlay)
{
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "domainsnapshot", NULL);
	xml_open(&x, "disks", NULL);
	xml_open(&x, "disk", "name", d->target, "snapshot", "external", "type", "file", NULL);
	xml_leaf(&x, "driver", "type", "qcow2", NULL);
	xml_leaf(&x, "source", "file", overlay, NULL);
	xml_close(&x);
	write_others(&x, d, "snapshot");
	xml_close(&x);
	xml_close(&x);
	return xml_finish(&x);
}

int hv_disk_switch(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   const char *overlay, struct error *e)
{
	const unsigned flags = VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC |
			       VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA | VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT;
	_cleanup_disk_ struct disk d = {0};
	_cleanup_free_ char *xml = NULL;
	virDomainSnapshotPtr snapshot;
	int rc = disk_need(hv, host, domain, volume, &d, e);

	if (rc < 0)
		return rc;
	if (d.devices.call.simulated)
		return sim_switch(&d, overlay, e);
	xml = switch_xml(&d, overlay);
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	snapshot = virDomainSnapshotCreateXML(d.devices.domain.virt, xml, flags);
	if (!snapshot)
		return error_set_virt(e, d.devices.call.conn,
				      "cannot take a snapshot of disk '%s' of domain '%s'", volume, domain);
	(void)virDomainSnapshotFree(snapshot);
	return 0;
}

/* ---------------------------------------------------------------------- merging */

/* The row of the storage that the disk is on; its path, which may be NULL, is owned by the caller. */
static const struct storage_backend *backend_of(const struct disk *d, const char *volume, char **ret_path)
{
	*ret_path = domain_disk_path(d->devices.doc, d->devices.call.host->uuid, d->devices.uuid, volume);
	return storage_backend_on(storage_backend_of_path(*ret_path), &d->devices.call);
}

int hv_disk_pull(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		 const char *base, hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_disk_ struct disk d = {0};
	_cleanup_free_ char *path = NULL;
	const struct storage_backend *backend;
	int rc = disk_need(hv, host, domain, volume, &d, e);

	if (rc < 0)
		return rc;
	backend = backend_of(&d, volume, &path);
	if (backend->pulls_in_use)
		return backend->pull(&d.devices.call, path ? path : "", base, progress, ctx, e);
	return domain_pull_disk(&d.devices.call, d.devices.domain.virt, d.target, base, progress, ctx, e);
}

int hv_disk_flush(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		  struct error *e)
{
	_cleanup_disk_ struct disk d = {0};
	virDomainBlockJobInfo info;
	int rc = disk_need(hv, host, domain, volume, &d, e);

	if (rc < 0 || d.devices.call.simulated)
		return rc;
	rc = virDomainGetBlockJobInfo(d.devices.domain.virt, d.target, &info, 0);
	if (rc < 0)
		return error_set_virt(e, d.devices.call.conn, "cannot monitor the job of disk '%s'",
				      d.target);
	if (rc > 0)
		return error_set(e, EINPROGRESS, "disk '%s' of domain '%s' is being merged", d.target,
				 domain);
	return domain_flush_disk(&d.devices.call, d.devices.domain.virt, d.target, e);
}

int hv_disk_commit(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   const char *top, const char *base, hv_progress *progress, void *ctx, bool *ret_begun,
		   struct error *e)
{
	_cleanup_disk_ struct disk d = {0};
	_cleanup_free_ char *path = NULL;
	const struct storage_backend *backend;
	int rc = disk_need(hv, host, domain, volume, &d, e);

	*ret_begun = false;
	if (rc < 0)
		return rc;
	backend = backend_of(&d, volume, &path);
	if (backend->commit)
		return backend->commit(path ? path : "", top, base, ret_begun, e);
	return domain_commit_disk(&d.devices.call, d.devices.domain.virt, d.target, top, base, progress, ctx,
				  ret_begun, e);
}
