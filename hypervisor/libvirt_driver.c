/* SPDX-License-Identifier: Apache-2.0 */
/* See driver.h. The test driver has fewer flags than QEMU's. */
#include "hypervisor/libvirt_driver.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/call.h"
#include "hypervisor/errors.h"
#include "hypervisor/states.h"

#define KIB 1024

/* -------------------------------------------------------------------- finding */

/* Takes @virt over. */
static void describe(const struct hv_call *call, virDomainPtr virt, struct domain *ret)
{
	*ret = (struct domain){.found = true, .virt = virt};
	ret->ours = domain_is_ours(call->host->uuid, virt, ret->uuid);
	ret->active = virDomainGetID(virt) != (unsigned int)-1;
}

static int find(const struct hv_call *call, const char *uuid, struct domain *ret, struct error *e)
{
	virDomainPtr virt = virDomainLookupByUUIDString(call->conn, uuid);

	if (virt)
		describe(call, virt, ret);
	return virt || virt_error_code() == VIR_ERR_NO_DOMAIN
		       ? 0
		       : error_set_virt(e, call->conn, "cannot find domain '%s'", uuid);
}

static int find_name(const struct hv_call *call, const char *name, struct domain *ret, struct error *e)
{
	virDomainPtr virt = virDomainLookupByName(call->conn, name);

	if (virt)
		describe(call, virt, ret);
	return virt || virt_error_code() == VIR_ERR_NO_DOMAIN
		       ? 0
		       : error_set_virt(e, call->conn, "cannot find domain '%s'", name);
}

static int list(const struct hv_call *call, bool active, struct domain **ret, size_t *ret_count,
		struct error *e)
{
	virDomainPtr *found = NULL;
	int count =
		virConnectListAllDomains(call->conn, &found, active ? VIR_CONNECT_LIST_DOMAINS_ACTIVE : 0);
	struct domain *domains;

	if (count < 0)
		return error_set_virt(e, call->conn, "cannot list the host's domains");
	domains = calloc((size_t)count + 1, sizeof(*domains));
	for (int i = 0; i < count; i++)
		if (domains)
			describe(call, found[i], &domains[i]);
		else
			(void)virDomainFree(found[i]);
	free(found);
	if (!domains)
		return error_oom(e);
	*ret = domains;
	*ret_count = (size_t)count;
	return 0;
}

/* -------------------------------------------------------------------- looking */

static const char *name(const struct domain *domain)
{
	return virDomainGetName(domain->virt);
}

static int is_active(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	int active = virDomainIsActive(domain->virt);

	if (active >= 0)
		return active;
	if (virt_error_code() == VIR_ERR_NO_DOMAIN)
		return 0;
	return error_set_virt(e, call->conn, "cannot get the state of domain '%s'", domain->uuid);
}

static int state(const struct hv_call *call, const struct domain *domain, enum hv_domain_state *ret_state,
		 enum hv_domain_reason *ret_reason, struct error *e)
{
	int number, reason;
	bool ask;

	if (virDomainGetState(domain->virt, &number, &reason, 0) < 0) {
		if (virt_error_code() != VIR_ERR_NO_DOMAIN)
			return error_set_virt(e, call->conn, "cannot get the state of domain '%s'",
					      domain->uuid);
		*ret_state = HV_DOMAIN_ABSENT;
		*ret_reason = HV_REASON_OTHER;
		return 0;
	}
	*ret_state = domain_state_of_virt(number, reason, ret_reason, &ask);
	if (ask)
		*ret_reason = domain_io_reason(domain->virt);
	return 0;
}

static int info(const struct hv_call *call, const struct domain *domain, struct domain_info *ret,
		struct error *e)
{
	enum hv_domain_reason reason;
	virDomainInfo said;
	bool ask;

	if (virDomainGetInfo(domain->virt, &said) < 0)
		return error_set_virt(e, call->conn, "cannot look at domain '%s'", domain->uuid);
	*ret = (struct domain_info){.state = domain_state_of_virt(said.state, 0, &reason, &ask),
				    .cpus = said.nrVirtCpu,
				    .memory = (int64_t)said.maxMem * KIB,
				    .memory_now = (int64_t)said.memory * KIB,
				    .cpu_ns = (int64_t)said.cpuTime};
	return 0;
}

static int get_xml(const struct hv_call *call, const struct domain *domain, unsigned int flags,
		   const char *label, char **ret_xml, struct error *e)
{
	*ret_xml = virDomainGetXMLDesc(domain->virt, flags);
	return *ret_xml ? 0 : error_set_virt(e, call->conn, "cannot read the XML of domain '%s'", label);
}

/* ------------------------------------------------------------------- changing */

static int define(const struct hv_call *call, const struct domain_definition *definition, struct domain *ret,
		  struct error *e)
{
	virDomainPtr virt = virDomainDefineXMLFlags(call->conn, definition->xml, 0);

	if (!virt)
		return error_set_virt(e, call->conn, "cannot define domain '%s'", definition->uuid);
	describe(call, virt, ret);
	return 0;
}

static int undefine(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	unsigned int flags = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;

	if (!call->simulated)
		flags |= VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_NVRAM;
	if (virDomainUndefineFlags(domain->virt, flags) == 0 || virt_error_code() == VIR_ERR_NO_DOMAIN)
		return 0;
	return error_set_virt(e, call->conn, "cannot undefine domain '%s'", domain->uuid);
}

/* The test driver cannot start a domain paused. */
static int start_simulated(virDomainPtr virt, bool paused)
{
	if (virDomainCreate(virt) < 0)
		return -1;
	return paused ? virDomainSuspend(virt) : 0;
}

/*
 * The memory of a guest that somebody has saved (virsh managedsave, libvirt-guests) is discarded: it belongs to
 * the disks and the definition of that time, and the pool may have changed both.
 */
static int start(const struct hv_call *call, const struct domain *domain, bool paused, struct error *e)
{
	unsigned int flags = VIR_DOMAIN_START_FORCE_BOOT | (paused ? VIR_DOMAIN_START_PAUSED : 0);
	int rc = call->simulated ? start_simulated(domain->virt, paused)
				 : virDomainCreateWithFlags(domain->virt, flags);

	return rc < 0 ? error_set_virt(e, call->conn, "cannot start domain '%s'", domain->uuid) : 0;
}

static int shut_down(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	if (virDomainShutdown(domain->virt) == 0)
		return 0;
	return error_set_virt(e, call->conn, "cannot shut down domain '%s'", domain->uuid);
}

static int destroy(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	if (virDomainDestroy(domain->virt) == 0)
		return 0;
	if (virt_error_code() == VIR_ERR_OPERATION_INVALID || virt_error_code() == VIR_ERR_NO_DOMAIN)
		return 0; /* not active */
	return error_set_virt(e, call->conn, "cannot destroy domain '%s'", domain->uuid);
}

static int suspend(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	if (virDomainSuspend(domain->virt) == 0)
		return 0;
	return error_set_virt(e, call->conn, "cannot suspend domain '%s'", domain->uuid);
}

/* A guest that libvirt was just starting is paused until then, so it can run by the time it is to be resumed. */
static int resume(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	int number, rc;

	if (virDomainGetState(domain->virt, &number, NULL, 0) < 0)
		return error_set_virt(e, call->conn, "cannot get the state of domain '%s'", domain->uuid);
	if ((number == VIR_DOMAIN_PMSUSPENDED ? virDomainPMWakeup(domain->virt, 0)
					      : virDomainResume(domain->virt)) == 0)
		return 0;
	rc = error_set_virt(e, call->conn, "cannot resume domain '%s'", domain->uuid);
	if (virDomainGetState(domain->virt, &number, NULL, 0) < 0 || number != VIR_DOMAIN_RUNNING)
		return rc;
	error_done(e);
	return 0;
}

const struct driver libvirt_driver = {
	.find = find,
	.find_name = find_name,
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
