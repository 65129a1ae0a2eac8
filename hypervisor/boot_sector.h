/* SPDX-License-Identifier: Apache-2.0 */
/* The guest that probe_guest() starts: one boot sector. See boot_sector.c. */
#ifndef POOLFS_HYPERVISOR_BOOT_SECTOR_H
#define POOLFS_HYPERVISOR_BOOT_SECTOR_H

#define PROBE_BOOT_SECTOR_SIZE 512
/* What the boot sector writes to the first serial port, for ever, when the machine below it works. */
#define PROBE_MARKER "poolfs: guest runs"

extern const unsigned char probe_boot_sector[PROBE_BOOT_SECTOR_SIZE];

#endif
