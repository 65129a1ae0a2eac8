/* SPDX-License-Identifier: Apache-2.0 */
/* See simulator.h. */
#include "hypervisor/simulator/simulator.h"

#include <errno.h>
#include <search.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libxml/uri.h>

#include "hypervisor/xml.h"
#include "model/clock.h"

#define SCHEME "test://"
/* More than any description of the pool has. */
#define FILE_MOST 65536

struct domain_row {
	char uuid[33]; /* first: the key */
	enum hv_domain_state state;
	enum hv_domain_reason reason;
	int id, cpus;
	int64_t memory, started; /* started: on the monotonic clock, ns */
	char *xml;		 /* owned */
};

struct pool_row {
	char uuid[33];	   /* first: the key */
	char *type, *root; /* owned */
};

struct simulator {
	char *file; /* immutable */

	pthread_mutex_t lock;  /* the listener takes a lock below it */
	void *domains, *pools; /* lock: tsearch trees, which are balanced */
	size_t domain_count;   /* lock */
	int last_id;	       /* lock */
	simulator_tell *tell;  /* lock; NULL: nobody listens */
	void *ctx;	       /* lock */
};

/* ---------------------------------------------------------------- the machine */

bool simulator_has_uri(const char *host_uuid, const char *uri)
{
	const char *name = strrchr(uri, '/');

	return strncmp(uri, SCHEME "/", strlen(SCHEME "/")) == 0 && strncmp(name + 1, host_uuid, 32) == 0 &&
	       strcmp(name + 33, ".xml") == 0;
}

struct simulator *simulator_new(const char *uri)
{
	struct simulator *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->file = xmlURIUnescapeString(uri + strlen(SCHEME), 0, NULL);
	if (!s->file) {
		free(s);
		return NULL;
	}
	(void)pthread_mutex_init(&s->lock, NULL);
	return s;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b); /* both start with the uuid */
}

/* The row of @uuid in a tree; NULL when there is none. */
static void *row_in(void *const *tree, const char *uuid)
{
	void *found = tfind(uuid, tree, compare);

	return found ? *(void **)found : NULL;
}

static void domain_done(void *row)
{
	free(((struct domain_row *)row)->xml);
	free(row);
}

static void pool_done(void *row)
{
	struct pool_row *pool = row;

	free(pool->type);
	free(pool->root);
	free(pool);
}

/* Under the lock, or for the last time. */
static void lose_all(struct simulator *s)
{
	tdestroy(steal(&s->domains), domain_done);
	tdestroy(steal(&s->pools), pool_done);
	s->domain_count = 0;
}

void simulator_free(struct simulator *s)
{
	if (!s)
		return;
	lose_all(s);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->file);
	free(s);
}

static int read_file(const char *file, struct hv_host_info *ret, struct error *e)
{
	_cleanup_fclose_ FILE *f = fopen(file, "re");
	_cleanup_xml_ xmlDocPtr doc = NULL;
	char text[FILE_MOST];
	size_t len;

	if (!f)
		return error_set(e, errno, "cannot read the description of the simulated machine, '%s': %s",
				 file, strerror(errno));
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	doc = xml_parse(text);
	ret->cpus = doc ? (int)xml_get_int(doc, NULL, "/node/cpu/active", 0) : 0;
	ret->sockets = doc ? (int)(xml_get_int(doc, NULL, "/node/cpu/sockets", 1) *
				   xml_get_int(doc, NULL, "/node/cpu/nodes", 1))
			   : 0;
	ret->memory = doc ? xml_get_int(doc, NULL, "/node/memory", 0) * 1024 : 0;
	if (ret->cpus <= 0 || ret->sockets <= 0 || ret->memory <= 0)
		return error_set(e, EIO, "'%s' does not describe a simulated machine", file);
	return 0;
}

int simulator_connect(struct simulator *s, simulator_tell *tell, void *ctx, struct hv_host_info *ret_info,
		      struct error *e)
{
	int rc = read_file(s->file, ret_info, e);

	scoped_lock(&s->lock);
	if (rc < 0)
		lose_all(s);
	s->tell = rc < 0 ? NULL : tell;
	s->ctx = ctx;
	return rc;
}

void simulator_disconnect(struct simulator *s, const void *ctx)
{
	scoped_lock(&s->lock);

	if (s->ctx == ctx)
		s->tell = NULL;
}

/* -------------------------------------------------------------------- domains */

static void tell(const struct simulator *s, const char *uuid, int type, int detail)
{
	if (s->tell)
		s->tell(s->ctx, uuid, type, detail);
}

/* NULL, with the sentence of -ENOENT, when there is none. */
static struct domain_row *row_of(const struct simulator *s, const char *uuid, struct error *e)
{
	struct domain_row *row = row_in(&s->domains, uuid);

	if (!row)
		(void)error_set(e, ENOENT, "cannot find domain '%s'", uuid);
	return row;
}

static void describe(const struct domain_row *row, struct simulated_domain *ret)
{
	*ret = (struct simulated_domain){.state = row->state,
					 .reason = row->reason,
					 .id = row->id,
					 .cpus = row->cpus,
					 .memory = row->memory,
					 .cpu_ns = row->id ? clock_monotonic() - row->started : 0};
	memcpy(ret->uuid, row->uuid, sizeof(ret->uuid));
}

void simulator_find(struct simulator *s, const char *uuid, struct simulated_domain *ret)
{
	const struct domain_row *row;

	scoped_lock(&s->lock);
	row = row_in(&s->domains, uuid);
	if (row)
		describe(row, ret);
	else
		*ret = (struct simulated_domain){.state = HV_DOMAIN_ABSENT};
}

struct listing {
	struct simulated_domain *domains;
	size_t count;
	bool active; /* only these */
};

static void list_row(const void *node, VISIT which, void *arg)
{
	const struct domain_row *row = *(const struct domain_row *const *)node;
	struct listing *listing = arg;

	if ((which == postorder || which == leaf) && (!listing->active || row->id))
		describe(row, &listing->domains[listing->count++]);
}

int simulator_list(struct simulator *s, bool active, struct simulated_domain **ret, size_t *ret_count,
		   struct error *e)
{
	struct listing listing = {.active = active};

	scoped_lock(&s->lock);
	listing.domains = calloc(s->domain_count + 1, sizeof(*listing.domains));
	if (!listing.domains)
		return error_oom(e);
	twalk_r(s->domains, list_row, &listing);
	*ret = listing.domains;
	*ret_count = listing.count;
	return 0;
}

int simulator_get_xml(struct simulator *s, const char *uuid, char **ret_xml, int *ret_id, struct error *e)
{
	const struct domain_row *row;

	scoped_lock(&s->lock);
	row = row_of(s, uuid, e);
	if (!row)
		return -ENOENT;
	*ret_id = row->id;
	*ret_xml = strdup(row->xml);
	return *ret_xml ? 0 : error_oom(e);
}

/* A new row, which is off. NULL without memory. */
static struct domain_row *row_new(struct simulator *s, const char *uuid)
{
	struct domain_row *row = calloc(1, sizeof(*row));

	if (!row)
		return NULL;
	(void)snprintf(row->uuid, sizeof(row->uuid), "%s", uuid);
	row->state = HV_DOMAIN_OFF;
	row->reason = HV_REASON_OTHER;
	if (!tsearch(row, &s->domains, compare)) {
		free(row);
		return NULL;
	}
	s->domain_count++;
	return row;
}

int simulator_define(struct simulator *s, const char *uuid, const char *xml, int cpus, int64_t memory,
		     struct error *e)
{
	_cleanup_free_ char *copy = strdup(xml);
	struct domain_row *row;
	bool is_new;

	if (!copy)
		return error_oom(e);
	scoped_lock(&s->lock);
	row = row_in(&s->domains, uuid);
	is_new = !row;
	if (is_new)
		row = row_new(s, uuid);
	if (!row)
		return error_oom(e);
	free(row->xml);
	row->xml = steal(&copy);
	row->cpus = cpus;
	row->memory = memory;
	tell(s, uuid, VIR_DOMAIN_EVENT_DEFINED,
	     is_new ? VIR_DOMAIN_EVENT_DEFINED_ADDED : VIR_DOMAIN_EVENT_DEFINED_UPDATED);
	return 0;
}

int simulator_undefine(struct simulator *s, const char *uuid, struct error *e)
{
	struct domain_row *row;

	scoped_lock(&s->lock);
	row = row_of(s, uuid, e);
	if (!row)
		return -ENOENT;
	if (row->id)
		return error_set(e, EBUSY, "domain '%s' is active", uuid);
	(void)tdelete(row, &s->domains, compare);
	s->domain_count--;
	domain_done(row);
	tell(s, uuid, VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_REMOVED);
	return 0;
}

int simulator_start(struct simulator *s, const char *uuid, bool paused, struct error *e)
{
	struct domain_row *row;

	scoped_lock(&s->lock);
	row = row_of(s, uuid, e);
	if (!row)
		return -ENOENT;
	if (row->id)
		return error_set(e, EBUSY, "domain '%s' is already active", uuid);
	s->last_id = s->last_id < INT_MAX ? s->last_id + 1 : 1;
	row->id = s->last_id;
	row->started = clock_monotonic();
	row->state = paused ? HV_DOMAIN_PAUSED : HV_DOMAIN_RUNNING;
	row->reason = HV_REASON_OTHER;
	tell(s, uuid, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED);
	if (paused)
		tell(s, uuid, VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED);
	return 0;
}

int simulator_suspend(struct simulator *s, const char *uuid, struct error *e)
{
	struct domain_row *row;

	scoped_lock(&s->lock);
	row = row_of(s, uuid, e);
	if (!row)
		return -ENOENT;
	if (row->state != HV_DOMAIN_RUNNING)
		return error_set(e, EBUSY, "domain '%s' is not running", uuid);
	row->state = HV_DOMAIN_PAUSED;
	tell(s, uuid, VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED);
	return 0;
}

int simulator_resume(struct simulator *s, const char *uuid, struct error *e)
{
	struct domain_row *row;

	scoped_lock(&s->lock);
	row = row_of(s, uuid, e);
	if (!row)
		return -ENOENT;
	if (row->state == HV_DOMAIN_RUNNING)
		return 0;
	if (row->state != HV_DOMAIN_PAUSED)
		return error_set(e, EBUSY, "domain '%s' is not paused", uuid);
	row->state = HV_DOMAIN_RUNNING;
	tell(s, uuid, VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_UNPAUSED);
	return 0;
}

/* Under the lock. */
static void stop(const struct simulator *s, struct domain_row *row, enum hv_domain_reason reason, int detail)
{
	row->id = 0;
	row->state = HV_DOMAIN_OFF;
	row->reason = reason;
	tell(s, row->uuid, VIR_DOMAIN_EVENT_STOPPED, detail);
}

int simulator_shutdown(struct simulator *s, const char *uuid, struct error *e)
{
	struct domain_row *row;

	scoped_lock(&s->lock);
	row = row_of(s, uuid, e);
	if (!row)
		return -ENOENT;
	/* a guest that is paused hears nothing */
	if (row->state != HV_DOMAIN_RUNNING)
		return error_set(e, EBUSY, "domain '%s' is not running", uuid);
	stop(s, row, HV_REASON_GUEST, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN);
	return 0;
}

int simulator_destroy(struct simulator *s, const char *uuid, struct error *e)
{
	struct domain_row *row;

	scoped_lock(&s->lock);
	row = row_of(s, uuid, e);
	if (!row)
		return -ENOENT;
	if (!row->id)
		return error_set(e, EBUSY, "domain '%s' is not active", uuid);
	stop(s, row, HV_REASON_OTHER, VIR_DOMAIN_EVENT_STOPPED_DESTROYED);
	return 0;
}

/* -------------------------------------------------------------- storage pools */

/* Under the lock. */
static void drop_pool(struct simulator *s, const char *uuid)
{
	struct pool_row *pool = row_in(&s->pools, uuid);

	if (!pool)
		return;
	(void)tdelete(pool, &s->pools, compare);
	pool_done(pool);
}

int simulator_open_pool(struct simulator *s, const char *uuid, const char *type, const char *root,
			struct error *e)
{
	struct pool_row *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return error_oom(e);
	(void)snprintf(pool->uuid, sizeof(pool->uuid), "%s", uuid);
	pool->type = strdup(type);
	pool->root = strdup(root);
	if (!pool->type || !pool->root) {
		pool_done(pool);
		return error_oom(e);
	}

	scoped_lock(&s->lock);
	drop_pool(s, uuid);
	if (tsearch(pool, &s->pools, compare))
		return 0;
	pool_done(pool);
	return error_oom(e);
}

int simulator_find_pool(struct simulator *s, const char *uuid, char **ret_type, char **ret_root,
			struct error *e)
{
	_cleanup_free_ char *type = NULL, *root = NULL;
	const struct pool_row *pool;

	scoped_lock(&s->lock);
	pool = row_in(&s->pools, uuid);
	if (!pool)
		return error_set(e, ENOENT, "cannot find storage pool '%s'", uuid);
	type = strdup(pool->type);
	root = strdup(pool->root);
	if (!type || !root)
		return error_oom(e);
	*ret_type = steal(&type);
	*ret_root = steal(&root);
	return 0;
}

void simulator_close_pool(struct simulator *s, const char *uuid)
{
	scoped_lock(&s->lock);
	drop_pool(s, uuid);
}
