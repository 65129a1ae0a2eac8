/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has a certain uuid on a host, whoever made it: the other calls see the pool's domains
 * only. The calls may wait for the host.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_SIGHTING_H
#define POOLFS_HYPERVISOR_DOMAIN_SIGHTING_H

#include "hypervisor/hypervisor.h"

struct hv_sighting {
	bool found;
	bool own;  /* its name is its uuid, as that of all domains that the pool has made */
	bool ours; /* own, or adopted on this host */
	bool uses; /* one of its disks is on one of the files that were asked for */
	enum hv_domain_state state;
};

/** Looks at what has the uuid @uuid on @host, and whether it has a disk on one of @files (paths, then NULL; NULL: not asked for). */
int hv_domain_sight(struct hypervisor *hv, const char *host, const char *uuid, const char *const *files,
		    struct hv_sighting *ret, struct error *e);
/**
 * Sees to it that the pool's domain is not started with its host: where a VM runs is for the pool to say. Success when
 * it is not there.
 */
int hv_domain_stop_autostart(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);

#endif
