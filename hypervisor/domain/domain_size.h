/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUs and memory of a domain that is active.
 *
 * The calls may wait for the host and work on a domain that is active (running or
 * paused), -EBUSY when it is not. Doing what is done already is a success, so that
 * they can be repeated after a crash. Only the running domain is changed: its
 * definition is written anew at each start.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_DOMAIN_SIZE_H
#define POOLFS_HYPERVISOR_DOMAIN_DOMAIN_SIZE_H

#include "hypervisor/hypervisor.h"

/**
 * Gives the guest @count vCPUs. *ret_now: how many it has afterwards, also on failure, unless that cannot be told.
 * -EOPNOTSUPP: it was not started with room for so many, or with more that cannot be taken away: only those that
 * were added to the running domain can. -ETIMEDOUT or -EBUSY: the guest keeps them.
 */
int hv_domain_set_cpus(struct hypervisor *hv, const char *host, const char *uuid, int count, int *ret_now,
		       struct error *e);
/**
 * Gives the guest @bytes of memory, in steps of 128 MiB from what it has: never less than @bytes. What is added is
 * one module; only whole modules can be taken away, and only if the guest moves its data out of them.
 * *ret_change: by how many bytes its memory has changed, also on failure. Errors as above.
 */
int hv_domain_set_memory(struct hypervisor *hv, const char *host, const char *uuid, int64_t bytes,
			 int64_t *ret_change, struct error *e);

/** What the guest has now, in bytes. */
int hv_domain_get_memory(struct hypervisor *hv, const char *host, const char *uuid, int64_t *ret_bytes,
			 struct error *e);

/* The most modules of a domain. */
#define HV_MEMORY_SLOTS 16
/**
 * The fewest of @count modules of these sizes that have @wanted together, as a set of bits; 0 when there is no such
 * set; for tests.
 */
unsigned int hv_memory_choose_modules(const int64_t sizes[], size_t count, int64_t wanted);

#endif
