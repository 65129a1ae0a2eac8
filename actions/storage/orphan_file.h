/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loose files: files on primary storage that belong to no volume, snapshot or
 * cached image, because they do not yet, or no more.
 *
 * A job that makes a file writes a loose row with its own uuid first; the
 * commit that gives the file to a volume or snapshot removes the row. A commit
 * that takes a file from its last owner writes a loose row without a job. So at
 * any moment each file of ours has a row that names it, and a kill leaves no
 * orphan: a loose file whose job has ended is removed, by that job itself, at
 * the next start, or when its host is back.
 *
 * A file that some volume's nextPath names is never removed: whether it is the
 * volume's is not known yet (snapshot.h).
 */
#ifndef POOLFS_STORAGE_ORPHAN_FILE_H
#define POOLFS_STORAGE_ORPHAN_FILE_H

#include "actions/engine/pool.h"

/** Says that @job (NULL: nobody) has the file @name on a storage; @host: local storage only. For change
 * functions. */
int orphan_file_put(struct txn *t, const char *ps, const char *host, const char *name, const char *job,
		    struct error *e);
/** As orphan_file_put() without a job, for a path in the storage's folder. */
int orphan_file_put_path(struct txn *t, const char *ps, const char *host, const char *path, struct error *e);
/** The file belongs to an object now. For change functions. */
int orphan_file_adopt(struct txn *t, const char *ps, const char *path, struct error *e);
/** The files that @job still has are nobody's now. For change functions. */
int loose_files_release(struct txn *t, const char *job, struct error *e);
/**
 * Removes what @job (NULL: nobody) has and nobody else will have, and the loose files that have no job. What
 * cannot be removed now stays for the timer. Blocking.
 */
void orphan_files_remove(struct pool *pool, const char *job);
/** The same for all jobs that have ended: for the timer thread and after the start. */
int orphan_files_collect(struct pool *pool, struct error *e);
/** The last part of a path. Borrowed. */
const char *path_file_name(const char *path);

#endif
