/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orphan files: files on primary storage that do not yet, or no longer, belong
 * to a volume, a snapshot or a cached image.
 *
 * A job that creates a file first writes an orphan row with its own uuid; the
 * commit that gives the file to a volume or snapshot removes the row. A commit
 * that takes a file from its last owner writes an orphan row without a job. So
 * every file of the pool is named by a row at any moment, and a kill leaks none:
 * an orphan file whose job has ended is removed by that job itself, at the next
 * start, or when its host is connected again. Two threads never remove one file
 * at a time.
 *
 * libvirt stops a storage pool when it cannot look at a file. A job starts it for the files that it was to make; others are
 * removed if the pool is active, else by the timer, which starts it, at once. None is started of which an administrator has
 * switched off the autostart: its files are left for later.
 *
 * A file that is the nextPath of a volume is never removed: it is not known yet
 * whether it is the volume's (volume/snapshot.h).
 */
#ifndef POOLFS_STORAGE_ORPHAN_FILE_H
#define POOLFS_STORAGE_ORPHAN_FILE_H

#include "actions/engine/pool.h"

/**
 * Writes the orphan row of the file @name on a storage: @job's, or without a job if that is NULL. @host is
 * given for local storage only. A job's file must be new: as orphan_file_check_name(). For change functions.
 */
int orphan_file_put(struct txn *t, const char *ps, const char *host, const char *name, const char *job,
		    struct error *e);
/** As orphan_file_put() without a job, for a path in the storage's folder. For change functions. */
int orphan_file_put_path(struct txn *t, const char *ps, const char *host, const char *path, struct error *e);
/**
 * -EBUSY when there is an orphan file of this name, as one of an attempt before that could not be removed: the new one would
 * be removed in its place.
 */
int orphan_file_check_name(const struct view *view, const char *ps, const char *host, const char *name,
			   struct error *e);
/** The orphan row of the file @path on a storage, borrowed; NULL: it is none. */
const struct object *orphan_file_find(const struct view *view, const char *ps, const char *path);
/** Removes the orphan row of a file that now belongs to an object, if any. For change functions. */
int orphan_file_adopt(struct txn *t, const char *ps, const char *path, struct error *e);
/**
 * Removes the orphan files of @job (may be NULL) and those without a job whose storage pool runs, unless a volume or snapshot
 * may need them. What cannot be removed now is left to the timer, as is what another thread is still removing
 * after some seconds. Blocking.
 */
void orphan_files_remove(struct pool *pool, const char *job);
/**
 * Removes the orphan files without a job, and those of all jobs that have ended. Continues after a failure
 * and returns the first one. A timer, and for the time when a host has connected. Blocking.
 */
int orphan_files_collect(struct pool *pool, struct error *e);
/** Whether orphan_files_collect() has something to do that a job has left. For the timer. */
bool orphan_files_are_left(struct pool *pool, const struct view *view);
/** The last component of a path. Borrowed from @path. */
const char *path_file_name(const char *path);

#endif
