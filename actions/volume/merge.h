/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying the files below a volume's head into it, and what all merges have in common.
 *
 * QEMU names the new backing file in the head before it has written all of what it copied. If it ends then, or its host
 * does, the head alone has lost data, which the former backing file still has. So that is noted in the row (mergePath)
 * before the merge begins, until it is known to be on the disk; no file is removed before. Whoever uses the volume next
 * has snapshot_reconcile() settle it first: the merge is either on the disk then, or the file stands on the former one
 * again, as if nothing had been merged. Either way the rows are true, and a merge can begin anew.
 *
 * The same holds for the files of snapshots, which get another backing file when one below them is deleted.
 */
#ifndef POOLFS_VOLUME_MERGE_H
#define POOLFS_VOLUME_MERGE_H

#include "actions/engine/job.h"

/**
 * Copies all files between the volume's head and @base (NULL: all files below the head) into the head, whose
 * backing file is @base then; all is on the disk. If @base is not below the head, the head gets no backing file. Reports
 * progress to @job. Errors of volume_locate() and of the host. Blocking.
 */
int volume_merge(struct job *job, const char *volume, const char *base, struct error *e);
/** Notes that the file of @o, a volume or a snapshot, which stands on @path, is being merged, or NULL: that this is on the
 * disk. Blocking. */
int merge_note(struct pool *pool, const struct object *o, const char *path, struct error *e);
/**
 * Ends the merge of @o, the volume @volume or a snapshot of it, for which @result is known: it is on the disk, or a negative
 * errno with its sentence in @e; then it is settled at once, if its host can be asked. Returns @result, or an error of
 * the note. Blocking.
 */
int merge_end(struct pool *pool, const struct object *o, const char *volume, int result, struct error *e);
/**
 * Settles what is noted of @volume and its snapshots, which only the caller's job may change meanwhile. While a guest's
 * QEMU still merges the note stays, which is no error: what waits for the end of that, or gives the volume another head,
 * has to look. Blocking.
 */
int volume_settle_merges(struct pool *pool, const struct view *view, const struct object *volume,
			 struct error *e);

#endif
