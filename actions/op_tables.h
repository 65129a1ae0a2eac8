/* SPDX-License-Identifier: Apache-2.0 */
/* The row lists of the op_*.c files, for operation.c. Each ends with NULL. */
#ifndef POOLFS_OP_TABLES_H
#define POOLFS_OP_TABLES_H

#include "actions/operation.h"

extern const struct operation *const operations_vm_life[];
extern const struct operation *const operations_vm_place[];
extern const struct operation *const operations_vm_disks[];
extern const struct operation *const operations_vm_network[];
extern const struct operation *const operations_vm_settings[];
extern const struct operation *const operations_volume[];
extern const struct operation *const operations_image[];
extern const struct operation *const operations_offering[];
extern const struct operation *const operations_host[];
extern const struct operation *const operations_storage[];
extern const struct operation *const operations_network[];
extern const struct operation *const operations_scheduler[];
extern const struct operation *const operations_system[];
extern const struct operation *const operations_account[];
extern const struct operation *const operations_spec[];

#endif
