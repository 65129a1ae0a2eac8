/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks of active domains: plugging, limits, size, and the file below.
 *
 * A disk is found by its serial, the uuid of its volume, which stays the same
 * wherever the disk hangs and whichever file it is on. libvirt's return values
 * are believed only where they say something: a detach returns success although
 * the guest keeps the device, so what counts is the domain's XML afterwards.
 *
 * A simulated host cannot change the devices of an active domain. There the
 * domain's definition, which the test driver does let us replace, stands for
 * the disks that the guest has.
 */
#include "domain.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "errors.h"
#include "storage.h"

#define POLL_MS 20

/* One disk of an active domain. */
struct disk {
	struct hv_call call;
	virDomainPtr domain;
	xmlDocPtr doc; /* the domain's present XML */
	char *target;  /* "vda"; NULL when the domain has no such disk */
};

static void disk_leave(struct disk *d)
{
	free(d->target);
	xmlFreeDoc(d->doc);
	domain_free(&d->domain);
	hv_call_end(&d->call);
}
#define _cleanup_disk_ _cleanup_(disk_leave)

static void pause_ms(int ms)
{
	const struct timespec step = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	(void)nanosleep(&step, NULL);
}

char *domain_disk_get(xmlDocPtr doc, const char *volume, const char *below)
{
	char path[256];

	(void)snprintf(
		path, sizeof(path),
		"/domain/devices/disk[string-length(serial) >= 20 and starts-with('%.32s', serial)]/%s",
		volume, below);
	return xml_get(doc, NULL, path);
}

/* Reads the XML that tells which disks the guest has. */
static int disk_look(struct disk *d, const char *volume, struct error *e)
{
	unsigned flags = d->call.simulated ? VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE : 0;
	_cleanup_free_ char *text = virDomainGetXMLDesc(d->domain, flags);
	xmlDocPtr doc = text ? xml_parse(text) : NULL;

	if (!text)
		return error_set_virt(e, d->call.conn, "cannot read the XML of domain '%s'",
				      virDomainGetName(d->domain));
	if (!doc)
		return error_set(e, EIO, "the XML of domain '%s' makes no sense",
				 virDomainGetName(d->domain));
	xmlFreeDoc(d->doc);
	d->doc = doc;
	free(d->target);
	d->target = domain_disk_get(doc, volume, "target/@dev");
	return 0;
}

/* Finds an active domain, and the disk when it has it. -EBUSY when the domain is not active. */
static int disk_enter(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		      struct disk *d, struct error *e)
{
	int rc = domain_enter(hv, host, domain, &d->call, &d->domain, e);

	if (rc < 0)
		return rc;
	if (virDomainIsActive(d->domain) != 1)
		return error_set(e, EBUSY, "domain '%s' is not running", domain);
	return disk_look(d, volume, e);
}

/* As disk_enter(), -ENOENT when there is no such disk. */
static int disk_need(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		     struct disk *d, struct error *e)
{
	int rc = disk_enter(hv, host, domain, volume, d, e);

	if (rc == 0 && !d->target)
		rc = error_set(e, ENOENT, "domain '%s' has no disk '%s'", domain, volume);
	return rc;
}

/* True when the error says that there is no active domain, so no disk either. */
static bool is_without(int rc)
{
	return rc == -ENOENT || rc == -EBUSY;
}

/* ------------------------------------------------------------------ simulation */

static xmlNodePtr find_node(xmlDocPtr doc, const char *name, const char *target)
{
	xmlNodePtr devices = xmlDocGetRootElement(doc)->children;

	while (devices && xmlStrcmp(devices->name, BAD_CAST "devices") != 0)
		devices = devices->next;
	if (!target || !devices)
		return devices;
	for (xmlNodePtr node = devices->children; node; node = node->next) {
		_cleanup_free_ char *dev = NULL;

		if (xmlStrcmp(node->name, BAD_CAST name) != 0)
			continue;
		dev = xml_get(doc, node, "target/@dev");
		if (dev && strcmp(dev, target) == 0)
			return node;
	}
	return NULL;
}

/* Gives the simulated domain the definition that was edited in d->doc. */
static int sim_define(struct disk *d, struct error *e)
{
	virDomainPtr defined;
	xmlChar *text = NULL;
	int size;

	xmlDocDumpMemory(d->doc, &text, &size);
	if (!text)
		return error_set(e, ENOMEM, "out of memory");
	defined = virDomainDefineXML(d->call.conn, (const char *)text);
	xmlFree(text);
	if (!defined)
		return error_set_virt(e, d->call.conn, "cannot change domain '%s'",
				      virDomainGetName(d->domain));
	(void)virDomainFree(defined);
	return 0;
}

static int sim_attach(struct disk *d, const char *xml, struct error *e)
{
	_cleanup_xml_ xmlDocPtr disk = xml_parse(xml);
	xmlNodePtr devices = find_node(d->doc, "disk", NULL);
	xmlNodePtr copy = disk && devices ? xmlDocCopyNode(xmlDocGetRootElement(disk), d->doc, 1) : NULL;

	if (!copy || !xmlAddChild(devices, copy))
		return error_set(e, ENOMEM, "out of memory");
	return sim_define(d, e);
}

static int sim_detach(struct disk *d, struct error *e)
{
	xmlNodePtr node = find_node(d->doc, "disk", d->target);

	xmlUnlinkNode(node);
	xmlFreeNode(node);
	return sim_define(d, e);
}

static int sim_switch(struct disk *d, const char *path, struct error *e)
{
	xmlNodePtr node = find_node(d->doc, "disk", d->target);

	for (node = node->children; node; node = node->next)
		if (xmlStrcmp(node->name, BAD_CAST "source") == 0 &&
		    xmlSetProp(node, BAD_CAST "file", BAD_CAST path))
			return sim_define(d, e);
	return error_set(e, EIO, "disk '%s' of domain '%s' has no file", d->target,
			 virDomainGetName(d->domain));
}

/* ------------------------------------------------------------------- plugging */

int hv_disk_attach(struct hypervisor *hv, const char *host, const char *domain, const struct hv_disk *disk,
		   struct error *e)
{
	_cleanup_free_ char *xml = hv_disk_xml(disk);
	_cleanup_disk_ struct disk d = {0};
	int rc;

	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	if (disk->bus == HV_BUS_IDE)
		return error_set(e, EOPNOTSUPP, "an IDE disk cannot be attached to a running domain");
	rc = disk_enter(hv, host, domain, disk->serial, &d, e);
	if (rc < 0)
		return rc;
	if (d.target)
		return error_set(e, EEXIST, "domain '%s' has disk '%s' already", domain, disk->serial);
	if (d.call.simulated)
		return sim_attach(&d, xml, e);
	if (virDomainAttachDeviceFlags(d.domain, xml, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG) < 0)
		return error_set_virt(e, d.call.conn, "cannot attach disk '%s' to domain '%s'", disk->serial,
				      domain);
	return 0;
}

/* The disk's own XML, by which libvirt knows what to detach; allocated. */
static char *node_xml(const struct disk *d)
{
	xmlNodePtr node = find_node(d->doc, "disk", d->target);
	xmlBufferPtr buffer = node ? xmlBufferCreate() : NULL;
	char *text = NULL;

	if (buffer && xmlNodeDump(buffer, d->doc, node, 0, 0) >= 0)
		text = strdup((const char *)xmlBufferContent(buffer));
	xmlBufferFree(buffer);
	return text;
}

static bool is_past(const struct timespec *deadline)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline->tv_sec ||
	       (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/* Waits until the guest has let go of the disk. Asks only once: a second request fails while one is pending.
 */
static int wait_removed(struct disk *d, const char *volume, int timeout_ms, struct error *e)
{
	const struct timespec deadline = deadline_in(timeout_ms);

	for (;;) {
		int rc = virDomainIsActive(d->domain) == 1 ? disk_look(d, volume, e) : 0;

		if (rc < 0)
			return rc;
		if (!d->target || virDomainIsActive(d->domain) != 1)
			return 0;
		if (is_past(&deadline))
			return error_set(e, ETIMEDOUT,
					 "the guest of domain '%s' did not give back disk '%s' within %d ms",
					 virDomainGetName(d->domain), d->target, timeout_ms);
		pause_ms(POLL_MS);
	}
}

int hv_disk_detach(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   int timeout_ms, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	_cleanup_disk_ struct disk d = {0};
	_cleanup_free_ char *xml = NULL;
	int rc = disk_enter(hv, host, domain, volume, &d, &why);

	if (is_without(rc) || (rc == 0 && !d.target))
		return 0;
	if (rc < 0)
		return error_move(e, &why);
	if (d.call.simulated)
		return sim_detach(&d, e);
	xml = node_xml(&d);
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	if (virDomainDetachDeviceFlags(d.domain, xml, VIR_DOMAIN_AFFECT_LIVE) < 0) {
		rc = error_set_virt(&why, d.call.conn, "cannot detach disk '%s' from domain '%s'", volume,
				    domain);
		/* one that was asked for before may still be under way, or have come to its end just now */
		if (rc == -ENOTCONN || disk_look(&d, volume, NULL) < 0 || d.target)
			return error_move(e, &why);
	}
	rc = wait_removed(&d, volume, timeout_ms, e);
	/* written anew at each start, so this is for people who start the domain by hand */
	if (rc == 0)
		(void)virDomainDetachDeviceFlags(d.domain, xml, VIR_DOMAIN_AFFECT_CONFIG);
	return rc;
}

int hv_disk_path(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		 char **ret_path, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	_cleanup_disk_ struct disk d = {0};
	int rc = disk_enter(hv, host, domain, volume, &d, &why);

	if (is_without(rc)) {
		*ret_path = NULL;
		return 0;
	}
	if (rc < 0)
		return error_move(e, &why);
	*ret_path = domain_disk_get(d.doc, volume, "source/@file");
	return 0;
}

/* ------------------------------------------------------------- limits and size */

int hv_disk_set_bandwidth(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
			  int64_t bytes_per_second, struct error *e)
{
	_cleanup_disk_ struct disk d = {0};
	virTypedParameterPtr params = NULL;
	int count = 0, room = 0;
	int rc = disk_need(hv, host, domain, volume, &d, e);

	if (rc < 0 || d.call.simulated)
		return rc;
	if (virTypedParamsAddULLong(&params, &count, &room, VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC,
				    (unsigned long long)bytes_per_second) < 0 ||
	    virDomainSetBlockIoTune(d.domain, d.target, params, count,
				    VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG) < 0)
		rc = error_set_virt(e, d.call.conn, "cannot limit disk '%s' of domain '%s'", volume, domain);
	virTypedParamsFree(params, count);
	return rc;
}

int hv_disk_resize(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   int64_t size, struct error *e)
{
	_cleanup_disk_ struct disk d = {0};
	_cleanup_free_ char *path = NULL;
	virDomainBlockInfo info;
	int rc = disk_need(hv, host, domain, volume, &d, e);

	if (rc < 0)
		return rc;
	if (d.call.simulated) {
		path = domain_disk_get(d.doc, volume, "source/@file");
		return sim_volume_resize(path ? path : "", size, e);
	}
	/* libvirt itself would shrink without a word */
	if (virDomainGetBlockInfo(d.domain, d.target, &info, 0) < 0)
		return error_set_virt(e, d.call.conn, "cannot ask for the size of disk '%s'", volume);
	if ((int64_t)info.capacity > size)
		return error_set(e, EINVAL, "disk '%s' has %llu bytes and cannot shrink to %lld", volume,
				 info.capacity, (long long)size);
	if ((int64_t)info.capacity == size)
		return 0;
	if (virDomainBlockResize(d.domain, d.target, (unsigned long long)size,
				 VIR_DOMAIN_BLOCK_RESIZE_BYTES) < 0)
		return error_set_virt(e, d.call.conn, "cannot resize disk '%s' of domain '%s'", volume,
				      domain);
	return 0;
}

/* ---------------------------------------------------------------- another file */

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

	(void)xml_each(d->doc, "/domain/devices/disk", write_other, &o);
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
	if (d.call.simulated)
		return sim_switch(&d, overlay, e);
	xml = switch_xml(&d, overlay);
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	snapshot = virDomainSnapshotCreateXML(d.domain, xml, flags);
	if (!snapshot)
		return error_set_virt(e, d.call.conn, "cannot take a snapshot of disk '%s' of domain '%s'",
				      volume, domain);
	(void)virDomainSnapshotFree(snapshot);
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

/* Waits for the end of the disk's block job, if there is one. */
static int wait_block_job(const struct hv_call *call, virDomainPtr domain, const char *target,
			  hv_progress *progress, void *ctx, struct error *e)
{
	virDomainBlockJobInfo info;

	for (int wait = 1;; wait = wait < 100 ? wait * 2 : wait) {
		int rc = virDomainGetBlockJobInfo(domain, target, &info, 0);

		if (rc < 0)
			return error_set_virt(e, call->conn, "cannot follow the job of disk '%s'", target);
		if (rc == 0)
			return 0;
		if (progress && progress(ctx, info.end ? (int)(info.cur * 100 / info.end) : 0)) {
			(void)virDomainBlockJobAbort(domain, target, 0);
			return error_set(e, ECANCELED, "the job of disk '%s' was cancelled", target);
		}
		pause_ms(wait);
	}
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
	if (!d.call.simulated)
		return domain_pull_disk(&d.call, d.domain, d.target, base, progress, ctx, e);
	path = domain_disk_get(d.doc, volume, "source/@file");
	return sim_volume_pull(path ? path : "", base, e);
}

/* ---------------------------------------------------------------------- copying */

/* Disks of one domain that are being copied. */
struct backup {
	struct hv_disk_copy *copies;
	size_t count;
	char **targets; /* owned, as are its strings; NULL for a disk that the domain does not have */
	char **paths;	/* ditto: the new files */
	struct xml *x;	/* that is being written */
};

static void backup_done(struct backup *b)
{
	for (size_t i = 0; i < b->count; i++) {
		if (b->targets)
			free(b->targets[i]);
		if (b->paths)
			free(b->paths[i]);
	}
	free(b->targets);
	free(b->paths);
}

static int write_backup_disk(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	struct backup *b = ctx;
	_cleanup_free_ char *name = xml_get(doc, node, "target/@dev");

	for (size_t i = 0; name && i < b->count; i++) {
		if (strcmp(name, b->targets[i]) != 0)
			continue;
		xml_open(b->x, "disk", "name", name, "backup", "yes", "type", "file", NULL);
		xml_leaf(b->x, "driver", "type", "qcow2", NULL);
		xml_leaf(b->x, "target", "file", b->paths[i], NULL);
		xml_close(b->x);
		return 0;
	}
	if (name)
		xml_leaf(b->x, "disk", "name", name, "backup", "no", NULL);
	return 0;
}

static char *backup_xml(const struct disk *d, struct backup *b)
{
	struct xml x;

	b->x = &x;
	xml_begin(&x);
	xml_open(&x, "domainbackup", NULL);
	xml_open(&x, "disks", NULL);
	(void)xml_each(d->doc, "/domain/devices/disk", write_backup_disk, b);
	xml_close(&x);
	xml_close(&x);
	return xml_finish(&x);
}

/* How the domain's last job ended. */
static int job_outcome(const struct disk *d, struct error *e)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, count = 0;
	const char *text = NULL;
	int rc = 0;

	if (virDomainGetJobStats(d->domain, &type, &params, &count, VIR_DOMAIN_JOB_STATS_COMPLETED) < 0)
		return error_set_virt(e, d->call.conn,
				      "cannot ask how the copy of disks of domain '%s' ended",
				      virDomainGetName(d->domain));
	(void)virTypedParamsGetString(params, count, VIR_DOMAIN_JOB_ERRMSG, &text);
	if (type != VIR_DOMAIN_JOB_COMPLETED)
		rc = error_set(e, EIO, "cannot copy disks of domain '%s': %s", virDomainGetName(d->domain),
			       text ? text : "the job failed");
	virTypedParamsFree(params, count);
	return rc;
}

static int wait_copy(const struct disk *d, hv_progress *progress, void *ctx, struct error *e)
{
	virDomainJobInfo info;

	for (int wait = 1;; wait = wait < 100 ? wait * 2 : wait) {
		if (virDomainGetJobInfo(d->domain, &info) < 0)
			return error_set_virt(e, d->call.conn,
					      "cannot follow the copy of disks of domain '%s'",
					      virDomainGetName(d->domain));
		if (info.type == VIR_DOMAIN_JOB_NONE)
			return job_outcome(d, e);
		if (progress &&
		    progress(ctx, info.fileTotal ? (int)(info.fileProcessed * 100 / info.fileTotal) : 0)) {
			(void)virDomainAbortJob(d->domain);
			return error_set(e, ECANCELED, "the copy of disks of domain '%s' was cancelled",
					 virDomainGetName(d->domain));
		}
		pause_ms(wait);
	}
}

/* Ends a copy that nobody waits for any more. */
static void abort_copy(const struct disk *d)
{
	virDomainJobInfo info;
	char *xml = virDomainBackupGetXMLDesc(d->domain, 0);

	if (!xml)
		return;
	free(xml);
	(void)virDomainAbortJob(d->domain);
	for (int i = 0; i < 250; i++) {
		if (virDomainGetJobInfo(d->domain, &info) < 0 || info.type == VIR_DOMAIN_JOB_NONE)
			return;
		pause_ms(POLL_MS);
	}
}

int hv_disk_copy_abort(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		       struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	_cleanup_disk_ struct disk d = {0};
	int rc = disk_enter(hv, host, domain, volume, &d, &why);

	if (rc < 0)
		return is_without(rc) ? 0 : error_move(e, &why);
	if (!d.call.simulated)
		abort_copy(&d);
	return 0;
}

static int copy_disks(const struct disk *d, struct backup *b, hv_progress *progress, void *ctx,
		      struct error *e)
{
	_cleanup_free_ char *xml = backup_xml(d, b);

	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	abort_copy(d);
	if (virDomainBackupBegin(d->domain, xml, NULL, 0) < 0)
		return error_set_virt(e, d->call.conn, "cannot copy disks of domain '%s'",
				      virDomainGetName(d->domain));
	return wait_copy(d, progress, ctx, e);
}

/* Finds the disk of a copy, and the path that its file will have; makes the file, where that is simulated. */
static int prepare_copy(struct disk *d, struct backup *b, size_t i, hv_progress *progress, void *ctx,
			struct error *e)
{
	struct hv_disk_copy *copy = &b->copies[i];
	_cleanup_pool_ virStoragePoolPtr pool = NULL;
	_cleanup_free_ char *folder = NULL, *from = NULL;
	int rc = volume_check_name(copy->name, e);

	if (rc == 0)
		rc = pool_find(&d->call, copy->pool, &pool, e);
	if (rc == 0)
		rc = pool_target(&d->call, pool, &folder, e);
	if (rc < 0)
		return rc;
	b->targets[i] = domain_disk_get(d->doc, copy->volume, "target/@dev");
	if (!b->targets[i])
		return error_set(e, ENOENT, "domain '%s' has no disk '%s'", virDomainGetName(d->domain),
				 copy->volume);
	if (d->call.simulated) {
		from = domain_disk_get(d->doc, copy->volume, "source/@file");
		return sim_volume_copy(from ? from : "", folder, copy->name, "qcow2", progress, ctx,
				       &b->paths[i], e);
	}
	if (asprintf(&b->paths[i], "%s/%s", folder, copy->name) >= 0)
		return 0;
	b->paths[i] = NULL;
	return error_set(e, ENOMEM, "out of memory");
}

int hv_disks_copy(struct hypervisor *hv, const char *host, const char *domain, struct hv_disk_copy *copies,
		  size_t count, hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_(backup_done) struct backup b = {.copies = copies, .count = count};
	_cleanup_disk_ struct disk d = {0};
	int rc = disk_enter(hv, host, domain, copies[0].volume, &d, e);

	if (rc < 0)
		return rc;
	b.targets = calloc(count, sizeof(*b.targets));
	b.paths = calloc(count, sizeof(*b.paths));
	if (!b.targets || !b.paths)
		return error_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = prepare_copy(&d, &b, i, progress, ctx, e);
	if (rc == 0 && !d.call.simulated)
		rc = copy_disks(&d, &b, progress, ctx, e);
	for (size_t i = 0; i < count; i++) {
		_cleanup_pool_ virStoragePoolPtr pool = NULL;

		if (rc < 0 && b.paths[i])
			(void)hv_volume_delete(hv, host, copies[i].pool, copies[i].name, NULL);
		else if (rc == 0 && pool_find(&d.call, copies[i].pool, &pool, NULL) == 0)
			(void)pool_refresh(pool);
		copies[i].path = rc == 0 ? steal(&b.paths[i]) : NULL;
	}
	return rc;
}

int hv_disk_copy(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		 const char *pool, const char *name, hv_progress *progress, void *ctx, char **ret_path,
		 struct error *e)
{
	struct hv_disk_copy copy = {.volume = volume, .pool = pool, .name = name};
	int rc = hv_disks_copy(hv, host, domain, &copy, 1, progress, ctx, e);

	if (rc == 0)
		*ret_path = copy.path;
	return rc;
}
