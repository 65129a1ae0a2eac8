/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of disks of an active domain, all as they are at one moment, while the guest goes on. */
#include "hypervisor/domain/disk_copy.h"

#include <string.h>

#include "hypervisor/domain/disk_lookup.h"
#include "hypervisor/domain/disk_snapshot_copy.h"
#include "hypervisor/errors.h"
#include "hypervisor/storage/backend.h"
#include "hypervisor/storage/disk_jobs.h"

/* Disks of one domain that are being copied. */
struct backup {
	struct hv_disk_copy *copies;
	size_t count;
	char **targets; /* owned, as are its strings; NULL for a disk that the domain does not have */
	char **paths;	/* ditto: the new files */
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

static int end_copies(xmlDocPtr doc, xmlNodePtr disk, void *ctx)
{
	_cleanup_free_ char *path = storage_read_disk_source(doc, disk);
	const struct storage_backend *backend = storage_backend_of_path(path);

	return backend->end_copies ? backend->end_copies(path, ctx) : 0;
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
		domain_abort_backup(d.devices.domain.virt);
	return xml_each(d.devices.doc, "/domain/devices/disk", end_copies, e);
}

/* Finds the disk of a copy, and the path that its file will have; makes the file, where that is simulated. */
static int prepare_copy(struct disk *d, const struct storage_backend *backend, struct backup *b, size_t i,
			hv_progress *progress, void *ctx, struct error *e)
{
	struct hv_disk_copy *copy = &b->copies[i];
	_cleanup_storage_pool_ struct storage_pool at = {0};
	_cleanup_free_ char *from = NULL;
	int rc = disk_copy_find_pool(d, backend, copy, &at, e);

	if (rc < 0)
		return rc;
	b->targets[i] = domain_disk_get(d->devices.doc, d->devices.call.host->uuid, d->devices.uuid,
					copy->volume, "target/@dev");
	if (!b->targets[i])
		return error_set(e, ENOENT, "domain '%s' has no disk '%s'", d->devices.uuid, copy->volume);
	if (d->devices.call.simulated) {
		from = domain_disk_get(d->devices.doc, d->devices.call.host->uuid, d->devices.uuid,
				       copy->volume, "source/@file");
		return at.backend->copy(&d->devices.call, from ? from : "", copy->format, &at, copy->name,
					copy->format, progress, ctx, &b->paths[i], e);
	}
	if (asprintf(&b->paths[i], "%s/%s", at.root, copy->name) >= 0)
		return 0;
	b->paths[i] = NULL;
	return error_set(e, ENOMEM, "out of memory");
}

static int copy_disks(const struct disk *d, const struct backup *b, hv_progress *progress, void *ctx,
		      struct error *e)
{
	_cleanup_free_ struct disk_backup *disks = calloc(b->count, sizeof(*disks));

	if (!disks)
		return error_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < b->count; i++)
		disks[i] = (struct disk_backup){
			.target = b->targets[i], .path = b->paths[i], .format = b->copies[i].format};
	return domain_back_up_disks(&d->devices.call, d->devices.domain.virt, disks, b->count, progress, ctx,
				    e);
}

int hv_disks_copy(struct hypervisor *hv, const char *host, const char *domain, struct hv_disk_copy *copies,
		  size_t count, hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_(backup_done) struct backup b = {.copies = copies, .count = count};
	_cleanup_disk_ struct disk d = {0};
	const struct storage_backend *backend;
	int rc = disk_enter(hv, host, domain, copies[0].volume, &d, e);

	if (rc == 0)
		rc = disk_copy_find_backend(&d, copies, count, &backend, e);
	if (rc < 0)
		return rc;
	if (backend->snapshot)
		return disks_copy_by_snapshot(&d, backend, copies, count, progress, ctx, e);
	b.targets = calloc(count, sizeof(*b.targets));
	b.paths = calloc(count, sizeof(*b.paths));
	if (!b.targets || !b.paths)
		return error_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = prepare_copy(&d, backend, &b, i, progress, ctx, e);
	if (rc == 0 && !d.devices.call.simulated)
		rc = copy_disks(&d, &b, progress, ctx, e);
	for (size_t i = 0; i < count; i++) {
		_cleanup_pool_ virStoragePoolPtr pool = NULL;

		if (rc < 0 && b.paths[i])
			(void)hv_volume_delete(hv, host, copies[i].pool, copies[i].name, NULL);
		else if (rc == 0 && !d.devices.call.simulated &&
			 pool_find(&d.devices.call, copies[i].pool, &pool, NULL) == 0)
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
