/* SPDX-License-Identifier: Apache-2.0 */
/* See host_uri.h. */
#include "hypervisor/host_uri.h"

#include <string.h>

#include <libxml/uri.h>

#include "model/cleanup.h"

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static int check_qemu(const xmlURI *parts, const char *transport, const char *uri, struct error *e)
{
	static const char *const transports[] = {"unix",   "tcp",     "tls", "ssh",
						 "libssh", "libssh2", "ext", NULL};
	static const char *const remote[] = {"tcp", "tls", "ssh", "libssh", "libssh2", NULL};

	if (transport && !is_one_of(transport, transports))
		return error_set(e, EINVAL, "unknown transport '%s' in '%s'", transport, uri);
	if (transport && is_one_of(transport, remote) && (!parts->server || parts->server[0] == '\0'))
		return error_set(e, EINVAL, "no server name in '%s'", uri);
	if (!parts->path || (strcmp(parts->path, "/system") != 0 && strcmp(parts->path, "/session") != 0))
		return error_set(e, EINVAL, "path is not /system or /session in '%s'", uri);
	return 0;
}

static int check_test(const xmlURI *parts, const char *transport, const char *uri, struct error *e)
{
	if (transport || (parts->server && parts->server[0] != '\0'))
		return error_set(e, EINVAL,
				 "a test host is always local, but '%s' names a transport or server", uri);
	if (!parts->path || parts->path[0] != '/' || parts->path[1] == '\0')
		return error_set(e, EINVAL, "'%s' names neither /default nor a file", uri);
	return 0;
}

int hv_uri_check(const char *uri, struct error *e)
{
	xmlURIPtr parts = xmlParseURI(uri);
	_cleanup_free_ char *driver = NULL;
	char *transport;
	int rc;

	if (!parts || !parts->scheme) {
		xmlFreeURI(parts);
		return error_set(e, EINVAL, "'%s' is not a URI", uri);
	}
	driver = strdup(parts->scheme);
	transport = driver ? strchr(driver, '+') : NULL;
	if (transport)
		*transport++ = '\0';
	if (!driver)
		rc = error_set(e, ENOMEM, "out of memory");
	else if (strcmp(driver, "qemu") == 0)
		rc = check_qemu(parts, transport, uri, e);
	else if (strcmp(driver, "test") == 0)
		rc = check_test(parts, transport, uri, e);
	else
		rc = error_set(e, EINVAL, "hypervisor '%s' in '%s' is not qemu or test", driver, uri);
	xmlFreeURI(parts);
	return rc;
}
