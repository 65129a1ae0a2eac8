/* SPDX-License-Identifier: Apache-2.0 */
/* See host.h. */
#include "hypervisor/host.h"

#include <string.h>

#include "hypervisor/simulator/simulator.h"
#include "model/clock.h"

struct timespec deadline_in(int64_t ms)
{
	int64_t t = clock_monotonic() + ms * (NS_PER_S / 1000);

	return (struct timespec){t / NS_PER_S, t % NS_PER_S};
}

/* "qemu+unix:///system"; see hv_uri_check(). */
static bool names_no_server(const char *uri)
{
	const char *server = strstr(uri, "://");

	return server && server[3] == '/';
}

int host_new(const char *uuid, const char *uri, const struct hv_events *events, void *ctx,
	     struct host **ret_host, struct error *e)
{
	struct host *host = calloc(1, sizeof(*host));
	bool own = simulator_has_uri(uuid, uri);

	if (!host || !(host->uri = strdup(uri)) || (own && !(host->simulator = simulator_new(uri)))) {
		if (host)
			free(host->uri);
		free(host);
		return error_oom(e);
	}
	host->refs = 1;
	host->events = events;
	host->ctx = ctx;
	memcpy(host->uuid, uuid, sizeof(host->uuid));
	host->simulated = strncmp(uri, "test:", 5) == 0;
	host->here = names_no_server(uri);
	(void)pthread_mutex_init(&host->lock, NULL);
	clock_cond_init(&host->changed);
	*ret_host = host;
	return 0;
}

struct host *host_ref(struct host *host)
{
	(void)atomic_fetch_add(&host->refs, 1);
	return host;
}

void host_unref(struct host *host)
{
	if (!host || atomic_fetch_sub(&host->refs, 1) > 1)
		return;
	if (host->cached)
		(void)virConnectClose(host->cached);
	simulator_free(host->simulator);
	(void)pthread_cond_destroy(&host->changed);
	(void)pthread_mutex_destroy(&host->lock);
	free(host->reported_sentence);
	free(host->uri);
	free(host);
}

void host_end(struct host *host)
{
	scoped_lock(&host->lock);

	host->removed = true;
	host->connection = NULL; /* no new calls; the thread closes it */
	(void)pthread_cond_broadcast(&host->changed);
}

void host_request_reconnect(struct host *host)
{
	scoped_lock(&host->lock);

	host->reconnect = true;
	(void)pthread_cond_broadcast(&host->changed);
}

bool host_is_to_reconnect(struct host *host)
{
	scoped_lock(&host->lock);

	return host->reconnect && !host->removed;
}

/* ----------------------------------------------------------------- delivering */

bool host_is_removed(struct host *host)
{
	scoped_lock(&host->lock);

	return host->removed;
}

/* --------------------------------------------------------- waiting for events */

/* --------------------------------------------------------- waiting for events */

void host_wait_begin(struct host *host, struct waiter *waiter, const char *uuid, const char *alias)
{
	scoped_lock(&host->lock);

	*waiter = (struct waiter){.next = host->waiters, .uuid = uuid, .alias = alias};
	host->waiters = waiter;
}

int host_wait(struct host *host, const struct connection *connection, struct waiter *waiter,
	      const struct timespec *deadline)
{
	int rc = 0;

	scoped_lock(&host->lock);
	while (!waiter->heard && host->connection == connection && rc == 0)
		rc = pthread_cond_timedwait(&host->changed, &host->lock, deadline);
	if (waiter->heard) {
		waiter->heard = false;
		return 0;
	}
	return host->connection != connection ? -ENOTCONN : -ETIMEDOUT;
}

void host_wait_end(struct host *host, struct waiter *waiter)
{
	scoped_lock(&host->lock);

	for (struct waiter **w = &host->waiters; *w; w = &(*w)->next)
		if (*w == waiter) {
			*w = waiter->next;
			return;
		}
}
