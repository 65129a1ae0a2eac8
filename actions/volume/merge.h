/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying the files below a volume's head into it.
 *
 * QEMU names the new backing file in the head before it has written all of what it copied. If it ends then, or its host
 * does, the head alone has lost data, which the former backing file still has. So that is noted in the volume
 * (mergePath) before the merge begins, until it is known to be on the disk; no file is removed before. What uses the
 * volume next has snapshot_reconcile() settle it first.
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
/** Notes that the head of @volume, which stands on @path, is being merged, or NULL: that this is on the disk. Blocking. */
int volume_note_merge(struct pool *pool, const char *volume, const char *path, struct error *e);
/** Settles the merge that @volume, which has no other owner meanwhile, has noted. Blocking. */
int volume_settle_merge(struct pool *pool, const struct view *view, const struct object *volume,
			struct error *e);

#endif
