/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scratch files: the temporary files of tools that write by rename.
 *
 * sed -i, rsync, editors and configuration management create a temporary file in
 * the directory of the file they write, fill it, and rename it over the target;
 * editors put swap and backup files there too. Such files can be created in every
 * directory that has writable files, and so can directories, which some tools use as
 * locks, and files in these. They are held in memory, visible only to the
 * user who created them, limited in size and number, and deleted ten minutes after
 * their last use. A file can have several names (link(2)) or none (unlink(2) while
 * it is open).
 *
 * A scratch file has no effect on the pool until it is renamed over a fixed name,
 * which submits its content (scratch.c). Files outlive the process (model/keep.h).
 * Self-locking.
 */
#ifndef POOLFS_FS_CLASS_SCRATCHES_H
#define POOLFS_FS_CLASS_SCRATCHES_H

#include "fs/tree/place.h"

/* Longest file, and all of them together, bytes. */
#define SCRATCH_LENGTH REQUEST_LENGTH
#define SCRATCH_TOTAL  (64 * REQUEST_LENGTH)
/* Names at a time: of one user, and of all. */
#define SCRATCH_NAMES_OF_USER 256
#define SCRATCH_NAMES	      4096
/* A file that is not open is deleted this long after its last use. */
#define SCRATCH_IDLE_S 600

struct keep;
struct scratches;

/** With the files of the process before this one in @keep, which may be NULL. */
struct scratches *scratches_new(struct keep *keep);
/** Accepts NULL. */
void scratches_free(struct scratches *s);

/** Creates an empty file or directory. @mode: type and permissions. -EEXIST, -ENOSPC (too many, or no room to keep it), -ENOMEM. */
int scratch_create(struct scratches *s, struct node dir, uid_t uid, const char *name, mode_t mode,
		   int64_t *ret_number);
/** Gives a file one more name. -ESTALE, -EEXIST, -ENOSPC, -ENOMEM. */
int scratch_link(struct scratches *s, int64_t number, struct node dir, const char *name);
/** Removes a name; the file is deleted with its last name and last reader. -ENOENT, -ENOTEMPTY. */
int scratch_unlink(struct scratches *s, struct node dir, uid_t uid, const char *name);
/** Renames a file; one of the same type and user under the new name is replaced. -ENOENT, -ENAMETOOLONG,
 * -EISDIR, -ENOTDIR, -ENOTEMPTY, -ENOSPC, -ENOMEM. */
int scratch_rename(struct scratches *s, uid_t uid, struct node from, const char *name, struct node to,
		   const char *to_name);

/** Counts a reader or writer. -ESTALE. */
int scratch_open(struct scratches *s, int64_t number);
void scratch_close(struct scratches *s, int64_t number);
/**
 * Up to @size bytes from @offset, with the mtime of the file. -ESTALE; -ENOMEM; -EIO: the process before this one had no
 * room to keep the bytes, so the file has to be truncated and written anew.
 */
int scratch_read(struct scratches *s, int64_t number, size_t size, off_t offset, struct document **ret);
/** -ESTALE, -EFBIG, -ENOSPC, -ENOMEM; -EIO as scratch_read(). */
int scratch_write(struct scratches *s, int64_t number, const char *data, size_t len, off_t offset);
/** Its bytes; -ESTALE. */
off_t scratch_size(struct scratches *s, int64_t number);
/** Truncates or fills up with zeros. Errors as scratch_write(); none is -EIO at length 0. */
int scratch_truncate(struct scratches *s, int64_t number, off_t size);
/** Sets the attributes in the file's stat(2), without checks; @changed: ns. -ESTALE. */
int scratch_set_mode(struct scratches *s, int64_t number, mode_t mode);
int scratch_set_time(struct scratches *s, int64_t number, int64_t changed);

/** The attributes of a scratch file, -ESTALE if it is gone. */
int scratch_stat(const struct place *p, struct stat *ret);
/** True while the file exists, with a name or open. */
bool scratch_is_here(struct scratches *s, int64_t number);

/* Columns of the node table. */
bool scratch_here(const struct place *dir);
bool scratch_find(const struct place *dir, const char *name, struct node *ret);
int64_t scratch_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
bool scratch_directory_find(const struct place *dir, const char *name, struct node *ret);
bool scratch_directory_parent(const struct place *p, struct node *ret);
int64_t scratch_directory_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE],
			       struct node *ret);
mode_t scratch_permissions(const struct place *p);
struct document *scratch_render(const struct place *p);

#endif
