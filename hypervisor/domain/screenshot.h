/* SPDX-License-Identifier: Apache-2.0 */
/* What the screen of a running domain shows. The call waits for the host. */
#ifndef POOLFS_HYPERVISOR_DOMAIN_SCREENSHOT_H
#define POOLFS_HYPERVISOR_DOMAIN_SCREENSHOT_H

#include "hypervisor/hypervisor.h"

/**
 * A picture of the first screen of a running domain, as PNG; *ret_png is owned by the caller. -EBUSY when it is not
 * running, -EFBIG for a picture of more than 32 MiB, -EOPNOTSUPP when the domain has no screen; see picture.h.
 */
int hv_domain_screenshot(struct hypervisor *hv, const char *host, const char *uuid, char **ret_png,
			 size_t *ret_len, struct error *e);

#endif
