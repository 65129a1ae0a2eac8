/* SPDX-License-Identifier: Apache-2.0 */
/* See url.h. */
#include "model/url.h"

#include <string.h>

#include "model/cleanup.h"

#define MASK "******"

/* Writes the query at @query, which begins with '?', with the names of its parameters alone. */
static void write_query(FILE *f, const char *query)
{
	const char *end = query + strcspn(query, "#");

	for (const char *p = query; p < end;) {
		size_t all = 1 + strcspn(p + 1, "&#"), name = 1 + strcspn(p + 1, "=&#");

		/* what has no name is a value */
		if (name == all)
			(void)fprintf(f, "%c%s", *p, all > 1 ? MASK : "");
		else
			(void)fprintf(f, "%.*s=" MASK, (int)name, p);
		p += all;
	}
	(void)fputs(end, f);
}

char *url_shown(const char *url)
{
	const char *scheme = strstr(url, "://"), *host, *rest, *at;
	char *shown = NULL;
	size_t len;
	FILE *f;

	if (!scheme || scheme != url + strcspn(url, ":/?#"))
		return strdup(url);
	host = scheme + strlen("://");
	rest = host + strcspn(host, "/?#");
	at = memrchr(host, '@', (size_t)(rest - host));
	f = open_memstream(&shown, &len);
	if (!f)
		return NULL;
	(void)fwrite(url, 1, (size_t)(host - url), f);
	if (at)
		(void)fputs(MASK, f);
	(void)fwrite(at ? at : host, 1, (size_t)(rest - (at ? at : host)), f);
	(void)fwrite(rest, 1, strcspn(rest, "?#"), f);
	rest += strcspn(rest, "?#");
	if (*rest == '?')
		write_query(f, rest);
	else
		(void)fputs(rest, f);
	if (fclose(f) == 0)
		return shown;
	free(shown);
	return NULL;
}
