/* SPDX-License-Identifier: Apache-2.0 */
/* See ceph_path.h. */
#include "hypervisor/storage/ceph_path.h"

#include <string.h>

#include "model/cleanup.h"

/* Letters, digits and what else names of Ceph and DNS consist of. A name never looks like an option. */
static bool is_name(const char *text, const char *extra)
{
	if (text[0] == '\0' || text[0] == '-')
		return false;
	for (const char *c = text; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
		      *c == '-' || *c == '_' || *c == '.' || strchr(extra, *c)))
			return false;
	return true;
}

static bool is_port(const char *text)
{
	long port = strspn(text, "0123456789") == strlen(text) ? strtol(text, NULL, 10) : 0;

	return port > 0 && port < 65536;
}

/* "host", "host:port", "[address]:port"; modifies @text. */
static bool parse_monitor(struct ceph_path *p, char *text)
{
	char *colon;

	if (p->monitor_count == CEPH_MONITORS_MAX)
		return false;
	if (*text == '[') {
		char *end = strchr(++text, ']');

		if (!end)
			return false;
		*end++ = '\0';
		colon = *end == ':' ? end : NULL;
		if (*end && !colon)
			return false;
	} else {
		colon = strchr(text, ':');
	}
	if (colon)
		*colon++ = '\0';
	if (!is_name(text, ":") || (colon && !is_port(colon)))
		return false;
	p->monitors[p->monitor_count].host = text;
	p->monitors[p->monitor_count].port = colon ? colon : CEPH_DEFAULT_PORT;
	p->monitor_count++;
	return true;
}

static bool parse(struct ceph_path *p)
{
	char *monitors = p->text, *pool = strchr(p->text, '/'), *image, *at, *monitor;

	if (!pool)
		return false;
	*pool++ = '\0';
	at = strchr(monitors, '@');
	if (at) {
		*at = '\0';
		p->user = monitors;
		monitors = at + 1;
		if (!is_name(p->user, ""))
			return false;
	}
	while ((monitor = strsep(&monitors, ",")))
		if (!parse_monitor(p, monitor))
			return false;
	image = strchr(pool, '/');
	if (image) {
		*image++ = '\0';
		at = strchr(image, '@');
		if (at) {
			*at++ = '\0';
			p->snapshot = at;
			if (!is_name(at, ""))
				return false;
		}
		p->image = image;
		if (!is_name(image, ""))
			return false;
	}
	p->pool = pool;
	return is_name(pool, "");
}

int ceph_path_parse(const char *path, struct ceph_path *ret, struct error *e)
{
	*ret = (struct ceph_path){0};
	if (ceph_is_path(path)) {
		ret->text = strdup(path + strlen(CEPH_SCHEME));
		if (!ret->text)
			return error_set(e, ENOMEM, "out of memory");
		if (parse(ret))
			return 0;
	}
	return error_set(e, EINVAL,
			 "'%s' must have the form ceph://[user@]monitor[:port],monitor[:port]/pool",
			 path ? path : "");
}

void ceph_path_done(struct ceph_path *p)
{
	free(p->text);
	p->text = NULL;
}

int hv_ceph_url_check(const char *url, struct error *e)
{
	_cleanup_ceph_ struct ceph_path p;
	int r = ceph_path_parse(url, &p, e);

	if (r == 0 && p.image)
		r = error_set(e, EINVAL, "'%s' names an image, not a pool", url);
	return r;
}
