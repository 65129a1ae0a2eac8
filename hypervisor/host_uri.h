/* SPDX-License-Identifier: Apache-2.0 */
/* The URIs of hosts: which ones the pool opens. */
#ifndef POOLFS_HYPERVISOR_HOST_URI_H
#define POOLFS_HYPERVISOR_HOST_URI_H

#include "model/error.h"

/**
 * Checks that @uri consists of drivers, transports and parameters that the pool accepts, which is less than libvirt
 * does: none that makes the daemon run a program or read a file of its choice. Opens nothing. -EINVAL with a
 * sentence.
 */
int hv_uri_check(const char *uri, struct error *e);

#endif
