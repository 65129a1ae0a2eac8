/* SPDX-License-Identifier: Apache-2.0 */
/* See domain_size.h. */
#include "hypervisor/domain/domain_size.h"

#include <inttypes.h>

#include "hypervisor/domain/guest_devices.h"
#include "hypervisor/errors.h"
#include "hypervisor/xml.h"

/* The smallest module that guests can use: Linux's memory block on x86. */
#define MEMORY_STEP_KIB (128 * 1024)

/* -------------------------------------------------------------- CPUs and memory */

int hv_domain_set_cpus(struct hypervisor *hv, const char *host, const char *uuid, int count, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	int now, most;
	int rc = domain_enter(hv, host, uuid, &call, &domain, e);

	if (rc < 0)
		return rc;
	now = virDomainGetVcpusFlags(domain, VIR_DOMAIN_AFFECT_LIVE);
	most = now < 0 ? -1
		       : virDomainGetVcpusFlags(domain, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_VCPU_MAXIMUM);
	if (most < 0)
		return error_set_virt(e, call.conn, "cannot count the CPUs of domain '%s'", uuid);
	if (count <= now)
		return 0;
	if (count > most)
		return error_set(e, EOPNOTSUPP, "domain '%s' was started with a maximum of %d CPUs", uuid,
				 most);
	if (virDomainSetVcpusFlags(domain, (unsigned int)count, VIR_DOMAIN_AFFECT_LIVE) < 0)
		return error_set_virt(e, call.conn, "cannot add CPUs to domain '%s'", uuid);
	return 0;
}

static char *memory_xml(int64_t kib)
{
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "memory", "model", "dimm", NULL);
	xml_open(&x, "target", NULL);
	xml_element_size(&x, "size", "KiB", kib);
	xml_element_int(&x, "node", 0);
	xml_close(&x);
	xml_close(&x);
	return xml_finish(&x);
}

/* The test driver has no memory hot-plug: its initial memory grows. */
static int simulate_memory(struct guest_devices *d, int64_t kib, struct error *e)
{
	xmlNodePtr memory = xml_find(d->doc, "/domain/memory");
	char number[24];

	if (!memory)
		return error_set(e, EIO, "domain '%s' has no memory", virDomainGetName(d->domain));
	(void)snprintf(number, sizeof(number), "%" PRId64, kib);
	xmlNodeSetContent(memory, BAD_CAST number);
	return guest_devices_redefine(d, e);
}

int hv_domain_set_memory(struct hypervisor *hv, const char *host, const char *uuid, int64_t bytes,
			 struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	_cleanup_free_ char *xml = NULL;
	int64_t now, most, more;
	int rc = guest_devices_enter(hv, host, uuid, &d, e);

	if (rc < 0)
		return rc;
	now = xml_get_int(d.doc, NULL, "/domain/memory", 0);
	most = xml_get_int(d.doc, NULL, "/domain/maxMemory", now);
	more = (bytes / 1024 - now + MEMORY_STEP_KIB - 1) / MEMORY_STEP_KIB * MEMORY_STEP_KIB;
	if (bytes / 1024 <= now)
		return 0;
	if (now + more > most)
		return error_set(e, EOPNOTSUPP,
				 "domain '%s' was started with a maximum of %" PRId64 " KiB of memory", uuid,
				 most);
	if (d.call.simulated)
		return simulate_memory(&d, now + more, e);
	xml = memory_xml(more);
	return guest_devices_attach(&d, xml, 0, "memory", e);
}
