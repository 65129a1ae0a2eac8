/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains: start, stop, pause, look.
 *
 * Each function makes the fewest round trips that its answer needs; a start
 * costs two lookups, a definition and the start itself. Waiting for a guest to
 * shut down is done by libvirt's event, and the state is asked for only when
 * one came, so a late event of an earlier run cannot be mistaken for this one.
 */
#include "hypervisor/domain/domain.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include "hypervisor/adopted.h"
#include "hypervisor/domain/console.h"
#include "hypervisor/domain/domain_machine.h"
#include "hypervisor/domain/domain_xml.h"
#include "hypervisor/domain_handle.h"
#include "hypervisor/errors.h"
#include "hypervisor/nic_filter.h"
#include "hypervisor/states.h"

#define AGENT_PING "{\"execute\":\"guest-ping\"}"
/* How long an agent may take for its answer. */
#define AGENT_PATIENCE_MS 5000

/* -------------------------------------------------------------------- starting */

/*
 * The memory of a guest that somebody has saved (virsh managedsave, libvirt-guests) is discarded: it belongs to
 * the disks and the definition of that time, and the pool may have changed both.
 */
static int create(const struct hv_call *call, virDomainPtr domain, bool paused)
{
	if (!call->simulated)
		return virDomainCreateWithFlags(domain, VIR_DOMAIN_START_FORCE_BOOT |
								(paused ? VIR_DOMAIN_START_PAUSED : 0));
	if (virDomainCreate(domain) < 0)
		return -1;
	return paused ? virDomainSuspend(domain) : 0;
}

/* One that was adopted gets its uuid as its name, too, like all others: libvirt would not define it anew otherwise. */
static int take_name(const struct hv_call *call, virDomainPtr domain, const char *uuid, struct error *e)
{
	const char *name = virDomainGetName(domain);

	if (!name || strcmp(name, uuid) == 0 || virDomainRename(domain, uuid, 0) == 0)
		return 0;
	return error_set_virt(e, call->conn, "cannot rename the adopted domain '%s' to '%s'", name, uuid);
}

int hv_domain_start(struct hypervisor *hv, const char *host, const struct hv_domain_def *spec, bool paused,
		    struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr present = NULL;
	_cleanup_domain_ virDomainPtr domain = NULL;
	_cleanup_free_ char *xml = NULL, *baseline = NULL;
	struct hv_domain_def complete = *spec;
	char password[CONSOLE_PASSWORD_LENGTH + 1];
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc < 0)
		return rc;
	if (!complete.console_password) {
		rc = console_password_make(password, e);
		if (rc < 0)
			return rc;
		complete.console_password = password;
	}
	rc = domain_fit_machine(hv, &call, &complete, &baseline, e);
	if (rc < 0)
		return rc;
	xml = hv_domain_xml(&complete);
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	rc = domain_find_replaceable(&call, spec->uuid, &present, e);
	if (rc < 0)
		return rc;
	if (present && virDomainIsActive(present) == 1)
		return error_set(e, EEXIST, "domain '%s' is already active", spec->uuid);

	if (present)
		rc = take_name(&call, present, spec->uuid, e);
	for (size_t i = 0; rc == 0 && i < spec->nic_count; i++)
		if (spec->nics[i].only_ip) {
			rc = nic_filter_define(&call, e);
			break;
		}
	if (rc < 0)
		return rc;
	domain = virDomainDefineXMLFlags(call.conn, xml, 0);
	if (!domain)
		return error_set_virt(e, call.conn, "cannot define domain '%s'", spec->uuid);
	if (create(&call, domain, paused) == 0)
		return 0;
	rc = error_set_virt(e, call.conn, "cannot start domain '%s'", spec->uuid);
	/* leave the host as it was, unless somebody else has started the domain meanwhile */
	if (!present && virDomainIsActive(domain) == 0)
		(void)virDomainUndefineFlags(domain, call.simulated ? 0 : VIR_DOMAIN_UNDEFINE_NVRAM);
	return rc;
}

/* -------------------------------------------------------------------- stopping */

/* A guest that does not shut down is asked again after this time: it ignores the request while it boots. */
#define ASK_AGAIN_MS 5000

/* Sends the request. libvirt asks the agent when one is connected, else it presses the ACPI button. */
static int request_shutdown(const struct hv_call *call, virDomainPtr domain, const char *uuid,
			    struct error *e)
{
	_cleanup_(error_done) struct error refusal = ERROR_INIT;
	int rc;

	if (virDomainShutdown(domain) == 0)
		return 0;
	rc = error_set_virt(&refusal, call->conn, "cannot shut down domain '%s'", uuid);
	if (virDomainIsActive(domain) == 0)
		return 0; /* nothing left to do */
	if (rc == -EBUSY)
		return error_set(e, EBUSY, "domain '%s' is paused, so its guest cannot shut down", uuid);
	return error_move(e, &refusal);
}

static int wait_until_stopped(const struct hv_call *call, virDomainPtr domain, struct waiter *waiter,
			      const char *uuid, int timeout_ms, struct error *e)
{
	int waited_ms = 0, slice_ms = timeout_ms < ASK_AGAIN_MS ? timeout_ms : ASK_AGAIN_MS;
	struct timespec deadline = deadline_in(slice_ms);

	for (;;) {
		int active = domain_is_active(call, domain, uuid, e);
		int rc;

		if (active <= 0)
			return active;
		rc = host_wait(call->host, call->connection, waiter, &deadline);
		if (rc == -ETIMEDOUT) {
			waited_ms += slice_ms;
			if (waited_ms >= timeout_ms)
				return error_set(e, ETIMEDOUT, "domain '%s' did not shut down within %d ms",
						 uuid, timeout_ms);
			(void)request_shutdown(call, domain, uuid, NULL);
			slice_ms =
				timeout_ms - waited_ms < ASK_AGAIN_MS ? timeout_ms - waited_ms : ASK_AGAIN_MS;
			deadline = deadline_in(slice_ms);
			rc = 0;
		}
		if (rc < 0)
			return error_set_code(
				e, ENOTCONN, "HOST.1010",
				"the connection to the host was lost while domain '%s' was shutting down",
				uuid);
	}
}

int hv_domain_shutdown(struct hypervisor *hv, const char *host, const char *uuid, int timeout_ms,
		       struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	struct waiter waiter;
	int rc;

	rc = domain_enter(hv, host, uuid, &call, &domain, e);
	if (rc < 0)
		return rc;
	host_wait_begin(call.host, &waiter, uuid, NULL);
	rc = request_shutdown(&call, domain, uuid, e);
	if (rc == 0)
		rc = wait_until_stopped(&call, domain, &waiter, uuid, timeout_ms, e);
	host_wait_end(call.host, &waiter);
	return rc;
}

int hv_domain_destroy(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = domain_find_optional(&call, uuid, &domain, e);
	if (rc < 0 || !domain || virDomainDestroy(domain) == 0)
		return rc;
	if (virt_error_code() == VIR_ERR_OPERATION_INVALID || virt_error_code() == VIR_ERR_NO_DOMAIN)
		return 0; /* not active */
	return error_set_virt(e, call.conn, "cannot destroy domain '%s'", uuid);
}

/* Whether what the guest keeps outside of its disks goes with the definition. */
static int has_guest_state(const struct hv_call *call, virDomainPtr domain, const char *uuid, struct error *e)
{
	_cleanup_free_ char *text = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
	_cleanup_xml_ xmlDocPtr doc = text ? xml_parse(text) : NULL;

	if (!text && virt_error_code() == VIR_ERR_NO_DOMAIN)
		return 0;
	if (!doc)
		return error_set_virt(e, call->conn, "cannot read the XML of domain '%s'", uuid);
	return xml_has(doc, "/domain/os[@firmware='efi']") || xml_has(doc, "/domain/os/nvram") ||
	       xml_has(doc, "/domain/devices/tpm");
}

static int undefine(struct hypervisor *hv, const char *host, const char *uuid, bool keep_guest_state,
		    struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	unsigned int flags = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = domain_find_optional(&call, uuid, &domain, e);
	if (rc < 0 || !domain)
		return rc;
	rc = domain_is_active(&call, domain, uuid, e);
	if (rc > 0)
		return error_set(e, EBUSY, "domain '%s' is active", uuid);
	if (rc < 0)
		return rc;
	if (keep_guest_state) {
		rc = has_guest_state(&call, domain, uuid, e);
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	if (!call.simulated)
		flags |= VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_NVRAM;
	if (virDomainUndefineFlags(domain, flags) == 0 || virt_error_code() == VIR_ERR_NO_DOMAIN)
		return 0;
	return error_set_virt(e, call.conn, "cannot undefine domain '%s'", uuid);
}

int hv_domain_undefine(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	return undefine(hv, host, uuid, false, e);
}

int hv_domain_retire(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	return undefine(hv, host, uuid, true, e);
}

int hv_domain_suspend(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	int rc;

	rc = domain_enter(hv, host, uuid, &call, &domain, e);
	if (rc == 0 && virDomainSuspend(domain) < 0)
		rc = error_set_virt(e, call.conn, "cannot suspend domain '%s'", uuid);
	return rc;
}

/*
 * An agent that has just said that it is there may be paused with its guest, or the guest may want to hold the
 * caller: without a limit, libvirt waits for the answer for ever. An error needs no attention: the call that follows
 * meets the same.
 */
static void limit_agent(virDomainPtr domain)
{
	(void)virDomainAgentSetResponseTimeout(domain, AGENT_PATIENCE_MS / 1000, 0);
}

/* A guest does not notice that it was paused: its clock is late by that time. Its agent, if any, corrects it. */
static void set_guest_time(const struct hv_call *call, virDomainPtr domain)
{
	struct timespec now;

	if (call->simulated || clock_gettime(CLOCK_REALTIME, &now) != 0)
		return;
	limit_agent(domain);
	(void)virDomainSetTime(domain, now.tv_sec, (unsigned int)now.tv_nsec, 0);
}

int hv_domain_resume(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	int state;
	int rc;

	rc = domain_enter(hv, host, uuid, &call, &domain, e);
	if (rc < 0)
		return rc;
	if (virDomainGetState(domain, &state, NULL, 0) < 0)
		return error_set_virt(e, call.conn, "cannot get the state of domain '%s'", uuid);
	if ((state == VIR_DOMAIN_PMSUSPENDED ? virDomainPMWakeup(domain, 0) : virDomainResume(domain)) < 0)
		return error_set_virt(e, call.conn, "cannot resume domain '%s'", uuid);
	set_guest_time(&call, domain);
	return 0;
}

/* --------------------------------------------------------------------- looking */

int hv_host_states(struct hypervisor *hv, const char *host, struct hv_domain_status **ret, size_t *ret_count,
		   struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_free_ struct listed_domain *domains = NULL;
	struct hv_domain_status *list;
	size_t count, ours = 0;
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = connection_list_domains(call.connection, &domains, &count, e);
	if (rc < 0)
		return rc;
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		return error_oom(e);
	for (size_t i = 0; i < count; i++)
		/* by now it may have been adopted */
		if (domains[i].ours || adopted_has(call.host->uuid, domains[i].status.uuid))
			list[ours++] = domains[i].status;
	*ret = list;
	*ret_count = ours;
	return 0;
}

int hv_domain_state(struct hypervisor *hv, const char *host, const char *uuid,
		    enum hv_domain_state *ret_state, enum hv_domain_reason *ret_reason, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	int state, reason;
	bool ask;
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = domain_find_optional(&call, uuid, &domain, e);
	if (rc < 0)
		return rc;
	if (domain && virDomainGetState(domain, &state, &reason, 0) < 0) {
		if (virt_error_code() != VIR_ERR_NO_DOMAIN)
			return error_set_virt(e, call.conn, "cannot get the state of domain '%s'", uuid);
		domain_free(&domain);
		domain = NULL;
	}
	if (!domain) {
		*ret_state = HV_DOMAIN_ABSENT;
		*ret_reason = HV_REASON_OTHER;
		return 0;
	}
	*ret_state = domain_state_of_virt(state, reason, ret_reason, &ask);
	if (ask)
		*ret_reason = domain_io_reason(domain);
	return 0;
}

int hv_domain_get_xml(struct hypervisor *hv, const char *host, const char *uuid, char **ret_xml,
		      struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	char *xml;
	int rc;

	rc = domain_enter(hv, host, uuid, &call, &domain, e);
	if (rc < 0)
		return rc;
	xml = virDomainGetXMLDesc(domain, 0);
	if (!xml)
		return error_set_virt(e, call.conn, "cannot read the XML of domain '%s'", uuid);
	*ret_xml = xml;
	return 0;
}

static bool is_silent_agent(int code)
{
#if LIBVIR_CHECK_VERSION(11, 2, 0)
	if (code == VIR_ERR_AGENT_COMMAND_TIMEOUT)
		return true;
#endif
	return code == VIR_ERR_AGENT_UNRESPONSIVE || code == VIR_ERR_AGENT_UNSYNCED;
}

/* libvirt has one code for a missing and for a silent agent; the state of the channel tells them apart. */
static int agent_error(const struct hv_call *call, virDomainPtr domain, const char *uuid, int timeout_ms,
		       struct error *e)
{
	_cleanup_(error_done) struct error reason = ERROR_INIT;
	_cleanup_xml_ xmlDocPtr doc = NULL;
	int code = virt_error_code();
	int rc = error_set_virt(&reason, call->conn, "cannot query the guest agent of domain '%s'", uuid);

	if (!is_silent_agent(code))
		return error_move(e, &reason);
	rc = domain_read_live_xml(call, domain, uuid, &doc, e);
	if (rc < 0)
		return rc;
	if (!xml_has(doc,
		     "/domain/devices/channel/target[@name='org.qemu.guest_agent.0'][@state='connected']"))
		return error_set(e, ENOTCONN, "no guest agent is connected in domain '%s'", uuid);
	return error_set(e, ETIMEDOUT, "the guest agent of domain '%s' did not answer within %d ms", uuid,
			 timeout_ms);
}

int hv_domain_agent_ping(struct hypervisor *hv, const char *host, const char *uuid, int timeout_ms,
			 struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	_cleanup_free_ char *answer = NULL;
	int rc;

	rc = domain_enter(hv, host, uuid, &call, &domain, e);
	if (rc < 0)
		return rc;
	if (call.simulated) {
		virDomainInfo info;

		if (virDomainGetInfo(domain, &info) < 0)
			return error_set_virt(e, call.conn, "cannot query the guest agent of domain '%s'",
					      uuid);
		if (info.state != VIR_DOMAIN_RUNNING)
			return error_set(e, EBUSY, "domain '%s' is not running", uuid);
		return 0;
	}
	/* libvirt counts whole seconds */
	answer = virDomainQemuAgentCommand(domain, AGENT_PING,
					   timeout_ms < 1000 ? 1 : (timeout_ms + 999) / 1000, 0);
	return answer ? 0 : agent_error(&call, domain, uuid, timeout_ms, e);
}

int hv_domain_set_password(struct hypervisor *hv, const char *host, const char *uuid, const char *account,
			   const char *password, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	int rc = domain_enter(hv, host, uuid, &call, &domain, e);

	if (rc < 0)
		return rc;
	limit_agent(domain);
	if (virDomainSetUserPassword(domain, account, password, 0) == 0)
		return 0;
	return agent_error(&call, domain, uuid, AGENT_PATIENCE_MS, e);
}
