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

static int has_file(const struct hv_call *call, const struct domain *domain, const char *const *files,
		    bool *ret, struct error *e)
{
	const char *name = call->driver->name(domain);
	_cleanup_free_ char *text = NULL;
	_cleanup_xml_ xmlDocPtr doc = NULL;
	struct search search = {.files = files};
	int rc = call->driver->get_xml(call, domain, 0, name, &text, e);

	if (rc < 0)
		return rc;
	doc = xml_parse(text);
	if (!doc)
		return error_set(e, EIO, "unexpected XML of domain '%s'", name);
	rc = xml_each(doc, "/domain/devices/disk", compare_files, &search);
	*ret = search.found;
	return rc;
}

int hv_domain_sight(struct hypervisor *hv, const char *host, const char *uuid, const char *const *files,
		    struct hv_sighting *ret, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain domain = {0};
	struct domain_info info;
	int rc = hv_call_begin(hv, host, &call, e);

	*ret = (struct hv_sighting){.state = HV_DOMAIN_ABSENT};
	if (rc == 0)
		rc = call.driver->find(&call, uuid, &domain, e);
	if (rc < 0 || !domain.found)
		return rc;
	rc = call.driver->info(&call, &domain, &info, e);
	if (rc < 0)
		return rc;
	ret->found = true;
	ret->ours = domain.ours;
	ret->own = strcmp(call.driver->name(&domain), domain.uuid) == 0;
	ret->state = info.state;
	return files ? has_file(&call, &domain, files, &ret->uses, e) : 0;
}

int hv_domain_stop_autostart(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain domain = {0};
	int rc = hv_call_begin(hv, host, &call, e);

	if (rc == 0)
		rc = domain_find_optional(&call, uuid, &domain, e);
	/* the simulator starts nothing by itself, and one that is not defined starts with no host */
	if (rc < 0 || !domain.virt || virDomainIsPersistent(domain.virt) == 0)
		return rc;
	if (virDomainSetAutostart(domain.virt, 0) < 0)
		return error_set_virt(e, call.conn, "cannot switch off the autostart of domain '%s'", uuid);
	return 0;
}
