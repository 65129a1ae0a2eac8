/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving a running domain to another host.
 *
 * The source's libvirt does it, talking to the target's (peer to peer): then the
 * migration continues, or is rolled back, without this process. Or, where the
 * source cannot reach the target's libvirt, this process manages it over its own
 * connections.
 * libvirt's call blocks until the end, so it runs in a separate thread, while the
 * caller monitors the job and aborts it on request.
 *
 * libvirt refuses to migrate disks on file systems that it does not know to be
 * shared. The pool knows which ones are, so libvirt is told not to check.
 *
 * Simulated hosts cannot migrate: there the domain is defined and started at the
 * target, and ends at the source.
 */
#include "hypervisor/domain/migrate.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/domain/disk_lookup.h"
#include "hypervisor/domain_handle.h"
#include "hypervisor/errors.h"
#include "hypervisor/nic_filter.h"
#include "model/clock.h"

#define POLL_MS 100

/* The host's libvirt as other hosts reach it; allocated. */
static int uri_for_others(const struct hv_call *call, char **ret_uri, struct error *e)
{
	_cleanup_free_ char *name = NULL;
	char *uri = NULL;

	if (strcmp(call->host->uri, "qemu:///system") == 0) {
		name = virConnectGetHostname(call->conn);
		if (!name)
			return error_set_virt(e, call->conn, "cannot get the name of host '%s'",
					      call->host->uuid);
		if (asprintf(&uri, "qemu+ssh://%s/system", name) < 0)
			return error_oom(e);
	} else {
		uri = strdup(call->host->uri);
	}
	*ret_uri = uri;
	return uri ? 0 : error_oom(e);
}

/* ------------------------------------------------------------------ simulation */

/* Ends @domain, whatever it does. */
static int remove_simulated(const struct hv_call *call, const struct domain *domain, struct error *e)
{
	int rc = call->driver->destroy(call, domain, e);

	return rc < 0 ? rc : call->driver->undefine(call, domain, e);
}

/* @present is what the target has of the domain. */
static int sim_migrate(const struct hv_call *from, const struct hv_call *to, const struct domain *domain,
		       const struct domain *present, struct error *e)
{
	const unsigned int flags = VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE;
	_cleanup_domain_ struct domain arrived = {0};
	_cleanup_free_ char *xml = NULL;
	struct domain_definition definition = {.uuid = domain->uuid};
	struct domain_info info = {0};
	int rc = from->driver->get_xml(from, domain, flags, domain->uuid, &xml, e);

	if (rc == 0)
		rc = from->driver->info(from, domain, &info, e);
	if (rc < 0)
		return rc;
	if (present->found && to->driver->is_active(to, present, NULL) == 1)
		return error_set(e, EEXIST, "domain '%s' is already active on the target host", domain->uuid);
	definition.xml = xml;
	definition.cpus = info.cpus;
	definition.memory = info.memory;
	rc = to->driver->define(to, &definition, &arrived, e);
	if (rc == 0)
		rc = to->driver->start(to, &arrived, info.state == HV_DOMAIN_PAUSED, e);
	if (rc < 0 && arrived.found)
		(void)remove_simulated(to, &arrived, NULL);
	return rc < 0 ? rc : remove_simulated(from, domain, e);
}

/* -------------------------------------------------------------------- migration */

struct migration {
	const struct domain *domain; /* of libvirt */
	virConnectPtr target;	     /* for a migration managed here; NULL = peer to peer */
	char *uri;		     /* of the target, as the source dials it; owned */
	virTypedParameterPtr params;
	int param_count;
	unsigned int flags;

	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done; /* lock */
	int rc;	   /* lock */
	struct error error;
};

static void migration_done(struct migration *m)
{
	virTypedParamsFree(m->params, m->param_count);
	free(m->uri);
	error_done(&m->error);
}

static void *migration_main(void *arg)
{
	struct migration *m = arg;
	virConnectPtr conn = virDomainGetConnect(m->domain->virt);
	int rc;

	(void)pthread_setname_np(pthread_self(), "migration");
	if (m->target) {
		virDomainPtr arrived = virDomainMigrate3(m->domain->virt, m->target, m->params,
							 (unsigned)m->param_count, m->flags);

		rc = arrived ? 0 : -1;
		virt_domain_free(&arrived);
	} else {
		rc = virDomainMigrateToURI3(m->domain->virt, m->uri, m->params, (unsigned)m->param_count,
					    m->flags);
	}
	/* libvirt's last error is this thread's */
	if (rc < 0)
		rc = error_set_virt(&m->error, conn, "cannot migrate domain '%s'", m->domain->uuid);
	pthread_mutex_lock(&m->lock);
	m->rc = rc;
	m->done = true;
	(void)pthread_cond_signal(&m->ended);
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

/* Progress of the domain's job in per cent; -1 when it has none. */
static int job_percent(virDomainPtr domain)
{
	virDomainJobInfo info;

	if (virDomainGetJobInfo(domain, &info) < 0 || info.type == VIR_DOMAIN_JOB_NONE)
		return -1;
	return info.dataTotal ? (int)(info.dataProcessed * 100 / info.dataTotal) : 0;
}

/* Waits for the end of the thread. True when the migration was cancelled meanwhile. */
static bool follow(struct migration *m, hv_progress *progress, void *ctx)
{
	bool stopped = false;

	pthread_mutex_lock(&m->lock);
	while (!m->done) {
		struct timespec until = deadline_in(POLL_MS);
		int percent;

		if (pthread_cond_timedwait(&m->ended, &m->lock, &until) == 0 || m->done)
			continue;
		pthread_mutex_unlock(&m->lock);
		percent = job_percent(m->domain->virt);
		if (percent >= 0 && progress && (stopped || progress(ctx, percent))) {
			stopped = true;
			(void)virDomainAbortJob(m->domain->virt);
		}
		pthread_mutex_lock(&m->lock);
	}
	pthread_mutex_unlock(&m->lock);
	return stopped;
}

/* libvirt undefines the domain at the source without removing the file with its firmware variables: that
 * happens when the caller undefines the domain. */
static int keep_definition_with_nvram(struct migration *m, const struct hv_call *call, struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = NULL;
	int rc = domain_read_live_xml(call, m->domain, m->domain->uuid, &doc, e);

	if (rc == 0 && xml_has(doc, "/domain/os/nvram"))
		m->flags &= ~(unsigned)VIR_MIGRATE_UNDEFINE_SOURCE;
	return rc;
}

/* Names the disks whose content is copied. */
static int add_copied(struct migration *m, const struct hv_call *call, const struct hv_migration *how,
		      struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = NULL;
	int room = 0;
	int rc = how->copied_count ? domain_read_live_xml(call, m->domain, m->domain->uuid, &doc, e) : 0;

	for (size_t i = 0; i < how->copied_count && rc == 0; i++) {
		_cleanup_free_ char *target = domain_disk_get(doc, call->host->uuid, m->domain->uuid,
							      how->copied[i], "target/@dev");

		if (!target)
			rc = error_set(e, ENOENT, "domain '%s' has no disk '%s'", m->domain->uuid,
				       how->copied[i]);
		else if (virTypedParamsAddString(&m->params, &m->param_count, &room,
						 VIR_MIGRATE_PARAM_MIGRATE_DISKS, target) < 0)
			rc = error_set(e, ENOMEM, "out of memory");
	}
	if (how->copied_count)
		m->flags |= VIR_MIGRATE_NON_SHARED_DISK;
	return rc;
}

/* The target must know the filter of the guest's NICs. */
static int bring_filter(struct migration *m, const struct hv_call *source, const struct hv_call *target,
			struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = NULL;
	int rc = domain_read_live_xml(source, m->domain, m->domain->uuid, &doc, e);

	if (rc < 0 || !xml_has(doc, "/domain/devices/interface/filterref[@filter='" NIC_FILTER "']"))
		return rc;
	return nic_filter_define(target, e);
}

static int run(struct migration *m, hv_progress *progress, void *ctx, struct error *e)
{
	pthread_t thread;
	bool stopped;
	int rc;

	(void)pthread_mutex_init(&m->lock, NULL);
	clock_cond_init(&m->ended);
	rc = pthread_create(&thread, NULL, migration_main, m);
	if (rc) {
		rc = error_set(e, rc, "cannot start a thread: %s", strerror(rc));
	} else {
		stopped = follow(m, progress, ctx);
		(void)pthread_join(thread, NULL);
		rc = m->rc;
		if (rc < 0 && stopped)
			rc = error_set(e, ECANCELED, "the migration of domain '%s' was cancelled",
				       m->domain->uuid);
		else if (rc < 0)
			rc = error_move(e, &m->error);
	}
	(void)pthread_cond_destroy(&m->ended);
	(void)pthread_mutex_destroy(&m->lock);
	return rc;
}

int hv_domain_migrate(struct hypervisor *hv, const char *from, const char *to, const char *uuid,
		      const struct hv_migration *how, hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_call_ struct hv_call source = {0};
	_cleanup_call_ struct hv_call target = {0};
	_cleanup_domain_ struct domain domain = {0}, replaced = {0};
	_cleanup_(migration_done) struct migration m = {
		.flags = VIR_MIGRATE_LIVE | VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_UNDEFINE_SOURCE |
			 VIR_MIGRATE_AUTO_CONVERGE | VIR_MIGRATE_ABORT_ON_ERROR | VIR_MIGRATE_UNSAFE,
	};
	int rc = domain_enter(hv, from, uuid, &source, &domain, e);

	if (rc == 0)
		rc = hv_call_begin(hv, to, &target, e);
	if (rc < 0)
		return rc;
	if (source.simulated != target.simulated)
		return error_set(e, EOPNOTSUPP, "a domain cannot move between a simulated and a real host");
	rc = source.driver->is_active(&source, &domain, e);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return error_set(e, EBUSY, "domain '%s' is not running", uuid);
	rc = domain_find_replaceable(&target, uuid, &replaced, e);
	if (rc < 0)
		return rc;
	if (source.simulated)
		return sim_migrate(&source, &target, &domain, &replaced, e);
	m.domain = &domain;
	if (how->managed) {
		m.target = target.conn;
	} else {
		m.flags |= VIR_MIGRATE_PEER2PEER;
		rc = uri_for_others(&target, &m.uri, e);
		if (rc < 0)
			return rc;
	}
	rc = keep_definition_with_nvram(&m, &source, e);
	if (rc == 0)
		rc = bring_filter(&m, &source, &target, e);
	if (rc == 0)
		rc = add_copied(&m, &source, how, e);
	return rc < 0 ? rc : run(&m, progress, ctx, e);
}

int hv_domain_migrate_wait(struct hypervisor *hv, const char *from, const char *uuid, hv_progress *progress,
			   void *ctx, struct error *e)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain domain = {0};
	int rc = hv_call_begin(hv, from, &call, e);
	int percent;

	if (rc == 0)
		rc = domain_find_optional(&call, uuid, &domain, e);
	while (rc == 0 && domain.found && !call.simulated && (percent = job_percent(domain.virt)) >= 0) {
		if (progress && progress(ctx, percent))
			(void)virDomainAbortJob(domain.virt);
		(void)nanosleep(&pause, NULL);
	}
	return rc;
}

int hv_domain_is_moving(struct hypervisor *hv, const char *host, const char *uuid, bool *ret, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain domain = {0};
	virDomainJobInfo info;
	int rc = domain_enter(hv, host, uuid, &call, &domain, e);

	if (rc < 0)
		return rc;
	if (call.simulated) {
		*ret = false;
		return 0;
	}
	if (virDomainGetJobInfo(domain.virt, &info) < 0)
		return error_set_virt(e, call.conn, "cannot tell whether domain '%s' is being migrated",
				      uuid);
	*ret = info.type != VIR_DOMAIN_JOB_NONE;
	return 0;
}
