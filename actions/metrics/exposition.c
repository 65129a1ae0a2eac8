/* SPDX-License-Identifier: Apache-2.0 */
/* See exposition.h. */
#include "actions/metrics/exposition.h"

#include <stdarg.h>
#include <string.h>

void exposition_family(const struct exposition *x, const char *name, const char *type, const char *unit,
		       const char *help)
{
	size_t len = strlen(name), suffix = strlen("_total");

	if (x->open && strcmp(type, "counter") == 0)
		len -= suffix;
	fprintf(x->f, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)len, name, help, (int)len, name, type);
	if (x->open && unit)
		fprintf(x->f, "# UNIT %.*s %s\n", (int)len, name, unit);
}

static void print_value(FILE *f, const char *value)
{
	fputc('"', f);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", f);
		else
			fprintf(f, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
	}
	fputc('"', f);
}

void exposition_sample(const struct exposition *x, const char *name, const char *const labels[],
		       const char *fmt, ...)
{
	va_list args;

	fputs(name, x->f);
	for (size_t i = 0; labels && labels[i]; i += 2) {
		fprintf(x->f, "%c%s=", i ? ',' : '{', labels[i]);
		print_value(x->f, labels[i + 1]);
	}
	fputs(labels && labels[0] ? "} " : " ", x->f);
	va_start(args, fmt);
	vfprintf(x->f, fmt, args);
	va_end(args);
	fputc('\n', x->f);
}

void exposition_end(const struct exposition *x)
{
	if (x->open)
		fputs("# EOF\n", x->f);
}
