/* SPDX-License-Identifier: Apache-2.0 */
/* The domains of a machine of the simulator. Internal to hypervisor/. */
#ifndef POOLFS_HYPERVISOR_SIMULATED_DRIVER_H
#define POOLFS_HYPERVISOR_SIMULATED_DRIVER_H

#include "hypervisor/driver.h"

extern const struct driver simulated_driver;

#endif
