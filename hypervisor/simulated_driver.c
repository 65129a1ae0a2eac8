/* SPDX-License-Identifier: Apache-2.0 */
/* See driver.h, and simulator/simulator.h, which has the domains: here they are put into libvirt's terms. */
#include "hypervisor/simulated_driver.h"

#include <errno.h>
#include <string.h>

#include "hypervisor/call.h"
#include "hypervisor/simulator/simulator.h"
#include "hypervisor/xml.h"

static struct simulator *simulator_of(const struct hv_call *call)
{
	return call->host->simulator;
}

/* -------------------------------------------------------------------- finding */

static void describe(const struct simulated_domain *row, struct domain *ret)
{
	*ret = (struct domain){.found = true, .ours = true};
	memcpy(ret->uuid, row->uuid, sizeof(ret->uuid));
	ret->active = row->id != 0;
}

static int find(const struct hv_call *call, const char *uuid, struct domain *ret, struct error *e)
{
	struct simulated_domain row;

	(void)e;
	simulator_find(simulator_of(call), uuid, &row);
	if (row.state != HV_DOMAIN_ABSENT)
		describe(&row, ret);
	return 0;
}

static int list(const struct hv_call *call, bool active, struct domain **ret, size_t *ret_count,
		struct error *e)
{
	_cleanup_free_ struct simulated_domain *rows = NULL;
	struct domain *domains;
	size_t count;
	int rc = simulator_list(simulator_of(call), active, &rows, &count, e);

	if (rc < 0)
		return rc;
	domains = calloc(count + 1, sizeof(*domains));
	if (!domains)
		return error_oom(e);
	for (size_t i = 0; i < count; i++)
		describe(&rows[i], &domains[i]);
	*ret = domains;
	*ret_count = count;
	return 0;
}

/* -------------------------------------------------------------------- looking */

static const char *name(const struct domain *domain)
{
	return domain->uuid;
}

static int is_active(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	struct simulated_domain row;

	(void)e;
	simulator_find(simulator_of(call), domain->uuid, &row);
	return row.id != 0;
}

static int state(const struct hv_call *call, const struct domain *domain, enum hv_domain_state *ret_state,
		 enum hv_domain_reason *ret_reason, struct error *e)
{
	struct simulated_domain row;

	(void)e;
	simulator_find(simulator_of(call), domain->uuid, &row);
	*ret_state = row.state;
	*ret_reason = row.reason;
	return 0;
}

static int info(const struct hv_call *call, const struct domain *domain, struct domain_info *ret,
		struct error *e)
{
	struct simulated_domain row;

	simulator_find(simulator_of(call), domain->uuid, &row);
	if (row.state == HV_DOMAIN_ABSENT)
		return error_set(e, ENOENT, "cannot find domain '%s'", domain->uuid);
	*ret = (struct domain_info){.state = row.state,
				    .cpus = row.cpus,
				    .memory = row.memory,
				    .memory_now = row.memory,
				    .cpu_ns = row.cpu_ns};
	return 0;
}

/* libvirt gives the number of the run with what runs, and keeps passwords to itself unless it is asked. */
static int present(const char *definition, unsigned int flags, int id, char **ret_xml, struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = xml_parse(definition);
	xmlNodePtr graphics = doc ? xml_find(doc, "/domain/devices/graphics") : NULL;
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", id);
	if (!doc || (id && !(flags & VIR_DOMAIN_XML_INACTIVE) &&
		     !xmlSetProp(xmlDocGetRootElement(doc), BAD_CAST "id", BAD_CAST number)))
		return error_oom(e);
	if (graphics && !(flags & VIR_DOMAIN_XML_SECURE))
		(void)xmlUnsetProp(graphics, BAD_CAST "passwd");
	*ret_xml = xml_dump(doc, NULL);
	return *ret_xml ? 0 : error_oom(e);
}

static int get_xml(const struct hv_call *call, const struct domain *domain, unsigned int flags,
		   const char *label, char **ret_xml, struct error *e)
{
	const unsigned int as_it_is = VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE;
	_cleanup_free_ char *definition = NULL;
	int id, rc = simulator_get_xml(simulator_of(call), domain->uuid, &definition, &id, e);

	(void)label;
	if (rc < 0)
		return rc;
	if ((flags & as_it_is) != as_it_is)
		return present(definition, flags, id, ret_xml, e);
	*ret_xml = steal(&definition);
	return 0;
}

/* ------------------------------------------------------------------- changing */

static int define(const struct hv_call *call, const struct domain_definition *definition, struct domain *ret,
		  struct error *e)
{
	int rc = simulator_define(simulator_of(call), definition->uuid, definition->xml, definition->cpus,
				  definition->memory, e);

	return rc < 0 ? rc : find(call, definition->uuid, ret, e);
}

static int undefine(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int rc = simulator_undefine(simulator_of(call), domain->uuid, &why);

	return rc < 0 && rc != -ENOENT ? error_move(e, &why) : 0;
}

static int start(const struct hv_call *call, const struct domain *domain, bool paused, struct error *e)
{
	return simulator_start(simulator_of(call), domain->uuid, paused, e);
}

static int shut_down(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	return simulator_shutdown(simulator_of(call), domain->uuid, e);
}

static int destroy(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	(void)e;
	/* the only errors: it is off, or gone */
	(void)simulator_destroy(simulator_of(call), domain->uuid, NULL);
	return 0;
}

static int suspend(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	return simulator_suspend(simulator_of(call), domain->uuid, e);
}

static int resume(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	return simulator_resume(simulator_of(call), domain->uuid, e);
}

const struct driver simulated_driver = {
	.find = find,
	.find_name = find, /* all are named by their uuids */
	.list = list,
	.name = name,
	.is_active = is_active,
	.state = state,
	.info = info,
	.get_xml = get_xml,
	.define = define,
	.undefine = undefine,
	.start = start,
	.shutdown = shut_down,
	.destroy = destroy,
	.suspend = suspend,
	.resume = resume,
};
