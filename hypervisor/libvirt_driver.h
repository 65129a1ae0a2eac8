/* SPDX-License-Identifier: Apache-2.0 */
/* The domains of a host of libvirt, its test driver included. Internal to hypervisor/. */
#ifndef POOLFS_HYPERVISOR_LIBVIRT_DRIVER_H
#define POOLFS_HYPERVISOR_LIBVIRT_DRIVER_H

#include "hypervisor/driver.h"

extern const struct driver libvirt_driver;

#endif
