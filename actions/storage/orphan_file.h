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
 * A job that somebody has asked for starts the storage pool of what it has removed, if it must. Any other pool that an
 * administrator may have stopped is left alone, and the files on it are left for later: by such a job, too, and by who looks
 * after files that were left behind.
 *
 * A file that is the nextPath of a volume is never removed: it is not known yet
 * whether it is the volume's (volume/snapshot.h).
 */
#ifndef POOLFS_STORAGE_ORPHAN_FILE_H
#define POOLFS_STORAGE_ORPHAN_FILE_H

#include "actions/engine/job.h"

/**
 * Writes the orphan row of the file @name on a storage: @job's, or without a job if that is NULL. @host is
 * given for local storage only. For change functions.
 */
int orphan_file_put(struct txn *t, const char *ps, const char *host, const char *name, const char *job,
		    struct error *e);
/** As orphan_file_put() without a job, for a path in the storage's folder. For change functions. */
int orphan_file_put_path(struct txn *t, const char *ps, const char *host, const char *path, struct error *e);
/** The orphan row of the file @path on a storage, borrowed; NULL: it is none. */
const struct object *orphan_file_find(const struct view *view, const char *ps, const char *path);
/** Removes the orphan row of a file that now belongs to an object, if any. For change functions. */
int orphan_file_adopt(struct txn *t, const char *ps, const char *path, struct error *e);
/**
 * Removes the orphan files of @job and those without a job, unless a volume or snapshot may need them. For its own files, and
 * those on the storage @ps, from which it has removed something (may be NULL), storage pools are started, unless a timer of
 * the pool has submitted the job. What cannot be removed now is left to the timer, as is what another thread is still removing
 * after some seconds. Blocking.
 */
void orphan_files_remove(const struct job *job, const char *ps);
/**
 * Removes the orphan files without a job, and those of all jobs that have ended, but starts no storage pool. Continues after a
 * failure and returns the first one. A timer, and for the time when a host has connected. Blocking.
 */
int orphan_files_collect(struct pool *pool, struct error *e);
/** The last component of a path. Borrowed from @path. */
const char *path_file_name(const char *path);

#endif
