/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on the files of volumes that no domain uses: flat copies, and removing files
 * from the chain below an overlay.
 *
 * Where the host is this machine qemu-img copies and merges (dir_local.h). On another one it
 * cannot run; libvirt cannot change the backing file of a volume at rest, and its
 * own copy has no progress and cannot be stopped. So a domain without a guest (its CPU never runs) holds the
 * volume open during a merge or copy, and QEMU does the same as for a running
 * guest, which can be interrupted safely at any moment. libvirt destroys it when
 * the connection closes, so a killed daemon leaves none behind.
 */
#include "hypervisor/storage/dir_jobs.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/domain_handle.h"
#include "hypervisor/errors.h"
#include "hypervisor/states.h"
#include "hypervisor/storage/dir_local.h"
#include "hypervisor/storage/disk_jobs.h"
#include "hypervisor/storage/flush.h"

#define HOLDER_TARGET "vda"
/* The serial of the holder's disk, for people who look at the domain. */
#define HOLDER_DISK "poolfs-keeper-of-disk"

/* The file that a holder has open. */
struct held {
	const char *path, *format;
	bool writes;
	/* stands on this, whatever its header says; NULL: on what that says */
	const char *backing, *backing_format;
};

/* A machine that never runs, with the one disk. */
static char *holder_xml(const struct host_machine *machine, const char *name, const struct held *held)
{
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "domain", "type", "qemu", NULL);
	xml_element(&x, "name", name);
	xml_element_size(&x, "memory", "MiB", 16);
	xml_element_int(&x, "vcpu", 1);
	host_machine_write_idle_os(&x, machine);
	xml_open(&x, "devices", NULL);
	xml_open(&x, "disk", "type", "file", "device", "disk", NULL);
	xml_leaf(&x, "driver", "name", "qemu", "type", held->format, "cache", "none", NULL);
	xml_leaf(&x, "source", "file", held->path, NULL);
	if (held->backing) {
		xml_open(&x, "backingStore", "type", "file", NULL);
		xml_leaf(&x, "format", "type", held->backing_format, NULL);
		xml_leaf(&x, "source", "file", held->backing, NULL);
		xml_close(&x);
	}
	xml_leaf(&x, "target", "dev", HOLDER_TARGET, "bus", "virtio", NULL);
	xml_element(&x, "serial", HOLDER_DISK);
	if (!held->writes)
		xml_leaf(&x, "readonly", NULL);
	xml_close(&x);
	xml_leaf(&x, "controller", "type", "usb", "model", "none", NULL);
	xml_leaf(&x, "memballoon", "model", "none", NULL);
	xml_close(&x);
	xml_close(&x);
	return xml_finish(&x);
}

/*
 * The holder of a daemon that was killed goes when its host notices that the connection is gone; one that could not be
 * ended stays as long as the connection. What works on a volume has the volume's job, so such a holder works for nobody, and
 * is ended. Files of different storages may have one name: their flushes (@shared) only wait for each other.
 */
#define HOLDER_PATIENCE_MS 30000
#define HOLDER_STEP_MS	   50

static int wait_for_other_holder(const struct hv_call *call, const char *name, const char *path, bool shared,
				 struct error *e)
{
	const struct timespec step = {.tv_nsec = HOLDER_STEP_MS * 1000000L};

	for (int waited = 0;; waited += HOLDER_STEP_MS) {
		_cleanup_virt_domain_ virDomainPtr other = virDomainLookupByName(call->conn, name);

		if (!other)
			return 0; /* or the host cannot be asked, and says so when the holder is started */
		if (waited >= HOLDER_PATIENCE_MS && shared)
			return error_set(e, EBUSY, "domain '%s' still has volume '%s' open", name, path);
		if (waited >= HOLDER_PATIENCE_MS)
			return virDomainDestroy(other) == 0 || virt_error_code() == VIR_ERR_NO_DOMAIN
				       ? 0
				       : error_set_virt(e, call->conn,
							"domain '%s' still has volume '%s' open", name, path);
		(void)nanosleep(&step, NULL);
	}
}

/* Starts the holder, named after the file @about: while there is one of the same name it is not started, so that only
 * one works on a file at a time. It ends with the connection at the latest. */
static int holder_start(const struct hv_call *call, const char *work, const char *about,
			const struct held *held, virDomainPtr *ret, struct error *e)
{
	const char *slash = strrchr(about, '/');
	_cleanup_free_ char *name = NULL, *xml = NULL;
	int rc;

	if (asprintf(&name, NAME_FOR("%s") "%s", work, slash ? slash + 1 : about) < 0)
		name = NULL;
	xml = name ? holder_xml(&call->connection->machine, name, held) : NULL;
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	rc = wait_for_other_holder(call, name, held->path, strcmp(work, WORK_FLUSH) == 0, e);
	if (rc < 0)
		return rc;
	*ret = virDomainCreateXML(call->conn, xml, VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_AUTODESTROY);
	return *ret ? 0 : error_set_virt(e, call->conn, "cannot open volume '%s' to %s it", held->path, work);
}

/* Ends it; @rc is how its work ended. */
static int holder_end(const struct hv_call *call, virDomainPtr holder, const char *path, int rc,
		      struct error *e)
{
	if (virDomainDestroy(holder) < 0 && rc == 0 && virt_error_code() != VIR_ERR_NO_DOMAIN)
		return error_set_virt(e, call->conn, "cannot close volume '%s'", path);
	return rc;
}

/* The disk as the target of a copy: holes of a raw file stay holes. @head: only so many bytes are the disk; 0: all. */
static char *raw_target_xml(const char *path, int64_t head)
{
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "disk", "type", "file", NULL);
	xml_leaf(&x, "driver", "name", "qemu", "type", "raw", "discard", head ? "ignore" : "unmap", NULL);
	xml_open(&x, "source", "file", path, NULL);
	if (head) {
		char size[24];

		(void)snprintf(size, sizeof(size), "%lld", (long long)head);
		xml_open(&x, "slices", NULL);
		xml_leaf(&x, "slice", "type", "storage", "offset", "0", "size", size, NULL);
		xml_close(&x);
	}
	xml_close(&x);
	xml_close(&x);
	return xml_finish(&x);
}

/* Copies to the disk @xml until the copy is whole and, if nothing failed, flushed; then ends that. */
static int mirror(const struct hv_call *call, virDomainPtr holder, const char *path, const char *xml,
		  unsigned int flags, hv_progress *progress, void *ctx, bool *ret_begun, struct error *e)
{
	int rc;

	*ret_begun = false;
	if (virDomainBlockCopy(holder, HOLDER_TARGET, xml, NULL, 0, flags) < 0)
		return error_set_virt(e, call->conn, "cannot copy to '%s'", path);
	*ret_begun = true;
	rc = domain_wait_mirror(call, holder, HOLDER_TARGET, progress, ctx, e);
	if (virDomainBlockJobAbort(holder, HOLDER_TARGET, 0) < 0 && rc == 0)
		rc = error_set_virt(e, call->conn, "cannot end the copy to '%s'", path);
	return rc;
}

/*
 * Copies to the raw file @path. A backup writes zeros where a raw file could have holes; a mirror does not,
 * and gives the same result where nobody writes. It has to be ended explicitly once it is in sync.
 */
static int mirror_raw(const struct hv_call *call, virDomainPtr holder, const char *path,
		      hv_progress *progress, void *ctx, bool *ret_begun, struct error *e)
{
	_cleanup_free_ char *xml = raw_target_xml(path, 0);

	*ret_begun = false;
	return xml ? mirror(call, holder, path, xml, 0, progress, ctx, ret_begun, e)
		   : error_set(e, ENOMEM, "out of memory");
}

/*
 * Into the volume that @to names. A failure leaves none; a raw one that was there before @job began to write
 * stays.
 */
static int holder_copy(const struct hv_call *call, const struct storage_pool *at, virDomainPtr holder,
		       const char *name, const char *format, hv_progress *progress, void *ctx,
		       char **ret_path, struct error *e)
{
	_cleanup_free_ char *path = NULL;
	bool begun = true;
	int rc;

	if (asprintf(&path, "%s/%s", at->root, name) < 0) {
		path = NULL;
		return error_set(e, ENOMEM, "out of memory");
	}
	if (strcmp(format, "raw") == 0) {
		rc = mirror_raw(call, holder, path, progress, ctx, &begun, e);
	} else {
		/* as the disk of a running guest is copied */
		const struct disk_backup to = {.target = HOLDER_TARGET, .path = path, .format = format};

		rc = domain_back_up_disks(call, holder, &to, 1, progress, ctx, e);
	}
	(void)pool_refresh(at->pool);
	if (rc == 0) /* the content is flushed already, the name may not be */
		rc = flush_new(call, path, e);
	if (rc == 0)
		*ret_path = steal(&path);
	else if (begun)
		(void)volume_delete(call, at->pool, name, NULL);
	return rc;
}

int dir_copy(const struct hv_call *call, const char *path, const char *path_format,
	     const struct storage_pool *at, const char *name, const char *format, hv_progress *progress,
	     void *ctx, char **ret_path, struct error *e)
{
	_cleanup_virt_domain_ virDomainPtr holder = NULL;
	const struct held held = {.path = path, .format = path_format};
	bool here;
	int rc = dir_local_copy(call, path, path_format, at, name, format, progress, ctx, &here, ret_path, e);

	if (rc < 0 || here)
		return rc;
	rc = holder_start(call, WORK_COPY, name, &held, &holder, e);
	if (rc < 0)
		return rc;
	rc = holder_copy(call, at, holder, name, format, progress, ctx, ret_path, e);
	return holder_end(call, holder, path, rc, e);
}

/* Opens the qcow2 file that @held says, lets QEMU change on what it stands, and has that on the disk. @names: only in its
 * header, without copying. */
static int change_backing(const struct hv_call *call, const struct held *held, const char *base, bool names,
			  hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_virt_domain_ virDomainPtr holder = NULL;
	_cleanup_flush_ struct flush flush = FLUSH_INIT;
	int rc = holder_start(call, WORK_MERGE, held->path, held, &holder, e);

	if (rc < 0)
		return rc;
	flush_begin(&flush, call, held->path);
	rc = names ? domain_name_backing(call, holder, HOLDER_TARGET, base, e)
		   : domain_pull_disk(call, holder, HOLDER_TARGET, base, progress, ctx, e);
	rc = holder_end(call, holder, held->path, rc, e);
	/* files that it does not need any more are removed next */
	return rc < 0 ? rc : flush_end(&flush, call, NULL, e);
}

int dir_pull(const struct hv_call *call, const char *path, const char *base, hv_progress *progress, void *ctx,
	     struct error *e)
{
	const struct held held = {.path = path, .format = "qcow2", .writes = true};
	_cleanup_(error_done) struct error why = ERROR_INIT;
	bool here;
	int rc = dir_local_pull(call, path, base, progress, ctx, &here, &why);

	/* a domain that has the file open for nobody is ended by the host's way alone */
	if (rc < 0 && rc != -EBUSY)
		return error_move(e, &why);
	return rc == 0 && here ? 0 : change_backing(call, &held, base, false, progress, ctx, e);
}

/* 1 when the header of the file names the other one, 0 when not, or an error. */
static int names_backing(const struct hv_call *call, const char *path, const char *backing, struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = NULL;
	_cleanup_free_ char *now = NULL;
	int rc = volume_read_xml(call, path, &doc, e);

	if (rc < 0)
		return rc;
	now = xml_get(doc, NULL, "/volume/backingStore/path");
	return now && strcmp(now, backing) == 0;
}

int dir_stand_on(const struct hv_call *call, const char *path, const char *backing, struct error *e)
{
	struct held held = {.path = path, .format = "qcow2", .writes = true, .backing = backing};
	_cleanup_xml_ xmlDocPtr doc = NULL;
	_cleanup_free_ char *format = NULL;
	int rc = names_backing(call, path, backing, e);

	/* a daemon that was killed may have had it named, and not had that written */
	if (rc != 0)
		return rc < 0 ? rc : flush_new(call, path, e);
	rc = volume_read_xml(call, backing, &doc, e);
	if (rc < 0)
		return rc;
	format = xml_get(doc, NULL, "/volume/target/format/@type");
	if (!format)
		return error_set(e, EIO, "volume '%s' has no format", backing);
	held.backing_format = format;
	rc = change_backing(call, &held, backing, true, NULL, NULL, e);
	if (rc == 0)
		rc = names_backing(call, path, backing, e);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	return error_set(e, EIO, "volume '%s' cannot be based on '%s' again, is the storage full?", path,
			 backing);
}

int dir_flush_on_host(const struct hv_call *call, const char *path, const char *head, int64_t size,
		      hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	_cleanup_virt_domain_ virDomainPtr holder = NULL;
	_cleanup_free_ char *xml = raw_target_xml(path, size);
	const struct held held = {.path = head, .format = "raw"};
	bool begun;
	int rc = xml ? holder_start(call, WORK_FLUSH, path, &held, &holder, e)
		     : error_set(e, ENOMEM, "out of memory");

	if (rc < 0)
		return rc;
	rc = mirror(call, holder, path, xml, VIR_DOMAIN_BLOCK_COPY_REUSE_EXT, progress, ctx, &begun, &why);
	if (rc == -EIO)
		rc = error_set(e, EIO, "the host cannot write '%s' to its disk: %s", path,
			       error_sentence(&why));
	else if (rc < 0)
		rc = error_move(e, &why);
	return holder_end(call, holder, path, rc, e);
}
