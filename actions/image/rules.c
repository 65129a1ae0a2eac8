/* SPDX-License-Identifier: Apache-2.0 */
/* See rules.h. */
#include "actions/image/rules.h"

#include <string.h>
#include <strings.h>

#include "model/text.h"

static const char *const formats[] = {"qcow2", "raw", "iso"};

/* The static string of a format; NULL for an unknown one. */
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

static int refuse_system_iso(struct error *e)
{
	return error_set(e, EINVAL, "ISO cannot be used as system image");
}

int image_check_claim(const char *format, const char *media_type, bool system, struct error *e)
{
	if (!known_format(format))
		return error_set(e, EINVAL, "unknown format[%s]", format);
	return system && is_iso(format, media_type) ? refuse_system_iso(e) : 0;
}

const char *image_claimed_format(const char *format, const char *media_type)
{
	return is_iso(format, media_type) ? "iso" : known_format(format);
}

int image_decide(const char *format, const char *media_type, bool system, const char *found,
		 const char **ret_format, const char **ret_media_type, struct error *e)
{
	const char *claimed = image_claimed_format(format, media_type);
	const char *actual = known_format(found);
	bool iso = strcmp(found, "iso") == 0;

	if (iso && strcmp(claimed, "raw") == 0 && media_type) {
		actual = "raw";
		iso = false;
	}
	if (!actual || (!iso && strcmp(claimed, "iso") == 0) ||
	    (strcmp(claimed, "qcow2") == 0 && strcmp(found, "raw") == 0))
		return error_set(e, EINVAL, "the format is '%s' but the file is '%s'", claimed, found);
	if (iso && system)
		return refuse_system_iso(e);
	*ret_format = actual;
	if (iso)
		*ret_media_type = "ISO";
	else if (media_type && strcmp(media_type, "DataVolumeTemplate") == 0)
		*ret_media_type = "DataVolumeTemplate";
	else
		*ret_media_type = "RootVolumeTemplate";
	return 0;
}

/* The suffixes of file names and their formats. */
static const struct suffix {
	const char *text, *format;
} suffixes[] = {
	{".qcow2", "qcow2"},
	{".raw", "raw"},
	{".img", "raw"},
	{".iso", "iso"},
};

int image_name_parse(const char *file_name, char **ret_name, const char **ret_format, struct error *e)
{
	size_t len = strlen(file_name);

	if (!text_is_utf8(file_name, len))
		return error_set(e, EINVAL, "the name is not UTF-8");
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t suffix = strlen(suffixes[i].text);

		if (len <= suffix || strcasecmp(file_name + len - suffix, suffixes[i].text) != 0)
			continue;
		*ret_name = strndup(file_name, len - suffix);
		if (!*ret_name)
			return error_oom(e);
		*ret_format = known_format(suffixes[i].format);
		return 0;
	}
	return error_set(
		e, EINVAL,
		"the name '%s' does not say what the file is, it must end with .qcow2, .raw, .img or .iso",
		file_name);
}

int image_check_name(const char *format, const char *found, struct error *e)
{
	if (strcmp(format, found) == 0)
		return 0;
	return error_set(
		e, EINVAL,
		"the name says that the file is '%s', but the content is '%s'; if that is intended, use the suffix "
		".%s",
		format, found, found);
}

const char *image_disk_format(const char *format)
{
	return strcmp(format, "qcow2") == 0 ? "qcow2" : "raw";
}

bool image_is_iso(const struct object *image)
{
	return image && object_str_is(image, IMAGE_MEDIA_TYPE, "ISO");
}
