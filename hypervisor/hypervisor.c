/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of hosts: adding, removing, finding them, and the end of it all.
 *
 * What happens to one host is host_thread.c's business; see host_thread.h for
 * threads and order, host.h for locks. This file refuses unknown and repeated host uuids and malformed
 * URIs, so that the threads below never see one.
 */
#include "hypervisor/hypervisor.h"

#include <string.h>

#include <libxml/parser.h>

#include "hypervisor/event_loop.h"
#include "hypervisor/host.h"
#include "hypervisor/host_thread.h"
#include "hypervisor/host_uri.h"

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
	host_thread_await_openers(OPENER_PATIENCE_MS);
	event_loop_put();
	(void)pthread_cond_destroy(&hv->thread_ended);
	(void)pthread_mutex_destroy(&hv->lock);
	free(hv->hosts);
	free(hv);
}

static void thread_ended(void *ctx)
{
	struct hypervisor *hv = ctx;

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
	struct host *host;
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
	rc = host_new(uuid, uri, &hv->events, hv->ctx, &host, e);
	if (rc < 0)
		return rc;
	rc = host_thread_start(host, thread_ended, hv, e);
	if (rc < 0) {
		host_unref(host);
		return rc;
	}
	bigger[hv->host_count++] = host;
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

bool hv_host_is_to_reconnect(struct hypervisor *hv, const char *uuid)
{
	ssize_t i;

	scoped_lock(&hv->lock);
	i = find(hv, uuid);
	return i >= 0 && host_is_to_reconnect(hv->hosts[i]);
}

struct host *hypervisor_get_host(struct hypervisor *hv, const char *uuid)
{
	ssize_t i;

	scoped_lock(&hv->lock);
	i = find(hv, uuid);
	return i < 0 ? NULL : host_ref(hv->hosts[i]);
}
