/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains: start, stop, pause, look.
 *
 * Each function makes the fewest round trips that its answer needs; a start
 * costs a lookup, a definition and the start itself. Waiting for a guest to
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

/* One that was adopted gets its uuid as its name, too, like all others: libvirt would not define it anew otherwise. */
static int take_name(const struct hv_call *call, const struct domain *domain, const char *uuid,
		     struct error *e)
{
	const char *name = call->driver->name(domain);

	if (!name || strcmp(name, uuid) == 0 || virDomainRename(domain->virt, uuid, 0) == 0)
		return 0;
	return error_set_virt(e, call->conn, "cannot rename the adopted domain '%s' to '%s'", name, uuid);
}

int hv_domain_start(struct hypervisor *hv, const char *host, const struct hv_domain_def *spec, bool paused,
		    struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain present = {0}, domain = {0};
	_cleanup_free_ char *xml = NULL, *baseline = NULL;
	struct hv_domain_def complete = *spec;
	struct domain_definition definition = {
		.uuid = spec->uuid, .cpus = spec->cpu_num, .memory = spec->memory};
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
	definition.xml = xml = hv_domain_xml(&complete);
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	rc = domain_find_replaceable(&call, spec->uuid, &present, e);
	if (rc < 0)
		return rc;
	if (present.active)
		return error_set(e, EEXIST, "domain '%s' is already active", spec->uuid);
	rc = present.found ? take_name(&call, &present, spec->uuid, e) : 0;
	for (size_t i = 0; rc == 0 && i < spec->nic_count; i++)
		if (spec->nics[i].only_ip) {
			rc = nic_filter_define(&call, e);
			break;
		}
	if (rc < 0)
		return rc;
	rc = call.driver->define(&call, &definition, &domain, e);
	if (rc == 0)
		rc = call.driver->start(&call, &domain, paused, e);
	/* leave the host as it was, unless somebody else has started the domain meanwhile */
	if (rc < 0 && domain.found && !present.found && call.driver->is_active(&call, &domain, NULL) == 0)
		(void)call.driver->undefine(&call, &domain, NULL);
	return rc;
}

/* -------------------------------------------------------------------- stopping */

/* A guest that does not shut down is asked again after this time: it ignores the request while it boots. */
#define ASK_AGAIN_MS 5000

/* Sends the request. libvirt asks the agent when one is connected, else it presses the ACPI button. */
static int request_shutdown(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	_cleanup_(error_done) struct error refusal = ERROR_INIT;
	int rc = call->driver->shutdown(call, domain, &refusal);

	if (rc == 0 || call->driver->is_active(call, domain, NULL) == 0)
		return 0; /* nothing left to do */
	if (rc == -EBUSY)
		return error_set(e, EBUSY, "domain '%s' is paused, so its guest cannot shut down",
				 domain->uuid);
	return error_move(e, &refusal);
}

static int wait_until_stopped(const struct hv_call *call, const struct domain *domain, struct waiter *waiter,
			      const char *uuid, int timeout_ms, struct error *e)
{
	int waited_ms = 0, slice_ms = timeout_ms < ASK_AGAIN_MS ? timeout_ms : ASK_AGAIN_MS;
	struct timespec deadline = deadline_in(slice_ms);

	for (;;) {
		int active = call->driver->is_active(call, domain, e);
		int rc;

		if (active <= 0)
			return active;
		rc = host_wait(call->host, call->connection, waiter, &deadline);
		if (rc == -ETIMEDOUT) {
			waited_ms += slice_ms;
			if (waited_ms >= timeout_ms)
				return error_set(e, ETIMEDOUT, "domain '%s' did not shut down within %d ms",
						 uuid, timeout_ms);
			(void)request_shutdown(call, domain, NULL);
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
	_cleanup_domain_ struct domain domain = {0};
	struct waiter waiter;
	int rc;

	rc = domain_enter(hv, host, uuid, &call, &domain, e);
	if (rc < 0)
		return rc;
	host_wait_begin(call.host, &waiter, uuid, NULL);
	rc = request_shutdown(&call, &domain, e);
	if (rc == 0)
		rc = wait_until_stopped(&call, &domain, &waiter, uuid, timeout_ms, e);
	host_wait_end(call.host, &waiter);
	return rc;
}

int hv_domain_destroy(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain domain = {0};
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = domain_find_optional(&call, uuid, &domain, e);
	return rc < 0 || !domain.found ? rc : call.driver->destroy(&call, &domain, e);
}

/* Whether what the guest keeps outside of its disks goes with the definition. -ENOENT: the domain has gone. */
static int has_guest_state(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_xml_ xmlDocPtr doc = NULL;
	int rc = call->driver->get_xml(call, domain, VIR_DOMAIN_XML_INACTIVE, domain->uuid, &text, e);

	if (rc < 0)
		return rc;
	doc = xml_parse(text);
	if (!doc)
		return error_set(e, EIO, "unexpected XML of domain '%s'", domain->uuid);
	return xml_has(doc, "/domain/os[@firmware='efi']") || xml_has(doc, "/domain/os/nvram") ||
	       xml_has(doc, "/domain/devices/tpm");
}

static int undefine(struct hypervisor *hv, const char *host, const char *uuid, bool keep_guest_state,
		    struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain domain = {0};
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = domain_find_optional(&call, uuid, &domain, e);
	if (rc < 0 || !domain.found)
		return rc;
	rc = call.driver->is_active(&call, &domain, e);
	if (rc > 0)
		return error_set(e, EBUSY, "domain '%s' is active", uuid);
	if (rc < 0)
		return rc;
	if (keep_guest_state) {
		rc = has_guest_state(&call, &domain, &why);
		if (rc < 0 && rc != -ENOENT)
			return error_move(e, &why);
		if (rc != 0)
			return 0;
	}
	return call.driver->undefine(&call, &domain, e);
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
	_cleanup_domain_ struct domain domain = {0};
	int rc = domain_enter(hv, host, uuid, &call, &domain, e);

	return rc < 0 ? rc : call.driver->suspend(&call, &domain, e);
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
	_cleanup_domain_ struct domain domain = {0};
	int rc = domain_enter(hv, host, uuid, &call, &domain, e);

	if (rc == 0)
		rc = call.driver->resume(&call, &domain, e);
	if (rc == 0)
		set_guest_time(&call, domain.virt);
	return rc;
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
	_cleanup_domain_ struct domain domain = {0};
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = domain_find_optional(&call, uuid, &domain, e);
	if (rc < 0)
		return rc;
	if (domain.found)
		return call.driver->state(&call, &domain, ret_state, ret_reason, e);
	*ret_state = HV_DOMAIN_ABSENT;
	*ret_reason = HV_REASON_OTHER;
	return 0;
}

int hv_domain_get_xml(struct hypervisor *hv, const char *host, const char *uuid, char **ret_xml,
		      struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain domain = {0};
	int rc = domain_enter(hv, host, uuid, &call, &domain, e);

	return rc < 0 ? rc : call.driver->get_xml(&call, &domain, 0, uuid, ret_xml, e);
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
static int agent_error(const struct hv_call *call, const struct domain *domain, const char *uuid,
		       int timeout_ms, struct error *e)
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

/* An agent that answers as long as its guest runs. */
static int ask_simulated(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	struct domain_info info;
	int rc = call->driver->info(call, domain, &info, e);

	if (rc == 0 && info.state != HV_DOMAIN_RUNNING)
		rc = error_set(e, EBUSY, "domain '%s' is not running", domain->uuid);
	return rc;
}

int hv_domain_agent_ping(struct hypervisor *hv, const char *host, const char *uuid, int timeout_ms,
			 struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain domain = {0};
	_cleanup_free_ char *answer = NULL;
	int rc;

	rc = domain_enter(hv, host, uuid, &call, &domain, e);
	if (rc < 0)
		return rc;
	if (call.simulated)
		return ask_simulated(&call, &domain, e);
	/* libvirt counts whole seconds */
	answer = virDomainQemuAgentCommand(domain.virt, AGENT_PING,
					   timeout_ms < 1000 ? 1 : (timeout_ms + 999) / 1000, 0);
	return answer ? 0 : agent_error(&call, &domain, uuid, timeout_ms, e);
}

int hv_domain_set_password(struct hypervisor *hv, const char *host, const char *uuid, const char *account,
			   const char *password, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain domain = {0};
	int rc = domain_enter(hv, host, uuid, &call, &domain, e);

	if (rc < 0)
		return rc;
	if (call.simulated)
		return ask_simulated(&call, &domain, e);
	limit_agent(domain.virt);
	if (virDomainSetUserPassword(domain.virt, account, password, 0) == 0)
		return 0;
	return agent_error(&call, &domain, uuid, AGENT_PATIENCE_MS, e);
}
