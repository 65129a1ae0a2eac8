/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which values the system tags of a VM may have (behaviour.md 2.9-A and 3.12),
 * however they are set: with the creation, by an operation of their own or as a
 * tag. A tag without a rule here may have any value. The functions are checks:
 * they only read, and borrow what they are given.
 */
#ifndef POOLFS_VM_TAG_RULES_H
#define POOLFS_VM_TAG_RULES_H

#include "actions/engine/request.h"

/**
 * The host name of the VM @but (NULL: one that is being created): -EINVAL when it is not a valid DNS name,
 * -EBUSY when another VM has it on the L3 network @l3 or on a network that @but is on.
 */
int vm_check_hostname(const struct view *view, const char *name, const char *l3, const char *but,
		      struct error *e);
/** -EINVAL for an ssh key, or several, one a line, with other control characters. */
int vm_check_ssh_key(const char *keys, struct error *e);
/**
 * -EINVAL for a console password that the manual forbids or that clients cannot send: printable ASCII, 1 to 8
 * characters for VNC, up to 60 for SPICE. @mode: the VM's tag vmConsoleMode, NULL without one.
 */
int vm_check_console_password(const char *password, const char *mode, struct error *e);
/** -EINVAL unless @order is a comma-separated list of boot devices; @shown stands for it in the message. */
int vm_check_boot_order(const char *order, const char *shown, struct error *e);
/** -EINVAL for a number of monitors other than 1, 2 and 4. */
int vm_check_monitors(const char *number, struct error *e);
/** As vm_check_console_password(), for a creation request, whose tags say what the mode will be. */
int vm_check_new_console_password(const struct view *view, const struct request *req, struct error *e);
/**
 * Checks the value of a system tag of a VM by the rule for its prefix. @l3: a network on which its host name
 * must be unique, besides those that it is on; @but: the VM itself, NULL while it is being created. -EINVAL,
 * -EBUSY.
 */
int vm_check_tag(const struct view *view, const char *tag, const char *l3, const char *but, struct error *e);
/** -EINVAL for a tag that the VM @vm may have only once and would have @count times. */
int vm_check_single_tag(const char *vm, const char *tag, size_t count, struct error *e);
/**
 * The tags `customMac::<l3>::<mac>` of a creation request: -EINVAL for a malformed address, -EEXIST for one
 * that is given twice or that a NIC has already.
 */
int vm_check_custom_macs(const struct view *view, const struct request *req, struct error *e);

#endif
