/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread of one host: connect, deliver, reconnect. See host_thread.h for the
 * order and the locks.
 *
 *            +---------------- back-off -----------------+
 *            v                                           |
 *     (attempt: opener thread) --failed--> DISCONNECTED -+
 *            | open                                      |
 *        CONNECTED + list, then events --lost------------+
 *
 * The opener is a thread per attempt, because virConnectOpen() may never come
 * back, or come back long after the host: to one that is silent, the kernel repeats
 * a connection's first packet at growing intervals, for up to two minutes. The
 * host's thread waits for it without holding the host's lock. After OPEN_PATIENCE_MS
 * it reports that the host does not answer, leaves the opener behind, and makes
 * another attempt. It also leaves one when the host is removed. An opener that was
 * left cleans up after itself.
 */
#include "hypervisor/host_thread.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/adopted.h"
#include "hypervisor/connection.h"
#include "hypervisor/errors.h"
#include "hypervisor/event_loop.h"

#define BACKOFF_FIRST_MS 200
#define BACKOFF_MAX_MS	 5000
/* A connection that lasted this long starts the back-off from the beginning. */
#define STEADY_MS 5000
/* How long libvirt may take to open a connection before the host counts as not answering. */
#define OPEN_PATIENCE_MS 10000
/*
 * Openers of a host that were left behind, at most. There are fewer as long as the kernel ends each after two minutes,
 * since a new one comes only every OPEN_PATIENCE_MS and back-off.
 */
#define LEFT_BEHIND_MOST 10

/* One attempt to open a connection. Shared by both threads; the last one to leave frees it. */
struct attempt {
	struct host *host;	       /* immutable, holds a reference */
	pthread_t thread;	       /* the host's thread only */
	bool opened;		       /* host->lock: libvirt has answered, the rest takes a bounded time */
	bool done;		       /* host->lock */
	bool abandoned;		       /* host->lock: nobody waits for it any more, see host->left_behind */
	struct connection *connection; /* the result, once done; NULL = failed */
	struct listed_domain *domains; /* ditto */
	size_t domain_count;
	struct error error;
};

/* Reports the host's status, unless status and sentence are those of the last report. The result of the callback. */
static int report(struct host *host, enum hv_host_status status, const struct hv_host_info *info,
		  const char *sentence)
{
	const struct hv_events *events = host->events;

	if (status != HV_HOST_CONNECTED && status == host->reported && host->reported_sentence && sentence &&
	    strcmp(host->reported_sentence, sentence) == 0)
		return 0;
	host->reported = status;
	free(host->reported_sentence);
	host->reported_sentence = sentence ? strdup(sentence) : NULL;
	if (host_is_removed(host) || !events->host)
		return 0;
	return events->host(host->ctx, host->uuid, status, info, sentence);
}

static void report_disconnected(struct host *host, const char *sentence)
{
	(void)report(host, HV_HOST_DISCONNECTED, NULL, sentence);
}

/* @connection is new: starts the record of states from its list of domains, and reports it. */
static int report_connected(struct host *host, const struct connection *connection,
			    const struct attempt *attempt)
{
	int rc = states_load(&host->domains, attempt->domains, attempt->domain_count);

	return rc < 0 ? rc : report(host, HV_HOST_CONNECTED, &connection->info, NULL);
}

static int deliver_state(struct host *host, const struct event *event)
{
	const struct hv_events *events = host->events;
	struct state_change change;
	int rc = states_fold(&host->domains, event, &change);

	if (rc < 0)
		return rc;
	if (!event->ours && !adopted_has(host->uuid, event->uuid)) {
		host->others_changed = true;
		return 0;
	}
	if (change.changed && events->domain)
		events->domain(host->ctx, host->uuid, event->uuid, change.state, change.reason);
	/* the simulated guest's agent is there as soon as the guest is */
	if (change.started && host->simulated && events->agent)
		events->agent(host->ctx, host->uuid, event->uuid, true);
	return 0;
}

/* -ENOMEM: the states are no longer known, the caller must compare everything again. */
static int deliver(struct host *host, const struct event *event)
{
	const struct hv_events *events = host->events;

	if (host_is_removed(host))
		return 0;
	switch (event->kind) {
	case EVENT_LIFECYCLE:
	case EVENT_IO_ERROR:
		return deliver_state(host, event);
	case EVENT_AGENT:
		if (events->agent)
			events->agent(host->ctx, host->uuid, event->uuid,
				      event->type ==
					      VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED);
		return 0;
	case EVENT_DEVICE_KEPT: /* only who asked for it is concerned */
		return 0;
	case EVENT_DEVICE_REMOVED:
		if (events->device_removed)
			events->device_removed(host->ctx, host->uuid, event->uuid, event->alias);
		return 0;
	}
	return 0;
}

/* Once for all events that came together. */
static void report_others(struct host *host)
{
	const struct hv_events *events = host->events;

	if (host->others_changed && events->others && !host_is_removed(host))
		events->others(host->ctx, host->uuid);
	host->others_changed = false;
}

/* ------------------------------------------------------------------- attempts */

/* Openers that nobody waits for any more, in the whole process. */
static struct {
	pthread_mutex_t lock; /* innermost: nothing is locked or called under it */
	pthread_cond_t changed;
	int count;
} abandoned_openers = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

static void count_abandoned(int change)
{
	scoped_lock(&abandoned_openers.lock);

	abandoned_openers.count += change;
	(void)pthread_cond_broadcast(&abandoned_openers.changed);
}

void host_thread_await_openers(int64_t ms)
{
	struct timespec deadline = deadline_in(ms);

	scoped_lock(&abandoned_openers.lock);
	while (abandoned_openers.count > 0)
		if (pthread_cond_clockwait(&abandoned_openers.changed, &abandoned_openers.lock,
					   CLOCK_MONOTONIC, &deadline) == ETIMEDOUT)
			return;
}

static void attempt_free(struct attempt *attempt)
{
	error_done(&attempt->error);
	free(attempt->domains);
	host_unref(attempt->host);
	free(attempt);
}

static bool attempt_opened(void *ctx)
{
	struct attempt *attempt = ctx;

	scoped_lock(&attempt->host->lock);
	attempt->opened = true;
	(void)pthread_cond_broadcast(&attempt->host->changed);
	return !attempt->abandoned;
}

static void *attempt_run(void *arg)
{
	struct attempt *attempt = arg;
	struct connection *connection = NULL;
	bool abandoned;

	(void)connection_open(attempt->host, attempt_opened, attempt, &connection, &attempt->domains,
			      &attempt->domain_count, &attempt->error);
	pthread_mutex_lock(&attempt->host->lock);
	attempt->connection = connection;
	attempt->done = true;
	abandoned = attempt->abandoned;
	if (abandoned)
		attempt->host->left_behind--;
	(void)pthread_cond_broadcast(&attempt->host->changed);
	pthread_mutex_unlock(&attempt->host->lock);
	if (abandoned) {
		connection_close(connection);
		attempt_free(attempt);
	}
	event_loop_put();
	if (abandoned)
		count_abandoned(-1);
	return NULL;
}

static int start_thread(pthread_t *ret_thread, void *(*run)(void *arg), void *arg, const char *name)
{
	if (pthread_create(ret_thread, NULL, run, arg) != 0)
		return -EAGAIN;
	(void)pthread_setname_np(*ret_thread, name);
	return 0;
}

static struct attempt *attempt_start(struct host *host)
{
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	if (!attempt)
		return NULL;
	attempt->host = host_ref(host);
	if (event_loop_get(NULL) == 0) {
		if (start_thread(&attempt->thread, attempt_run, attempt, "hv-open") == 0)
			return attempt;
		event_loop_put();
	}
	attempt_free(attempt);
	return NULL;
}

/* Whether another attempt may be made beside this one. Under the host's lock. */
static bool may_leave(const struct host *host, const struct attempt *attempt)
{
	return !attempt->opened && !host->simulated && host->left_behind < LEFT_BEHIND_MOST;
}

/* From now on the attempt belongs to its thread. Under the host's lock. */
static void leave(struct host *host, struct attempt *attempt)
{
	count_abandoned(1);
	host->left_behind++;
	(void)pthread_detach(attempt->thread);
	attempt->abandoned = true;
}

/* Waits for the attempt's end; NULL when it was left behind. */
static struct attempt *attempt_finish(struct host *host, struct attempt *attempt)
{
	struct timespec patience = deadline_in(OPEN_PATIENCE_MS);
	bool told = false;

	pthread_mutex_lock(&host->lock);
	while (!attempt->done && !host->removed && !(told && may_leave(host, attempt))) {
		if (attempt->opened || told) {
			(void)pthread_cond_wait(&host->changed, &host->lock);
		} else if (pthread_cond_timedwait(&host->changed, &host->lock, &patience) == ETIMEDOUT) {
			told = true;
			pthread_mutex_unlock(&host->lock);
			report_disconnected(host, "the host does not answer");
			pthread_mutex_lock(&host->lock);
		}
	}
	if (!attempt->done) {
		leave(host, attempt);
		attempt = NULL;
	}
	pthread_mutex_unlock(&host->lock);
	if (attempt)
		(void)pthread_join(attempt->thread, NULL);
	return attempt;
}

/* ------------------------------------------------------------------ the thread */

static const char *close_sentence(int reason)
{
	switch ((virConnectCloseReason)reason) {
	case VIR_CONNECT_CLOSE_REASON_EOF:
		return "libvirtd on the host closed the connection";
	case VIR_CONNECT_CLOSE_REASON_KEEPALIVE:
		return "the host no longer answers";
	case VIR_CONNECT_CLOSE_REASON_ERROR:
	case VIR_CONNECT_CLOSE_REASON_CLIENT:
		break;
	}
	return "the connection to the host was lost";
}

/*
 * Delivers the events of @connection until it is closed or no longer wanted. True when it was lost, with the
 * reason in @ret_sentence.
 */
static bool serve(struct host *host, struct connection *connection, const char **ret_sentence)
{
	bool lost = false;

	*ret_sentence = "out of memory";
	pthread_mutex_lock(&host->lock);
	while (!host->removed) {
		struct event *events = steal(&connection->events);
		int rc = 0;

		connection->tail = &connection->events;
		if (!events) {
			if (connection->close_reason >= 0) {
				*ret_sentence = close_sentence(connection->close_reason);
				lost = true;
				break;
			}
			if (host->reconnect)
				break;
			(void)pthread_cond_wait(&host->changed, &host->lock);
			continue;
		}
		pthread_mutex_unlock(&host->lock);
		for (const struct event *event = events; event && rc == 0; event = event->next)
			rc = deliver(host, event);
		events_free(events);
		report_others(host);
		pthread_mutex_lock(&host->lock);
		if (rc < 0) {
			lost = true;
			break;
		}
	}
	host->connection = NULL;
	(void)pthread_cond_broadcast(&host->changed); /* events of this connection will not come any more */
	pthread_mutex_unlock(&host->lock);
	return lost;
}

/* One connection from its opening to its loss. False when it could not be opened. */
static bool connect_and_serve(struct host *host)
{
	struct attempt *attempt = attempt_start(host);
	const char *sentence = NULL;
	struct connection *connection;

	if (!attempt) {
		report_disconnected(host, "out of memory or threads");
		return false;
	}
	attempt = attempt_finish(host, attempt);
	if (!attempt)
		return false;
	connection = steal(&attempt->connection);
	if (!connection) {
		report_disconnected(host, error_sentence(&attempt->error));
		attempt_free(attempt);
		return false;
	}
	pthread_mutex_lock(&host->lock);
	if (!host->removed)
		host->connection = connection;
	pthread_mutex_unlock(&host->lock);
	if (report_connected(host, connection, attempt) < 0)
		connection_set_closed(connection, VIR_CONNECT_CLOSE_REASON_ERROR);
	attempt_free(attempt);
	if (serve(host, connection, &sentence))
		report_disconnected(host, sentence);
	connection_close(connection);
	return true;
}

/* Sleeps for @ms, or until the host is removed or a reconnection is requested. */
static void pause_between(struct host *host, int64_t ms)
{
	struct timespec deadline = deadline_in(ms);

	scoped_lock(&host->lock);
	while (!host->removed && !host->reconnect)
		if (pthread_cond_timedwait(&host->changed, &host->lock, &deadline) == ETIMEDOUT)
			return;
}

/* The reconnection that was requested begins, which is told before the request is cleared. The probes run again. */
static void begin_reconnect(struct host *host)
{
	(void)report(host, HV_HOST_CONNECTING, NULL, "reconnecting as asked");
	scoped_lock(&host->lock);
	host->reconnect = false;
	host->probed = false;
}

static void *run(void *arg)
{
	struct host *host = arg;
	void (*on_end)(void *) = host->on_end;
	void *ctx = host->on_end_ctx;
	int64_t delay = BACKOFF_FIRST_MS;

	(void)report(host, HV_HOST_CONNECTING, NULL, "connecting");
	while (!host_is_removed(host)) {
		struct timespec steady = deadline_in(STEADY_MS);
		struct timespec now;
		bool connected = connect_and_serve(host);

		now = deadline_in(0);
		if (connected && now.tv_sec >= steady.tv_sec)
			delay = BACKOFF_FIRST_MS;
		pause_between(host, delay);
		delay = delay * 2 < BACKOFF_MAX_MS ? delay * 2 : BACKOFF_MAX_MS;
		if (host_is_to_reconnect(host)) {
			begin_reconnect(host);
			delay = BACKOFF_FIRST_MS;
		}
	}
	states_free(&host->domains);
	host_unref(host);
	on_end(ctx);
	return NULL;
}

int host_thread_start(struct host *host, void (*on_end)(void *ctx), void *ctx, struct error *e)
{
	pthread_t thread;

	host->on_end = on_end;
	host->on_end_ctx = ctx;
	if (start_thread(&thread, run, host_ref(host), "hv-host") < 0) {
		host_unref(host);
		return error_set(e, EAGAIN, "cannot start a thread for host '%s'", host->uuid);
	}
	(void)pthread_detach(thread);
	return 0;
}
