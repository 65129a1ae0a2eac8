/* SPDX-License-Identifier: Apache-2.0 */
/* See simulator.h. */
#include "actions/host/simulator.h"
#include "model/durable.h"
#include "model/log.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* Resources of a simulated host by default: bytes, and processors. */
#define MEMORY_DEFAULT (INT64_C(16) << 30)
#define CPUS_DEFAULT   16

/* The file with the resources of the simulated machine, in the form of libvirt's test driver; allocated. */
static char *description_path(struct pool *pool, const char *uuid)
{
	char *path;

	return asprintf(&path, "%s/simulators/%s.xml", pool_state_dir(pool), uuid) < 0 ? NULL : path;
}

static int cannot_write(const char *path, struct error *e)
{
	return error_set(e, errno, "cannot write '%s': %s", path, strerror(errno));
}

static int write_description(const char *path, int64_t cpus, int64_t memory, struct error *e)
{
	_cleanup_free_ char *folder = strndup(path, (size_t)(strrchr(path, '/') - path));
	_cleanup_fclose_ FILE *f = NULL;
	int r;

	if (!folder)
		return error_oom(e);
	r = durable_folder_make(folder, 0700, e);
	if (r < 0)
		return r;
	f = fopen(path, "we");
	if (!f)
		return cannot_write(path, e);
	fprintf(f,
		"<node>\n"
		"  <cpu><mhz>2000</mhz><model>simulated</model><active>%" PRId64 "</active><nodes>1</nodes>"
		"<sockets>1</sockets><cores>%" PRId64 "</cores><threads>1</threads></cpu>\n"
		"  <memory>%" PRId64 "</memory>\n"
		"</node>\n",
		cpus, cpus, memory >> 10);
	return fflush(f) == 0 ? durable_file(fileno(f), path, e) : cannot_write(path, e);
}

/* @scheme and @path as a URI, escaped; allocated. */
static char *uri_of_path(const char *scheme, const char *path)
{
	size_t prefix = strlen(scheme);
	char *uri = malloc(prefix + 3 * strlen(path) + 1), *out;

	if (!uri)
		return NULL;
	memcpy(uri, scheme, prefix);
	out = uri + prefix;
	for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
		if (isalnum(*p) || strchr("/-._~", *p))
			*out++ = (char)*p;
		else
			out += snprintf(out, 4, "%%%02X", *p);
	}
	*out = '\0';
	return uri;
}

int host_simulator_describe(struct pool *pool, const char *uuid, int64_t cpus, int64_t memory, char **ret_uri,
			    struct error *e)
{
	_cleanup_free_ char *path = description_path(pool, uuid);
	_cleanup_free_ char *uri = path ? uri_of_path("test://", path) : NULL;
	int r;

	if (!uri)
		return error_oom(e);
	r = write_description(path, cpus ? cpus : CPUS_DEFAULT, memory ? memory : MEMORY_DEFAULT, e);
	if (r < 0)
		return r;
	*ret_uri = steal(&uri);
	return 0;
}

void host_simulator_forget(struct pool *pool, const char *uuid)
{
	_cleanup_free_ char *path = description_path(pool, uuid);

	if (path && unlink(path) < 0 && errno != ENOENT)
		log_error("host", uuid, "cannot remove '%s': %s", path, strerror(errno));
}
