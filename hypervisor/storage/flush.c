/* SPDX-License-Identifier: Apache-2.0 */
/* See flush.h. */
#include "hypervisor/storage/flush.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "hypervisor/storage/virt_storage.h"
#include "hypervisor/xml.h"
#include "model/durable.h"

void flush_done(struct flush *flush)
{
	free(flush->path);
	if (flush->fd >= 0)
		(void)close(flush->fd);
	*flush = FLUSH_INIT;
}

/* The name needs the folder, too. */
static bool can_read_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;

	return folder && faccessat(AT_FDCWD, folder, R_OK, AT_EACCESS) == 0;
}

void flush_begin(struct flush *flush, const struct hv_call *call, const char *path)
{
	flush_done(flush);
	if (!call->host->here || call->simulated || !can_read_folder(path))
		return;
	flush->fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	flush->path = flush->fd >= 0 ? strdup(path) : NULL;
	if (!flush->path)
		flush_done(flush);
}

/* True when the time that libvirt writes as @text, "1700000000.000000001", is that of the last change of @fd. */
static bool is_same_file(int fd, const char *text)
{
	char here[64];
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	(void)snprintf(here, sizeof(here), st.st_mtim.tv_nsec ? "%" PRIdMAX ".%09ld" : "%" PRIdMAX,
		       (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	return text && strcmp(here, text) == 0;
}

/* A libvirtd on this machine may have other file systems (namespaces) than this process. */
static int is_of_host(const struct flush *flush, const struct hv_call *call, bool *ret_same, struct error *e)
{
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	_cleanup_free_ char *text = NULL, *changed = NULL;
	_cleanup_xml_ xmlDocPtr doc = NULL;
	int rc = volume_find(call, flush->path, &volume, e);

	if (rc < 0)
		return rc;
	text = virStorageVolGetXMLDesc(volume, 0);
	doc = text ? xml_parse(text) : NULL;
	changed = doc ? xml_get(doc, NULL, "/volume/target/timestamps/mtime") : NULL;
	*ret_same = is_same_file(flush->fd, changed);
	return 0;
}

int flush_is_here(struct flush *flush, const struct hv_call *call, bool *ret_here, struct error *e)
{
	int rc = flush->path && !flush->here ? is_of_host(flush, call, &flush->here, e) : 0;

	*ret_here = flush->here;
	return rc;
}

int flush_end(struct flush *flush, const struct hv_call *call, bool *ret_here, struct error *e)
{
	bool here;
	int rc = flush_is_here(flush, call, &here, e);

	if (rc == 0 && here)
		rc = durable_file(flush->fd, flush->path, e);
	if (ret_here)
		*ret_here = here;
	flush_done(flush);
	return rc;
}

int flush_new(const struct hv_call *call, const char *path, struct error *e)
{
	_cleanup_flush_ struct flush flush = FLUSH_INIT;

	flush_begin(&flush, call, path);
	return flush_end(&flush, call, NULL, e);
}
