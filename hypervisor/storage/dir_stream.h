/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads and downloads of files in a folder of a host, through libvirt's streams; an
 * upload to this machine is a copy of the file. Internal to hypervisor/; see backend.h for the functions of its rows.
 *
 * After an upload the pool is read again, so that libvirt knows the format and the
 * virtual size of what was uploaded. Formats are never guessed otherwise.
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_DIR_STREAM_H
#define POOLFS_HYPERVISOR_STORAGE_DIR_STREAM_H

#include "hypervisor/storage/backend.h"

int dir_upload(const struct hv_call *call, const struct storage_pool *at, const char *name,
	       const char *format, const char *file, hv_progress *progress, void *ctx, char **ret_path,
	       struct error *e);
int dir_download(const struct hv_call *call, const char *path, const char *file, hv_progress *progress,
		 void *ctx, struct error *e);
/*
 * Writes the first @size bytes of @fd to the new volume @volume of @pool, holes kept, and that to the disk of the host.
 * A failure removes the volume.
 */
int dir_write(const struct hv_call *call, virStoragePoolPtr pool, virStorageVolPtr volume, int fd,
	      int64_t size, hv_progress *progress, void *ctx, struct error *e);
/* The name of the file that is beside the file @name of a host while that is flushed; allocated. */
char *dir_head_name(const char *name);

#endif
