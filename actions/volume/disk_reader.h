/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the contents of images, volumes and snapshots.
 *
 * An image is read as its file on backup storage. A volume or snapshot is read as
 * the disk that a guest would see, whatever chain of files it consists of: through
 * qemu-nbd, a child process that ends with its reader, and which also tells where
 * the holes are. This works only if the storage's files are on this machine.
 *
 * A volume can be read while no guest has it open. A reader does not keep a guest
 * from starting; it is not valid any more as soon as the volume's files may change,
 * nor is it once the guest has stopped, if that has written.
 *
 * Readers are counted by reference. Any number of threads may use one at the same
 * time. All functions but disk_reader_size(), disk_reader_occupied(),
 * disk_reader_check() and disk_reader_is_valid() may block.
 */
#ifndef POOLFS_VOLUME_DISK_READER_H
#define POOLFS_VOLUME_DISK_READER_H

#include "model/error.h"
#include "model/view.h"

struct disk_reader;

/** The exact number of bytes that a reader of @o can read, from its row; 0 when there is nothing to read. */
int64_t disk_reader_size(const struct object *o);
/** The approximate number of bytes that are not holes, from the row: at least one block, never all. */
int64_t disk_reader_occupied(const struct object *o);
/** Checks that @o can be read now: -EBUSY, or -EOPNOTSUPP when its files are not on this machine. */
int disk_reader_check(const struct view *view, const struct object *o, struct error *e);
/**
 * Opens @o. *ret_reader has one reference, for the caller. Errors of disk_reader_check() and open(2);
 * -ENOENT for an image without a readable copy, -EIO when qemu-nbd fails.
 */
int disk_reader_open(const struct view *view, const struct object *o, struct disk_reader **ret_reader,
		     struct error *e);
/** Takes another reference; returns @r. */
struct disk_reader *disk_reader_ref(struct disk_reader *r);
/** Drops a reference; accepts NULL. The last one ends the child process, which may take a moment. */
void disk_reader_unref(struct disk_reader *r);

/** True while the opened files still are those of the object in @view. */
bool disk_reader_is_valid(const struct disk_reader *r, const struct view *view);
/**
 * Which bytes it reads, as a number that is not 0: another one if they have changed since, or may have. Of a file it is
 * made from its number and time, of an image of Ceph from when its row changed.
 */
int64_t disk_reader_content(const struct disk_reader *r);
/**
 * Reads up to @size bytes at @offset. Returns the number of bytes read, 0 at the end, or an error; -ESTALE: others have
 * written to the file since it was opened.
 */
ssize_t disk_reader_read(struct disk_reader *r, void *buffer, size_t size, int64_t offset);
/**
 * Returns the offset of the next data (SEEK_DATA) or hole (SEEK_HOLE) at or after @offset, as lseek(2).
 * -ENXIO when there is none or @offset is behind the end, -EINVAL for another @whence, -ESTALE as for reading.
 */
int64_t disk_reader_seek(struct disk_reader *r, int64_t offset, int whence);

#endif
