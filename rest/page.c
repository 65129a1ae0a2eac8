/* SPDX-License-Identifier: Apache-2.0 */
/* See page.h. */
#include "rest/page.h"

#include <string.h>

#include "model/cleanup.h"
#include "rest/page_files.h"

#define BYTES(array) (array), (array) + sizeof(array)

const struct page_file *page_find(const char *target)
{
	static const struct page_file files[] = {
		{"/", "text/html;charset=UTF-8", BYTES(page_html)},
		{"/page.css", "text/css;charset=UTF-8", BYTES(page_css)},
		{"/page.js", "text/javascript;charset=UTF-8", BYTES(page_js)},
		{"/page-api.js", "text/javascript;charset=UTF-8", BYTES(page_api_js)},
		{"/page-console.js", "text/javascript;charset=UTF-8", BYTES(page_console_js)},
		{"/page-elements.js", "text/javascript;charset=UTF-8", BYTES(page_elements_js)},
		{"/page-vms.js", "text/javascript;charset=UTF-8", BYTES(page_vms_js)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(files[i].target, target) == 0)
			return &files[i];
	return NULL;
}
