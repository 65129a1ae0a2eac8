/* SPDX-License-Identifier: Apache-2.0 */
/* The URIs of hosts: which ones libvirt could open. */
#ifndef POOLFS_HYPERVISOR_HOST_URI_H
#define POOLFS_HYPERVISOR_HOST_URI_H

#include "model/error.h"

/**
 * Checks that @uri has a form that libvirt could open (scheme, parts); opens nothing. -EINVAL with a
 * sentence.
 */
int hv_uri_check(const char *uri, struct error *e);

#endif
