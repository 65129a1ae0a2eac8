/* SPDX-License-Identifier: Apache-2.0 */
/* The type of storage "rbd": a pool of Ceph. See ceph.h. Internal to storage/. */
#ifndef POOLFS_HYPERVISOR_STORAGE_RBD_H
#define POOLFS_HYPERVISOR_STORAGE_RBD_H

#include "hypervisor/storage/backend.h"

extern const struct storage_backend storage_rbd;

#endif
