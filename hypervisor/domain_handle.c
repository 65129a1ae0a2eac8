/* SPDX-License-Identifier: Apache-2.0 */
/* See domain_handle.h. */
#include "hypervisor/domain_handle.h"

#include <libvirt/virterror.h>

#include "hypervisor/errors.h"
#include "hypervisor/states.h"

int domain_find_any(const struct hv_call *call, const char *uuid, virDomainPtr *ret_domain, struct error *e)
{
	*ret_domain = virDomainLookupByUUIDString(call->conn, uuid);
	if (*ret_domain || virt_error_code() == VIR_ERR_NO_DOMAIN)
		return 0;
	return error_set_virt(e, call->conn, "cannot find domain '%s'", uuid);
}

int domain_find_optional(const struct hv_call *call, const char *uuid, virDomainPtr *ret_domain,
			 struct error *e)
{
	int rc = domain_find_any(call, uuid, ret_domain, e);
	char own[33];

	if (rc == 0 && *ret_domain && !domain_is_ours(call->host->uuid, *ret_domain, own)) {
		domain_free(ret_domain);
		*ret_domain = NULL;
	}
	return rc;
}

int domain_find_replaceable(const struct hv_call *call, const char *uuid, virDomainPtr *ret_domain,
			    struct error *e)
{
	int rc = domain_find_any(call, uuid, ret_domain, e);
	char own[33];

	if (rc < 0 || !*ret_domain || domain_is_ours(call->host->uuid, *ret_domain, own))
		return rc;
	return error_set(
		e, EEXIST,
		"the host has a domain of others, '%s', with the uuid of the VM, '%s'; undefine it there, or "
		"use another host",
		virDomainGetName(*ret_domain), uuid);
}

int domain_enter(struct hypervisor *hv, const char *host, const char *uuid, struct hv_call *ret_call,
		 virDomainPtr *ret_domain, struct error *e)
{
	int rc = hv_call_begin(hv, host, ret_call, e);

	if (rc == 0)
		rc = domain_find_optional(ret_call, uuid, ret_domain, e);
	if (rc == 0 && !*ret_domain)
		rc = error_set(e, ENOENT, "cannot find domain '%s'", uuid);
	return rc;
}

int domain_read_live_xml(const struct hv_call *call, virDomainPtr domain, const char *uuid,
			 xmlDocPtr *ret_doc, struct error *e)
{
	_cleanup_free_ char *text = virDomainGetXMLDesc(domain, 0);
	xmlDocPtr doc;

	if (!text)
		return error_set_virt(e, call->conn, "cannot read the XML of domain '%s'", uuid);
	doc = xml_parse(text);
	if (!doc)
		return error_set(e, EIO, "unexpected XML of domain '%s'", uuid);
	if (!xml_has(doc, "/domain/@id")) {
		xmlFreeDoc(doc);
		return error_set(e, EBUSY, "domain '%s' is not running", uuid);
	}
	*ret_doc = doc;
	return 0;
}

int domain_is_active(const struct hv_call *call, virDomainPtr domain, const char *uuid, struct error *e)
{
	int active = virDomainIsActive(domain);

	if (active >= 0)
		return active;
	if (virt_error_code() == VIR_ERR_NO_DOMAIN)
		return 0;
	return error_set_virt(e, call->conn, "cannot get the state of domain '%s'", uuid);
}
