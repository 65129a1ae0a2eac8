/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sizes of volumes.
 *
 * A size is rounded up once, where it is asked for, to a multiple of VOLUME_SIZE_UNIT. All formats, types of
 * storage and QEMU carry such a size as it is, so the row of a volume says what its file has. Rows of earlier
 * versions may say what was asked for instead; volume_settle_size() corrects them.
 */
#ifndef POOLFS_VOLUME_SIZE_H
#define POOLFS_VOLUME_SIZE_H

#include "actions/engine/job.h"

/*
 * Bytes. libvirt creates qcow2 files of whole KiB, QEMU and guests count sectors of 512 bytes, and QEMU writes a
 * raw file on a disk with sectors of 4 KiB in units of these, so that one of another length would grow.
 */
#define VOLUME_SIZE_UNIT 4096

/** The least size of a volume that has room for @bytes, in bytes. */
int64_t volume_round_size(int64_t bytes);
/** The size of the volumes of the disk offering with this uuid, in bytes; 0 when there is none. */
int64_t disk_offering_size(const struct view *view, const char *uuid);
/** The size of the volumes that are made from an image, in bytes; 0 for NULL. */
int64_t image_volume_size(const struct object *image);

/**
 * Writes the sizes of the volume's file into its row, and updates the capacity of its storage. Does nothing
 * for a volume that is not Ready. -ENOTCONN (PS.1003) when no host can be asked. Blocking.
 */
int volume_sync_size(struct pool *pool, const char *uuid, struct error *e);
/**
 * The same for all volumes that were to grow when their host was lost, if no job works on them: they may have grown. For the
 * time when a host has connected. Blocking.
 */
void volumes_settle_growth(struct pool *pool);
/** The same, only for a volume whose row has a size that its file cannot have. */
int volume_settle_size(struct job *job, const char *uuid, struct error *e);

#endif
