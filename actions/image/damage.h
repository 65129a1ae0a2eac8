/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage inside of qcow2 images: clusters that belong to two places, reference counts that are wrong. The headers
 * (image/probe.h) tell what an image is and whether it is whole; this takes all of its tables, and QEMU's own program.
 */
#ifndef POOLFS_IMAGE_DAMAGE_H
#define POOLFS_IMAGE_DAMAGE_H

#include "hypervisor/hypervisor.h"

/**
 * Checks the qcow2 file at @path with qemu-img, which runs in poolfs-box and only reads. -EINVAL with the number of
 * errors when it is damaged; -ECANCELED by @progress, which is called several times a second; success when qemu-img
 * is not installed, and for what opening the image repairs: leaked clusters, counts that were not written before a
 * crash. Blocks for as long as the tables take to be read.
 */
int image_check_damage(const char *path, hv_progress *progress, void *ctx, struct error *e);

#endif
