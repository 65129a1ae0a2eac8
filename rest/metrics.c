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

#include "rest/login.h"

/* Longest value of a header that is decoded. */
#define BASIC_MAX 1024

struct login {
	unsigned char digest[SHA512_DIGEST_LENGTH]; /* of the header's value */
	char session[MOUNT_UUID_SIZE];		    /* "": none */
	unsigned users;				    /* requests that use the session */
	uint64_t used;				    /* the greater, the later it was used */
};

struct metrics {
	pthread_mutex_t lock; /* a leaf */
	struct login logins[METRICS_LOGINS];
	uint64_t uses;
};

/* ------------------------------------------------------------------ answers */

static struct response *refuse_login(const char *text)
{
	struct response *response = response_text(401, text);

	response_add_field(response, "WWW-Authenticate", "Basic realm=\"poolfs\", charset=\"UTF-8\"");
	return response;
}

static struct response *reply_metrics(const struct answer *answer, bool open)
{
	json_t *json = json_loadb(answer->body, answer->len, 0, NULL);
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

/* Under lock: the login with this session. */
static struct login *find_session(struct metrics *metrics, const char *session)
{
	for (size_t i = 0; i < METRICS_LOGINS; i++)
		if (strcmp(metrics->logins[i].session, session) == 0)
			return &metrics->logins[i];
	return NULL;
}

/* Under lock. */
static struct login *find_login(struct metrics *metrics, const unsigned char *digest)
{
	for (size_t i = 0; i < METRICS_LOGINS; i++) {
		struct login *login = &metrics->logins[i];

		if (*login->session && CRYPTO_memcmp(login->digest, digest, SHA512_DIGEST_LENGTH) == 0)
			return login;
	}
	return NULL;
}

/* Under lock. One that is empty, or else was used least recently and is not now; NULL: all are. */
static struct login *find_place(struct metrics *metrics)
{
	struct login *place = NULL;

	for (size_t i = 0; i < METRICS_LOGINS; i++) {
		struct login *login = &metrics->logins[i];

		if (!*login->session)
			return login;
		if (!login->users && (!place || login->used < place->used))
			place = login;
	}
	return place;
}

/* Under lock. */
static void begin_use(struct metrics *metrics, struct login *login, char ret_session[MOUNT_UUID_SIZE])
{
	login->users++;
	login->used = ++metrics->uses;
	memcpy(ret_session, login->session, MOUNT_UUID_SIZE);
}

static bool use_kept(struct metrics *metrics, const unsigned char *digest, char ret[MOUNT_UUID_SIZE])
{
	struct login *login;

	scoped_lock(&metrics->lock);
	login = find_login(metrics, digest);
	if (login)
		begin_use(metrics, login, ret);
	return login != NULL;
}

/*
 * Keeps the session @session of a login, which is used from now on, in the place of another one. If another thread has
 * logged in meanwhile, that session stays, and becomes @session. If all places are in use, @session is not kept.
 * @ret: the session that is not needed any more; "": none.
 */
static void keep_login(struct metrics *metrics, const unsigned char *digest, char session[MOUNT_UUID_SIZE],
		       char ret[MOUNT_UUID_SIZE])
{
	struct login *login;

	scoped_lock(&metrics->lock);
	login = find_login(metrics, digest);
	if (login) {
		memcpy(ret, session, MOUNT_UUID_SIZE);
		begin_use(metrics, login, session);
		return;
	}
	login = find_place(metrics);
	if (!login)
		return;
	memcpy(ret, login->session, MOUNT_UUID_SIZE);
	memcpy(login->digest, digest, SHA512_DIGEST_LENGTH);
	memcpy(login->session, session, MOUNT_UUID_SIZE);
	login->users = 0;
	begin_use(metrics, login, session);
}

/* The session is used no longer, or has ended. False: it is not kept. */
static bool end_use(struct metrics *metrics, const char *session, bool has_ended)
{
	struct login *login;

	scoped_lock(&metrics->lock);
	login = find_session(metrics, session);
	if (!login)
		return false;
	login->users--;
	if (has_ended)
		*login->session = '\0';
	return true;
}

/* -------------------------------------------------------------------- /metrics */

/* The session of a client that sends a password, for one use. As login_open(). */
static int open_session(struct metrics *metrics, struct mount *mount, struct call_file *file,
			const struct exchange *x, const char *basic, char ret[MOUNT_UUID_SIZE],
			struct error *e)
{
	unsigned char digest[SHA512_DIGEST_LENGTH];
	char unneeded[MOUNT_UUID_SIZE] = "";
	_cleanup_free_ char *text = NULL;
	const char *name, *password;
	int r;

	SHA512((const unsigned char *)basic, strlen(basic), digest);
	if (use_kept(metrics, digest, ret))
		return 0;
	if (!parse_basic(basic, &text, &name, &password))
		return login_refuse(e, "the header has no name and password");
	r = login_open(mount, file, x->client, name, password, ret, e);
	OPENSSL_cleanse(text, strlen(name) + 1 + strlen(password));
	if (r < 0)
		return r;
	keep_login(metrics, digest, ret, unneeded);
	if (*unneeded)
		login_close(mount, file, unneeded);
	return 0;
}

static const char *after_word(const char *value, const char *word)
{
	size_t len = strlen(word);

	if (!value || strncasecmp(value, word, len) != 0 || value[len] != ' ')
		return NULL;
	return value + len + strspn(value + len, " ");
}

/* False: there is no such session, or no more. @ret: a reference; NULL when memory is short. */
static bool ask(struct mount *mount, struct call_file *file, const struct exchange *x, const char *session,
		struct response **ret)
{
	const char *accept = http_head_field(x->head, "Accept");
	bool open = accept && strstr(accept, "application/openmetrics-text");
	_cleanup_(answer_done) struct answer answer = {.word = ANSWER_SESSION};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = login_call(mount, file, session, "GetMetrics", x->client,
			   json_pack("{s:s}", "format", open ? "openmetrics" : "text"), &answer, &e);

	if (r == 0 && answer.word == ANSWER_SESSION)
		return false;
	if (r == 0 && answer.word != ANSWER_OK)
		(void)login_error(&answer, &e);
	*ret = error_is_set(&e) ? response_error(&e) : reply_metrics(&answer, open);
	if (*ret && r == 0)
		(*ret)->cause = CAUSE_SESSION;
	return true;
}

static struct response *answer_basic(struct metrics *metrics, struct mount *mount, struct call_file *file,
				     const struct exchange *x, const char *basic)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	/* a kept session may have ended: log in once more */
	for (int attempt = 0; attempt < 2; attempt++) {
		char session[MOUNT_UUID_SIZE];
		struct response *response;
		bool has_ended;

		if (open_session(metrics, mount, file, x, basic, session, &e) < 0)
			return login_is_refused(&e) ? refuse_login(error_sentence(&e)) : response_error(&e);
		has_ended = !ask(mount, file, x, session, &response);
		if (!end_use(metrics, session, has_ended) && !has_ended)
			login_close(mount, file, session);
		if (!has_ended)
			return response;
	}
	(void)error_set(&e, EIO, "the session has ended twice");
	return response_error(&e);
}

struct response *metrics_answer(struct metrics *metrics, struct mount *mount, struct call_file *file,
				const struct exchange *x)
{
	const char *authorization = http_head_field(x->head, "Authorization");
	const char *basic = after_word(authorization, "Basic"), *bearer = after_word(authorization, "Bearer");
	struct response *response;

	if (basic)
		return answer_basic(metrics, mount, file, x, basic);
	if (!bearer)
		return refuse_login(
			"the metrics need the name and password of an account, or a session as bearer token");
	if (mount_uuid_is_valid(bearer) && ask(mount, file, x, bearer, &response))
		return response;
	return refuse_login("the bearer token is no session, or one that has ended");
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
	for (size_t i = 0; i < METRICS_LOGINS; i++)
		if (*metrics->logins[i].session)
			login_close(mount, &file, metrics->logins[i].session);
	call_file_close(&file);
	pthread_mutex_destroy(&metrics->lock);
	free(metrics);
}
