/* SPDX-License-Identifier: Apache-2.0 */
/* Moving an active domain to another host. The calls may wait for either host. */
#ifndef POOLFS_HYPERVISOR_DOMAIN_MIGRATE_H
#define POOLFS_HYPERVISOR_DOMAIN_MIGRATE_H

#include "hypervisor/hypervisor.h"

/** How a domain moves. All borrowed. */
struct hv_migration {
	bool managed; /* by this process over its two connections; else the source's libvirt dials the
			 target's */
	const char *const *copied; /* uuids of the volumes whose files are the source's alone: their content
				      is copied */
	size_t copied_count;
};
/**
 * Moves an active domain, running or paused, with its definition to another host, live. Copied disks need a
 * pool of the same path there and become standalone files. A failure leaves the domain where it was, unless
 * the connection broke: then ask both hosts. -ECANCELED when @progress says so, -EBUSY when it is not active.
 * A domain with firmware variables leaves its definition behind, inactive: hv_domain_undefine() removes both.
 */
int hv_domain_migrate(struct hypervisor *hv, const char *from, const char *to, const char *uuid,
		      const struct hv_migration *how, hv_progress *progress, void *ctx, struct error *e);
/** Waits for the end of a migration that was running when the daemon ended, or aborts it when @progress says
 * so. Success when there is none. */
int hv_domain_migrate_wait(struct hypervisor *hv, const char *from, const char *uuid, hv_progress *progress,
			   void *ctx, struct error *e);
/** Whether the domain is just being migrated from @host, or another job of it is under way there. */
int hv_domain_is_moving(struct hypervisor *hv, const char *host, const char *uuid, bool *ret,
			struct error *e);

#endif
