/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains: start, stop, pause, look, the guest's agent. Each call may wait for the
 * host.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_DOMAIN_H
#define POOLFS_HYPERVISOR_DOMAIN_DOMAIN_H

#include "hypervisor/domain/domain_xml.h"
#include "hypervisor/hypervisor.h"

/**
 * Defines the domain (replacing an inactive definition) and starts it, paused when @paused. -EEXIST
 * when it is active. A domain that was not defined before is not after a failure either. Memory that was saved
 * on the host is discarded.
 */
int hv_domain_start(struct hypervisor *hv, const char *host, const struct hv_domain_def *spec, bool paused,
		    struct error *e);
/**
 * Asks the guest to shut down (ACPI, or the agent when there is one) and waits up to @timeout_ms.
 * Success when it is not active. -ETIMEDOUT; -EBUSY when it is paused.
 */
int hv_domain_shutdown(struct hypervisor *hv, const char *host, const char *uuid, int timeout_ms,
		       struct error *e);
/** Ends the domain at once. Success when it is not active. */
int hv_domain_destroy(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);
/** Removes an inactive definition with its firmware variables and TPM. Success when there is none. */
int hv_domain_undefine(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);
/**
 * As hv_domain_undefine(), but leaves a definition with firmware variables or a TPM, which the guest may need
 * once more.
 */
int hv_domain_retire(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);
int hv_domain_suspend(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);
/** Lets a paused domain go on, and wakes a guest that sleeps. Success when it runs. */
int hv_domain_resume(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);
/** The state now, straight from the host. ABSENT is a success. */
int hv_domain_state(struct hypervisor *hv, const char *host, const char *uuid,
		    enum hv_domain_state *ret_state, enum hv_domain_reason *ret_reason, struct error *e);

/** The states now of all domains of the pool that the host has. The list is the caller's to free. */
int hv_host_states(struct hypervisor *hv, const char *host, struct hv_domain_status **ret, size_t *ret_count,
		   struct error *e);

/** Libvirt's own XML of the domain, allocated; for tests. @ret_xml is untouched on failure. */
int hv_domain_get_xml(struct hypervisor *hv, const char *host, const char *uuid, char **ret_xml,
		      struct error *e);

/**
 * Whether the guest agent answers a ping within @timeout_ms (rounded up to seconds): 0, or -ETIMEDOUT,
 * or at once -ENOTCONN when no agent is connected, -EBUSY when the guest does not run. Exported for tests.
 */
int hv_domain_agent_ping(struct hypervisor *hv, const char *host, const char *uuid, int timeout_ms,
			 struct error *e);

/** Sets the password of an account inside the guest, through its agent. -ETIMEDOUT, -ENOTCONN as a ping. */
int hv_domain_set_password(struct hypervisor *hv, const char *host, const char *uuid, const char *account,
			   const char *password, struct error *e);

#endif
