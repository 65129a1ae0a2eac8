/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of disks of an active domain whose storage keeps snapshots itself: a
 * snapshot of each volume, and a copy of that. Of several disks the snapshots are
 * taken while the guest is paused, so that they are of the same moment.
 */

#include <string.h>

#include "hypervisor/domain/disk_lookup.h"
#include "hypervisor/domain/disk_snapshot_copy.h"
#include "hypervisor/errors.h"

/* One disk. */
struct image {
	char *path;		/* owned */
	char *frozen;		/* owned: the snapshot that is copied */
	struct storage_pool at; /* where the copy goes */
};

static void image_done(struct image *image)
{
	free(image->path);
	free(image->frozen);
	storage_pool_done(&image->at);
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

int disk_copy_find_backend(const struct disk *d, const struct hv_disk_copy *copies, size_t count,
			   const struct storage_backend **ret_backend, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *path = domain_disk_path(d->devices.doc, d->devices.call.host->uuid,
							     d->devices.uuid, copies[i].volume);
		const struct storage_backend *backend = storage_backend_of_path(path);

		if (i > 0 && backend != *ret_backend)
			return error_set(e, EOPNOTSUPP,
					 "disks of domain '%s' on different types of storage cannot be "
					 "copied together",
					 d->devices.uuid);
		*ret_backend = backend;
	}
	return 0;
}

int disk_copy_find_pool(const struct disk *d, const struct storage_backend *backend,
			const struct hv_disk_copy *copy, struct storage_pool *ret_at, struct error *e)
{
	int rc = volume_check_name(copy->name, e);

	if (rc == 0)
		rc = storage_pool_enter(&d->devices.call, copy->pool, ret_at, e);
	if (rc == 0 && !storage_backends_agree(backend, ret_at->backend))
		rc = error_set(e, EOPNOTSUPP, "disk '%s' cannot be copied to storage of another type",
			       copy->volume);
	return rc;
}

static int find_image(const struct disk *d, const struct storage_backend *backend,
		      const struct hv_disk_copy *copy, struct image *image, struct error *e)
{
	int rc = disk_copy_find_pool(d, backend, copy, &image->at, e);

	if (rc < 0)
		return rc;
	image->path =
		domain_disk_path(d->devices.doc, d->devices.call.host->uuid, d->devices.uuid, copy->volume);
	image->frozen = image->path ? backend->copy_source(image->path, copy->name) : NULL;
	return image->frozen ? 0 : error_set(e, ENOMEM, "out of memory");
}

static int freeze(const struct disk *d, const struct storage_backend *backend, const struct image *images,
		  size_t count, struct error *e)
{
	const struct hv_call *call = &d->devices.call;
	const struct domain *domain = &d->devices.domain;
	enum hv_domain_state state = HV_DOMAIN_OFF;
	enum hv_domain_reason reason;
	bool pause = count > 1 && call->driver->state(call, domain, &state, &reason, NULL) == 0 &&
		     state == HV_DOMAIN_RUNNING;
	int resumed, rc = pause ? call->driver->suspend(call, domain, e) : 0;

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = backend->snapshot(images[i].frozen, e);
	resumed = pause ? call->driver->resume(call, domain, rc < 0 ? NULL : e) : 0;
	return rc < 0 ? rc : resumed;
}

/* Removes the snapshots, and after a failure the copies, too. */
static void clean_up(const struct disk *d, const struct storage_backend *backend, const struct image *images,
		     struct hv_disk_copy *copies, size_t count, bool failed)
{
	for (size_t i = 0; i < count; i++) {
		if (images[i].frozen)
			(void)backend->snapshot_remove(images[i].frozen, NULL);
		if (!failed || !copies[i].path)
			continue;
		(void)backend->remove(&d->devices.call, &images[i].at, copies[i].name, NULL);
		free(copies[i].path);
		copies[i].path = NULL;
	}
}

int disks_copy_by_snapshot(const struct disk *d, const struct storage_backend *backend,
			   struct hv_disk_copy *copies, size_t count, hv_progress *progress, void *ctx,
			   struct error *e)
{
	_cleanup_free_ struct image *images = calloc(count, sizeof(*images));
	struct part part = {.progress = progress, .ctx = ctx, .count = count};
	int rc = images ? 0 : error_set(e, ENOMEM, "out of memory");

	for (size_t i = 0; i < count && rc == 0; i++) {
		copies[i].path = NULL;
		rc = find_image(d, backend, &copies[i], &images[i], e);
	}
	if (rc == 0)
		rc = freeze(d, backend, images, count, e);
	for (; part.number < count && rc == 0; part.number++) {
		const struct image *image = &images[part.number];
		struct hv_disk_copy *copy = &copies[part.number];

		rc = backend->copy(&d->devices.call, image->frozen, copy->format, &image->at, copy->name,
				   copy->format, part_progress, &part, &copy->path, e);
	}
	if (images)
		clean_up(d, backend, images, copies, count, rc < 0);
	for (size_t i = 0; images && i < count; i++)
		image_done(&images[i]);
	return rc;
}
