/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage pools on a host: where volumes are. Each call may wait for the host.
 *
 * A pool is only libvirt's view of a storage: defining, stopping and undefining it
 * never touches a file.
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_POOL_H
#define POOLFS_HYPERVISOR_STORAGE_POOL_H

#include "hypervisor/hypervisor.h"

struct hv_capacity {
	int64_t total;	   /* bytes */
	int64_t available; /* bytes */
};

/** A storage pool's definition. */
struct hv_storage_pool_def {
	const char *uuid;   /* of the primary or backup storage; the libvirt pool is named poolfs-<uuid> */
	const char *type;   /* "dir", "netfs" or "rbd" */
	const char *target; /* folder on the host; unused for rbd */
	const char *source; /* netfs: "host:/path"; rbd: as hv_ceph_url_check() wants it; else NULL */
};

/**
 * Defines, builds and starts the pool on the host when it is not there; success when it already is.
 * A definition with another type, target or source is replaced; files are never touched by that.
 */
int hv_storage_pool_open(struct hypervisor *hv, const char *host, const struct hv_storage_pool_def *spec,
			 struct error *e);
/** Stops and undefines the pool; files stay. Success when it is not there. */
int hv_storage_pool_close(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);

enum hv_pool_state {
	HV_POOL_READY,	 /* active, or not there */
	HV_POOL_STOPPED, /* by an administrator, or by libvirt, which does so when it cannot look at a file */
	HV_POOL_DISABLED, /* stopped, and its autostart, which each pool has, is switched off: by an administrator */
};
int hv_storage_pool_state(struct hypervisor *hv, const char *host, const char *uuid, enum hv_pool_state *ret,
			  struct error *e);
int hv_storage_pool_capacity(struct hypervisor *hv, const char *host, const char *uuid,
			     struct hv_capacity *ret, struct error *e);

#endif
