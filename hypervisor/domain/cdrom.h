/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The media in the CD-ROM drives of a domain that is active.
 *
 * The calls may wait for the host and work on a domain that is active (running or
 * paused), -EBUSY when it is not. Doing what is done already is a success, so that
 * they can be repeated after a crash. Only the running domain is changed: its
 * definition is written anew at each start.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_CDROM_H
#define POOLFS_HYPERVISOR_DOMAIN_CDROM_H

#include "hypervisor/hypervisor.h"

/** Puts the file @path into CD-ROM drive @device_id, NULL = ejects the medium, even when the guest has
 * locked the tray. */
int hv_cdrom_change(struct hypervisor *hv, const char *host, const char *uuid, int device_id,
		    const char *path, struct error *e);

#endif
