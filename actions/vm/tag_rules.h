/* SPDX-License-Identifier: Apache-2.0 */
/* What system tags of a VM may say. */
#ifndef POOLFS_VM_TAG_RULES_H
#define POOLFS_VM_TAG_RULES_H

#include "actions/engine/request.h"

/** Refuses what is no host name in DNS, and one that another VM than @but (may be NULL) on the L3 network
 * has. */
int vm_check_hostname(const struct view *view, const char *name, const char *l3, const char *but,
		      struct error *e);
/** Refuses a console password that the manual forbids. */
int vm_check_console_password(const char *password, struct error *e);
/** Refuses words that are no boot device; @shown is what is printed as the whole. */
int vm_check_boot_order(const char *order, const char *shown, struct error *e);
/** Refuses a number of monitors that there is no screen for. */
int vm_check_monitors(const char *number, struct error *e);
/** What a system tag is, "hostname" of "hostname::web"; returns @ret_prefix. */
const char *vm_tag_prefix(const char *tag, char ret_prefix[64]);
/**
 * Refuses a system tag of a VM that says what cannot be. @l3: the VM's default network, on which its host
 * name is unique; @but: the VM that may have it, NULL for one that is not there yet.
 */
int vm_check_tag(const struct view *view, const char *tag, const char *l3, const char *but, struct error *e);
/** Refuses a tag of which a VM may have one and would have @count. */
int vm_check_single_tag(const char *vm, const char *tag, size_t count, struct error *e);
/** Refuses tags `customMac::<l3>::<mac>` of a request that are malformed, repeated or taken. */
int vm_check_custom_macs(const struct view *view, const struct request *req, struct error *e);

#endif
