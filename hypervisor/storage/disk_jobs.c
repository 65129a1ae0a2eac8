/* SPDX-License-Identifier: Apache-2.0 */
/* See disk_jobs.h. */
#include "hypervisor/storage/disk_jobs.h"

#include <string.h>

#include <libvirt/libvirt-qemu.h>

#include "hypervisor/domain_handle.h"
#include "hypervisor/errors.h"
#include "hypervisor/storage/flush.h"

#define POLL_MS 20

static void pause_ms(int ms)
{
	const struct timespec step = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	(void)nanosleep(&step, NULL);
}

/* -------------------------------------------------------------------- flushing */

/* Domains of tools are here, too, so the row of the call is given no more than it needs to read the XML: the handle. */
static int read_live_xml(const struct hv_call *call, virDomainPtr domain, xmlDocPtr *ret_doc, struct error *e)
{
	const struct domain found = {.found = true, .virt = domain};

	return domain_read_live_xml(call, &found, virDomainGetName(domain), ret_doc, e);
}

int domain_flush_disk(const struct hv_call *call, virDomainPtr domain, const char *target, struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = NULL;
	_cleanup_free_ char *alias = NULL, *bus = NULL, *answer = NULL;
	char where[64], command[192];
	xmlNodePtr node;
	int rc = read_live_xml(call, domain, &doc, e);

	if (rc < 0)
		return rc;
	(void)snprintf(where, sizeof(where), "/domain/devices/disk[target/@dev='%s']", target);
	node = xml_find(doc, where);
	alias = node ? xml_get(doc, node, "alias/@name") : NULL;
	bus = node ? xml_get(doc, node, "target/@bus") : NULL;
	if (!alias || !bus)
		return error_set(e, EIO, "disk '%s' of domain '%s' has no alias", target,
				 virDomainGetName(domain));
	(void)snprintf(command, sizeof(command), "qemu-io -d /machine/peripheral/%.64s%s flush", alias,
		       strcmp(bus, "virtio") == 0 ? "/virtio-backend" : "");
	if (virDomainQemuMonitorCommand(domain, command, &answer, VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP) < 0)
		return error_set_virt(e, call->conn, "cannot flush disk '%s' of domain '%s'", target,
				      virDomainGetName(domain));
	if (answer && *answer)
		return error_set(e, EIO, "cannot flush disk '%s' of domain '%s': %.*s", target,
				 virDomainGetName(domain), (int)strcspn(answer, "\r\n"), answer);
	return 0;
}

/* ---------------------------------------------------------------------- pulling */

/* What lies below a disk. */
struct chain {
	const char *base; /* looked for; may be NULL */
	int depth;	  /* files below the disk's own */
	int base_at;	  /* 1 = directly below; 0 = not there */
};

static int count_file(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	struct chain *c = ctx;
	_cleanup_free_ char *file = xml_get(doc, node, "@file");

	c->depth++;
	if (file && c->base && strcmp(file, c->base) == 0 && !c->base_at)
		c->base_at = c->depth;
	return 0;
}

static int read_chain(const struct hv_call *call, virDomainPtr domain, const char *target, struct chain *c,
		      struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = NULL;
	char path[128];
	int rc = read_live_xml(call, domain, &doc, e);

	if (rc < 0)
		return rc;
	c->depth = c->base_at = 0;
	(void)snprintf(path, sizeof(path), "/domain/devices/disk[target/@dev='%s']//backingStore/source",
		       target);
	(void)xml_each(doc, path, count_file, c);
	return 0;
}

/* True when the disk stands on the base already. */
static bool is_pulled(const struct chain *c)
{
	return c->base ? c->base_at == 1 : c->depth == 0;
}

/* Follows the disk's block job: to its end, if there is one, or as @mirror until it has caught up with the
 * disk. */
static int follow_job(const struct hv_call *call, virDomainPtr domain, const char *target, bool mirror,
		      hv_progress *progress, void *ctx, struct error *e)
{
	virDomainBlockJobInfo info;

	for (int wait = 1;; wait = wait < 100 ? wait * 2 : wait) {
		int rc = virDomainGetBlockJobInfo(domain, target, &info, 0);

		if (rc < 0)
			return error_set_virt(e, call->conn, "cannot monitor the job of disk '%s'", target);
		if (rc == 0)
			return mirror ? error_set(e, EIO,
						  "the copy of disk '%s' failed, is the storage full?",
						  target)
				      : 0;
		if (mirror && info.end > 0 && info.cur == info.end)
			return 0;
		if (progress && progress(ctx, info.end ? (int)(info.cur * 100 / info.end) : 0)) {
			(void)virDomainBlockJobAbort(domain, target, 0);
			return error_set(e, ECANCELED, "the job of disk '%s' was cancelled", target);
		}
		pause_ms(wait);
	}
}

static int wait_block_job(const struct hv_call *call, virDomainPtr domain, const char *target,
			  hv_progress *progress, void *ctx, struct error *e)
{
	return follow_job(call, domain, target, false, progress, ctx, e);
}

int domain_wait_mirror(const struct hv_call *call, virDomainPtr domain, const char *target,
		       hv_progress *progress, void *ctx, struct error *e)
{
	return follow_job(call, domain, target, true, progress, ctx, e);
}

static int pull(const struct hv_call *call, virDomainPtr domain, const char *target, const char *base,
		hv_progress *progress, void *ctx, struct error *e)
{
	struct chain chain = {.base = base};
	/* one that nobody waits for any more may still run */
	int rc = wait_block_job(call, domain, target, progress, ctx, e);

	if (rc == 0)
		rc = read_chain(call, domain, target, &chain, e);
	if (rc < 0 || is_pulled(&chain))
		return rc;
	if (base && !chain.base_at)
		return error_set(e, EINVAL, "'%s' is not below disk '%s' of domain '%s'", base, target,
				 virDomainGetName(domain));
	rc = base ? virDomainBlockRebase(domain, target, base, 0, 0)
		  : virDomainBlockPull(domain, target, 0, 0);
	if (rc < 0)
		return error_set_virt(e, call->conn, "cannot merge disk '%s' of domain '%s'", target,
				      virDomainGetName(domain));
	rc = wait_block_job(call, domain, target, progress, ctx, e);
	if (rc == 0)
		rc = read_chain(call, domain, target, &chain, e);
	if (rc < 0 || is_pulled(&chain))
		return rc;
	return error_set(e, EIO, "merging disk '%s' of domain '%s' failed, is the storage full?", target,
			 virDomainGetName(domain));
}

int domain_pull_disk(const struct hv_call *call, virDomainPtr domain, const char *target, const char *base,
		     hv_progress *progress, void *ctx, struct error *e)
{
	int rc = pull(call, domain, target, base, progress, ctx, e);

	/* QEMU has not, and names another backing file already */
	return rc < 0 ? rc : domain_flush_disk(call, domain, target, e);
}

int domain_name_backing(const struct hv_call *call, virDomainPtr domain, const char *target, const char *base,
			struct error *e)
{
	int rc;

	/* a merge of nothing: QEMU ends it as any other, with a new header */
	if (virDomainBlockRebase(domain, target, base, 0, 0) < 0)
		return error_set_virt(e, call->conn, "cannot base disk '%s' of domain '%s' on '%s'", target,
				      virDomainGetName(domain), base);
	rc = wait_block_job(call, domain, target, NULL, NULL, e);
	return rc < 0 ? rc : domain_flush_disk(call, domain, target, e);
}

/* --------------------------------------------------------------------- committing */

/* Starts the merge. Refused only when the host, asked once more, knows of no job of the running guest's disk:
 * an answer that was lost on the way refuses nothing. */
static int start_commit(const struct hv_call *call, virDomainPtr domain, const char *target, const char *top,
			const char *base, bool *ret_begun, struct error *e)
{
	virDomainBlockJobInfo info;
	int rc;

	*ret_begun = true;
	if (virDomainBlockCommit(domain, target, base, top, 0, 0) == 0)
		return 0;
	rc = error_set_virt(e, call->conn, "cannot merge disk '%s' of domain '%s'", target,
			    virDomainGetName(domain));
	*ret_begun = virDomainGetBlockJobInfo(domain, target, &info, 0) != 0;
	return rc;
}

static int commit(const struct hv_call *call, virDomainPtr domain, const char *target, const char *top,
		  const char *base, hv_progress *progress, void *ctx, bool *ret_begun, struct error *e)
{
	struct chain chain = {.base = top};
	/* one that nobody waits for any more may still run */
	int rc = wait_block_job(call, domain, target, progress, ctx, e);

	if (rc == 0)
		rc = read_chain(call, domain, target, &chain, e);
	if (rc < 0 || !chain.base_at)
		return rc;
	rc = start_commit(call, domain, target, top, base, ret_begun, e);
	if (rc < 0)
		return rc;
	rc = wait_block_job(call, domain, target, progress, ctx, e);
	if (rc == 0)
		rc = read_chain(call, domain, target, &chain, e);
	if (rc < 0 || !chain.base_at)
		return rc;
	return error_set(e, EIO, "merging disk '%s' of domain '%s' failed, is the storage full?", target,
			 virDomainGetName(domain));
}

int domain_commit_disk(const struct hv_call *call, virDomainPtr domain, const char *target, const char *top,
		       const char *base, hv_progress *progress, void *ctx, bool *ret_begun, struct error *e)
{
	int rc = commit(call, domain, target, top, base, progress, ctx, ret_begun, e);

	/* QEMU has written @base as it made it read-only again, but not the disk's own file if that stands on it */
	return rc < 0 ? rc : domain_flush_disk(call, domain, target, e);
}

/* ------------------------------------------------------------------------ copies */

/* A backup whose XML is being written. */
struct backup {
	const struct disk_backup *disks;
	size_t count;
	struct xml *x;
};

static int write_backup_disk(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	struct backup *b = ctx;
	_cleanup_free_ char *name = xml_get(doc, node, "target/@dev");

	for (size_t i = 0; name && i < b->count; i++) {
		if (strcmp(name, b->disks[i].target) != 0)
			continue;
		xml_open(b->x, "disk", "name", name, "backup", "yes", "type", "file", NULL);
		xml_leaf(b->x, "driver", "type", b->disks[i].format, NULL);
		xml_leaf(b->x, "target", "file", b->disks[i].path, NULL);
		xml_close(b->x);
		return 0;
	}
	if (name)
		xml_leaf(b->x, "disk", "name", name, "backup", "no", NULL);
	return 0;
}

static char *backup_xml(xmlDocPtr doc, const struct disk_backup *disks, size_t count)
{
	struct xml x;
	struct backup b = {.disks = disks, .count = count, .x = &x};

	xml_begin(&x);
	xml_open(&x, "domainbackup", NULL);
	xml_open(&x, "disks", NULL);
	(void)xml_each(doc, "/domain/devices/disk", write_backup_disk, &b);
	xml_close(&x);
	xml_close(&x);
	return xml_finish(&x);
}

/* How the domain's last job ended. */
static int job_outcome(const struct hv_call *call, virDomainPtr domain, struct error *e)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, count = 0;
	const char *text = NULL;
	int rc = 0;

	if (virDomainGetJobStats(domain, &type, &params, &count, VIR_DOMAIN_JOB_STATS_COMPLETED) < 0)
		return error_set_virt(e, call->conn, "cannot get the result of copying disks of domain '%s'",
				      virDomainGetName(domain));
	(void)virTypedParamsGetString(params, count, VIR_DOMAIN_JOB_ERRMSG, &text);
	if (type != VIR_DOMAIN_JOB_COMPLETED)
		rc = error_set(e, EIO, "cannot copy disks of domain '%s': %s", virDomainGetName(domain),
			       text ? text : "the job failed");
	virTypedParamsFree(params, count);
	return rc;
}

static void flushes_done(struct flush *flushes, size_t count)
{
	for (size_t i = 0; flushes && i < count; i++)
		flush_done(&flushes[i]);
	free(flushes);
}

static int wait_copy(const struct hv_call *call, virDomainPtr domain, hv_progress *progress, void *ctx,
		     struct error *e)
{
	virDomainJobInfo info;

	for (int wait = 1;; wait = wait < 100 ? wait * 2 : wait) {
		if (virDomainGetJobInfo(domain, &info) < 0)
			return error_set_virt(e, call->conn,
					      "cannot monitor the copy of disks of domain '%s'",
					      virDomainGetName(domain));
		if (info.type == VIR_DOMAIN_JOB_NONE)
			return job_outcome(call, domain, e);
		if (progress &&
		    progress(ctx, info.fileTotal ? (int)(info.fileProcessed * 100 / info.fileTotal) : 0)) {
			(void)virDomainAbortJob(domain);
			return error_set(e, ECANCELED, "the copy of disks of domain '%s' was cancelled",
					 virDomainGetName(domain));
		}
		pause_ms(wait);
	}
}

void domain_abort_backup(virDomainPtr domain)
{
	virDomainJobInfo info;
	char *xml = virDomainBackupGetXMLDesc(domain, 0);

	if (!xml)
		return;
	free(xml);
	(void)virDomainAbortJob(domain);
	for (int i = 0; i < 250; i++) {
		if (virDomainGetJobInfo(domain, &info) < 0 || info.type == VIR_DOMAIN_JOB_NONE)
			return;
		pause_ms(POLL_MS);
	}
}

int domain_back_up_disks(const struct hv_call *call, virDomainPtr domain, const struct disk_backup *disks,
			 size_t count, hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = NULL;
	_cleanup_free_ char *xml = NULL;
	struct flush *flushes;
	int rc = read_live_xml(call, domain, &doc, e);

	if (rc < 0)
		return rc;
	xml = backup_xml(doc, disks, count);
	flushes = xml ? calloc(count, sizeof(*flushes)) : NULL;
	if (!flushes)
		return error_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		flushes[i] = FLUSH_INIT;
	domain_abort_backup(domain);
	if (virDomainBackupBegin(domain, xml, NULL, 0) < 0)
		rc = error_set_virt(e, call->conn, "cannot copy disks of domain '%s'",
				    virDomainGetName(domain));
	for (size_t i = 0; i < count && rc == 0; i++)
		flush_begin(&flushes[i], call, disks[i].path);
	if (rc == 0)
		rc = wait_copy(call, domain, progress, ctx, e);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = flush_end(&flushes[i], call, NULL, e);
	flushes_done(flushes, count);
	return rc;
}
