/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of hosts: adding, removing, finding them, and the end of it all.
 *
 * What happens to one host is host.c's business; see host.h for threads, order
 * and locks. This file refuses unknown and repeated host uuids and malformed
 * URIs, so that the threads below never see one.
 */
#include "hypervisor/hypervisor.h"

#include <string.h>

#include <libxml/parser.h>
#include <libxml/uri.h>

#include "hypervisor/event_loop.h"
#include "hypervisor/host.h"

/* How long hv_free() waits for connections that are just being opened; hung ones are left behind. */
#define OPENER_PATIENCE_MS 1000

struct hypervisor {
	struct hv_events events; /* immutable */
	void *ctx;		 /* immutable */

	pthread_mutex_t lock;
	pthread_cond_t thread_ended;
	struct host **hosts; /* lock; each holds a reference */
	size_t host_count;   /* lock */
	size_t threads;	     /* lock: hosts' threads that still run, those of removed hosts too */
};

int hv_new(const struct hv_events *events, void *ctx, struct hypervisor **ret_hv, struct error *e)
{
	struct hypervisor *hv = calloc(1, sizeof(*hv));
	int rc;

	if (!hv)
		return error_set(e, ENOMEM, "out of memory");
	xmlInitParser(); /* before the threads: libxml2 does not do it safely by itself */
	rc = event_loop_get(e);
	if (rc < 0) {
		free(hv);
		return rc;
	}
	hv->events = *events;
	hv->ctx = ctx;
	(void)pthread_mutex_init(&hv->lock, NULL);
	(void)pthread_cond_init(&hv->thread_ended, NULL);
	*ret_hv = hv;
	return 0;
}

void hv_free(struct hypervisor *hv)
{
	if (!hv)
		return;
	pthread_mutex_lock(&hv->lock);
	for (size_t i = 0; i < hv->host_count; i++) {
		host_end(hv->hosts[i]);
		host_unref(hv->hosts[i]);
	}
	hv->host_count = 0;
	while (hv->threads > 0)
		(void)pthread_cond_wait(&hv->thread_ended, &hv->lock);
	pthread_mutex_unlock(&hv->lock);
	host_await_openers(OPENER_PATIENCE_MS);
	event_loop_put();
	(void)pthread_cond_destroy(&hv->thread_ended);
	(void)pthread_mutex_destroy(&hv->lock);
	free(hv->hosts);
	free(hv);
}

const struct hv_events *hypervisor_events(struct hypervisor *hv, void **ret_ctx)
{
	*ret_ctx = hv->ctx;
	return &hv->events;
}

void hypervisor_thread_ended(struct hypervisor *hv)
{
	scoped_lock(&hv->lock);

	hv->threads--;
	(void)pthread_cond_broadcast(&hv->thread_ended);
}

/* Index of host @uuid, -1 when there is none. Under hv->lock. */
static ssize_t find(const struct hypervisor *hv, const char *uuid)
{
	for (size_t i = 0; i < hv->host_count; i++)
		if (strcmp(hv->hosts[i]->uuid, uuid) == 0)
			return (ssize_t)i;
	return -1;
}

int hv_host_add(struct hypervisor *hv, const char *uuid, const char *uri, struct error *e)
{
	struct host **bigger;
	int rc;

	if (strlen(uuid) != 32 || strspn(uuid, "0123456789abcdef") != 32)
		return error_set(e, EINVAL, "'%s' is not 32 hex digits", uuid);
	rc = hv_uri_check(uri, e);
	if (rc < 0)
		return rc;

	scoped_lock(&hv->lock);
	if (find(hv, uuid) >= 0)
		return error_set(e, EEXIST, "host '%s' is already known", uuid);
	bigger = reallocarray(hv->hosts, hv->host_count + 1, sizeof(*bigger));
	if (!bigger)
		return error_set(e, ENOMEM, "out of memory");
	hv->hosts = bigger;
	rc = host_new(hv, uuid, uri, &bigger[hv->host_count], e);
	if (rc < 0)
		return rc;
	hv->host_count++;
	hv->threads++;
	return 0;
}

void hv_host_remove(struct hypervisor *hv, const char *uuid)
{
	ssize_t i;

	scoped_lock(&hv->lock);
	i = find(hv, uuid);
	if (i < 0)
		return;
	host_end(hv->hosts[i]);
	host_unref(hv->hosts[i]);
	hv->hosts[i] = hv->hosts[--hv->host_count];
}

int hv_host_reconnect(struct hypervisor *hv, const char *uuid, struct error *e)
{
	ssize_t i;

	scoped_lock(&hv->lock);
	i = find(hv, uuid);
	if (i < 0)
		return error_set(e, ENOENT, "host '%s' is not known", uuid);
	host_request_reconnect(hv->hosts[i]);
	return 0;
}

int hv_call_begin(struct hypervisor *hv, const char *host_uuid, struct hv_call *ret_call, struct error *e)
{
	struct host *host = NULL;
	struct connection *connection = NULL;
	ssize_t i;

	pthread_mutex_lock(&hv->lock);
	i = find(hv, host_uuid);
	if (i >= 0)
		host = host_ref(hv->hosts[i]);
	pthread_mutex_unlock(&hv->lock);
	if (!host)
		return error_set(e, ENOENT, "host '%s' is not known", host_uuid);

	pthread_mutex_lock(&host->lock);
	/* under the lock, because the host's thread closes a connection as soon as it is not in use */
	if (host->connection && virConnectRef(host->connection->conn) == 0)
		connection = connection_ref(host->connection);
	pthread_mutex_unlock(&host->lock);
	if (!connection) {
		host_unref(host);
		return error_set_code(e, ENOTCONN, "HOST.1010", "host '%s' is not connected", host_uuid);
	}
	*ret_call = (struct hv_call){.host = host,
				     .connection = connection,
				     .conn = connection->conn,
				     .simulated = host->simulated};
	return 0;
}

void hv_call_end(struct hv_call *call)
{
	if (!call->host)
		return;
	(void)virConnectClose(call->conn);
	connection_unref(call->connection);
	host_unref(call->host);
	*call = (struct hv_call){0};
}

/* ------------------------------------------------------------------- URIs */

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static int check_qemu(const xmlURI *parts, const char *transport, const char *uri, struct error *e)
{
	static const char *const transports[] = {"unix",   "tcp",     "tls", "ssh",
						 "libssh", "libssh2", "ext", NULL};
	static const char *const remote[] = {"tcp", "tls", "ssh", "libssh", "libssh2", NULL};

	if (transport && !is_one_of(transport, transports))
		return error_set(e, EINVAL, "unknown transport '%s' in '%s'", transport, uri);
	if (transport && is_one_of(transport, remote) && (!parts->server || parts->server[0] == '\0'))
		return error_set(e, EINVAL, "no server name in '%s'", uri);
	if (!parts->path || (strcmp(parts->path, "/system") != 0 && strcmp(parts->path, "/session") != 0))
		return error_set(e, EINVAL, "path is not /system or /session in '%s'", uri);
	return 0;
}

static int check_test(const xmlURI *parts, const char *transport, const char *uri, struct error *e)
{
	if (transport || (parts->server && parts->server[0] != '\0'))
		return error_set(e, EINVAL, "a test host is always local, '%s' names a way to it", uri);
	if (!parts->path || parts->path[0] != '/' || parts->path[1] == '\0')
		return error_set(e, EINVAL, "neither /default nor a file in '%s'", uri);
	return 0;
}

int hv_uri_check(const char *uri, struct error *e)
{
	xmlURIPtr parts = xmlParseURI(uri);
	_cleanup_free_ char *driver = NULL;
	char *transport;
	int rc;

	if (!parts || !parts->scheme) {
		xmlFreeURI(parts);
		return error_set(e, EINVAL, "'%s' is not a URI", uri);
	}
	driver = strdup(parts->scheme);
	transport = driver ? strchr(driver, '+') : NULL;
	if (transport)
		*transport++ = '\0';
	if (!driver)
		rc = error_set(e, ENOMEM, "out of memory");
	else if (strcmp(driver, "qemu") == 0)
		rc = check_qemu(parts, transport, uri, e);
	else if (strcmp(driver, "test") == 0)
		rc = check_test(parts, transport, uri, e);
	else
		rc = error_set(e, EINVAL, "hypervisor '%s' in '%s' is not qemu or test", driver, uri);
	xmlFreeURI(parts);
	return rc;
}
