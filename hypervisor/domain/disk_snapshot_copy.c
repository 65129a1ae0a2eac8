/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of disks on Ceph of an active domain: a snapshot of each image, and a
 * copy of that. Of several disks the snapshots are taken while the guest is
 * paused, so that they are of the same moment.
 */
#include "hypervisor/domain/disk.h"

#include <string.h>

#include "hypervisor/errors.h"
#include "hypervisor/storage/ceph.h"
#include "hypervisor/storage/storage.h"

/* One disk. */
struct image {
	char *path;    /* owned */
	char *frozen;  /* owned: the snapshot that is copied */
	char *storage; /* owned: where the copy goes */
};

static void image_done(struct image *image)
{
	free(image->path);
	free(image->frozen);
	free(image->storage);
}

/* The progress of one disk of several. */
struct part {
	hv_progress *progress;
	void *ctx;
	size_t number, count;
};

static int part_progress(void *ctx, int percent)
{
	const struct part *part = ctx;

	return part->progress ? part->progress(part->ctx,
					       (int)((part->number * 100 + (size_t)percent) / part->count))
			      : 0;
}

int disks_are_on_ceph(const struct disk *d, const struct hv_disk_copy *copies, size_t count, struct error *e)
{
	size_t on_ceph = 0;

	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *path = domain_disk_path(d->devices.doc, copies[i].volume);

		on_ceph += ceph_is_path(path);
	}
	if (on_ceph == 0 || on_ceph == count)
		return on_ceph > 0;
	return error_set(e, EOPNOTSUPP,
			 "disks on Ceph and disks on other storage of domain '%s' cannot be copied together",
			 virDomainGetName(d->devices.domain));
}

static int find_image(const struct disk *d, const struct hv_disk_copy *copy, struct image *image,
		      struct error *e)
{
	_cleanup_place_ struct pool_place at = {0};
	int rc = volume_check_name(copy->name, e);

	if (rc == 0)
		rc = pool_place_find(&d->devices.call, copy->pool, &at, e);
	if (rc < 0)
		return rc;
	image->storage = steal(&at.ceph);
	if (!image->storage)
		return error_set(e, EOPNOTSUPP, "disk '%s' is on Ceph, its copy cannot be elsewhere",
				 copy->volume);
	image->path = domain_disk_path(d->devices.doc, copy->volume);
	image->frozen = image->path ? ceph_copy_source(image->path, copy->name) : NULL;
	return image->frozen ? 0 : error_set(e, ENOMEM, "out of memory");
}

static int freeze(const struct disk *d, const struct image *images, size_t count, struct error *e)
{
	virDomainPtr domain = d->devices.domain;
	int state = 0, rc = 0;
	bool pause =
		count > 1 && virDomainGetState(domain, &state, NULL, 0) == 0 && state == VIR_DOMAIN_RUNNING;

	if (pause && virDomainSuspend(domain) < 0)
		return error_set_virt(e, d->devices.call.conn, "cannot pause domain '%s' to copy its disks",
				      virDomainGetName(domain));
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = ceph_snapshot(images[i].frozen, e);
	if (pause && virDomainResume(domain) < 0 && rc == 0)
		rc = error_set_virt(e, d->devices.call.conn, "cannot resume domain '%s'",
				    virDomainGetName(domain));
	return rc;
}

/* Removes the snapshots, and after a failure the copies, too. */
static void clean_up(const struct image *images, struct hv_disk_copy *copies, size_t count, bool failed)
{
	for (size_t i = 0; i < count; i++) {
		const char *slash = images[i].frozen ? strrchr(images[i].frozen, '/') : NULL;
		_cleanup_free_ char *storage =
			slash ? strndup(images[i].frozen, (size_t)(slash - images[i].frozen)) : NULL;

		if (storage)
			(void)ceph_delete(storage, slash + 1, NULL);
		if (!failed || !copies[i].path)
			continue;
		(void)ceph_delete(images[i].storage, copies[i].name, NULL);
		free(copies[i].path);
		copies[i].path = NULL;
	}
}

int disks_copy_on_ceph(const struct disk *d, struct hv_disk_copy *copies, size_t count, hv_progress *progress,
		       void *ctx, struct error *e)
{
	_cleanup_free_ struct image *images = calloc(count, sizeof(*images));
	struct part part = {.progress = progress, .ctx = ctx, .count = count};
	int rc = images ? 0 : error_set(e, ENOMEM, "out of memory");

	for (size_t i = 0; i < count && rc == 0; i++) {
		copies[i].path = NULL;
		rc = find_image(d, &copies[i], &images[i], e);
	}
	if (rc == 0)
		rc = freeze(d, images, count, e);
	for (; part.number < count && rc == 0; part.number++)
		rc = ceph_copy(images[part.number].frozen, images[part.number].storage,
			       copies[part.number].name, part_progress, &part, &copies[part.number].path, e);
	if (images)
		clean_up(images, copies, count, rc < 0);
	for (size_t i = 0; images && i < count; i++)
		image_done(&images[i]);
	return rc;
}
