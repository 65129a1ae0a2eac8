/* SPDX-License-Identifier: Apache-2.0 */
/* See url.h. libcurl parses the URLs, since it is libcurl that follows them. */
#include "actions/engine/url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum source {
	SOURCE_REMOTE,
	SOURCE_FILE,
	SOURCE_PATH,
	SOURCE_REFUSED,
};

static const struct scheme {
	const char *prefix;
	enum source source;
	bool posts; /* can be posted to */
} schemes[] = {
	{"/", SOURCE_PATH, false},
	{"file:///", SOURCE_FILE, false},
	{"file://localhost/", SOURCE_FILE, false},
	{"ftp://", SOURCE_REMOTE, false},
	{"http://", SOURCE_REMOTE, true},
	{"https://", SOURCE_REMOTE, true},
	{"sftp://", SOURCE_REFUSED, false},
	{"upload://", SOURCE_REFUSED, false},
	{"zstore://", SOURCE_REFUSED, false},
};

static const struct scheme *scheme_of(const char *url)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strncasecmp(url, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
			return &schemes[i];
	return NULL;
}

/* Decodes the path of a file:// URL; the caller frees *ret. -EINVAL for a malformed one. */
static int path_of_file_url(const char *url, const struct scheme *scheme, char **ret, struct error *e)
{
	const char *encoded = url + strlen(scheme->prefix) - 1; /* the slash belongs to the path */
	_cleanup_free_ char *path = malloc(strlen(encoded) + 1);
	char *out = path;

	if (!path)
		return error_oom(e);
	for (const char *p = encoded; *p; p++) {
		char hex[3] = {p[0] == '%' ? p[1] : '\0', '\0', '\0'}, *end;

		if (*p != '%') {
			*out++ = *p;
			continue;
		}
		hex[1] = hex[0] ? p[2] : '\0';
		*out = (char)strtoul(hex, &end, 16);
		if (end != hex + 2 || *out == '\0' || hex[0] == '+' || hex[0] == '-' || hex[0] == ' ')
			return error_set(
				e, EINVAL,
				"'%s' has a '%%' that is not followed by two hex digits of a character", url);
		out++;
		p += 2;
	}
	*out = '\0';
	*ret = steal(&path);
	return 0;
}

int url_host(const char *url, char **ret_host, struct error *e)
{
	CURLU *u = curl_url();
	char *host = NULL;
	CURLUcode code;

	if (!u)
		return error_oom(e);
	code = curl_url_set(u, CURLUPART_URL, url, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(u, CURLUPART_HOST, &host, 0);
	curl_url_cleanup(u);
	if (code == CURLUE_OK) {
		*ret_host = strdup(host);
		curl_free(host);
		return *ret_host ? 0 : error_oom(e);
	}
	if (code == CURLUE_OUT_OF_MEMORY)
		return error_oom(e);
	/* the URL is not shown, it may contain a password */
	return error_set(e, EINVAL, "the url is malformed: %s", curl_url_strerror(code));
}

static int check_remote(const char *url, struct error *e)
{
	_cleanup_free_ char *host = NULL;

	return url_host(url, &host, e);
}

static int check_web_hook(const char *url, struct error *e)
{
	const struct scheme *scheme = scheme_of(url);

	if (!scheme || !scheme->posts)
		return error_set(e, EINVAL,
				 "the web hook must be a URL that begins with http:// or https://");
	return check_remote(url, e);
}

int url_check(const char *url, enum url_use use, struct error *e)
{
	const struct scheme *scheme = scheme_of(url);
	_cleanup_free_ char *path = NULL;

	if (use == URL_OF_WEB_HOOK)
		return check_web_hook(url, e);
	if (!scheme) /* the manual's sentence (behaviour.md 4.3.1), with its full-width comma */
		return error_set(
			e, EINVAL,
			"url must starts with 'file:///', 'http://', 'https://'\xef\xbc\x8c 'ftp://', 'sftp://' or '/'");
	switch (scheme->source) {
	case SOURCE_REMOTE:
		return check_remote(url, e);
	case SOURCE_FILE:
		return path_of_file_url(url, scheme, &path, e);
	case SOURCE_PATH:
		return 0;
	case SOURCE_REFUSED:
		break;
	}
	return error_set(e, EOPNOTSUPP,
			 "downloads from '%s' are not supported, only from http, https, ftp, file:/// and /",
			 scheme->prefix);
}

int url_check_base(const char *base, struct error *e)
{
	bool ok = !base || strncmp(base, "http://", 7) == 0 || strncmp(base, "https://", 8) == 0;

	for (const char *p = base; ok && p && *p; p++)
		ok = *p > ' ' && *p <= '~' && !strchr("\"'<>\\^`{|}?#", *p);
	return ok ? 0
		  : error_set(e, EINVAL,
			      "baseUrl must be like 'http://host:port/zstack', without spaces and quotes");
}

int url_local_path(const char *url, char **ret_path, struct error *e)
{
	const struct scheme *scheme = scheme_of(url);

	if (scheme && scheme->source == SOURCE_FILE)
		return path_of_file_url(url, scheme, ret_path, e);
	*ret_path = scheme && scheme->source == SOURCE_PATH ? strdup(url) : NULL;
	return scheme && scheme->source == SOURCE_PATH && !*ret_path ? error_oom(e) : 0;
}
