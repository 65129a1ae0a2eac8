/* SPDX-License-Identifier: Apache-2.0 */
/* See sighting.h. */
#include "hypervisor/domain/sighting.h"

#include <string.h>

#include "hypervisor/domain_handle.h"
#include "hypervisor/errors.h"
#include "hypervisor/states.h"
#include "hypervisor/storage/backend.h"

struct search {
	const char *const *files;
	bool found;
};

static int compare_files(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	struct search *search = ctx;
	_cleanup_free_ char *path = storage_read_disk_source(doc, node);

	for (const char *const *file = search->files; path && *file; file++)
		search->found |= strcmp(path, *file) == 0;
	return 0;
}

static int has_file(const struct hv_call *call, virDomainPtr domain, const char *const *files, bool *ret,
		    struct error *e)
{
	_cleanup_free_ char *text = virDomainGetXMLDesc(domain, 0);
	_cleanup_xml_ xmlDocPtr doc = text ? xml_parse(text) : NULL;
	struct search search = {.files = files};
	int rc;

	if (!doc)
		return error_set_virt(e, call->conn, "cannot read the XML of domain '%s'",
				      virDomainGetName(domain));
	rc = xml_each(doc, "/domain/devices/disk", compare_files, &search);
	*ret = search.found;
	return rc;
}

int hv_domain_sight(struct hypervisor *hv, const char *host, const char *uuid, const char *const *files,
		    struct hv_sighting *ret, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	enum hv_domain_reason reason;
	virDomainInfo info;
	char own[33];
	bool ask;
	int rc = hv_call_begin(hv, host, &call, e);

	*ret = (struct hv_sighting){.state = HV_DOMAIN_ABSENT};
	if (rc == 0)
		rc = domain_find_any(&call, uuid, &domain, e);
	if (rc < 0 || !domain)
		return rc;
	if (virDomainGetInfo(domain, &info) < 0)
		return error_set_virt(e, call.conn, "cannot look at domain '%s'", uuid);
	ret->found = true;
	ret->ours = domain_is_ours(host, domain, own);
	ret->own = strcmp(virDomainGetName(domain), own) == 0;
	ret->state = domain_state_of_virt(info.state, 0, &reason, &ask);
	return files ? has_file(&call, domain, files, &ret->uses, e) : 0;
}

int hv_domain_stop_autostart(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	int rc = hv_call_begin(hv, host, &call, e);

	if (rc == 0)
		rc = domain_find_optional(&call, uuid, &domain, e);
	/* one that is not defined starts with no host */
	if (rc < 0 || !domain || virDomainIsPersistent(domain) == 0)
		return rc;
	if (virDomainSetAutostart(domain, 0) < 0)
		return error_set_virt(e, call.conn, "cannot switch off the autostart of domain '%s'", uuid);
	return 0;
}
