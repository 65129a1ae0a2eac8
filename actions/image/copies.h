/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copies of a new image on backup storage: from one source to a file on each.
 *
 *   1. The first backup storage gets the bytes under the partial name. They are
 *      probed there (image/probe.h), and only then become a file of the image.
 *   2. Each further one gets a copy from the first.
 *   3. One change makes the image Ready, with what was found in the file, and the
 *      refs of the copies that are there; the refs of those that failed go.
 *
 * When no copy could be made, the files go first and the rows last. A kill at any
 * moment leaves rows that are not Ready, or an image that is whole.
 */
#ifndef POOLFS_IMAGE_COPIES_H
#define POOLFS_IMAGE_COPIES_H

#include "actions/engine/job.h"

/** What somebody says of the source; see image/rules.h. All borrowed. */
struct image_claim {
	const char *format;	/* "qcow2", "raw" or "iso" */
	const char *media_type; /* NULL = not said */
	bool system;
	/* Of what was uploaded as a file; NULL = as the rows say, and the format need not be just this one.
	 */
	const char *name, *url;
};

/**
 * Refuses a new image that no backup storage of the list could take: none is Enabled and Connected. -EINVAL
 * with the manual's sentence. For checks.
 */
int image_copies_check(const struct view *view, const json_t *backup_storages, struct error *e);
/**
 * Writes the refs of a new image, each with @status, for those backup storages of the list that can be used.
 * For change functions, after the image's row. -EINVAL as image_copies_check().
 */
int image_copies_put_refs(struct txn *t, const char *image_uuid, const json_t *backup_storages,
			  const char *status, struct error *e);
/**
 * Looks, before any work is done for it, whether one of the backup storages that the image has refs for has
 * more than @bytes of room. -ENOSPC (BS.1003) or why they cannot be asked. Blocking.
 */
int image_copies_find_room(struct job *job, const char *image_uuid, int64_t bytes, struct error *e);
/**
 * Brings @source (a URL or an absolute path) to every backup storage that the image has refs for, and makes
 * image and refs Ready. Some failures are a success as long as one copy was made; *ret_failures (may be
 * NULL), owned by the caller, is then [{"backupStorageUuid", "error"}] (NULL when memory is short). On
 * failure neither rows nor files are left, but for a file that cannot be removed: its row stays, Deleting,
 * for an expunge to remove both. Blocking; shows the job's progress and stops with it.
 */
int image_copies_make(struct job *job, const char *image_uuid, const char *source,
		      const struct image_claim *claim, json_t **ret_failures, struct error *e);
/** The result of a job that made an image: its inventory, and `failures` when there are any. Takes those
 * over. */
int image_copies_result(struct job *job, const char *image_uuid, json_t *failures, json_t **ret_result,
			struct error *e);

/**
 * As image_copies_make() for an image with one ref whose bytes are there already, under the partial name:
 * step 1 without the fetching, and step 3. @md5: "" = not known. On failure everything is as before.
 * Blocking.
 */
int image_copies_adopt(struct job *job, const char *image_uuid, const struct image_claim *claim,
		       const char *md5, struct error *e);
/**
 * Takes image_copies_adopt() back: the image is Downloading again, its bytes are under the partial name.
 * -EBUSY when somebody uses the image already. After a failure nothing has changed. Blocking.
 */
int image_copies_reopen(struct job *job, const char *image_uuid, struct error *e);

#endif
