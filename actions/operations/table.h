/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of each file of operations/, for the dispatcher alone (engine/operation.c). Each list ends with NULL. */
#ifndef POOLFS_OPERATIONS_TABLE_H
#define POOLFS_OPERATIONS_TABLE_H

#include "actions/engine/operation.h"
#include "actions/engine/system_tag.h"

extern const struct operation *const operations_access_key[];
extern const struct operation *const operations_image_export[];
extern const struct operation *const operations_account[];
extern const struct operation *const operations_affinity_group[];
extern const struct operation *const operations_backup_storage[];
extern const struct operation *const operations_cluster[];
extern const struct operation *const operations_console[];
extern const struct operation *const operations_global_config[];
extern const struct operation *const operations_host[];
extern const struct operation *const operations_host_fence[];
extern const struct operation *const operations_host_state[];
extern const struct operation *const operations_image_add[];
extern const struct operation *const operations_image_qga[];
extern const struct operation *const operations_image_remove[];
extern const struct operation *const operations_image_template[];
extern const struct operation *const operations_image_update[];
extern const struct operation *const operations_ip_range[];
extern const struct operation *const operations_job[];
extern const struct operation *const operations_l2_network[];
extern const struct operation *const operations_l3_network[];
extern const struct operation *const operations_network_service[];
extern const struct operation *const operations_long_job[];
extern const struct operation *const operations_metrics[];
extern const struct operation *const operations_node[];
extern const struct operation *const operations_offering[];
extern const struct operation *const operations_primary_storage[];
extern const struct operation *const operations_primary_storage_attach[];
extern const struct operation *const operations_quota[];
extern const struct operation *const operations_scheduler[];
extern const struct operation *const operations_scheduler_job[];
extern const struct operation *const operations_scheduler_trigger[];
extern const struct operation *const operations_session[];
extern const struct operation *const operations_sharing[];
extern const struct operation *const operations_snapshot_create[];
extern const struct operation *const operations_snapshot_delete[];
extern const struct operation *const operations_snapshot_revert[];
extern const struct operation *const operations_spec[];
extern const struct operation *const operations_tag[];
extern const struct operation *const operations_tag_pattern[];
extern const struct operation *const operations_vm_adopt[];
extern const struct operation *const operations_vm_candidates[];
extern const struct operation *const operations_vm_clone[];
extern const struct operation *const operations_vm_console[];
extern const struct operation *const operations_vm_create[];
extern const struct operation *const operations_vm_guest[];
extern const struct operation *const operations_vm_ha[];
extern const struct operation *const operations_vm_image[];
extern const struct operation *const operations_vm_iso[];
extern const struct operation *const operations_vm_life[];
extern const struct operation *const operations_vm_migrate[];
extern const struct operation *const operations_vm_nic[];
extern const struct operation *const operations_vm_nic_qos[];
extern const struct operation *const operations_vm_placement[];
extern const struct operation *const operations_vm_remove[];
extern const struct operation *const operations_vm_update[];
extern const struct operation *const operations_volume_attach[];
extern const struct operation *const operations_volume_create[];
extern const struct operation *const operations_volume_delete[];
extern const struct operation *const operations_volume_resize[];
extern const struct operation *const operations_volume_update[];
extern const struct operation *const operations_zone[];
extern const struct operation *const operations_zql[];
extern const struct operation *const operations_vm_watch[];
extern const struct operation *const operations_event[];
extern const struct operation *const operations_zwatch[];

/* Ended by a row without a prefix. */
extern const struct system_tag tag_table[];

#endif
