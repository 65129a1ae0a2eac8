/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files below a disk of an active domain: another head, and merging. See disk.h
 * for how disks are found and for the errors. The calls may wait for the host.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_DISK_CHAIN_H
#define POOLFS_HYPERVISOR_DOMAIN_DISK_CHAIN_H

#include "hypervisor/hypervisor.h"

/**
 * Makes the guest write to @overlay, an empty overlay of the disk's present file, which no longer changes
 * from then on. All or nothing.
 */
int hv_disk_switch(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   const char *overlay, struct error *e);

/**
 * Copies what lies between the disk's file and @base (a file below it; NULL = everything) into the disk's
 * file, whose backing file is then @base, and all of it is on the disk. Success at once when it is that already. The
 * data stays the same at any moment, also when this is interrupted, unless QEMU or its host ends then: see
 * hv_volume_stand_on(). -EINVAL when @base is not below the disk.
 */
int hv_disk_pull(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		 const char *base, hv_progress *progress, void *ctx, struct error *e);
/** Makes QEMU write what it has in memory of the disk's file. -EINPROGRESS while it merges files of the disk. */
int hv_disk_flush(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		  struct error *e);
/**
 * Merges the file @top, which is below the disk's file, down into @base, the one that it stands on: @base
 * then reads as @top does, and what had @top as its backing file in this disk has @base. Success at once when
 * @top is no longer below the disk. From the start, @base is of no use to other overlays; @top stays as it
 * is. *ret_begun, set on failure too: false when this call has certainly written nothing to @base.
 */
int hv_disk_commit(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   const char *top, const char *base, hv_progress *progress, void *ctx, bool *ret_begun,
		   struct error *e);

#endif
