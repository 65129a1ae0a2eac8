/* SPDX-License-Identifier: Apache-2.0 */
/* See old_urls.h. */
#include "model/old_urls.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/compressed.h"
#include "model/json.h"
#include "model/json_out.h"
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

/* Masks the member `url` of the member @in of the document @text. *ret is NULL when that changes nothing. 0 or -ENOMEM. */
static int mask_document(const char *text, const char *in, char **ret)
{
	json_error_t why;
	_cleanup_json_ json_t *json = json_loads(text, 0, &why);
	json_t *inner = json_object_get(json, in);
	const char *url = json_string_value(json_object_get(inner, "url"));
	_cleanup_free_ char *shown = url ? url_shown(url) : NULL;

	*ret = NULL;
	if (!url)
		return !json && json_error_code(&why) == json_error_out_of_memory ? -ENOMEM : 0;
	if (shown && strcmp(shown, url) == 0)
		return 0;
	if (shown && json_object_set_new(inner, "url", json_string(shown)) == 0)
		*ret = json_text(json, JSON_COMPACT);
	return *ret ? 0 : -ENOMEM;
}

/* The same of a compressed document: NULL, and -EBADMSG, if it is none. */
static int mask_compressed(const char *bytes, size_t size, const char *in, char **ret)
{
	_cleanup_free_ char *text = NULL;

	*ret = NULL;
	if (!bytes || !compressed_is_whole(bytes, size))
		return -EBADMSG;
	text = compressed_read(bytes);
	return text ? mask_document(text, in, ret) : -errno;
}

/* An SQL function: a compressed document whose member of this name has a member `url`, which is masked. */
static void mask_inside(sqlite3_context *context, int count, sqlite3_value **values)
{
	_cleanup_free_ char *masked = NULL;
	int r = mask_compressed(sqlite3_value_blob(values[0]), (size_t)sqlite3_value_bytes(values[0]),
				(const char *)sqlite3_value_text(values[1]), &masked);
	size_t len = masked ? strlen(masked) : 0;
	char *compressed = masked ? malloc(compressed_bound(len)) : NULL;

	(void)count;
	if (compressed)
		sqlite3_result_blob(context, compressed, (int)compressed_write(masked, len, compressed),
				    free);
	else if (masked || r == -ENOMEM)
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_value(context, values[0]);
}

int old_urls_mask(sqlite3 *db, struct error *e)
{
	const int how = SQLITE_UTF8 | SQLITE_DIRECTONLY;
	int rc = sqlite3_create_function(db, "masked", 1, how, NULL, mask_url, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(db, "masked", 2, how, NULL, mask_inside, NULL, NULL);
	if (rc != SQLITE_OK)
		return error_set(e, -sqlite_errno(rc), "database: %s", sqlite3_errmsg(db));
	return sqlite_exec(
		db,
		"UPDATE image SET url = masked(url);"
		"UPDATE job_text SET request = masked(request, 'params'), result = masked(result, 'inventory') "
		"WHERE id IN (SELECT id FROM job WHERE operation = 'AddImage')",
		e);
}
