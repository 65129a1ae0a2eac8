/* SPDX-License-Identifier: Apache-2.0 */
/* See domain_handle.h. */
#include "hypervisor/domain_handle.h"

#include <errno.h>

void domain_free(struct domain *domain)
{
	virt_domain_free(&domain->virt);
	*domain = (struct domain){0};
}

void domains_free(struct domain *domains, size_t count)
{
	for (size_t i = 0; i < count; i++)
		domain_free(&domains[i]);
	free(domains);
}

int domain_find_optional(const struct hv_call *call, const char *uuid, struct domain *ret_domain,
			 struct error *e)
{
	int rc = call->driver->find(call, uuid, ret_domain, e);

	if (rc == 0 && !ret_domain->ours)
		domain_free(ret_domain);
	return rc;
}

int domain_find_replaceable(const struct hv_call *call, const char *uuid, struct domain *ret_domain,
			    struct error *e)
{
	int rc = call->driver->find(call, uuid, ret_domain, e);

	if (rc < 0 || !ret_domain->found || ret_domain->ours)
		return rc;
	return error_set(
		e, EEXIST,
		"the host has a domain of others, '%s', with the uuid of the VM, '%s'; undefine it there, or "
		"use another host",
		call->driver->name(ret_domain), uuid);
}

int domain_enter(struct hypervisor *hv, const char *host, const char *uuid, struct hv_call *ret_call,
		 struct domain *ret_domain, struct error *e)
{
	int rc = hv_call_begin(hv, host, ret_call, e);

	if (rc == 0)
		rc = domain_find_optional(ret_call, uuid, ret_domain, e);
	if (rc == 0 && !ret_domain->found)
		rc = error_set(e, ENOENT, "cannot find domain '%s'", uuid);
	return rc;
}

int domain_read_live_xml(const struct hv_call *call, const struct domain *domain, const char *label,
			 xmlDocPtr *ret_doc, struct error *e)
{
	_cleanup_free_ char *text = NULL;
	xmlDocPtr doc;
	int rc = call->driver->get_xml(call, domain, 0, label, &text, e);

	if (rc < 0)
		return rc;
	doc = xml_parse(text);
	if (!doc)
		return error_set(e, EIO, "unexpected XML of domain '%s'", label);
	if (!xml_has(doc, "/domain/@id")) {
		xmlFreeDoc(doc);
		return error_set(e, EBUSY, "domain '%s' is not running", label);
	}
	*ret_doc = doc;
	return 0;
}
