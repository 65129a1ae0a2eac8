/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See download_curl.h, and download.h for the guarantees. Uses libcurl's easy
 * interface, with one handle per download.
 */
#include "actions/image/download_curl.h"

#include <string.h>

#define REDIRECTS_MAX	  5L
#define CONNECT_TIMEOUT_S 10L
#define STALL_TIMEOUT_S	  60L
#define STALL_BYTES_S	  1024L
#define RECEIVE_BUFFER	  (256L << 10)
#define RETRY_PAUSE_MS	  500 /* before the first retry; it doubles */

int download_errno_of_curl(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OK:
		return 0;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_NOT_BUILT_IN:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_FTP_COULDNT_SET_TYPE:
		return EOPNOTSUPP;
	case CURLE_URL_MALFORMAT:
	case CURLE_BAD_FUNCTION_ARGUMENT:
	case CURLE_UNKNOWN_OPTION:
	case CURLE_SETOPT_OPTION_SYNTAX:
		return EINVAL;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_FTP_CANT_GET_HOST:
		return EHOSTUNREACH;
	case CURLE_REMOTE_ACCESS_DENIED:
	case CURLE_LOGIN_DENIED:
	case CURLE_AUTH_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_CLIENTCERT:
		return EACCES;
	case CURLE_REMOTE_FILE_NOT_FOUND:
	case CURLE_FTP_COULDNT_RETR_FILE:
	case CURLE_TFTP_NOTFOUND:
		return ENOENT;
	case CURLE_OUT_OF_MEMORY:
		return ENOMEM;
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_FTP_ACCEPT_TIMEOUT:
		return ETIMEDOUT;
	case CURLE_ABORTED_BY_CALLBACK:
		return ECANCELED;
	case CURLE_TOO_MANY_REDIRECTS:
		return ELOOP;
	case CURLE_FILESIZE_EXCEEDED:
		return EFBIG;
	case CURLE_REMOTE_DISK_FULL:
		return ENOSPC;
	default: /* the enum is libcurl's and grows */
		return EIO;
	}
}

int download_errno_of_status(long status)
{
	switch (status) {
	case 401:
	case 403:
	case 407:
		return EACCES;
	case 404:
	case 410:
		return ENOENT;
	case 408:
	case 504:
		return ETIMEDOUT;
	default:
		return EIO;
	}
}

struct transfer {
	struct download *d;
	CURL *curl;			      /* owned by download_from_curl() */
	const struct download_source *source; /* borrowed */
	struct url_guard guard;
	bool begun;	 /* the first byte of this attempt's body has arrived */
	char *validator; /* owned; tells the state of the file on the server; NULL = it cannot be told */
	struct curl_slist *headers; /* owned */
	char message[CURL_ERROR_SIZE];
};

/* The status of HTTP or FTP of the last answer; 0 without one. */
static long status_of(const struct transfer *t)
{
	long status = 0;

	(void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* A header of the last answer; NULL without one. */
static const char *header_of(const struct transfer *t, const char *name)
{
	struct curl_header *header = NULL;

	return curl_easy_header(t->curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value
											  : NULL;
}

/* Notes what tells later whether the rest of the file belongs to these bytes (RFC 9110, 13.1.5). */
static void note_validator(struct transfer *t)
{
	const char *tag = header_of(t, "ETag"), *date = header_of(t, "Last-Modified");

	free(t->validator);
	t->validator = NULL;
	if (header_of(t, "Content-Encoding"))
		return; /* offsets would be those of the encoded bytes */
	if (tag && strncmp(tag, "W/", 2) != 0)
		t->validator = strdup(tag);
	else if (date)
		t->validator = strdup(date);
}

/* Takes what the head of the answer says, when the body begins. */
static int begin_body(struct transfer *t)
{
	curl_off_t left = -1;

	t->begun = true;
	if (status_of(t) >= 300) /* a redirect that leads nowhere; what comes is not the image */
		return -1;
	if (t->d->done > 0)
		return 0; /* libcurl has checked that these are the bytes from there on */
	note_validator(t);
	(void)curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &left);
	return left >= 0 ? download_set_total(t->d, left, true) : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;

	if (!t->begun && begin_body(t) < 0)
		return 0;
	return download_put(t->d, bytes, size * count) < 0 ? 0 : size * count;
}

/* Called for every packet, and at least once a second: cancelling and time limits work in a stall, too. */
static int on_progress(void *ctx, curl_off_t dl_total, curl_off_t dl_now, curl_off_t ul_total,
		       curl_off_t ul_now)
{
	struct transfer *t = ctx;

	(void)dl_total, (void)dl_now, (void)ul_total, (void)ul_now;
	return download_tick(t->d) < 0;
}

/* The URL without user, password, query and fragment, which may be secrets; to be freed by curl_free(). */
static char *url_without_secrets(const char *url)
{
	static const CURLUPart hidden[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
					   CURLUPART_FRAGMENT};
	CURLU *u = curl_url();
	char *shown = NULL;

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK) {
		for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
			(void)curl_url_set(u, hidden[i], NULL, 0);
		(void)curl_url_get(u, CURLUPART_URL, &shown, 0);
	}
	curl_url_cleanup(u);
	return shown;
}

static CURLcode transfer_set_up(struct transfer *t)
{
	const char *url = t->source->url;
	const char *redirects = strncasecmp(url, "https:", 6) == 0 ? "https" : "http,https";
	CURLcode code = CURLE_OK;

#define SET(option, value)                                                                                   \
	do {                                                                                                 \
		if (code == CURLE_OK)                                                                        \
			code = curl_easy_setopt(t->curl, option, value);                                     \
	} while (0)
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https,ftp");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, redirects);
	SET(CURLOPT_FOLLOWLOCATION, 1L);
	SET(CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	SET(CURLOPT_FAILONERROR, 1L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	SET(CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_S);
	SET(CURLOPT_LOW_SPEED_TIME, STALL_TIMEOUT_S);
	SET(CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
	SET(CURLOPT_ACCEPT_ENCODING, "identity"); /* and decodes what comes encoded all the same */
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_USERAGENT, "poolfs/" POOLFS_VERSION);
	SET(CURLOPT_ERRORBUFFER, t->message);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, t);
	if (t->d->limits->ca_file) {
		SET(CURLOPT_CAINFO, t->d->limits->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
#undef SET
	return code == CURLE_OK ? url_policy_guard(t->source->policy, t->curl, &t->guard) : code;
}

/* Notes libcurl's error as that of the download. */
static int transfer_fail(struct transfer *t, CURLcode code)
{
	char *shown = url_without_secrets(t->source->url);
	const char *name = shown ? shown : "url";
	long status = status_of(t);

	if (code == CURLE_COULDNT_CONNECT && url_guard_result(&t->guard, name, t->d->e) < 0) {
		(void)download_fail(t->d, -EACCES);
	} else if (code == CURLE_HTTP_RETURNED_ERROR ||
		   ((code == CURLE_OK || code == CURLE_WRITE_ERROR) && status >= 300)) {
		(void)download_fail(t->d,
				    error_set_code(t->d->e, download_errno_of_status(status), "SYS.1015",
						   "the server answered '%s' with status %ld", name, status));
	} else {
		(void)download_fail(t->d,
				    error_set_code(t->d->e, download_errno_of_curl(code), "SYS.1015",
						   "cannot download '%s': %s", name,
						   *t->message ? t->message : curl_easy_strerror(code)));
	}
	curl_free(shown);
	return t->d->result;
}

/* Errors that may be over when it is tried again. */
static bool is_transient(const struct transfer *t, CURLcode code)
{
	switch ((int)code) {
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return t->d->done > 0; /* there was a server */
	case CURLE_HTTP_RETURNED_ERROR:
		switch (status_of(t)) {
		case 408:
		case 429:
		case 502:
		case 503:
		case 504:
			return true;
		default:
			return false;
		}
	default:
		return false;
	}
}

/* Makes the next attempt go on where the last one stopped, if possible and @resume, else at the beginning. */
static int prepare_retry(struct transfer *t, bool resume)
{
	_cleanup_free_ char *line = NULL;

	resume = resume && t->validator && t->d->done > 0;
	t->begun = false;
	t->message[0] = '\0';
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	if (resume && asprintf(&line, "If-Range: %s", t->validator) < 0)
		line = NULL;
	if (line)
		t->headers = curl_slist_append(NULL, line);
	if (resume && !t->headers)
		return download_fail(t->d, error_oom(t->d->e));
	if (!resume && download_restart(t->d) < 0)
		return t->d->result;
	/* Otherwise the whole file would be taken for its rest. */
	if (curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers) != CURLE_OK ||
	    curl_easy_setopt(t->curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->d->done) != CURLE_OK)
		return download_fail(t->d, error_oom(t->d->e));
	return 0;
}

/* True when the server has no such rest of the file: it has changed, or ranges are not supported. */
static bool cannot_resume(const struct transfer *t, CURLcode code)
{
	return code == CURLE_RANGE_ERROR || (code == CURLE_HTTP_RETURNED_ERROR && status_of(t) == 416);
}

/* Tries until it is done, or the limit of retries is reached. */
static CURLcode perform(struct transfer *t)
{
	int64_t furthest = 0;
	int retries = 0;

	for (;;) {
		CURLcode code = curl_easy_perform(t->curl);
		bool anew = t->d->done > 0 && cannot_resume(t, code);

		if (code == CURLE_OK || t->d->result < 0 || (!anew && !is_transient(t, code)))
			return code;
		if (t->d->done > furthest) {
			furthest = t->d->done;
			retries = 0;
		}
		if (!anew && (retries >= t->d->limits->retries ||
			      download_pause(t->d, (int64_t)RETRY_PAUSE_MS << retries++) < 0))
			return code;
		if (prepare_retry(t, !anew) < 0)
			return code;
	}
}

static void curl_begin(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

int download_from_curl(struct download *d, const struct download_source *source)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct transfer t = {.d = d, .source = source};
	CURLcode code;

	(void)pthread_once(&once, curl_begin);
	t.curl = curl_easy_init();
	if (!t.curl)
		return download_fail(d, error_oom(d->e));
	code = transfer_set_up(&t);
	if (code == CURLE_OK)
		code = perform(&t);
	/* a failure in a callback, which made libcurl fail, has been noted already */
	if (d->result == 0 && (code != CURLE_OK || status_of(&t) >= 300))
		(void)transfer_fail(&t, code);
	curl_easy_cleanup(t.curl);
	curl_slist_free_all(t.headers);
	free(t.validator);
	return d->result;
}
