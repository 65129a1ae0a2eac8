/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `console/serial.log` of a VM: the log of its serial console (actions/vm/console_log.h), as it is now.
 *
 * It is read where the reader asks, not from a copy made at the open, so `tail -f` goes on. When the log is begun anew
 * because it has become long, its size is smaller than before. Nothing of it is in a handle. Threads of their own, which
 * may wait for a disk, measure, open, read and seek; the request is parked meanwhile.
 */
#ifndef POOLFS_FS_CLASS_SERIAL_LOG_H
#define POOLFS_FS_CLASS_SERIAL_LOG_H

#include "fs/tree/class.h"

extern const struct file_class class_serial_log;

#endif
