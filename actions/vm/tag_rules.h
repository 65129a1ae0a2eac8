/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules for the values of system tags of a VM (behaviour.md 2.9-A and 3.12) that
 * the table of tags (operations/tag_table.c) shares with operations which set them.
 * The functions are checks: they only read, and borrow what they are given.
 */
#ifndef POOLFS_VM_TAG_RULES_H
#define POOLFS_VM_TAG_RULES_H

#include "actions/engine/system_tag.h"

/**
 * The host name of the VM @but (NULL: one that is being created): -EINVAL when it is not a valid DNS name,
 * -EBUSY when another VM has it on the L3 network @l3 or on a network that @but is on; @actor is told which, if that
 * may be.
 */
int vm_check_hostname(const struct view *view, const struct actor *actor, const char *name, const char *l3,
		      const char *but, struct error *e);
/** -EINVAL for an ssh key, or several, one a line, with other control characters. */
int vm_check_ssh_key(const char *keys, struct error *e);
/**
 * -EINVAL for a console password that the manual forbids or that clients cannot send: printable ASCII, 1 to 8
 * characters for VNC, up to 60 for SPICE.
 */
int vm_check_console_password(const char *password, bool spice, struct error *e);
/** -EINVAL unless @order is a comma-separated list of boot devices; @shown stands for it in the message. */
int vm_check_boot_order(const char *order, const char *shown, struct error *e);
/** -EINVAL for a number of monitors other than 1, 2 and 4. */
int vm_check_monitors(const char *number, struct error *e);
/** The checks of the tags `bootMode`, `userdata` and `rootPassword`. */
tag_check_fn vm_check_boot_mode, vm_check_user_data, vm_check_root_password;
/**
 * Whether a VM with these values of the tags `vmConsoleMode`, `VDIMonitorNumber` and `usbRedirect` (NULL: it has
 * no such tag) has a SPICE console. Several monitors and redirected USB devices make it one.
 */
bool vm_console_is_spice(const char *mode, const char *monitors, const char *usb);
/** vm_console_is_spice() of the tags that the VM has. */
bool vm_has_spice(const struct view *view, const char *vm_uuid);
/**
 * The tags `customMac::<l3>::<mac>` of a creation request: -EINVAL for a malformed address, -EEXIST for one
 * that is given twice or that a NIC has already.
 */
int vm_check_custom_macs(const struct view *view, const struct request *req, struct error *e);

#endif
