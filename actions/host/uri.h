/* SPDX-License-Identifier: Apache-2.0 */
/* Libvirt URIs and names of hosts. All functions are pure. */
#ifndef POOLFS_HOST_URI_H
#define POOLFS_HOST_URI_H

#include <stdbool.h>

/**
 * The address in a libvirt URI ("qemu+ssh://root@10.0.0.1/system": "10.0.0.1"), owned by the caller; NULL for
 * a URI without one (a connection to this machine) or when memory is short.
 */
char *host_address_of_uri(const char *uri);
/** "Simulator" for libvirt's test driver, else "KVM". */
const char *host_hypervisor_type_of_uri(const char *uri);
/**
 * Does the URI lead to a hypervisor on this machine, whose files the daemon can reach? Not the test driver, which has
 * none.
 */
bool host_uri_is_local(const char *uri);
/** True for a valid host name: labels of letters, digits and hyphens, the last of which is not a number. */
bool host_name_is_valid(const char *name);

#endif
