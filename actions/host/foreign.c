/* SPDX-License-Identifier: Apache-2.0 */
/* See foreign.h. */
#include "actions/host/foreign.h"

#include "actions/engine/operation.h"
#include "actions/host/capacity.h"
#include "actions/host/topology.h"
#include "hypervisor/domain/survey.h"
#include "model/json.h"

static bool is_active(const struct hv_listed *domain)
{
	return domain->state == HV_DOMAIN_RUNNING || domain->state == HV_DOMAIN_PAUSED;
}

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
		if (is_active(&c->domains[i]) &&
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

void foreign_domains_count(struct pool *pool, const char *host)
{
	struct hv_listed *domains;
	struct counting c = {.host = host};

	if (hv_host_domains(pool_hypervisor(pool), host, &domains, &c.count, NULL) < 0)
		return;
	c.domains = domains;
	(void)store_run(pool_store(pool), count_fn, &c, NULL);
	hv_listed_free(domains, c.count);
}

static const char *state_name(enum hv_domain_state state)
{
	switch (state) {
	case HV_DOMAIN_RUNNING:
		return vm_state_name(VM_STATE_RUNNING);
	case HV_DOMAIN_PAUSED:
		return vm_state_name(VM_STATE_PAUSED);
	case HV_DOMAIN_OFF:
	case HV_DOMAIN_ABSENT:
		return vm_state_name(VM_STATE_STOPPED);
	}
	return NULL;
}

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
		    json_array_append_new(list,
					  json_pack("{s:s, s:s, s:s, s:i, s:I}", "uuid", domains[i].uuid,
						    "name", domains[i].name, "state",
						    state_name(domains[i].state), "cpuNum", domains[i].cpus,
						    "memorySize", (json_int_t)domains[i].memory)) < 0)
			r = error_oom(e);
	hv_listed_free(domains, count);
	if (r == 0)
		*ret = json_incref(list);
	return r;
}
