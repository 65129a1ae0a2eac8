/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a host that is this machine: copies and merges by QEMU's programs in poolfs-box, and what a header says. See
 * dir_local.c; internal to storage/.
 *
 * Each function sets *@ret_here to false, and has done nothing, when the files are not this machine's or not within
 * reach: then the host has to do it (dir_jobs.h).
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_DIR_LOCAL_H
#define POOLFS_HYPERVISOR_STORAGE_DIR_LOCAL_H

#include "hypervisor/storage/backend.h"

/* dir_backing(), without a refresh of the pool. */
int dir_local_backing(const struct hv_call *call, const char *path, char **ret_backing, bool *ret_here,
		      struct error *e);
/* dir_copy() */
int dir_local_copy(const struct hv_call *call, const char *path, const char *path_format,
		   const struct storage_pool *at, const char *name, const char *format, hv_progress *progress,
		   void *ctx, bool *ret_here, char **ret_path, struct error *e);
/* dir_pull() */
int dir_local_pull(const struct hv_call *call, const char *path, const char *base, hv_progress *progress,
		   void *ctx, bool *ret_here, struct error *e);
/* The same content as a standalone file @file of this machine, new, 0600, of @format; not written to disk yet. */
int dir_local_export(const struct hv_call *call, const char *path, const char *path_format, const char *file,
		     const char *format, hv_progress *progress, void *ctx, bool *ret_here, struct error *e);

#endif
