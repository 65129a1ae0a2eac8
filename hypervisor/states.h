/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libvirt's states and events mean for a domain of ours.
 *
 * Ours are the domains whose name is their own uuid in 32 hex digits, and those that
 * were adopted on this host (adopted.h); all others on a host belong to somebody else,
 * except those that the pool makes as tools. For the calls that name a domain by its uuid,
 * those of others are not there (domain_handle.h). Their states are followed, too, since they may be adopted
 * at any time, but not reported.
 *
 * libvirt reports events, the pool needs states: DEFINED says nothing about a
 * running domain, STOPPED means absent for one that is not defined, and the reason
 * of a stop or a pause comes in an earlier event. states_fold() records per domain
 * what is needed to decide, and reports only changes. It is
 * used by one thread, the host's, and calls nobody.
 */
#ifndef POOLFS_HYPERVISOR_STATES_H
#define POOLFS_HYPERVISOR_STATES_H

#include <libvirt/libvirt.h>

#include "hypervisor/hypervisor.h"

/* An event of libvirt about a domain, not yet delivered. */
enum event_kind { EVENT_LIFECYCLE, EVENT_AGENT, EVENT_DEVICE_REMOVED, EVENT_DEVICE_KEPT, EVENT_IO_ERROR };

struct event {
	struct event *next;
	enum event_kind kind;
	char uuid[33];
	bool ours;    /* of the pool; of others, only lifecycle events come */
	int type;     /* VIR_DOMAIN_EVENT_*, or the agent's state */
	int detail;   /* what the lifecycle event says besides; for EVENT_IO_ERROR: 1 when the disk is full */
	char alias[]; /* EVENT_DEVICE_REMOVED, EVENT_DEVICE_KEPT */
};

/* Frees @event and those that follow it. Accepts NULL. */
void events_free(struct event *event);

/* One domain of the list at connection time. */
struct listed_domain {
	struct hv_domain_status status;
	bool transient; /* not defined: gone when it stops */
	bool ours;
};

/* What is to be reported about a domain after an event. */
struct state_change {
	bool changed;
	enum hv_domain_state state;
	enum hv_domain_reason reason;
	bool started; /* from not active to active */
};

/* Replaces the contents of @table by @domains. -ENOMEM. */
int states_load(void **table, const struct listed_domain *domains, size_t count);
/* Applies an EVENT_LIFECYCLE or EVENT_IO_ERROR. -ENOMEM. */
int states_fold(void **table, const struct event *event, struct state_change *ret_change);
void states_free(void **table);

/*
 * The only place that decides whether a domain of @host (its uuid) is of the pool: writes the 32 hex digits of the
 * domain's uuid, or "" if they cannot be read.
 */
bool domain_is_ours(const char *host, virDomainPtr domain, char ret_uuid[33]);

/* The works for which the pool makes a domain for a while (probe.c, storage/dir_jobs.c), and how its name begins. */
#define WORK_PROBE     "probe"
#define WORK_COPY      "copy"
#define WORK_MERGE     "merge"
#define WORK_FLUSH     "flush"
#define NAME_FOR(work) "poolfs-" work "-"
/*
 * True for the name of a domain that is neither a VM of the pool nor of anybody else: one of those, or the one that
 * libvirt's test driver has from the start.
 */
bool domain_is_nobodys(const char *uri, const char *name);
/*
 * Our state for libvirt's. *@ret_ask: the reason is an I/O error, which domain_io_reason() can tell
 * more about.
 */
enum hv_domain_state domain_state_of_virt(int state, int reason, enum hv_domain_reason *ret_reason,
					  bool *ret_ask);
/* Asks the host why a domain is paused by an I/O error: a full disk or another one. */
enum hv_domain_reason domain_io_reason(virDomainPtr domain);

#endif
