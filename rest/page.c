/* SPDX-License-Identifier: Apache-2.0 */
/* See page.h. */
#include "rest/page.h"

#include <string.h>

#include "model/cleanup.h"

#define EMBED(name, file)                                                                                    \
	extern const char name##_start[], name##_end[];                                                      \
	__asm__(".section .rodata\n" #name "_start: .incbin \"" PAGE_FOLDER "/" file "\"\n" #name            \
		"_end: .byte 0\n"                                                                            \
		".previous\n")

EMBED(page_html, "page.html");
EMBED(page_css, "page.css");
EMBED(page_js, "page.js");

const struct page_file *page_find(const char *target)
{
	static const struct page_file files[] = {
		{"/", "text/html;charset=UTF-8", page_html_start, page_html_end},
		{"/page.css", "text/css;charset=UTF-8", page_css_start, page_css_end},
		{"/page.js", "text/javascript;charset=UTF-8", page_js_start, page_js_end},
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(files[i].target, target) == 0)
			return &files[i];
	return NULL;
}
