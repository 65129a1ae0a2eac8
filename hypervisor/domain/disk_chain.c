/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files below a disk of an active domain: a new head above them, and merging
 * some of them, up into the head or down into the one below.
 *
 * A merge is a block job of QEMU. It goes on when nobody waits for it any more,
 * so what a call finds under way is waited for, and what it finds done is done.
 *
 * QEMU ends a merge with the tables that say where the data is still in its
 * memory. Files that were merged may be removed only after these are written:
 * else a QEMU that is killed loses what had been on disk for long.
 */
#include "hypervisor/domain/disk.h"

#include <string.h>

#include <libvirt/libvirt-qemu.h>

#include "hypervisor/errors.h"
#include "hypervisor/storage/ceph.h"
#include "hypervisor/storage/storage.h"

/* ------------------------------------------------------------------ another head */

/* Puts the simulated disk on @path. */
static int sim_switch(struct disk *d, const char *path, struct error *e)
{
	char where[64];
	xmlNodePtr source;

	(void)snprintf(where, sizeof(where), "/domain/devices/disk[target/@dev='%s']/source", d->target);
	source = xml_find(d->devices.doc, where);
	if (!source)
		return error_set(e, EIO, "disk '%s' of domain '%s' has no file", d->target,
				 virDomainGetName(d->devices.domain));
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
	snapshot = virDomainSnapshotCreateXML(d.devices.domain, xml, flags);
	if (!snapshot)
		return error_set_virt(e, d.devices.call.conn,
				      "cannot take a snapshot of disk '%s' of domain '%s'", volume, domain);
	(void)virDomainSnapshotFree(snapshot);
	return 0;
}

/* Makes QEMU write all that it has of the disk. libvirt has no call for it; the monitor has. */
static int disk_flush(const struct disk *d, struct error *e)
{
	virDomainPtr domain = d->devices.domain;
	_cleanup_free_ char *alias = NULL, *bus = NULL, *answer = NULL;
	char where[64], command[192];
	xmlNodePtr node;

	(void)snprintf(where, sizeof(where), "/domain/devices/disk[target/@dev='%s']", d->target);
	node = xml_find(d->devices.doc, where);
	alias = node ? xml_get(d->devices.doc, node, "alias/@name") : NULL;
	bus = node ? xml_get(d->devices.doc, node, "target/@bus") : NULL;
	if (!alias || !bus)
		return error_set(e, EIO, "disk '%s' of domain '%s' has no alias", d->target,
				 virDomainGetName(domain));
	(void)snprintf(command, sizeof(command), "qemu-io -d /machine/peripheral/%.64s%s flush", alias,
		       strcmp(bus, "virtio") == 0 ? "/virtio-backend" : "");
	if (virDomainQemuMonitorCommand(domain, command, &answer, VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP) < 0)
		return error_set_virt(e, d->devices.call.conn, "cannot flush disk '%s' of domain '%s'",
				      d->target, virDomainGetName(domain));
	if (answer && *answer)
		return error_set(e, EIO, "cannot flush disk '%s' of domain '%s': %.*s", d->target,
				 virDomainGetName(domain), (int)strcspn(answer, "\r\n"), answer);
	return 0;
}

/* ---------------------------------------------------------------------- pulling */

/* What lies below a disk. */
struct chain {
	const char *base; /* looked for; may be NULL */
	int depth;	  /* files below the disk's own */
	int base_at;	  /* 1 = directly below; 0 = not there */
};

static int count_file(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	struct chain *c = ctx;
	_cleanup_free_ char *file = xml_get(doc, node, "@file");

	c->depth++;
	if (file && c->base && strcmp(file, c->base) == 0 && !c->base_at)
		c->base_at = c->depth;
	return 0;
}

static int read_chain(const struct hv_call *call, virDomainPtr domain, const char *target, struct chain *c,
		      struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = NULL;
	char path[128];
	int rc = live_xml(call, domain, virDomainGetName(domain), &doc, e);

	if (rc < 0)
		return rc;
	c->depth = c->base_at = 0;
	(void)snprintf(path, sizeof(path), "/domain/devices/disk[target/@dev='%s']//backingStore/source",
		       target);
	(void)xml_each(doc, path, count_file, c);
	return 0;
}

/* True when the disk stands on the base already. */
static bool is_pulled(const struct chain *c)
{
	return c->base ? c->base_at == 1 : c->depth == 0;
}

/* Follows the disk's block job: to its end, if there is one, or as @mirror until it has caught up with the
 * disk. */
static int follow_job(const struct hv_call *call, virDomainPtr domain, const char *target, bool mirror,
		      hv_progress *progress, void *ctx, struct error *e)
{
	virDomainBlockJobInfo info;

	for (int wait = 1;; wait = wait < 100 ? wait * 2 : wait) {
		int rc = virDomainGetBlockJobInfo(domain, target, &info, 0);

		if (rc < 0)
			return error_set_virt(e, call->conn, "cannot follow the job of disk '%s'", target);
		if (rc == 0)
			return mirror ? error_set(e, EIO,
						  "the copy of disk '%s' failed, is the storage full?",
						  target)
				      : 0;
		if (mirror && info.end > 0 && info.cur == info.end)
			return 0;
		if (progress && progress(ctx, info.end ? (int)(info.cur * 100 / info.end) : 0)) {
			(void)virDomainBlockJobAbort(domain, target, 0);
			return error_set(e, ECANCELED, "the job of disk '%s' was cancelled", target);
		}
		pause_ms(wait);
	}
}

static int wait_block_job(const struct hv_call *call, virDomainPtr domain, const char *target,
			  hv_progress *progress, void *ctx, struct error *e)
{
	return follow_job(call, domain, target, false, progress, ctx, e);
}

int domain_wait_mirror(const struct hv_call *call, virDomainPtr domain, const char *target,
		       hv_progress *progress, void *ctx, struct error *e)
{
	return follow_job(call, domain, target, true, progress, ctx, e);
}

int domain_pull_disk(const struct hv_call *call, virDomainPtr domain, const char *target, const char *base,
		     hv_progress *progress, void *ctx, struct error *e)
{
	struct chain chain = {.base = base};
	/* one that nobody waits for any more may still run */
	int rc = wait_block_job(call, domain, target, progress, ctx, e);

	if (rc == 0)
		rc = read_chain(call, domain, target, &chain, e);
	if (rc < 0 || is_pulled(&chain))
		return rc;
	if (base && !chain.base_at)
		return error_set(e, EINVAL, "'%s' is not below disk '%s' of domain '%s'", base, target,
				 virDomainGetName(domain));
	rc = base ? virDomainBlockRebase(domain, target, base, 0, 0)
		  : virDomainBlockPull(domain, target, 0, 0);
	if (rc < 0)
		return error_set_virt(e, call->conn, "cannot merge disk '%s' of domain '%s'", target,
				      virDomainGetName(domain));
	rc = wait_block_job(call, domain, target, progress, ctx, e);
	if (rc == 0)
		rc = read_chain(call, domain, target, &chain, e);
	if (rc < 0 || is_pulled(&chain))
		return rc;
	return error_set(e, EIO, "merging disk '%s' of domain '%s' failed, is the storage full?", target,
			 virDomainGetName(domain));
}

int hv_disk_pull(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		 const char *base, hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_disk_ struct disk d = {0};
	_cleanup_free_ char *path = NULL;
	int rc = disk_need(hv, host, domain, volume, &d, e);

	if (rc < 0)
		return rc;
	path = domain_disk_path(d.devices.doc, volume);
	if (ceph_is_path(path))
		return ceph_pull(path, base, progress, ctx, e);
	if (!d.devices.call.simulated) {
		rc = domain_pull_disk(&d.devices.call, d.devices.domain, d.target, base, progress, ctx, e);
		return rc < 0 ? rc : disk_flush(&d, e);
	}
	return sim_volume_pull(path ? path : "", base, e);
}

/* --------------------------------------------------------------------- committing */

/* Starts the merge. Refused only when the host, asked once more, knows of no job of the running guest's disk:
 * an answer that was lost on the way refuses nothing. */
static int start_commit(struct guest_devices *v, const char *target, const char *top, const char *base,
			bool *ret_begun, struct error *e)
{
	virDomainBlockJobInfo info;
	int rc;

	*ret_begun = true;
	if (virDomainBlockCommit(v->domain, target, base, top, 0, 0) == 0)
		return 0;
	rc = error_set_virt(e, v->call.conn, "cannot merge disk '%s' of domain '%s'", target,
			    virDomainGetName(v->domain));
	*ret_begun = virDomainGetBlockJobInfo(v->domain, target, &info, 0) != 0;
	return rc;
}

static int wait_commit(struct disk *d, const char *top, const char *base, hv_progress *progress, void *ctx,
		       bool *ret_begun, struct error *e)
{
	struct guest_devices *v = &d->devices;
	struct chain chain = {.base = top};
	/* one that nobody waits for any more may still run */
	int rc = wait_block_job(&v->call, v->domain, d->target, progress, ctx, e);

	if (rc == 0)
		rc = read_chain(&v->call, v->domain, d->target, &chain, e);
	if (rc < 0 || !chain.base_at)
		return rc;
	rc = start_commit(v, d->target, top, base, ret_begun, e);
	if (rc < 0)
		return rc;
	rc = wait_block_job(&v->call, v->domain, d->target, progress, ctx, e);
	if (rc == 0)
		rc = read_chain(&v->call, v->domain, d->target, &chain, e);
	if (rc < 0 || !chain.base_at)
		return rc;
	return error_set(e, EIO, "merging disk '%s' of domain '%s' failed, is the storage full?", d->target,
			 virDomainGetName(v->domain));
}

int hv_disk_commit(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   const char *top, const char *base, hv_progress *progress, void *ctx, bool *ret_begun,
		   struct error *e)
{
	_cleanup_disk_ struct disk d = {0};
	_cleanup_free_ char *path = NULL;
	int rc = disk_need(hv, host, domain, volume, &d, e);

	*ret_begun = false;
	if (rc < 0)
		return rc;
	if (!d.devices.call.simulated) {
		rc = wait_commit(&d, top, base, progress, ctx, ret_begun, e);
		return rc < 0 ? rc : disk_flush(&d, e);
	}
	path = domain_disk_path(d.devices.doc, volume);
	return sim_volume_commit(path ? path : "", top, base, ret_begun, e);
}
