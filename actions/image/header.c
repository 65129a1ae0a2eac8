/* SPDX-License-Identifier: Apache-2.0 */
/* See header.h. */
#include "actions/image/header.h"

#include <inttypes.h>
#include <string.h>

#include "actions/image/qcow2_header.h"
#include "model/text.h"

#define SECTOR	   512
#define QCOW_MAGIC 0x514649fbu /* "QFI\xfb" */
/* First volume descriptor of ISO 9660: sector 16 of 2048 bytes; type, "CD001", version. */
#define ISO_DESCRIPTOR_OFFSET 32768

/* Bytes at a fixed offset that identify a format. Negative offsets count from the end of the file. */
static const struct magic {
	const char *name;
	int offset;
	uint8_t len;
	const char *bytes;
} magics[] = {
	{"vmdk", 0, 4, "KDMV"},
	{"vmdk", 0, 4, "COWD"},
	{"vmdk", 0, 21, "# Disk DescriptorFile"},
	{"vdi", 64, 4, "\x7f\x10\xda\xbe"},
	{"vhdx", 0, 8, "vhdxfile"},
	{"vhd", 0, 8, "conectix"},
	{"qed", 0, 4, "QED\0"},
	{"luks", 0, 6, "LUKS\xba\xbe"},
	{"parallels", 0, 16, "WithoutFreeSpace"},
	{"parallels", 0, 16, "WithouFreSpacExt"},
	{"bochs", 0, 22, "Bochs Virtual HD Image"},
	{"cloop", 0, 21, "#!/bin/sh\n#V2.0 Forma"},
	{"wim", 0, 8, "MSWIM\0\0\0"},
	{"gzip", 0, 3, "\x1f\x8b\x08"},
	{"bzip2", 0, 3, "BZh"}, /* with the block magic at 4, see magic_matches() */
	{"xz", 0, 6,
	 "\xfd"
	 "7zXZ\0"},
	{"zstd", 0, 4, "\x28\xb5\x2f\xfd"},
	{"lz4", 0, 4, "\x04\x22\x4d\x18"},
	{"lzip", 0, 5, "LZIP\1"},
	{"lzop", 0, 9, "\x89LZO\0\r\n\x1a\n"},
	{"zip", 0, 4, "PK\3\4"},
	{"7z", 0, 6, "7z\xbc\xaf\x27\x1c"},
	{"rar", 0, 6, "Rar!\x1a\x07"},
	{"tar or ova", 257, 5, "ustar"},
};

/* The same at the end of the file, checked after ISO 9660. */
static const struct magic trailers[] = {
	{"vhd", -512, 8, "conectix"},
	{"vhd", -511, 8, "conectix"}, /* fixed images of Virtual PC before 2004 */
	{"dmg", -512, 8, "koly\0\0\0\4"},
};

static const char *const format_names[] = {
	[IMAGE_FORMAT_RAW] = "raw",
	[IMAGE_FORMAT_QCOW2] = "qcow2",
	[IMAGE_FORMAT_ISO] = "iso",
};

const char *image_format_name(enum image_format format)
{
	return format_names[format];
}

bool image_format_from_name(const char *name, enum image_format *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(format_names); i++) {
		if (strcmp(name, format_names[i]) == 0) {
			*ret = (enum image_format)i;
			return true;
		}
	}
	return false;
}

const char *image_format_media_type(enum image_format format)
{
	return format == IMAGE_FORMAT_ISO ? "ISO" : "RootVolumeTemplate";
}

static int refuse_format(const char *name, struct error *e)
{
	return error_set(e, EOPNOTSUPP, "format '%s' is not supported, convert it to qcow2 first", name);
}

/* Checks the block magic too: three bytes are too few to take the boot code of a raw disk for an archive. */
static bool bzip2_matches(const uint8_t *head, size_t len)
{
	return len >= 10 && head[3] >= '1' && head[3] <= '9' &&
	       (memcmp(head + 4, "1AY&SY", 6) == 0 || memcmp(head + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
}

static bool magic_matches(const struct magic *m, const uint8_t *head, size_t len)
{
	if ((size_t)m->offset + m->len > len || memcmp(head + m->offset, m->bytes, m->len) != 0)
		return false;
	return strcmp(m->name, "bzip2") != 0 || bzip2_matches(head, len);
}

/* Skips a byte order mark of UTF-8, white space and the comments of HTML and XML. */
static size_t skip_prologue(const char *text, size_t len)
{
	size_t i = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	for (;;) {
		const char *end;

		while (i < len && strchr(" \t\r\n", text[i]) && text[i])
			i++;
		if (len - i < 4 || memcmp(text + i, "<!--", 4) != 0)
			return i;
		end = memmem(text + i + 4, len - i - 4, "-->", 3);
		if (!end)
			return len; /* nothing but a comment so far */
		i = (size_t)(end - text) + 3;
	}
}

/* What no disk begins with, behind the prologue. */
static const struct opening {
	const char *text, *what;
} openings[] = {
	{"<!DOCTYPE html", "an HTML page"}, {"<html", "an HTML page"},	  {"<head", "an HTML page"},
	{"<body", "an HTML page"},	    {"<?xml", "an XML document"},
};

/* True for text that people read: UTF-8 without control characters; a character may be cut off at the end. */
static bool is_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)text[i] < ' ' && !strchr("\t\r\n\f\033", text[i])) || text[i] == 0x7f ||
		    !text[i])
			return false;
	for (size_t cut = 0; cut < 4 && cut < len; cut++)
		if (text_is_utf8(text, len - cut))
			return true;
	return false;
}

/* What the text at the start of the file is, static; NULL for a disk. */
static const char *text_kind(const char *head, size_t len)
{
	size_t i = skip_prologue(head, len);

	for (size_t k = 0; k < ARRAY_SIZE(openings); k++)
		if (len - i >= strlen(openings[k].text) &&
		    strncasecmp(head + i, openings[k].text, strlen(openings[k].text)) == 0)
			return openings[k].what;
	if (!is_text(head, len))
		return NULL;
	if (i == len)
		return "an empty text";
	return head[i] == '<'			  ? "an XML document"
	       : head[i] == '{' || head[i] == '[' ? "a JSON document"
						  : "a text";
}

static int refuse_known_magics(const uint8_t *head, size_t len, struct error *e)
{
	const char *what;

	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (magic_matches(&magics[i], head, len))
			return refuse_format(magics[i].name, e);
	what = text_kind((const char *)head, len);
	return what ? error_set(e, EOPNOTSUPP, "the file is %s, not a disk image", what) : 0;
}

static int refuse_known_trailers(const struct image_source *s, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(trailers); i++) {
		const struct magic *m = &trailers[i];
		uint8_t bytes[8];
		int r;

		if (s->size < -m->offset)
			continue;
		r = image_source_read(s, bytes, m->len, s->size + m->offset, e);
		if (r < 0)
			return r;
		if (memcmp(bytes, m->bytes, m->len) == 0)
			return refuse_format(m->name, e);
	}
	return 0;
}

/* 1 for an ISO, 0 for any other format, -errno. */
static int is_iso(const struct image_source *s, struct error *e)
{
	uint8_t descriptor[7];
	int r;

	if (s->size < IMAGE_ISO_SIZE)
		return 0;
	r = image_source_read(s, descriptor, sizeof(descriptor), ISO_DESCRIPTOR_OFFSET, e);
	if (r < 0)
		return r;
	return memcmp(descriptor + 1, "CD001", 5) == 0;
}

int image_header_parse(const struct image_source *s, struct image_info *ret, struct error *e)
{
	uint8_t head[IMAGE_HEAD_SIZE];
	size_t len = s->size < IMAGE_HEAD_SIZE ? (size_t)s->size : IMAGE_HEAD_SIZE;
	int64_t rounded;
	int r, iso;

	if (s->size <= 0)
		return error_set(e, EINVAL, "the image is empty");
	if (s->size > IMAGE_VIRTUAL_SIZE_MAX)
		return error_set(e, EINVAL, "the image has %" PRId64 " bytes, more than %" PRId64, s->size,
				 IMAGE_VIRTUAL_SIZE_MAX);
	r = image_source_read(s, head, len, 0, e);
	if (r < 0)
		return r;
	if (len >= 8 && image_get32(head) == QCOW_MAGIC)
		return qcow2_header_parse(s, head, len, ret, e);
	r = s->any_raw ? 0 : refuse_known_magics(head, len, e);
	if (r < 0)
		return r;
	iso = is_iso(s, e);
	if (iso < 0)
		return iso;
	r = iso || s->partial || s->any_raw ? 0 : refuse_known_trailers(s, e);
	if (r < 0)
		return r;
	rounded = s->size + (SECTOR - s->size % SECTOR) % SECTOR;
	*ret = (struct image_info){
		.format = iso ? IMAGE_FORMAT_ISO : IMAGE_FORMAT_RAW,
		.virtual_size = rounded,
		.actual_size = s->actual_size,
	};
	return 0;
}

int image_info_check(const struct image_info *info, struct error *e)
{
	if (info->backing_file)
		return error_set(
			e, EOPNOTSUPP,
			"the image has a backing file, flatten it with 'qemu-img convert -O qcow2' first");
	if (info->data_file)
		return error_set(
			e, EOPNOTSUPP,
			"the image has an external data file, merge them with 'qemu-img convert -O qcow2' first");
	if (info->encrypted)
		return error_set(e, EOPNOTSUPP,
				 "the image is encrypted, decrypt it with 'qemu-img convert -O qcow2' first");
	if (info->corrupt)
		return error_set(
			e, EINVAL,
			"the image is marked as corrupt, repair it with 'qemu-img check -r all' first");
	if (info->virtual_size <= 0 || info->virtual_size > IMAGE_VIRTUAL_SIZE_MAX)
		return error_set(e, EINVAL,
				 "the virtual size of the image is %" PRId64 ", not in 1..%" PRId64,
				 info->virtual_size, IMAGE_VIRTUAL_SIZE_MAX);
	if (info->actual_size < 0)
		return error_set(e, EINVAL, "the actual size of the image is %" PRId64, info->actual_size);
	return 0;
}
