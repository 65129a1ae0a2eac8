/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of storage "dir" and "netfs": files in a folder of the host, which for
 * netfs is an NFS mount that libvirt makes. Internal to storage/.
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_DIR_H
#define POOLFS_HYPERVISOR_STORAGE_DIR_H

#include "hypervisor/storage/backend.h"

extern const struct storage_backend storage_dir;
extern const struct storage_backend storage_netfs;

#endif
