/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies and merges of files in a folder of a host. See dir_jobs.c; internal to
 * storage/: see backend.h for the functions.
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_DIR_JOBS_H
#define POOLFS_HYPERVISOR_STORAGE_DIR_JOBS_H

#include "hypervisor/storage/backend.h"

int dir_copy(const struct hv_call *call, const char *path, const char *path_format,
	     const struct storage_pool *at, const char *name, const char *format, hv_progress *progress,
	     void *ctx, char **ret_path, struct error *e);
int dir_pull(const struct hv_call *call, const char *path, const char *base, hv_progress *progress, void *ctx,
	     struct error *e);
int dir_stand_on(const struct hv_call *call, const char *path, const char *backing, struct error *e);
/*
 * Writes the raw file @path to the disk of its host, whose libvirt has no call for that: QEMU writes the first @size
 * bytes once more, from the file @head that has the same, and flushes. An error of bytes that were written before is
 * found, too.
 */
int dir_flush_on_host(const struct hv_call *call, const char *path, const char *head, int64_t size,
		      hv_progress *progress, void *ctx, struct error *e);

#endif
