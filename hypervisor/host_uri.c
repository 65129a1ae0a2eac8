/* SPDX-License-Identifier: Apache-2.0 */
/* See host_uri.h. */
#include "hypervisor/host_uri.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include <libxml/uri.h>

#include "model/cleanup.h"

struct uri {
	const char *text;	  /* borrowed */
	xmlURIPtr parts;	  /* owned */
	char *driver, *transport; /* driver is owned, transport a part of it; NULL = none */
};

static void uri_done(struct uri *u)
{
	xmlFreeURI(u->parts);
	free(u->driver);
}

/* A part of the URI, "" if it is missing. */
static const char *part(const char *text)
{
	return text ? text : "";
}

static bool consists_of(const char *text, const char *others)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(others, *text))
			return false;
	return true;
}

static bool is_path(const char *path)
{
	return path[0] == '/' && !strstr(path, "/../");
}

static bool is_socket(const struct uri *u, const char *value)
{
	/* over ssh, a shell of the host reads it */
	return is_path(value) &&
	       (!u->transport || !strstr(u->transport, "ssh") || consists_of(value, "/._-+@:,="));
}

static bool is_bit(const struct uri *u, const char *value)
{
	(void)u;
	return strcmp(value, "0") == 0 || strcmp(value, "1") == 0;
}

static bool is_mode(const struct uri *u, const char *value)
{
	(void)u;
	return strcmp(value, "auto") == 0 || strcmp(value, "legacy") == 0 || strcmp(value, "direct") == 0;
}

/* What stands before the host name is an argument of ssh. */
static bool is_user(const char *user)
{
	return *user && *user != '-' && consists_of(user, "._-");
}

static bool is_server(const char *server)
{
	return *server && *server != '-' && consists_of(server, ".-:[]%_");
}

/*
 * What a URI may have. Each row of libvirt's parameters that is missing here makes the daemon run a program
 * (command, netcat), read a file (keyfile, pkipath, known_hosts), or trust anybody (no_verify, no_sanity). What ssh
 * needs to know stands in the ssh_config of the daemon's user.
 */
static const struct driver {
	const char *name, *transport; /* "" = none given */
	bool local;		      /* names no server */
} drivers[] = {
	{"test", "", true},	{"qemu", "", false},	{"qemu", "unix", true},	   {"qemu", "tcp", false},
	{"qemu", "tls", false}, {"qemu", "ssh", false}, {"qemu", "libssh", false}, {"qemu", "libssh2", false},
};

static const struct parameter {
	const char *name, *driver;
	bool (*is_valid)(const struct uri *u, const char *value);
	const char *takes;
} parameters[] = {
	{"socket", "qemu", is_socket, "an absolute path, with ssh of letters, digits and /._-+@:,="},
	{"no_tty", "qemu", is_bit, "0 or 1"},
	{"mode", "qemu", is_mode, "auto, legacy or direct"},
};

static int check_parameter(const struct uri *u, const char *name, const char *value, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		const struct parameter *p = &parameters[i];

		if (strcmp(p->name, name) != 0 || strcmp(p->driver, u->driver) != 0)
			continue;
		return p->is_valid(u, value)
			       ? 0
			       : error_set(e, EINVAL, "'%s=%s' in '%s' is not accepted, it takes %s", name,
					   value, u->text, p->takes);
	}
	return error_set(
		e, EINVAL,
		"the parameter '%s' in '%s' is not accepted; qemu takes socket, no_tty and mode, test takes none",
		name, u->text);
}

/* @text: "name=value", encoded; an empty one is skipped, as libvirt does. */
static int check_encoded(const struct uri *u, const char *text, size_t len, struct error *e)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	_cleanup_free_ char *name = NULL, *value = NULL;

	if (len == 0)
		return 0;
	/* xmlURIUnescapeString() takes 0 for the length of the whole string */
	name = name_len ? xmlURIUnescapeString(text, (int)name_len, NULL) : strdup("");
	value = len > name_len + 1 ? xmlURIUnescapeString(equals + 1, (int)(len - name_len - 1), NULL)
				   : strdup("");
	return name && value ? check_parameter(u, name, value, e) : error_oom(e);
}

static int check_parameters(const struct uri *u, struct error *e)
{
	for (const char *text = part(u->parts->query_raw); *text;) {
		size_t len = strcspn(text, "&;");
		int r = check_encoded(u, text, len, e);

		if (r < 0)
			return r;
		text += len + (text[len] != '\0');
	}
	return 0;
}

/* The row of the driver and transport. */
static int find_driver(const struct uri *u, const struct driver **ret_driver, struct error *e)
{
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		if (strcmp(drivers[i].name, u->driver) != 0)
			continue;
		known = true;
		if (strcmp(drivers[i].transport, part(u->transport)) == 0 &&
		    !u->transport == !*drivers[i].transport) {
			*ret_driver = &drivers[i];
			return 0;
		}
	}
	if (!known)
		return error_set(e, EINVAL, "hypervisor '%s' in '%s' is not qemu or test", u->driver,
				 u->text);
	if (strcmp(u->driver, "test") == 0)
		return error_set(e, EINVAL, "a test host is always local, but '%s' names a transport",
				 u->text);
	return error_set(
		e, EINVAL,
		"the transport '%s' in '%s' is not accepted; unix, ssh, libssh, libssh2, tls and tcp are",
		u->transport, u->text);
}

static int check_server(const struct uri *u, const struct driver *driver, struct error *e)
{
	const char *server = part(u->parts->server), *user = u->parts->user;

	if (driver->local && (*server || user || u->parts->port > 0))
		return error_set(e, EINVAL, "a connection to this machine names no server, but '%s' does",
				 u->text);
	if (!driver->local && *driver->transport && !*server)
		return error_set(e, EINVAL, "no server name in '%s'", u->text);
	if (*server && !is_server(server))
		return error_set(e, EINVAL, "'%s' in '%s' is not the name or address of a server", server,
				 u->text);
	if (user && !is_user(user))
		return error_set(e, EINVAL, "'%s' in '%s' is not a user name", user, u->text);
	return 0;
}

static int check_path(const struct uri *u, struct error *e)
{
	const char *path = part(u->parts->path);
	size_t len = strlen(path);

	if (strcmp(u->driver, "test") == 0) {
		if (strcmp(path, "/default") == 0 ||
		    (len > 5 && is_path(path) && strcmp(path + len - 4, ".xml") == 0))
			return 0;
		return error_set(e, EINVAL, "'%s' names neither /default nor a file /....xml", u->text);
	}
	if (strcmp(path, "/system") == 0 || strcmp(path, "/session") == 0)
		return 0;
	return error_set(e, EINVAL, "path is not /system or /session in '%s'", u->text);
}

int hv_uri_check(const char *uri, struct error *e)
{
	_cleanup_(uri_done) struct uri u = {.text = uri, .parts = xmlParseURI(uri)};
	const struct driver *driver = NULL;
	int r;

	if (!u.parts || !u.parts->scheme || u.parts->opaque || u.parts->fragment)
		return error_set(e, EINVAL, "'%s' is not a URI of a host", uri);
	u.driver = strdup(u.parts->scheme);
	if (!u.driver)
		return error_oom(e);
	u.transport = strchr(u.driver, '+');
	if (u.transport)
		*u.transport++ = '\0';
	r = find_driver(&u, &driver, e);
	if (r == 0)
		r = check_server(&u, driver, e);
	if (r == 0)
		r = check_path(&u, e);
	return r < 0 ? r : check_parameters(&u, e);
}
