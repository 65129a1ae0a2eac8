/* SPDX-License-Identifier: Apache-2.0 */
/* See metrics.h. */
#include "rest/metrics.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <string.h>

#include "model/log.h"
#include "rest/login.h"

/* Clients that log in by password; of more, the one that was first logs in anew. */
#define LOGINS 8
/* Longest value of a header that is decoded. */
#define BASIC_MAX 1024

struct login {
	unsigned char digest[SHA512_DIGEST_LENGTH]; /* of the header's value */
	char session[MOUNT_UUID_SIZE];		    /* "": none */
};

struct metrics {
	pthread_mutex_t lock; /* a leaf */
	struct login logins[LOGINS];
	size_t next; /* to be replaced */
};

/* ------------------------------------------------------------------ answers */

static struct response *refuse(int status, const char *text)
{
	struct response *response = response_text(status, text);

	if (status == 401)
		response_add_field(response, "WWW-Authenticate", "Basic realm=\"poolfs\", charset=\"UTF-8\"");
	return response;
}

static struct response *refuse_login(void)
{
	return refuse(401,
		      "the metrics need the name and password of an account, or a session as bearer token");
}

static json_t *parse(const struct answer *answer)
{
	return json_loadb(answer->body, answer->len, 0, NULL);
}

/* The sentence of an error of the pool. */
static struct response *reply_error(const struct answer *answer)
{
	json_t *json = parse(answer), *error = json_object_get(json, "error");
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *details = json_string_value(json_object_get(error, "details"));
	int status = code && strcmp(code, "ID.1002") == 0 ? 403 : 503;
	struct response *response = refuse(status, details ? details : "the pool cannot tell");

	json_decref(json);
	return response;
}

static struct response *reply_metrics(const struct answer *answer, bool open)
{
	json_t *json = parse(answer);
	const char *text = json_string_value(json_object_get(json, "metrics"));
	struct response *response = NULL;

	if (text)
		response = response_new(200,
					open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
					     : "text/plain; version=0.0.4; charset=utf-8",
					text, strlen(text));
	json_decref(json);
	return response;
}

/* ------------------------------------------------------------------- logins */

/* The name and password in the value of a Basic header; both point into *ret_text, which the caller owns. */
static bool parse_basic(const char *value, char **ret_text, const char **ret_name, const char **ret_password)
{
	size_t len = strlen(value);
	char *text, *colon;
	int decoded;

	while (len && isspace((unsigned char)value[len - 1]))
		len--;
	if (len == 0 || len % 4 || len > BASIC_MAX)
		return false;
	text = calloc(1, len / 4 * 3 + 1);
	if (!text)
		return false;
	decoded = EVP_DecodeBlock((unsigned char *)text, (const unsigned char *)value, (int)len);
	/* padding is decoded as zero bytes, so the text ends where it should; a NUL within would end it, too */
	colon = decoded > 0 ? strchr(text, ':') : NULL;
	if (!colon) {
		free(text);
		return false;
	}
	*colon = '\0';
	*ret_text = text;
	*ret_name = text;
	*ret_password = colon + 1;
	return true;
}

static bool find_login(struct metrics *metrics, const unsigned char *digest, char ret[MOUNT_UUID_SIZE])
{
	bool found = false;

	scoped_lock(&metrics->lock);
	for (size_t i = 0; i < LOGINS; i++) {
		const struct login *login = &metrics->logins[i];

		if (!*login->session || CRYPTO_memcmp(login->digest, digest, SHA512_DIGEST_LENGTH) != 0)
			continue;
		memcpy(ret, login->session, MOUNT_UUID_SIZE);
		found = true;
	}
	return found;
}

static void forget_login(struct metrics *metrics, const char *session)
{
	scoped_lock(&metrics->lock);
	for (size_t i = 0; i < LOGINS; i++)
		if (strcmp(metrics->logins[i].session, session) == 0)
			*metrics->logins[i].session = '\0';
}

/* Replaces the oldest one, whose session expires by itself. */
static void keep_login(struct metrics *metrics, const unsigned char *digest, const char *session)
{
	struct login *login;

	scoped_lock(&metrics->lock);
	login = &metrics->logins[metrics->next++ % LOGINS];
	memcpy(login->digest, digest, SHA512_DIGEST_LENGTH);
	snprintf(login->session, sizeof(login->session), "%s", session);
}

/* -------------------------------------------------------------------- /metrics */

/* The session of a client that sends a password. -EACCES. */
static int find_session(struct metrics *metrics, struct mount *mount, struct call_file *file,
			const struct exchange *x, const char *basic, char ret[MOUNT_UUID_SIZE],
			struct error *e)
{
	unsigned char digest[SHA512_DIGEST_LENGTH];
	_cleanup_free_ char *text = NULL;
	const char *name, *password;
	int r;

	SHA512((const unsigned char *)basic, strlen(basic), digest);
	if (find_login(metrics, digest, ret))
		return 0;
	if (!parse_basic(basic, &text, &name, &password))
		return error_set(e, EACCES, "the header has no name and password");
	r = login_open(mount, file, x->client, name, password, ret, e);
	if (r == 0)
		keep_login(metrics, digest, ret);
	OPENSSL_cleanse(text, strlen(name) + 1 + strlen(password));
	return r;
}

static const char *after_word(const char *value, const char *word)
{
	size_t len = strlen(word);

	if (!value || strncasecmp(value, word, len) != 0 || value[len] != ' ')
		return NULL;
	return value + len + strspn(value + len, " ");
}

static struct response *unreachable(const struct error *e)
{
	log_error("pool", NULL, "cannot be reached: %s", error_sentence(e));
	return refuse(503, "the pool is not mounted");
}

struct response *metrics_answer(struct metrics *metrics, struct mount *mount, struct call_file *file,
				const struct exchange *x)
{
	const char *accept = http_head_field(x->head, "Accept");
	const char *authorization = http_head_field(x->head, "Authorization");
	const char *basic = after_word(authorization, "Basic"), *bearer = after_word(authorization, "Bearer");
	bool open = accept && strstr(accept, "application/openmetrics-text");

	/* a kept session may have ended: log in once more */
	for (int attempt = 0; attempt < 2 && (basic || bearer); attempt++) {
		_cleanup_(answer_done) struct answer answer = {.word = ANSWER_SESSION};
		_cleanup_(error_done) struct error e = ERROR_INIT;
		char session[MOUNT_UUID_SIZE] = "";
		int r = 0;

		if (basic)
			r = find_session(metrics, mount, file, x, basic, session, &e);
		else
			snprintf(session, sizeof(session), "%s", mount_uuid_is_valid(bearer) ? bearer : "");
		if (r == -EACCES || !*session)
			return refuse_login();
		if (r == 0)
			r = login_call(mount, file, session, "GetMetrics", x->client,
				       json_pack("{s:s}", "format", open ? "openmetrics" : "text"), &answer,
				       &e);
		if (r < 0)
			return unreachable(&e);
		if (answer.word == ANSWER_OK)
			return reply_metrics(&answer, open);
		if (answer.word != ANSWER_SESSION)
			return reply_error(&answer);
		forget_login(metrics, session);
	}
	return refuse_login();
}

struct metrics *metrics_new(void)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (metrics)
		pthread_mutex_init(&metrics->lock, NULL);
	return metrics;
}

void metrics_free(struct metrics *metrics, struct mount *mount)
{
	struct call_file file = CALL_FILE_INIT;

	if (!metrics)
		return;
	for (size_t i = 0; i < LOGINS; i++) {
		_cleanup_(answer_done) struct answer answer = {.word = ANSWER_SESSION};
		const char *session = metrics->logins[i].session;

		if (*session)
			(void)login_call(mount, &file, "", "LogOut", "local",
					 json_pack("{s:s}", "sessionUuid", session), &answer, NULL);
	}
	call_file_close(&file);
	pthread_mutex_destroy(&metrics->lock);
	free(metrics);
}
