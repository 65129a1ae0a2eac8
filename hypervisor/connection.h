/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One open connection to a host, the events that came over it, and how it is opened.
 *
 * Internal to hypervisor/.
 */
#ifndef POOLFS_HYPERVISOR_CONNECTION_H
#define POOLFS_HYPERVISOR_CONNECTION_H

#include "hypervisor/host.h"
#include "hypervisor/host_machine.h"
#include "hypervisor/states.h"

/* Room for the numbers of all kinds of events of libvirt (VIR_DOMAIN_EVENT_ID_*). */
#define CONNECTION_EVENT_IDS 32

/* Counted: libvirt's callbacks and calls under way may outlive its use. */
struct connection {
	atomic_uint refs;
	struct host *host; /* immutable, holds a reference */
	/* immutable; closed by connection_close() alone; NULL: of the simulator, which tells the events itself */
	virConnectPtr conn;
	int callbacks[CONNECTION_EVENT_IDS]; /* registrations, -1 = none; opener, then the host's thread */
	struct hv_host_info info;	     /* immutable once open */
	struct host_machine machine;	     /* immutable once open */
	uid_t qemu_uid;			     /* immutable: who files must belong to; (uid_t)-1 = not known */
	gid_t qemu_gid;
	struct event *events; /* host->lock: first of the queue */
	struct event **tail;  /* host->lock */
	int close_reason;     /* host->lock: VIR_CONNECT_CLOSE_REASON_*, -1 while open */
};

/*
 * Opens @host's connection, registers events, probes when asked and takes the list of domains. May hang for
 * as long as libvirt does. @opened is called as soon as libvirt has answered; false: nobody
 * waits any more, which is -ECANCELED.
 */
int connection_open(struct host *host, bool (*opened)(void *ctx), void *ctx,
		    struct connection **ret_connection, struct listed_domain **ret_domains, size_t *ret_count,
		    struct error *e);
/* All domains that the host has now, the states of which are known. The list is the caller's to free. */
int connection_list_domains(const struct connection *connection, struct listed_domain **ret_domains,
			    size_t *ret_count, struct error *e);
/* Ends the registrations, closes the connection and drops the caller's reference. Accepts NULL. */
void connection_close(struct connection *connection);
struct connection *connection_ref(struct connection *connection);
void connection_unref(struct connection *connection);
/* Marks it as broken, for a VIR_CONNECT_CLOSE_REASON_*, so that the host's thread closes it. */
void connection_set_closed(struct connection *connection, int reason);

/* What becomes of the events of a kind (VIR_DOMAIN_EVENT_ID_*), for tests; NULL for an unknown kind. */
const char *connection_event_use(int id);

#endif
