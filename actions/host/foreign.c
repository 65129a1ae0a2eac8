/* SPDX-License-Identifier: Apache-2.0 */
/* See foreign.h. */
#include "actions/host/foreign.h"

#include <pthread.h>
#include <string.h>

#include "actions/engine/operation.h"
#include "actions/host/capacity.h"
#include "actions/host/guest.h"
#include "hypervisor/domain/survey.h"
#include "model/json.h"

struct counting {
	const char *host;
	const struct hv_listed *domains;
	size_t count;
};

/* In the writer thread, so that a VM that has been adopted meanwhile does not count twice. */
static int count_fn(struct txn *t, void *arg, struct error *e)
{
	const struct counting *c = arg;
	const struct object *before = view_get(txn_view(t), KIND_HOST, c->host);
	int64_t cpus = 0, memory = 0;
	struct object *host;
	int r;

	if (!before)
		return 0;
	for (size_t i = 0; i < c->count; i++)
		if (hv_domain_is_up(c->domains[i].state) &&
		    domain_is_foreign(txn_view(t), c->domains[i].uuid, c->host, c->domains[i].own)) {
			cpus += c->domains[i].cpus;
			memory += c->domains[i].memory;
		}
	if (object_int(before, HOST_FOREIGN_CPU) == cpus &&
	    object_int(before, HOST_FOREIGN_MEMORY) == memory && !object_is_null(before, HOST_FOREIGN_CPU))
		return 0;
	r = txn_edit(t, KIND_HOST, c->host, &host, e);
	if (r < 0)
		return r;
	object_set_int(host, HOST_FOREIGN_CPU, cpus);
	object_set_int(host, HOST_FOREIGN_MEMORY, memory);
	r = txn_put(t, host, NULL, e);
	return r < 0 ? r : capacity_update_host(t, c->host, e);
}

static void count_once(struct pool *pool, const char *host)
{
	struct hv_listed *domains;
	struct counting c = {.host = host};

	if (hv_host_domains(pool_hypervisor(pool), host, &domains, &c.count, NULL) < 0)
		return;
	c.domains = domains;
	(void)store_run(pool_store(pool), count_fn, &c, NULL);
	hv_listed_free(domains, c.count);
}

/* ------------------------------------------------------------- one at a time */

/*
 * A host whose domains are being counted: by one thread at a time, and again as long as somebody has asked meanwhile. So
 * no older list is written after a newer one, and one list serves all who ask while another one is under way. A thread
 * makes one list; the next is made by one of those that wait for it, or in the background, whichever comes first: a job
 * is not held by a host whose domains never rest.
 */
struct counter {
	struct counter *next;
	struct pool *pool;
	char host[UUID_SIZE];
	bool again;		     /* somebody has asked since the present list was begun */
	bool free;		     /* the present list is nobody's yet */
	unsigned int begun, written; /* lists */
	unsigned int refs;	     /* threads that wait, and work in the background */
	bool ended;		     /* freed with the last reference */
};

static struct {
	pthread_mutex_t lock; /* a leaf */
	pthread_cond_t changed;
	struct counter *first; /* lock; with all that is in them */
} counters = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void counter_put(struct counter *c)
{
	if (c->ended && c->refs == 0)
		free(c);
}

static void counter_end(struct counter *c)
{
	struct counter **at = &counters.first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->ended = true;
	counter_put(c);
}

/* Under lock. True when the present list has become the caller's. */
static bool counter_take(struct counter *c)
{
	bool taken = c->free;

	c->free = false;
	return taken;
}

static void count_in_background(void *arg);

/* The caller has made a list. True when the next one, too, is the caller's: the background takes no work any more. */
static bool counter_goes_on(struct counter *c)
{
	pthread_mutex_lock(&counters.lock);
	c->written = c->begun;
	(void)pthread_cond_broadcast(&counters.changed);
	if (!c->again) {
		counter_end(c);
		pthread_mutex_unlock(&counters.lock);
		return false;
	}
	c->again = false;
	c->begun++;
	c->free = true;
	c->refs++;
	pthread_mutex_unlock(&counters.lock);
	if (pool_background(c->pool, count_in_background, c) == 0)
		return false;
	scoped_lock(&counters.lock);
	c->refs--;
	if (counter_take(c))
		return true;
	counter_put(c);
	return false;
}

/* The present list is the caller's. */
static void counter_work(struct counter *c)
{
	do
		count_once(c->pool, c->host);
	while (counter_goes_on(c));
}

static void count_in_background(void *arg)
{
	struct counter *c = arg;
	bool mine;

	pthread_mutex_lock(&counters.lock);
	c->refs--;
	mine = counter_take(c);
	if (!mine)
		counter_put(c);
	pthread_mutex_unlock(&counters.lock);
	if (mine)
		counter_work(c);
}

/* Under lock. Waits until the list is written that was asked for last, or makes it. */
static void counter_wait(struct counter *c)
{
	unsigned int mine = c->begun + (c->again ? 1 : 0);

	c->refs++;
	while (c->written < mine)
		if (counter_take(c)) {
			pthread_mutex_unlock(&counters.lock);
			counter_work(c);
			pthread_mutex_lock(&counters.lock);
		} else {
			(void)pthread_cond_wait(&counters.changed, &counters.lock);
		}
	c->refs--;
	counter_put(c);
}

/* NULL: memory is short, and the next change is counted. @ret_new: its first list is the caller's. */
static struct counter *counter_find(struct pool *pool, const char *host, bool *ret_new)
{
	struct counter *c = counters.first;

	while (c && (c->pool != pool || strcmp(c->host, host) != 0))
		c = c->next;
	*ret_new = !c;
	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->pool = pool;
	snprintf(c->host, sizeof(c->host), "%s", host);
	c->begun = 1;
	c->next = counters.first;
	counters.first = c;
	return c;
}

static void count(struct pool *pool, const char *host, bool wait)
{
	struct counter *c;
	bool is_new;

	pthread_mutex_lock(&counters.lock);
	c = counter_find(pool, host, &is_new);
	if (c && !is_new) {
		c->again = c->again || !c->free;
		if (wait)
			counter_wait(c);
	}
	pthread_mutex_unlock(&counters.lock);
	if (c && is_new)
		counter_work(c);
}

void foreign_domains_count(struct pool *pool, const char *host)
{
	count(pool, host, true);
}

void foreign_domains_changed(struct pool *pool, const char *host)
{
	count(pool, host, false);
}

/* ------------------------------------------------------------------ the list */

int foreign_domains_list(struct pool *pool, const struct view *view, const char *host, json_t **ret,
			 struct error *e)
{
	_cleanup_json_ json_t *list = json_array();
	struct hv_listed *domains;
	size_t count;
	int r = list ? hv_host_domains(pool_hypervisor(pool), host, &domains, &count, e) : error_oom(e);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < count; i++)
		if (domain_is_foreign(view, domains[i].uuid, host, domains[i].own) &&
		    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:i, s:I}", "uuid",
							  domains[i].uuid, "name", domains[i].name, "state",
							  vm_state_name(vm_state_of_domain(domains[i].state)),
							  "cpuNum", domains[i].cpus, "memorySize",
							  (json_int_t)domains[i].memory)) < 0)
			r = error_oom(e);
	hv_listed_free(domains, count);
	if (r == 0)
		*ret = json_incref(list);
	return r;
}
