/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of disks of an active domain, all as they are at one moment, while the guest goes on. */
#include "hypervisor/domain/disk.h"

#include <string.h>

#include "hypervisor/errors.h"
#include "hypervisor/storage/ceph.h"
#include "hypervisor/storage/storage.h"

#define POLL_MS 20

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
		xml_leaf(b->x, "driver", "type", b->copies[i].format, NULL);
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
	(void)xml_each(d->devices.doc, "/domain/devices/disk", write_backup_disk, b);
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

	if (virDomainGetJobStats(d->devices.domain, &type, &params, &count, VIR_DOMAIN_JOB_STATS_COMPLETED) <
	    0)
		return error_set_virt(e, d->devices.call.conn,
				      "cannot ask how the copy of disks of domain '%s' ended",
				      virDomainGetName(d->devices.domain));
	(void)virTypedParamsGetString(params, count, VIR_DOMAIN_JOB_ERRMSG, &text);
	if (type != VIR_DOMAIN_JOB_COMPLETED)
		rc = error_set(e, EIO, "cannot copy disks of domain '%s': %s",
			       virDomainGetName(d->devices.domain), text ? text : "the job failed");
	virTypedParamsFree(params, count);
	return rc;
}

static int wait_copy(const struct disk *d, hv_progress *progress, void *ctx, struct error *e)
{
	virDomainJobInfo info;

	for (int wait = 1;; wait = wait < 100 ? wait * 2 : wait) {
		if (virDomainGetJobInfo(d->devices.domain, &info) < 0)
			return error_set_virt(e, d->devices.call.conn,
					      "cannot follow the copy of disks of domain '%s'",
					      virDomainGetName(d->devices.domain));
		if (info.type == VIR_DOMAIN_JOB_NONE)
			return job_outcome(d, e);
		if (progress &&
		    progress(ctx, info.fileTotal ? (int)(info.fileProcessed * 100 / info.fileTotal) : 0)) {
			(void)virDomainAbortJob(d->devices.domain);
			return error_set(e, ECANCELED, "the copy of disks of domain '%s' was cancelled",
					 virDomainGetName(d->devices.domain));
		}
		pause_ms(wait);
	}
}

/* Ends a copy that nobody waits for any more. */
static void abort_copy(const struct disk *d)
{
	virDomainJobInfo info;
	char *xml = virDomainBackupGetXMLDesc(d->devices.domain, 0);

	if (!xml)
		return;
	free(xml);
	(void)virDomainAbortJob(d->devices.domain);
	for (int i = 0; i < 250; i++) {
		if (virDomainGetJobInfo(d->devices.domain, &info) < 0 || info.type == VIR_DOMAIN_JOB_NONE)
			return;
		pause_ms(POLL_MS);
	}
}

static int end_copy_on_ceph(xmlDocPtr doc, xmlNodePtr disk, void *ctx)
{
	_cleanup_free_ char *path = domain_source_path(doc, disk);

	return ceph_is_path(path) ? ceph_end_copies(path, ctx) : 0;
}

int hv_disk_copy_abort(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		       struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	_cleanup_disk_ struct disk d = {0};
	int rc = disk_enter(hv, host, domain, volume, &d, &why);

	if (rc < 0)
		return disk_is_without(rc) ? 0 : error_move(e, &why);
	if (!d.devices.call.simulated)
		abort_copy(&d);
	return xml_each(d.devices.doc, "/domain/devices/disk", end_copy_on_ceph, e);
}

static int copy_disks(const struct disk *d, struct backup *b, hv_progress *progress, void *ctx,
		      struct error *e)
{
	_cleanup_free_ char *xml = backup_xml(d, b);

	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	abort_copy(d);
	if (virDomainBackupBegin(d->devices.domain, xml, NULL, 0) < 0)
		return error_set_virt(e, d->devices.call.conn, "cannot copy disks of domain '%s'",
				      virDomainGetName(d->devices.domain));
	return wait_copy(d, progress, ctx, e);
}

/* Finds the disk of a copy, and the path that its file will have; makes the file, where that is simulated. */
static int prepare_copy(struct disk *d, struct backup *b, size_t i, hv_progress *progress, void *ctx,
			struct error *e)
{
	struct hv_disk_copy *copy = &b->copies[i];
	_cleanup_place_ struct pool_place at = {0};
	_cleanup_free_ char *from = NULL;
	int rc = volume_check_name(copy->name, e);

	if (rc == 0)
		rc = pool_place_find(&d->devices.call, copy->pool, &at, e);
	if (rc == 0 && at.ceph)
		rc = error_set(e, EOPNOTSUPP, "disk '%s' is not on Ceph, its copy cannot be there",
			       copy->volume);
	if (rc < 0)
		return rc;
	b->targets[i] = domain_disk_get(d->devices.doc, copy->volume, "target/@dev");
	if (!b->targets[i])
		return error_set(e, ENOENT, "domain '%s' has no disk '%s'",
				 virDomainGetName(d->devices.domain), copy->volume);
	if (d->devices.call.simulated) {
		from = domain_disk_get(d->devices.doc, copy->volume, "source/@file");
		return sim_volume_copy(from ? from : "", at.folder, copy->name, copy->format, progress, ctx,
				       &b->paths[i], e);
	}
	if (asprintf(&b->paths[i], "%s/%s", at.folder, copy->name) >= 0)
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

	if (rc == 0)
		rc = disks_are_on_ceph(&d, copies, count, e);
	if (rc != 0)
		return rc < 0 ? rc : disks_copy_on_ceph(&d, copies, count, progress, ctx, e);
	b.targets = calloc(count, sizeof(*b.targets));
	b.paths = calloc(count, sizeof(*b.paths));
	if (!b.targets || !b.paths)
		return error_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = prepare_copy(&d, &b, i, progress, ctx, e);
	if (rc == 0 && !d.devices.call.simulated)
		rc = copy_disks(&d, &b, progress, ctx, e);
	for (size_t i = 0; i < count; i++) {
		_cleanup_pool_ virStoragePoolPtr pool = NULL;

		if (rc < 0 && b.paths[i])
			(void)hv_volume_delete(hv, host, copies[i].pool, copies[i].name, NULL);
		else if (rc == 0 && pool_find(&d.devices.call, copies[i].pool, &pool, NULL) == 0)
			(void)pool_refresh(pool);
		copies[i].path = rc == 0 ? steal(&b.paths[i]) : NULL;
	}
	return rc;
}

int hv_disk_copy(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		 const char *pool, const char *name, hv_progress *progress, void *ctx, char **ret_path,
		 struct error *e)
{
	struct hv_disk_copy copy = {.volume = volume, .pool = pool, .name = name, .format = "qcow2"};
	int rc = hv_disks_copy(hv, host, domain, &copy, 1, progress, ctx, e);

	if (rc == 0)
		*ret_path = copy.path;
	return rc;
}
