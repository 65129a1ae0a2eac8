/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copies of a new image on backup storage: from one source to one file on each.
 *
 *   1. The bytes are written to the first backup storage under the partial name and
 *      probed there (image/probe.h); only then are they renamed to the image's file.
 *   2. Every other backup storage gets a copy of the first one's file.
 *   3. One change makes the image and the refs of its copies Ready, with what was
 *      found in the file; it removes the refs of the copies that failed.
 *
 * If no copy could be made, the files are removed first and the rows last. A kill
 * at any moment leaves rows that are not Ready, or a complete image.
 */
#ifndef POOLFS_IMAGE_COPIES_H
#define POOLFS_IMAGE_COPIES_H

#include "actions/engine/job.h"
#include "actions/engine/url_policy.h"

/** What the user says that the source is; see image/rules.h. All borrowed. */
struct image_claim {
	const char *format;	/* "qcow2", "raw" or "iso" */
	const char *media_type; /* NULL = not given */
	bool system;
	const char *checksum; /* of what the URL names, see image/download.h; NULL = anything */
	bool any_raw;	      /* the user insists that it is raw, or the pool knows; see image/probe.h */
	/* Of an image that is uploaded as a file, whose content must have exactly this format; else NULL, and
	 * the rows have name and url. */
	const char *name, *url;
};

/**
 * -EINVAL, with the manual's sentence, if no backup storage of the list (uuids) is Enabled and Connected. For
 * the checks of operations.
 */
int image_copies_check(const struct view *view, const json_t *backup_storages, struct error *e);
/**
 * Writes a ref with @status for a new image for each usable backup storage of the list. For change functions,
 * after the image's row. -EINVAL as image_copies_check().
 */
int image_copies_put_refs(struct txn *t, const char *image_uuid, const json_t *backup_storages,
			  const char *status, struct error *e);
/**
 * Checks, before any work is done, that one of the backup storages that the image has refs for has room for
 * more than @bytes. -ENOSPC (BS.1003), or why none can be used. Blocking.
 */
int image_copies_find_room(struct job *job, const char *image_uuid, int64_t bytes, struct error *e);
/**
 * Copies what @url names (a URL or an absolute path; @policy NULL: a file of the pool's own, which is moved instead if it can
 * be, so that the caller has no use for it afterwards) to every backup storage that the image has refs for, and makes
 * image and refs Ready. Succeeds if at least one copy was made; *ret_failures (may be NULL) then lists the
 * others, [{"backupStorageUuid", "error"}], owned by the caller, NULL when memory is short. On failure no row
 * or file is left, except that a file that cannot be removed keeps its row, Deleting, until an expunge
 * removes both. Reports progress to the job and ends when that should stop. Blocking.
 */
int image_copies_make(struct job *job, const char *image_uuid, const char *url,
		      const struct url_policy *policy, const struct image_claim *claim, json_t **ret_failures,
		      struct error *e);
/**
 * The result of a job that made an image: its inventory, and `failures` if there are any. Takes @failures
 * over.
 */
int image_copies_result(struct job *job, const char *image_uuid, json_t *failures, json_t **ret_result,
			struct error *e);

/**
 * As image_copies_make() for an image with one ref whose bytes have already been written under the partial
 * name: step 1 without the transfer, and step 3. @md5: "" = unknown. On failure everything is as before.
 * Blocking.
 */
int image_copies_adopt(struct job *job, const char *image_uuid, const struct image_claim *claim,
		       const char *md5, struct error *e);
/**
 * Undoes image_copies_adopt(): the image is Downloading again, its bytes are under the partial name. -EBUSY
 * if the image is already in use. On failure nothing has changed. Blocking.
 */
int image_copies_reopen(struct job *job, const char *image_uuid, struct error *e);

#endif
