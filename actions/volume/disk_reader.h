/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of images, volumes and snapshots, for reading them as files.
 *
 * An image reads as its file on backup storage. A volume or snapshot reads as
 * the disk that a guest would see, whatever files it is made of: QEMU's own
 * qemu-nbd, a child process that dies with its reader, puts them together, and
 * tells which parts are holes. It can do so where the storage's files are on
 * this machine.
 *
 * A volume can be read while no guest has it open; a reader does not keep a
 * guest from starting, but gets -ESTALE as soon as the volume's files may
 * change.
 *
 * Readers are counted; any number of threads may read at once. All functions
 * but disk_reader_size(), disk_reader_occupied() and disk_reader_check() block.
 */
#ifndef POOLFS_VOLUME_DISK_READER_H
#define POOLFS_VOLUME_DISK_READER_H

#include "model/error.h"
#include "model/view.h"

struct disk_reader;

/** Exact size of what disk_reader_open() would read, from the row; 0 when there is nothing to read. */
int64_t disk_reader_size(const struct object *o);
/** Bytes of it that are no holes, about, from the row: at least one block, and never all of them. */
int64_t disk_reader_occupied(const struct object *o);
/** -EBUSY, -EOPNOTSUPP with a sentence when the object cannot be read now. Only looks. */
int disk_reader_check(const struct view *view, const struct object *o, struct error *e);
/** Opens the object. Errors of disk_reader_check(), of files, -EIO when qemu-nbd says no. */
int disk_reader_open(const struct view *view, const struct object *o, struct disk_reader **ret_reader,
		     struct error *e);
struct disk_reader *disk_reader_ref(struct disk_reader *r);
/** Accepts NULL. The last one ends the child process, which may take a moment. */
void disk_reader_unref(struct disk_reader *r);

/** True while what was opened is what is there: an object that changed is another one. */
bool disk_reader_is_valid(const struct disk_reader *r, const struct view *view);
/** Reads up to @size bytes at @offset; bytes read, 0 at the end, or a negative errno. */
ssize_t disk_reader_read(struct disk_reader *r, void *buffer, size_t size, int64_t offset);
/** The next data (SEEK_DATA) or hole (SEEK_HOLE) at or after @offset, as lseek(2); -ENXIO, -EINVAL. */
int64_t disk_reader_seek(struct disk_reader *r, int64_t offset, int whence);

#endif
