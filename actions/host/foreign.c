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
		    domain_is_foreign(txn_view(t), c->domains[i].uuid, c->host)) {
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
 * A host whose domains are being counted: by one thread, which does it again as long as somebody has asked meanwhile. So
 * no older list is written after a newer one, and one list serves all who ask while another one is under way.
 */
struct counter {
	struct counter *next;
	const struct pool *pool;
	char host[UUID_SIZE];
	bool again;		     /* somebody has asked since the present list was begun */
	unsigned int begun, written; /* lists */
	unsigned int waiting;	     /* threads */
	bool ended;		     /* freed by the last one that waits */
};

static struct {
	pthread_mutex_t lock; /* a leaf */
	pthread_cond_t written;
	struct counter *first; /* lock; with all that is in them */
} counters = {.lock = PTHREAD_MUTEX_INITIALIZER, .written = PTHREAD_COND_INITIALIZER};

static void counter_put(struct counter *c)
{
	if (c->ended && c->waiting == 0)
		free(c);
}

/*
 * The counter for the caller to work through. NULL: there is one, which has been asked for one more list, and with @wait
 * has written it; or memory is short, and the next change is counted.
 */
static struct counter *counter_enter(const struct pool *pool, const char *host, bool wait)
{
	struct counter *c;
	unsigned int mine;

	scoped_lock(&counters.lock);
	for (c = counters.first; c && (c->pool != pool || strcmp(c->host, host) != 0);)
		c = c->next;
	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return NULL;
		c->pool = pool;
		snprintf(c->host, sizeof(c->host), "%s", host);
		c->again = true;
		c->next = counters.first;
		counters.first = c;
		return c;
	}
	c->again = true;
	mine = c->begun + 1;
	c->waiting++;
	while (wait && c->written < mine)
		(void)pthread_cond_wait(&counters.written, &counters.lock);
	c->waiting--;
	counter_put(c);
	return NULL;
}

/* After a list, and at the beginning: whether there is one to be made. If not, the counter is gone. */
static bool counter_goes_on(struct counter *c)
{
	struct counter **at = &counters.first;

	scoped_lock(&counters.lock);
	c->written = c->begun;
	(void)pthread_cond_broadcast(&counters.written);
	if (c->again) {
		c->again = false;
		c->begun++;
		return true;
	}
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->ended = true;
	counter_put(c);
	return false;
}

static void count(struct pool *pool, const char *host, bool wait)
{
	struct counter *c = counter_enter(pool, host, wait);

	while (c && counter_goes_on(c))
		count_once(pool, host);
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
		if (domain_is_foreign(view, domains[i].uuid, host) &&
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
