/* SPDX-License-Identifier: Apache-2.0 */
/* See ceph_source.h. */
#include "hypervisor/storage/ceph_source.h"

#include <string.h>

#include <libvirt/virterror.h>
#include <sodium.h>

#include "hypervisor/errors.h"
#include "hypervisor/storage/image_options.h"

#define CONFIG "/etc/ceph/ceph.conf"
/* A key is 28 bytes, written as 40 characters. */
#define KEYRING_MAX 4096

/* The name under which a host stores the user's key. */
static char *secret_usage(const struct ceph_path *p)
{
	char *usage = NULL;

	return asprintf(&usage, "poolfs client.%s of %s", p->user, p->monitors[0].host) < 0 ? NULL : usage;
}

static void write_auth(struct xml *x, const struct ceph_path *p, bool of_pool)
{
	_cleanup_free_ char *usage = p->user ? secret_usage(p) : NULL;

	if (!p->user)
		return;
	if (!usage)
		x->failed = true;
	xml_open(x, "auth", "type", of_pool ? "ceph" : NULL, "username", p->user, NULL);
	/* a pool's secret takes its type from the auth element */
	xml_leaf(x, "secret", "type", of_pool ? NULL : "ceph", "usage", usage, NULL);
	xml_close(x);
}

void ceph_write_source(struct xml *x, const struct ceph_path *p)
{
	_cleanup_free_ char *name = NULL;

	if (p->image && asprintf(&name, "%s/%s", p->pool, p->image) < 0) {
		name = NULL;
		x->failed = true;
	}
	if (p->image) {
		xml_open(x, "source", "protocol", "rbd", "name", name, NULL);
	} else {
		xml_open(x, "source", NULL);
		xml_element(x, "name", p->pool);
	}
	for (size_t i = 0; i < p->monitor_count; i++)
		xml_leaf(x, "host", "name", p->monitors[i].host, "port", p->monitors[i].port, NULL);
	if (p->snapshot)
		xml_leaf(x, "snapshot", "name", p->snapshot, NULL);
	write_auth(x, p, !p->image);
	xml_close(x);
}

void ceph_print_monitor(FILE *f, const char *host, const char *port)
{
	bool bracket = strchr(host, ':') != NULL;

	fprintf(f, "%s%s%s:%s", bracket ? "[" : "", host, bracket ? "]" : "", port);
}

/* Writes one more monitor and a comma to the FILE that @ctx is. */
static int write_monitor(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	_cleanup_free_ char *host = xml_get(doc, node, "@name");
	_cleanup_free_ char *port = xml_get(doc, node, "@port");

	ceph_print_monitor(ctx, host ? host : "", port ? port : CEPH_DEFAULT_PORT);
	return fputc(',', ctx) == EOF;
}

char *ceph_path_of_source(xmlDocPtr doc, xmlNodePtr source)
{
	_cleanup_free_ char *name = xml_get(doc, source, "@name"),
			    *user = xml_get(doc, source, "auth/@username"),
			    *snapshot = xml_get(doc, source, "snapshot/@name"),
			    *where = (char *)xmlGetNodePath(source), *hosts = NULL, *monitors = NULL;
	char *path = NULL;
	size_t len = 0;
	FILE *f = where ? open_memstream(&monitors, &len) : NULL;

	if (!name)
		name = xml_get(doc, source, "name");
	if (!f || asprintf(&hosts, "%s/host", where) < 0) {
		hosts = NULL;
		if (f)
			(void)fclose(f);
		return NULL;
	}
	(void)xml_each(doc, hosts, write_monitor, f);
	if (fclose(f) != 0 || !name || len == 0)
		return NULL;
	monitors[len - 1] = '\0'; /* the last comma */
	if (asprintf(&path, CEPH_SCHEME "%s%s%s/%s%s%s", user ? user : "", user ? "@" : "", monitors, name,
		     snapshot ? "@" : "", snapshot ? snapshot : "") < 0)
		return NULL;
	return path;
}

/* ------------------------------------------------------------------------- QEMU */

int ceph_write_options(FILE *f, const char *path)
{
	_cleanup_ceph_ struct ceph_path p;
	int r = ceph_path_parse(path, &p, NULL);

	if (r < 0)
		return r;
	image_option_write(f, "file.driver", "rbd");
	image_option_write(f, "file.pool", p.pool);
	image_option_write(f, "file.image", p.image ? p.image : "");
	if (p.snapshot)
		image_option_write(f, "file.snapshot", p.snapshot);
	if (p.user)
		image_option_write(f, "file.user", p.user);
	else
		image_option_write(f, "file.auth-client-required.0", "none");
	for (size_t i = 0; i < p.monitor_count; i++) {
		char key[64];

		(void)snprintf(key, sizeof(key), "file.server.%zu.host", i);
		image_option_write(f, key, p.monitors[i].host);
		(void)snprintf(key, sizeof(key), "file.server.%zu.port", i);
		image_option_write(f, key, p.monitors[i].port);
	}
	return 0;
}

/* -------------------------------------------------------------------------- keys */

/* The key in a keyring: the word after "key =". Modifies @text. */
static char *find_key(char *text)
{
	for (char *line = strtok_r(text, "\n", &text); line; line = strtok_r(NULL, "\n", &text)) {
		line += strspn(line, " \t");
		if (strncmp(line, "key", 3) != 0)
			continue;
		line += 3 + strspn(line + 3, " \t");
		if (*line++ != '=')
			continue;
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r")] = '\0';
		return line;
	}
	return NULL;
}

static char *secret_xml(const char *usage)
{
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "secret", "ephemeral", "no", "private", "yes", NULL);
	xml_open(&x, "usage", "type", "ceph", NULL);
	xml_element(&x, "name", usage);
	xml_close(&x);
	xml_close(&x);
	return xml_finish(&x);
}

/* Stores the key @base64 on the host under @usage. */
static int set_secret(virConnectPtr conn, const char *usage, const char *base64, struct error *e)
{
	virSecretPtr secret = virSecretLookupByUsage(conn, VIR_SECRET_USAGE_TYPE_CEPH, usage);
	_cleanup_free_ char *xml = NULL;
	unsigned char bytes[KEYRING_MAX];
	size_t len = 0;
	int r;

	if (sodium_base642bin(bytes, sizeof(bytes), base64, strlen(base64), NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) < 0)
		return error_set(e, EINVAL, "the key for '%s' is not valid base64", usage);
	if (!secret) {
		xml = secret_xml(usage);
		secret = xml ? virSecretDefineXML(conn, xml, 0) : NULL;
	}
	if (!secret)
		return error_set_virt(e, conn, "cannot define the secret '%s'", usage);
	r = virSecretSetValue(secret, bytes, len, 0) < 0
		    ? error_set_virt(e, conn, "cannot set the secret '%s'", usage)
		    : 0;
	sodium_memzero(bytes, sizeof(bytes));
	(void)virSecretFree(secret);
	return r;
}

int ceph_define_secret(virConnectPtr conn, const struct ceph_path *p, struct error *e)
{
	_cleanup_free_ char *file = NULL, *usage = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	char text[KEYRING_MAX + 1];
	const char *key;
	size_t len;

	if (!p->user)
		return 0;
	usage = secret_usage(p);
	if (!usage || asprintf(&file, "/etc/ceph/ceph.client.%s.keyring", p->user) < 0) {
		file = NULL;
		return error_set(e, ENOMEM, "out of memory");
	}
	if (access(CONFIG, R_OK) < 0)
		return error_set(e, errno,
				 "cannot read '%s', without which QEMU finds no key of Ceph's user '%s': %s",
				 CONFIG, p->user, strerror(errno));
	f = fopen(file, "re");
	if (!f)
		return error_set(e, errno, "cannot read the key of Ceph's user '%s' from '%s': %s", p->user,
				 file, strerror(errno));
	len = fread(text, 1, KEYRING_MAX, f);
	text[len] = '\0';
	key = find_key(text);
	if (!key)
		return error_set(e, EINVAL, "'%s' contains no key", file);
	return set_secret(conn, usage, key, e);
}
