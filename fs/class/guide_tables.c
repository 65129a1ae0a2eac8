/* SPDX-License-Identifier: Apache-2.0 */
/* See guide_tables.h. */
#include "fs/class/guide_tables.h"

#include <inttypes.h>
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/system_tag.h"

void guide_settings(struct guide *g)
{
	size_t count;
	const struct setting *s = settings_all(&count);

	guide_heading(g, "SETTINGS");
	guide_text(g,
		   "In global-configurations/CATEGORY/NAME/value: the key, its default, and what it does.");
	guide_list(g);
	for (size_t i = 0; i < count; i++, s++) {
		char text[1024];
		size_t len = (size_t)snprintf(text, sizeof(text), "%s", s->description);

		for (const char *const *v = s->type == SETTING_CHOICE ? s->values : NULL;
		     v && *v && len < sizeof(text); v++)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%s",
						v == s->values ? " (" : ", ", *v, v[1] ? "" : ")");
		guide_item(g, s->key, *s->default_value ? s->default_value : "-", text);
	}
	guide_list_end(g);
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

void guide_system_tags(struct guide *g)
{
	guide_heading(g, "SYSTEM TAGS");
	guide_text(
		g,
		"The value they take, the objects that can have them, and what they do. New VMs inherit those "
		"of their offering and image. Other system tags are stored, but mean nothing.");
	guide_list(g);
	for (const struct system_tag *tag = system_tags(); tag->prefix; tag++) {
		char term[96], text[1024], kinds[96] = "";
		size_t len = 0;

		show_tag(tag, term, sizeof(term));
		for (size_t i = 0; i < ARRAY_SIZE(tag->kinds) && tag->kinds[i] != KIND_NONE; i++)
			len += (size_t)snprintf(kinds + len, sizeof(kinds) - len, "%s%s", len ? ", " : "",
						kind_get(tag->kinds[i])->noun);
		snprintf(text, sizeof(text), "%s (%s%s%s%s%s%s%s)", tag->effect, kinds,
			 tag->admin ? "; for administrators" : "", tag->secret ? "; a secret" : "",
			 tag->life == TAG_REQUEST ? "; applies to its request and is not stored" : "",
			 tag->life == TAG_CREATION ? "; comes with a creation" : "",
			 tag->operation ? "; written by " : "", tag->operation ? tag->operation : "");
		guide_item(g, term, NULL, text);
	}
	guide_list_end(g);
}
