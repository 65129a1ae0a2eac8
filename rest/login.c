/* SPDX-License-Identifier: Apache-2.0 */
/* See login.h. */
#include "rest/login.h"

#include <openssl/sha.h>
#include <string.h>

#include "model/json.h"

static const char code_refused[] = "ID.1000";

/* What poolfs takes as the password: the hex digits of its SHA-512. */
static void digest_password(const char *password, char ret[2 * SHA512_DIGEST_LENGTH + 1])
{
	unsigned char digest[SHA512_DIGEST_LENGTH];

	SHA512((const unsigned char *)password, strlen(password), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

int login_call(struct mount *mount, struct call_file *file, const char *session, const char *operation,
	       const char *address, json_t *params, struct answer *ret, struct error *e)
{
	json_t *json =
		json_pack("{s:s, s:s, s:o}", "operation", operation, "address", address, "params", params);
	_cleanup_free_ char *text = json ? json_text(json, JSON_COMPACT) : NULL;
	int r = text ? mount_call(mount, file, session, text, strlen(text), ret, e) : error_oom(e);

	json_decref(json);
	return r;
}

int login_error(const struct answer *answer, struct error *e)
{
	json_t *json = json_loadb(answer->body ? answer->body : "", answer->len, 0, NULL);
	const json_t *error = json_object_get(json, "error");

	if (error)
		error_from_json(error, e);
	else if (answer->word == ANSWER_INVALID)
		(void)error_set(e, EINVAL, "%s", answer->body);
	else
		(void)error_set(e, EIO, "the pool gives no reason");
	json_decref(json);
	return -e->errnum;
}

int login_refuse(struct error *e, const char *text)
{
	return error_set_code(e, EACCES, code_refused, "%s", text);
}

bool login_is_refused(const struct error *e)
{
	return strcmp(e->code, code_refused) == 0;
}

/* The uuid of the session that has been started. */
static int take_session(const struct answer *answer, char ret[MOUNT_UUID_SIZE], struct error *e)
{
	json_t *json = json_loadb(answer->body, answer->len, 0, NULL);
	const char *uuid = json_string_value(json_object_get(json_object_get(json, "inventory"), "uuid"));
	int r = 0;

	if (uuid && mount_uuid_is_valid(uuid))
		memcpy(ret, uuid, MOUNT_UUID_SIZE);
	else
		r = error_set(e, EIO, "the pool does not name the session");
	json_decref(json);
	return r;
}

int login_open(struct mount *mount, struct call_file *file, const char *address, const char *name,
	       const char *password, char ret[MOUNT_UUID_SIZE], struct error *e)
{
	char digest[2 * SHA512_DIGEST_LENGTH + 1];
	_cleanup_(answer_done) struct answer answer = {.word = ANSWER_SESSION};
	json_t *params;
	int r;

	digest_password(password, digest);
	params = json_pack("{s:s, s:s}", "accountName", name, "password", digest);
	if (!params) /* no text of a client can be too long for the memory */
		return login_refuse(e, "the name of the account is not UTF-8");
	r = login_call(mount, file, "", "LogInByAccount", address, params, &answer, e);
	if (r < 0)
		return r;
	return answer.word == ANSWER_OK ? take_session(&answer, ret, e) : login_error(&answer, e);
}

void login_close(struct mount *mount, struct call_file *file, const char *session)
{
	_cleanup_(answer_done) struct answer answer = {.word = ANSWER_SESSION};

	(void)login_call(mount, file, "", "LogOut", "local", json_pack("{s:s}", "sessionUuid", session),
			 &answer, NULL);
}
