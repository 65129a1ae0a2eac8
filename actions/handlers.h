/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers that the operation table points to, one block a family. What
 * each of them must do is said at the types in operation.h; what the operation
 * means, in behaviour.md at its section. They are called through the table only.
 */
#ifndef POOLFS_HANDLERS_H
#define POOLFS_HANDLERS_H

#include "actions/operation.h"

/* VMs: vm_create.c, vm_life.c, vm_update.c */
op_check_fn vm_create_check;
op_run_fn vm_create_run;
op_recover_fn vm_create_recover;
op_run_fn vm_destroy_run;
op_recover_fn vm_lifecycle_recover;
op_apply_fn vm_recover_apply;
op_run_fn vm_expunge_run;
op_check_fn vm_start_check;
op_run_fn vm_start_run;
op_run_fn vm_stop_run;
op_run_fn vm_reboot_run;
op_run_fn vm_pause_run;
op_run_fn vm_resume_run;
op_check_fn vm_update_check;
op_apply_fn vm_update_apply;
op_run_fn vm_update_run;
op_recover_fn vm_update_recover;
op_check_fn vm_change_offering_check;
op_get_fn vm_capabilities_get;

/* Settings of VMs that are tags: vm_tags.c; what they may be and where they are felt: vm_guest.c,
 * vm_console.c */
op_apply_fn vm_tag_apply;
op_run_fn vm_tag_run;
op_recover_fn vm_tag_recover;
op_get_fn vm_tag_get;
op_check_fn vm_hostname_check;
op_check_fn vm_change_password_check;
op_run_fn vm_change_password_run;
op_check_fn vm_console_password_check;
op_check_fn vm_boot_order_check;
op_check_fn vm_monitor_number_check;
op_get_fn vm_console_address_get;

/* CD-ROM drives and NICs of VMs: vm_iso.c, vm_nic.c, vm_nic_qos.c */
op_get_fn vm_iso_candidates_get;
op_get_fn iso_vm_candidates_get;
op_check_fn vm_attach_iso_check;
op_run_fn vm_attach_iso_run;
op_recover_fn vm_attach_iso_recover;
op_check_fn vm_detach_iso_check;
op_run_fn vm_detach_iso_run;
op_recover_fn vm_detach_iso_recover;
op_get_fn vm_l3_candidates_get;
op_check_fn vm_attach_l3_check;
op_run_fn vm_attach_l3_run;
op_recover_fn vm_attach_l3_recover;
op_queue_fn nic_queue;
op_check_fn nic_detach_check;
op_run_fn nic_detach_run;
op_recover_fn nic_detach_recover;
op_check_fn vm_static_ip_check;
op_apply_fn vm_static_ip_apply;
op_apply_fn vm_static_ip_delete_apply;
op_check_fn nic_mac_check;
op_apply_fn nic_mac_apply;
op_check_fn nic_set_qos_check;
op_run_fn nic_qos_run;
op_recover_fn nic_qos_recover;
op_get_fn nic_qos_get;

/* Clones: vm_clone.c */
op_check_fn vm_clone_check;
op_run_fn vm_clone_run;
op_recover_fn vm_clone_recover;

/* Migration: vm_migrate.c */
op_check_fn vm_migrate_check;
op_run_fn vm_migrate_run;
op_recover_fn vm_migrate_recover;

/* The image below a VM: vm_image.c */
op_check_fn vm_reimage_check;
op_run_fn vm_reimage_run;
op_recover_fn vm_reimage_recover;
op_check_fn vm_change_image_check;
op_run_fn vm_change_image_run;
op_recover_fn vm_change_image_recover;
op_get_fn vm_image_candidates_get;
op_get_fn vm_placement_get;

/* Where a VM could be: candidates.c */
op_get_fn vm_migration_hosts_get;
op_get_fn vm_starting_hosts_get;
op_get_fn vm_creation_places_get;
op_get_fn vm_creation_storages_get;
op_get_fn vm_networks_images_get;

/* HA levels: ha.c */
op_apply_fn ha_set_apply;
op_get_fn ha_get;
op_apply_fn ha_delete_apply;

/* Affinity groups: affinity.c */
op_apply_fn affinity_create_apply;
op_check_fn affinity_change_check;
op_apply_fn affinity_delete_apply;
op_check_fn affinity_add_vm_check;
op_apply_fn affinity_add_vm_apply;
op_check_fn affinity_remove_vm_check;
op_apply_fn affinity_remove_vm_apply;

/* Schedulers: scheduler.c */
op_check_fn scheduler_create_check;
op_apply_fn scheduler_create_apply;
op_check_fn scheduler_update_check;
op_check_fn scheduler_change_state_check;
op_apply_fn scheduler_change_state_apply;
op_apply_fn scheduler_delete_apply;

/* Volumes: volume_create.c, volume_delete.c, volume_attach.c, volume_update.c */
op_check_fn volume_create_check;
op_apply_fn volume_create_apply;
op_run_fn volume_create_run;
op_recover_fn volume_create_recover;
op_check_fn volume_delete_check;
op_apply_fn volume_delete_apply;
op_run_fn volume_delete_run;
op_recover_fn volume_delete_recover;
op_check_fn volume_expunge_check;
op_run_fn volume_expunge_run;
op_check_fn volume_recover_check;
op_apply_fn volume_recover_apply;
op_check_fn volume_change_state_check;
op_check_fn volume_from_template_check;
op_run_fn volume_from_template_run;
op_check_fn volume_from_snapshot_check;
op_run_fn volume_from_snapshot_run;
op_get_fn volume_formats_get;
op_get_fn volume_capabilities_get;
op_check_fn volume_sync_size_check;
op_run_fn volume_sync_size_run;
op_check_fn volume_update_check;
op_check_fn volume_qos_check;
op_run_fn volume_set_qos_run;
op_recover_fn volume_qos_recover;
op_get_fn volume_qos_get;
op_run_fn volume_delete_qos_run;
op_check_fn volume_candidates_check;
op_get_fn volume_candidates_get;
op_get_fn volume_candidates_of_vm_get;
op_check_fn volume_attach_check;
op_queue_fn volume_attach_queue;
op_run_fn volume_attach_run;
op_recover_fn volume_attach_recover;
op_check_fn volume_detach_check;
op_queue_fn volume_detach_queue;
op_run_fn volume_detach_run;
op_recover_fn volume_detach_recover;

/* Snapshots and sizes: snapshot_*.c, volume_resize.c */
op_check_fn volume_resize_check;
op_run_fn volume_resize_run;
op_recover_fn volume_resize_recover;
op_check_fn snapshot_create_check;
op_run_fn snapshot_create_run;
op_recover_fn snapshot_create_recover;
op_check_fn snapshot_delete_check;
op_run_fn snapshot_delete_run;
op_recover_fn snapshot_delete_recover;
op_check_fn snapshot_revert_check;
op_run_fn snapshot_revert_run;
op_recover_fn snapshot_revert_recover;

/* Images made of volumes: image_template.c */
op_get_fn image_candidates_get;
op_check_fn image_template_check;
op_run_fn image_template_run;
op_recover_fn image_template_recover;
op_get_fn image_qga_get;
op_apply_fn image_set_qga_apply;

/* Images: image.c, image_add.c, image_update.c */
op_check_fn image_add_check;
op_run_fn image_add_run;
op_recover_fn image_add_recover;
op_run_fn image_delete_run;
op_recover_fn image_delete_recover;
op_check_fn image_expunge_check;
op_run_fn image_expunge_run;
op_check_fn image_recover_check;
op_apply_fn image_recover_apply;
op_apply_fn image_change_state_apply;
op_apply_fn image_update_apply;
op_check_fn image_sync_size_check;
op_run_fn image_sync_size_run;

/* Offerings: offering.c */
op_check_fn instance_offering_create_check;
op_apply_fn instance_offering_create_apply;
op_apply_fn instance_offering_delete_apply;
op_check_fn instance_offering_update_check;
op_check_fn disk_offering_create_check;
op_apply_fn disk_offering_create_apply;
op_apply_fn disk_offering_delete_apply;

/* Any kind: object_ops.c */
op_apply_fn object_update_apply;
op_apply_fn object_change_state_apply;

/*
 * Handlers that only bring something about (a state, an absence) are their own recover functions: what is
 * there already is left as it is.
 */

/* Zones, clusters, hosts: zone.c, cluster.c, host.c, host_state.c */
op_apply_fn zone_create_apply;
op_check_fn zone_delete_check;
op_run_fn zone_delete_run;
op_apply_fn cluster_create_apply;
op_run_fn cluster_delete_run;
op_check_fn host_add_check;
op_run_fn host_add_run;
op_recover_fn host_add_recover;
op_run_fn host_delete_run;
op_check_fn host_update_check;
op_apply_fn host_update_apply;
op_run_fn host_update_run;
op_check_fn host_change_state_check;
op_run_fn host_change_state_run;
op_recover_fn host_change_state_recover;
op_run_fn host_reconnect_run;
op_get_fn host_capacity_get;
op_get_fn host_strategies_get;

/* Storage: primary_storage.c, primary_storage_attach.c, backup_storage.c */
op_check_fn primary_storage_add_check;
op_run_fn primary_storage_add_run;
op_recover_fn primary_storage_add_recover;
op_check_fn primary_storage_delete_check;
op_run_fn primary_storage_delete_run;
op_check_fn primary_storage_update_check;
op_apply_fn primary_storage_update_apply;
op_apply_fn primary_storage_change_state_apply;
op_run_fn primary_storage_reconnect_run;
op_check_fn primary_storage_attach_check;
op_run_fn primary_storage_attach_run;
op_check_fn primary_storage_detach_check;
op_run_fn primary_storage_detach_run;
op_get_fn primary_storage_capacity_get;
op_check_fn backup_storage_add_check;
op_run_fn backup_storage_add_run;
op_recover_fn backup_storage_add_recover;
op_check_fn backup_storage_delete_check;
op_run_fn backup_storage_delete_run;
op_run_fn backup_storage_reconnect_run;
op_check_fn backup_storage_attach_check;
op_apply_fn backup_storage_attach_apply;
op_check_fn backup_storage_detach_check;
op_apply_fn backup_storage_detach_apply;

/* Networks: l2_network.c, l3_network.c, ip_range.c */
op_check_fn l2_network_create_check;
op_apply_fn l2_network_create_apply;
op_run_fn l2_network_delete_run;
op_check_fn l2_network_attach_check;
op_apply_fn l2_network_attach_apply;
op_check_fn l2_network_detach_check;
op_run_fn l2_network_detach_run;
op_check_fn l3_network_create_check;
op_apply_fn l3_network_create_apply;
op_check_fn l3_network_delete_check;
op_run_fn l3_network_delete_run;
op_check_fn l3_network_update_check;
op_apply_fn l3_network_update_apply;
op_run_fn l3_network_update_run;
op_check_fn ip_range_add_check;
op_run_fn ip_range_add_run;
op_check_fn ip_range_delete_check;
op_run_fn ip_range_delete_run;
op_get_fn l3_network_free_ip_get;
op_get_fn l3_network_ip_available_get;
op_get_fn l3_network_capacity_get;
op_check_fn l3_network_add_dns_check;
op_run_fn l3_network_add_dns_run;
op_check_fn l3_network_remove_dns_check;
op_run_fn l3_network_remove_dns_run;

/* Accounts, sessions, the management node: account.c, session.c, node.c */
op_check_fn account_create_check;
op_run_fn account_create_run;
op_check_fn account_update_check;
op_apply_fn account_update_apply;
op_run_fn account_update_run;
op_recover_fn account_change_recover;
op_check_fn account_delete_check;
op_apply_fn account_delete_apply;
op_get_fn session_login_get;
op_get_fn session_logout_get;
op_get_fn session_validate_get;
op_apply_fn session_renew_apply;
op_get_fn node_version_get;
op_get_fn node_time_get;
op_get_fn node_query_get;
op_get_fn node_ready_get;

/* Tags, settings, jobs: tag.c, config.c, job.c */
op_check_fn tag_create_check;
op_apply_fn tag_create_apply;
op_apply_fn tag_delete_apply;
op_check_fn tag_delete_check;
op_check_fn tag_update_check;
op_check_fn config_update_check;
op_apply_fn config_update_apply;
op_check_fn job_cancel_check;
op_apply_fn job_cancel_apply;
op_get_fn job_result_get;

#endif
