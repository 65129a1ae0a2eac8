/* SPDX-License-Identifier: Apache-2.0 */
/* See readme_tables.h. */
#include "fs/class/readme_tables.h"

#include <inttypes.h>
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/system_tag.h"

static void print_settings(FILE *f)
{
	size_t count;
	const struct setting *s = settings_all(&count);

	fprintf(f,
		"\nSettings, in global-configurations/CATEGORY/NAME/value: the key, its default, and what it does.\n\n");
	for (size_t i = 0; i < count; i++, s++) {
		fprintf(f, "%-58s %-8s %s", s->key, *s->default_value ? s->default_value : "-",
			s->description);
		if (s->type == SETTING_CHOICE)
			for (const char *const *v = s->values; *v; v++)
				fprintf(f, "%s%s", v == s->values ? " (" : ", ", *v);
		fprintf(f, "%s\n", s->type == SETTING_CHOICE ? ")" : "");
	}
}

/* "ha::NeverStop|OnHostFailure" */
static void show_tag(const struct system_tag *tag, char *text, size_t size)
{
	size_t len = (size_t)snprintf(text, size, "%s%s", tag->prefix, tag->form == TAG_MARK ? "" : "::");

	if (tag->form == TAG_VALUE)
		(void)snprintf(text + len, size - len, "%s", tag->takes);
	if (tag->form == TAG_NUMBER && tag->max < INT32_MAX)
		(void)snprintf(text + len, size - len, "<%" PRId64 "-%" PRId64 ">", tag->min, tag->max);
	else if (tag->form == TAG_NUMBER)
		(void)snprintf(text + len, size - len, "<number>");
	for (const char *const *v = tag->form == TAG_CHOICE ? tag->values : NULL; v && *v && len < size; v++)
		len += (size_t)snprintf(text + len, size - len, "%s%s", v == tag->values ? "" : "|", *v);
}

static void print_system_tags(FILE *f)
{
	fprintf(f,
		"\nSystem tags: the value they take, the objects that can have them, and what they do. New VMs inherit\n"
		"those of their offering and image. Other system tags are stored, but mean nothing.\n\n");
	for (const struct system_tag *tag = system_tags(); tag->prefix; tag++) {
		char text[96], kinds[96] = "";
		size_t len = 0;

		show_tag(tag, text, sizeof(text));
		for (size_t i = 0; i < ARRAY_SIZE(tag->kinds) && tag->kinds[i] != KIND_NONE; i++)
			len += (size_t)snprintf(kinds + len, sizeof(kinds) - len, "%s%s", len ? ", " : "",
						kind_get(tag->kinds[i])->noun);
		fprintf(f, "%-58s %s\n%-58s of a %s%s%s%s%s\n", text, tag->effect, "", kinds,
			tag->admin ? "; for administrators" : "", tag->secret ? "; a secret" : "",
			tag->life == TAG_REQUEST ? "; applies to its request and is not stored" : "",
			tag->life == TAG_CREATION ? "; comes with a creation" : "");
		if (tag->operation)
			fprintf(f, "%-58s written by %s\n", "", tag->operation);
	}
}

void readme_print_tables(FILE *f)
{
	print_settings(f);
	print_system_tags(f);
}
