/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening one connection, up to the list of domains.
 *
 * Opening runs in a thread that does nothing else (host_thread.c starts it), because
 * virConnectOpen() waits without limit for a daemon that is stopped or behind a
 * dead network. Once keepalive is on, each later call ends within
 * KEEPALIVE_SECONDS * (KEEPALIVE_COUNT + 1).
 *
 * Order: close callback and events first, then the probes, the list last. See
 * host_thread.h for why.
 */
#include "hypervisor/connection.h"

#include <string.h>
#include <time.h>

#include <libvirt/virterror.h>

#include "hypervisor/errors.h"
#include "hypervisor/probe.h"
#include "hypervisor/simulator/simulator.h"
#include "hypervisor/xml.h"

/* A daemon that is silent for 1 * (4 + 1) seconds is given up; the busiest one measured answers within 1. */
#define KEEPALIVE_SECONDS 1
#define KEEPALIVE_COUNT	  4

/* ------------------------------------------------------ links and references */

struct connection *connection_ref(struct connection *connection)
{
	(void)atomic_fetch_add(&connection->refs, 1);
	return connection;
}

void connection_unref(struct connection *connection)
{
	if (!connection || atomic_fetch_sub(&connection->refs, 1) > 1)
		return;
	events_free(connection->events);
	host_machine_done(&connection->machine);
	host_unref(connection->host);
	free(connection);
}

static bool is_awaited(const struct waiter *w, const struct event *event)
{
	if (strcmp(w->uuid, event->uuid) != 0)
		return false;
	if (event->kind == EVENT_DEVICE_REMOVED || event->kind == EVENT_DEVICE_KEPT)
		return w->alias && strcmp(w->alias, event->alias) == 0;
	return event->kind == EVENT_LIFECYCLE && event->type == VIR_DOMAIN_EVENT_STOPPED;
}

/* Appends an event to the queue; true when somebody is to be woken for it. */
static bool append_event(struct connection *connection, struct event *event)
{
	struct host *host = connection->host;
	bool wakes;

	scoped_lock(&host->lock);
	wakes = !connection->events; /* else the host's thread comes to it before it sleeps */
	*connection->tail = event;
	connection->tail = &event->next;
	for (struct waiter *w = host->waiters; w; w = w->next)
		if (is_awaited(w, event)) {
			w->heard = wakes = true;
			w->refused = event->kind == EVENT_DEVICE_KEPT;
		}
	return wakes;
}

/* Who is woken needs the lock at once. The caller holds a reference to the connection, or keeps it from being closed. */
static void queue_event(struct connection *connection, struct event *event)
{
	if (append_event(connection, event))
		(void)pthread_cond_broadcast(&connection->host->changed);
}

void connection_set_closed(struct connection *connection, int reason)
{
	scoped_lock(&connection->host->lock);

	connection->close_reason = reason;
	(void)pthread_cond_broadcast(&connection->host->changed);
}

static void queue_new(struct connection *connection, const char *uuid, bool ours, enum event_kind kind,
		      int type, int detail, const char *alias)
{
	size_t len = alias ? strlen(alias) + 1 : 1;
	struct event *event = calloc(1, sizeof(*event) + len);

	if (!event) {
		/* an event is lost: force a full comparison */
		connection_set_closed(connection, VIR_CONNECT_CLOSE_REASON_ERROR);
		return;
	}
	event->kind = kind;
	(void)snprintf(event->uuid, sizeof(event->uuid), "%s", uuid);
	event->ours = ours;
	event->type = type;
	event->detail = detail;
	if (alias)
		memcpy(event->alias, alias, len);
	queue_event(connection, event);
}

/* The simulator's, on the thread that changes the domain. */
static void on_simulated(void *ctx, const char *uuid, int type, int detail)
{
	queue_new(ctx, uuid, true, EVENT_LIFECYCLE, type, detail, NULL);
}

/* ------------------------------------------- libvirt's callbacks (event loop) */

static void queue(struct connection *connection, virDomainPtr domain, enum event_kind kind, int type,
		  int detail, const char *alias)
{
	char uuid[33];
	bool ours = domain_is_ours(connection->host->uuid, domain, uuid);

	if (*uuid && (ours || (kind == EVENT_LIFECYCLE &&
			       !domain_is_nobodys(connection->host->uri, virDomainGetName(domain)))))
		queue_new(connection, uuid, ours, kind, type, detail, alias);
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int type, int detail, void *opaque)
{
	(void)conn;
	queue(opaque, domain, EVENT_LIFECYCLE, type, detail, NULL);
	return 0;
}

static void on_agent(virConnectPtr conn, virDomainPtr domain, int state, int reason, void *opaque)
{
	(void)conn;
	queue(opaque, domain, EVENT_AGENT, state, reason, NULL);
}

static void on_device_removed(virConnectPtr conn, virDomainPtr domain, const char *alias, void *opaque)
{
	(void)conn;
	queue(opaque, domain, EVENT_DEVICE_REMOVED, 0, 0, alias);
}

static void on_device_kept(virConnectPtr conn, virDomainPtr domain, const char *alias, void *opaque)
{
	(void)conn;
	queue(opaque, domain, EVENT_DEVICE_KEPT, 0, 0, alias);
}

static void on_io_error(virConnectPtr conn, virDomainPtr domain, const char *path, const char *alias,
			int action, const char *reason, void *opaque)
{
	(void)conn;
	(void)path;
	(void)alias;
	if (action == VIR_DOMAIN_EVENT_IO_ERROR_PAUSE)
		queue(opaque, domain, EVENT_IO_ERROR, 0, reason && strcmp(reason, "enospc") == 0, NULL);
}

static void on_close(virConnectPtr conn, int reason, void *opaque)
{
	(void)conn;
	connection_set_closed(opaque, reason);
}

static void release(void *opaque)
{
	connection_unref(opaque);
}

#define LISTEN(function)                                                                                     \
	{                                                                                                    \
		VIR_DOMAIN_EVENT_CALLBACK(function), #function                                               \
	}
#define IGNORE(why)                                                                                          \
	{                                                                                                    \
		NULL, why                                                                                    \
	}

/* What becomes of each event of libvirt: the function that takes it, or why none has to. */
static const struct {
	virConnectDomainEventGenericCallback callback;
	const char *use;
} event_ids[CONNECTION_EVENT_IDS] = {
	[VIR_DOMAIN_EVENT_ID_LIFECYCLE] = LISTEN(on_lifecycle),
	[VIR_DOMAIN_EVENT_ID_REBOOT] = IGNORE("a guest that reboots keeps running, with what it has"),
	[VIR_DOMAIN_EVENT_ID_RTC_CHANGE] = IGNORE("the clock is set from the host's at each start"),
	[VIR_DOMAIN_EVENT_ID_WATCHDOG] = IGNORE("what the watchdog did is a lifecycle event of its own"),
	[VIR_DOMAIN_EVENT_ID_IO_ERROR] = IGNORE("IO_ERROR_REASON says more"),
	[VIR_DOMAIN_EVENT_ID_GRAPHICS] = IGNORE("who looks at a console changes nothing"),
	[VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON] = LISTEN(on_io_error),
	[VIR_DOMAIN_EVENT_ID_CONTROL_ERROR] = IGNORE("the calls that it makes fail say so"),
	[VIR_DOMAIN_EVENT_ID_BLOCK_JOB] = IGNORE("who has started the job asks for its progress and its end"),
	[VIR_DOMAIN_EVENT_ID_DISK_CHANGE] =
		IGNORE("no disk has a startupPolicy that would let go of its medium"),
	[VIR_DOMAIN_EVENT_ID_TRAY_CHANGE] =
		IGNORE("a guest that opens its tray has not changed which ISO is attached"),
	[VIR_DOMAIN_EVENT_ID_PMWAKEUP] = IGNORE("waking up is a lifecycle event, too"),
	[VIR_DOMAIN_EVENT_ID_PMSUSPEND] = IGNORE("falling asleep is a lifecycle event, too"),
	[VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE] = IGNORE("the balloon is not used"),
	[VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK] = IGNORE("falling asleep is a lifecycle event, too"),
	[VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED] = LISTEN(on_device_removed),
	[VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2] = IGNORE("as BLOCK_JOB"),
	[VIR_DOMAIN_EVENT_ID_TUNABLE] = IGNORE("limits are what the pool has set"),
	[VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE] = LISTEN(on_agent),
	[VIR_DOMAIN_EVENT_ID_DEVICE_ADDED] = IGNORE("who attaches a device sees the answer"),
	[VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION] = IGNORE("the migration asks for its progress"),
	[VIR_DOMAIN_EVENT_ID_JOB_COMPLETED] = IGNORE("as MIGRATION_ITERATION"),
	[VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED] = LISTEN(on_device_kept),
	[VIR_DOMAIN_EVENT_ID_METADATA_CHANGE] = IGNORE("domains have no metadata of the pool"),
	[VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD] = IGNORE("no threshold is set"),
	[VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE] = IGNORE("what becomes of the guest is a lifecycle event"),
	[VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE] = IGNORE("there are no virtio-mem devices"),
#if LIBVIR_CHECK_VERSION(11, 2, 0)
	[VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE] = IGNORE("a guest that changes its MAC does not change its NIC"),
#endif
};

const char *connection_event_use(int id)
{
	return id >= 0 && id < CONNECTION_EVENT_IDS ? event_ids[id].use : NULL;
}

static int register_events(struct connection *connection, struct error *e)
{
	for (int id = 0; id < CONNECTION_EVENT_IDS; id++) {
		if (!event_ids[id].callback)
			continue;
		connection->callbacks[id] =
			virConnectDomainEventRegisterAny(connection->conn, NULL, id, event_ids[id].callback,
							 connection_ref(connection), release);
		if (connection->callbacks[id] < 0) {
			connection_unref(connection);
			return error_set_virt(e, connection->conn, "cannot register for events");
		}
	}
	return 0;
}

/* ------------------------------------------------------ what the host has */

/* "+64055:+106" in the capabilities: the user libvirt runs qemu as. Without it files belong to libvirt's
 * user. */
static void read_qemu_owner(struct connection *connection, xmlDocPtr capabilities)
{
	_cleanup_free_ char *label = xml_get(
		capabilities, NULL, "/capabilities/host/secmodel[model='dac']/baselabel[@type='qemu']");
	unsigned int uid, gid;

	if (label && sscanf(label, "+%u:+%u", &uid, &gid) == 2) {
		connection->qemu_uid = uid;
		connection->qemu_gid = gid;
	}
}

/* KVM or TCG, and whether traffic can be limited: probed once, and again after hv_host_reconnect(). */
static void probe(struct connection *connection, xmlDocPtr capabilities)
{
	struct host *host = connection->host;
	bool arm = host_machine_is_arm(connection->machine.arch);
	bool offers_kvm = host_machine_offers_kvm(capabilities, &connection->machine);

	if (!host->probed) {
		/* the guest of the probe is a boot sector for a PC: elsewhere the host's word must do */
		host->kvm = offers_kvm && (arm || probe_guest(connection->conn, host->uuid, "kvm"));
		host->bandwidth = probe_bandwidth(connection->conn, host->uuid);
		host->probed = true;
	}
	(void)snprintf(connection->info.virt_type, sizeof(connection->info.virt_type), "%s",
		       host->kvm ? "kvm" : "qemu");
	connection->info.bandwidth = host->bandwidth;
}

static void tell_machine(const struct host_machine *machine, struct hv_host_info *ret_info)
{
	(void)snprintf(ret_info->arch, sizeof(ret_info->arch), "%s", machine->arch);
	ret_info->machine_known = machine->known;
	ret_info->uefi = machine->uefi;
	ret_info->secure_boot = machine->secure_boot;
	ret_info->tpm = machine->tpm;
}

static void tell_simulated(struct hv_host_info *ret_info)
{
	ret_info->simulated = true;
	memcpy(ret_info->virt_type, "test", 5);
	ret_info->bandwidth = true;
}

static int read_info(struct connection *connection, struct error *e)
{
	_cleanup_xml_ xmlDocPtr capabilities = NULL;
	_cleanup_free_ char *hostname = virConnectGetHostname(connection->conn);
	_cleanup_free_ char *text = NULL;
	virNodeInfo node;

	if (!hostname || virNodeGetInfo(connection->conn, &node) < 0)
		return error_set_virt(e, connection->conn, "cannot read the hardware of the host");
	(void)snprintf(connection->info.hostname, sizeof(connection->info.hostname), "%s", hostname);
	connection->info.memory = (int64_t)node.memory * 1024;
	connection->info.cpus = (int)node.cpus;
	connection->info.sockets = (int)(node.sockets * node.nodes);
	if (connection->host->simulated) {
		tell_simulated(&connection->info);
		return 0;
	}
	text = virConnectGetCapabilities(connection->conn);
	if (!text)
		return error_set_virt(e, connection->conn, "cannot read the host's capabilities");
	capabilities = xml_parse(text);
	if (capabilities)
		read_qemu_owner(connection, capabilities);
	host_machine_read_arch(capabilities, &connection->machine);
	probe(connection, capabilities);
	host_machine_ask(connection->conn, connection->info.virt_type, &connection->machine);
	tell_machine(&connection->machine, &connection->info);
	return 0;
}

/* ---------------------------------------------------------- the domains */

/* How long the tools of a connection before this one may take to end, and how often they are looked for. */
#define TOOLS_PATIENCE_MS 30000
#define TOOLS_STEP_MS	  50

static bool has_tools(virConnectPtr conn, const char *uri)
{
	virDomainPtr *domains = NULL;
	int count = virConnectListAllDomains(conn, &domains, VIR_CONNECT_LIST_DOMAINS_TRANSIENT);
	bool found = false;

	for (int i = 0; i < count; i++) {
		found = found || domain_is_nobodys(uri, virDomainGetName(domains[i]));
		(void)virDomainFree(domains[i]);
	}
	free(domains);
	return found;
}

/*
 * What works on volumes for a process that was killed ends with its connection, but not at once: libvirt lets a call that
 * has begun return first. Who is told that the host is connected may use the volumes, so none may be open any more.
 * After a while whatever is left is somebody else's, or works for this process over a connection that was to be renewed.
 */
static void wait_for_tools(const struct connection *connection)
{
	const struct timespec step = {.tv_nsec = TOOLS_STEP_MS * 1000000L};
	struct host *host = connection->host;

	for (int waited = 0; waited < TOOLS_PATIENCE_MS; waited += TOOLS_STEP_MS) {
		if (host_is_removed(host) || !has_tools(connection->conn, host->uri))
			return;
		(void)nanosleep(&step, NULL);
	}
}

/* The uuids of transient domains, as one string of 33-character fields; NULL when there are none. */
static int read_transient(const char *host, virConnectPtr conn, char **ret_uuids, struct error *e)
{
	virDomainPtr *domains = NULL;
	int count = virConnectListAllDomains(conn, &domains, VIR_CONNECT_LIST_DOMAINS_TRANSIENT);
	char *uuids = NULL;
	size_t len = 0;
	int rc = 0;

	if (count < 0)
		return error_set_virt(e, conn, "cannot list the host's domains");
	if (count > 0) {
		uuids = calloc((size_t)count, 33);
		if (!uuids)
			rc = error_set(e, ENOMEM, "out of memory");
	}
	for (int i = 0; i < count; i++) {
		if (uuids) {
			(void)domain_is_ours(host, domains[i], uuids + len);
			if (uuids[len]) {
				uuids[len + 32] = ' ';
				len += 33;
			}
		}
		(void)virDomainFree(domains[i]);
	}
	if (uuids && len > 0)
		uuids[len - 1] = '\0';
	free(domains);
	*ret_uuids = uuids;
	return rc;
}

static int list_simulated(struct simulator *simulator, struct listed_domain **ret_domains, size_t *ret_count,
			  struct error *e)
{
	_cleanup_free_ struct simulated_domain *rows = NULL;
	struct listed_domain *domains;
	size_t count;
	int rc = simulator_list(simulator, false, &rows, &count, e);

	if (rc < 0)
		return rc;
	domains = calloc(count + 1, sizeof(*domains));
	if (!domains)
		return error_oom(e);
	for (size_t i = 0; i < count; i++) {
		domains[i] = (struct listed_domain){
			.status = {.state = rows[i].state, .reason = rows[i].reason}, .ours = true};
		memcpy(domains[i].status.uuid, rows[i].uuid, sizeof(rows[i].uuid));
	}
	*ret_domains = domains;
	*ret_count = count;
	return 0;
}

static int list_libvirt(const struct connection *connection, struct listed_domain **ret_domains,
			size_t *ret_count, struct error *e)
{
	_cleanup_free_ char *transient = NULL;
	virDomainStatsRecordPtr *records = NULL;
	const char *host = connection->host->uuid;
	virConnectPtr conn = connection->conn;
	struct listed_domain *domains;
	size_t used = 0;
	int count;
	int rc;

	rc = read_transient(host, conn, &transient, e);
	if (rc < 0)
		return rc;
	count = virConnectGetAllDomainStats(conn, VIR_DOMAIN_STATS_STATE, &records, 0);
	if (count < 0)
		return error_set_virt(e, conn, "cannot list the host's domains");
	domains = calloc((size_t)count + 1, sizeof(*domains));
	for (int i = 0; domains && i < count; i++) {
		struct listed_domain *domain = &domains[used];
		int state = VIR_DOMAIN_NOSTATE;
		int reason = 0;
		bool ask;

		domain->ours = domain_is_ours(host, records[i]->dom, domain->status.uuid);
		if (!*domain->status.uuid)
			continue;
		(void)virTypedParamsGetInt(records[i]->params, records[i]->nparams, "state.state", &state);
		(void)virTypedParamsGetInt(records[i]->params, records[i]->nparams, "state.reason", &reason);
		domain->status.state = domain_state_of_virt(state, reason, &domain->status.reason, &ask);
		if (ask)
			domain->status.reason = domain_io_reason(records[i]->dom);
		domain->transient = transient && strstr(transient, domain->status.uuid);
		used++;
	}
	virDomainStatsRecordListFree(records);
	if (!domains)
		return error_set(e, ENOMEM, "out of memory");
	*ret_domains = domains;
	*ret_count = used;
	return 0;
}

int connection_list_domains(const struct connection *connection, struct listed_domain **ret_domains,
			    size_t *ret_count, struct error *e)
{
	struct simulator *simulator = connection->host->simulator;

	return simulator ? list_simulated(simulator, ret_domains, ret_count, e)
			 : list_libvirt(connection, ret_domains, ret_count, e);
}

/* ---------------------------------------------------------- open and close */

/*
 * The test driver's domains live and die with their connection, so reconnecting goes back to the same one.
 * When the file that describes a simulated machine is gone, the machine is off and its domains are lost.
 */
static virConnectPtr open_connection(struct host *host)
{
	virConnectPtr conn = virConnectOpen(host->uri);

	if (!host->simulated)
		return conn;
	if (!conn && host->cached) {
		(void)virConnectClose(host->cached);
		host->cached = NULL;
		conn = virConnectOpen(host->uri); /* closing forgot the error */
	}
	if (!conn)
		return NULL;
	if (host->cached) {
		(void)virConnectClose(conn);
		return virConnectRef(host->cached) < 0 ? NULL : host->cached;
	}
	if (virConnectRef(conn) == 0)
		host->cached = conn;
	return conn;
}

static int open_simulated(struct connection *connection, bool (*opened)(void *ctx), void *ctx,
			  struct error *e)
{
	struct hv_host_info *info = &connection->info;
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int rc = simulator_connect(connection->host->simulator, on_simulated, connection, info, &why);

	(void)opened(ctx); /* if nobody waits any more, it is closed as soon as it is open */
	if (rc < 0)
		return error_set(e, -rc, "cannot connect to '%s': %s", connection->host->uri,
				 error_sentence(&why));
	(void)gethostname(info->hostname, sizeof(info->hostname) - 1);
	tell_simulated(info);
	return 0;
}

static int open_libvirt(struct connection *connection, bool (*opened)(void *ctx), void *ctx, struct error *e)
{
	struct host *host = connection->host;
	bool wanted;
	int rc;

	connection->conn = open_connection(host);
	wanted = opened(ctx);
	if (connection->conn && !wanted)
		return error_set(e, ECANCELED, "nobody waits for the connection any more");
	if (!connection->conn)
		return error_set_virt(e, NULL, "cannot connect to '%s'", host->uri);
	/* neither exists in the test driver, whose connection cannot break */
	if (!host->simulated) {
		(void)virConnectSetKeepAlive(connection->conn, KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
		if (virConnectRegisterCloseCallback(connection->conn, on_close, connection_ref(connection),
						    release) < 0)
			connection_unref(connection);
	}
	rc = register_events(connection, e);
	if (rc == 0)
		rc = read_info(connection, e);
	if (rc == 0 && !host->simulated)
		wait_for_tools(connection);
	return rc;
}

int connection_open(struct host *host, bool (*opened)(void *ctx), void *ctx,
		    struct connection **ret_connection, struct listed_domain **ret_domains, size_t *ret_count,
		    struct error *e)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	int rc;

	if (!connection) {
		(void)opened(ctx);
		return error_set(e, ENOMEM, "out of memory");
	}
	connection->refs = 1;
	connection->host = host_ref(host);
	connection->tail = &connection->events;
	connection->close_reason = -1;
	connection->qemu_uid = (uid_t)-1;
	connection->qemu_gid = (gid_t)-1;
	for (size_t i = 0; i < CONNECTION_EVENT_IDS; i++)
		connection->callbacks[i] = -1;
	rc = host->simulator ? open_simulated(connection, opened, ctx, e)
			     : open_libvirt(connection, opened, ctx, e);
	if (rc == 0)
		rc = connection_list_domains(connection, ret_domains, ret_count, e);
	if (rc < 0) {
		connection_close(connection);
		return rc;
	}
	*ret_connection = connection;
	return 0;
}

void connection_close(struct connection *connection)
{
	if (!connection)
		return;
	if (connection->host->simulator)
		simulator_disconnect(connection->host->simulator, connection);
	for (size_t i = 0; i < CONNECTION_EVENT_IDS; i++)
		if (connection->callbacks[i] >= 0)
			(void)virConnectDomainEventDeregisterAny(connection->conn, connection->callbacks[i]);
	if (connection->conn && !connection->host->simulated)
		(void)virConnectUnregisterCloseCallback(connection->conn, on_close);
	if (connection->conn)
		(void)virConnectClose(connection->conn);
	connection_unref(connection);
}
