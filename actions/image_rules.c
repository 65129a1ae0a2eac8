/* SPDX-License-Identifier: Apache-2.0 */
/* See image_rules.h. */
#include "image_rules.h"

#include <string.h>
#include <strings.h>

static const char *const formats[] = {"qcow2", "raw", "iso"};

const char *image_url_path(const char *url)
{
	static const char scheme[] = "file:///";

	if (url[0] == '/')
		return url;
	return strncasecmp(url, scheme, sizeof(scheme) - 1) == 0 ? url + sizeof(scheme) - 2 : NULL;
}

/* One of the static names of formats; NULL when unknown. */
static const char *known_format(const char *format)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (strcmp(formats[i], format) == 0)
			return formats[i];
	return NULL;
}

static bool is_iso(const char *format, const char *media_type)
{
	return strcmp(format, "iso") == 0 || (media_type && strcmp(media_type, "ISO") == 0);
}

int image_check_claim(const char *format, const char *media_type, bool system, struct error *e)
{
	if (!known_format(format))
		return error_set(e, EINVAL, "unknown format[%s]", format);
	if (system && is_iso(format, media_type))
		return error_set(e, EINVAL, "ISO cannot be used as system image");
	return 0;
}

const char *image_claimed_format(const char *format, const char *media_type)
{
	return is_iso(format, media_type) ? "iso" : known_format(format);
}

int image_decide(const char *format, const char *media_type, bool system, const char *found,
		 const char **ret_format, const char **ret_media_type, struct error *e)
{
	const char *claimed = image_claimed_format(format, media_type);
	const char *real = known_format(found);
	bool iso = strcmp(found, "iso") == 0;

	if (iso && strcmp(claimed, "raw") == 0 && media_type) {
		real = "raw";
		iso = false;
	}
	if (!real || (!iso && strcmp(claimed, "iso") == 0) ||
	    (strcmp(claimed, "qcow2") == 0 && strcmp(found, "raw") == 0))
		return error_set(e, EINVAL, "the format is '%s' but the file is '%s'", claimed, found);
	if (iso && system)
		return error_set(e, EINVAL, "ISO cannot be used as system image");
	*ret_format = real;
	if (iso)
		*ret_media_type = "ISO";
	else if (media_type && strcmp(media_type, "DataVolumeTemplate") == 0)
		*ret_media_type = "DataVolumeTemplate";
	else
		*ret_media_type = "RootVolumeTemplate";
	return 0;
}

const char *image_disk_format(const char *format)
{
	return strcmp(format, "qcow2") == 0 ? "qcow2" : "raw";
}
