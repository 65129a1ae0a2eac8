/* SPDX-License-Identifier: Apache-2.0 */
/* See image_options.h. */
#include "hypervisor/storage/image_options.h"

#include <stdlib.h>

void image_option_write(FILE *f, const char *key, const char *value)
{
	fprintf(f, ",%s=", key);
	for (; *value; value++) {
		(void)fputc(*value, f);
		if (*value == ',')
			(void)fputc(',', f);
	}
}

int image_options_write_file(FILE *f, const char *path)
{
	image_option_write(f, "file.driver", "file");
	image_option_write(f, "file.filename", path);
	return 0;
}

char *image_options_make(const char *path, const char *format, image_options_write *write)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int r;

	if (!f)
		return NULL;
	fprintf(f, "driver=%s", format);
	r = write(f, path);
	if (fclose(f) == 0 && r == 0)
		return text;
	free(text);
	return NULL;
}
