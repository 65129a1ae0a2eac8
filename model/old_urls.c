/* SPDX-License-Identifier: Apache-2.0 */
/* See old_urls.h. */
#include "model/old_urls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"
#include "model/compressed.h"
#include "model/sqlite.h"
#include "model/url.h"

/* An SQL function: a URL as it is shown. */
static void mask_url(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *url = (const char *)sqlite3_value_text(values[0]);
	char *shown = url ? url_shown(url) : NULL;

	(void)count;
	if (shown)
		sqlite3_result_text(context, shown, -1, free);
	else if (url)
		sqlite3_result_error_nomem(context);
}

/* An SQL function: the text that is compressed; NULL if it is damaged. */
static void unpack(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *bytes = sqlite3_value_blob(values[0]);
	bool whole = bytes && compressed_is_whole(bytes, (size_t)sqlite3_value_bytes(values[0]));
	char *text = whole ? compressed_read(bytes) : NULL;

	(void)count;
	if (text)
		sqlite3_result_text(context, text, -1, free);
	else if (whole && errno == ENOMEM)
		sqlite3_result_error_nomem(context);
}

/* The opposite. */
static void pack(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);
	size_t len = text ? strlen(text) : 0;
	char *packed = text ? malloc(compressed_bound(len)) : NULL;

	(void)count;
	if (packed)
		sqlite3_result_blob(context, packed, (int)compressed_write(text, len, packed), free);
	else
		sqlite3_result_error_nomem(context);
}

/* What is no document, or has no URL there, stays. */
#define MASK_MEMBER(column, path)                                                                                 \
	"UPDATE job_text SET " column " = packed(json_set(unpacked(" column "), '" path                           \
	"', masked(json_extract(unpacked(" column "), '" path "')))) "                                            \
	"WHERE id IN (SELECT id FROM job WHERE operation = 'AddImage') AND CASE WHEN json_valid(unpacked(" column \
	")) THEN json_type(unpacked(" column "), '" path "') END = 'text';"

int old_urls_mask(sqlite3 *db, struct error *e)
{
	static const struct {
		const char *name;
		void (*call)(sqlite3_context *context, int count, sqlite3_value **values);
	} functions[] = {{"masked", mask_url}, {"unpacked", unpack}, {"packed", pack}};
	int rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK && i < ARRAY_SIZE(functions); i++)
		rc = sqlite3_create_function(db, functions[i].name, 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL,
					     functions[i].call, NULL, NULL);
	if (rc != SQLITE_OK)
		return error_set(e, -sqlite_errno(rc), "database: %s", sqlite3_errmsg(db));
	return sqlite_exec(db,
			   "UPDATE image SET url = masked(url);" MASK_MEMBER("request", "$.params.url")
				   MASK_MEMBER("result", "$.inventory.url"),
			   e);
}
