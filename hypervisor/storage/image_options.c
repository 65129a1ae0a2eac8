/* SPDX-License-Identifier: Apache-2.0 */
/* How QEMU's own programs are told of an image (--image-opts). */
#include <string.h>

#include "hypervisor/storage/ceph.h"

/* Writes ",@key=@value", in which a comma of the value is written twice. */
static void write_option(FILE *f, const char *key, const char *value)
{
	fprintf(f, ",%s=", key);
	for (; *value; value++) {
		(void)fputc(*value, f);
		if (*value == ',')
			(void)fputc(',', f);
	}
}

static void write_ceph(FILE *f, const struct ceph_path *p)
{
	write_option(f, "file.driver", "rbd");
	write_option(f, "file.pool", p->pool);
	write_option(f, "file.image", p->image ? p->image : "");
	if (p->snapshot)
		write_option(f, "file.snapshot", p->snapshot);
	if (p->user)
		write_option(f, "file.user", p->user);
	else
		write_option(f, "file.auth-client-required.0", "none");
	for (size_t i = 0; i < p->monitor_count; i++) {
		char key[64];

		(void)snprintf(key, sizeof(key), "file.server.%zu.host", i);
		write_option(f, key, p->monitors[i].host);
		(void)snprintf(key, sizeof(key), "file.server.%zu.port", i);
		write_option(f, key, p->monitors[i].port);
	}
}

char *hv_image_options(const char *path, const char *format)
{
	_cleanup_ceph_ struct ceph_path p = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	if (ceph_is_path(path) && ceph_path_parse(path, &p, NULL) < 0)
		return NULL;
	f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	fprintf(f, "driver=%s", format);
	if (p.text) {
		write_ceph(f, &p);
	} else {
		write_option(f, "file.driver", "file");
		write_option(f, "file.filename", path);
	}
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}
