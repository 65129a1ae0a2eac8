/* SPDX-License-Identifier: Apache-2.0 */
/* See login.h. */
#include "rest/login.h"

#include <openssl/sha.h>
#include <string.h>

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
	_cleanup_free_ char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	int r = text ? mount_call(mount, file, session, text, strlen(text), ret, e) : error_oom(e);

	json_decref(json);
	return r;
}

int login_open(struct mount *mount, struct call_file *file, const char *address, const char *name,
	       const char *password, char ret[MOUNT_UUID_SIZE], struct error *e)
{
	char digest[2 * SHA512_DIGEST_LENGTH + 1];
	_cleanup_(answer_done) struct answer answer = {.word = ANSWER_SESSION};
	json_t *json;
	const char *uuid;
	int r;

	digest_password(password, digest);
	r = login_call(mount, file, "", "LogInByAccount", address,
		       json_pack("{s:s, s:s}", "accountName", name, "password", digest), &answer, e);
	if (r < 0)
		return r;
	if (answer.word != ANSWER_OK) {
		const char *details;

		json = json_loadb(answer.body, answer.len, 0, NULL);
		details = json_string_value(json_object_get(json_object_get(json, "error"), "details"));
		(void)error_set(e, EACCES, "%s", details ? details : "the account is refused");
		json_decref(json);
		return -EACCES;
	}
	json = json_loadb(answer.body, answer.len, 0, NULL);
	uuid = json_string_value(json_object_get(json_object_get(json, "inventory"), "uuid"));
	if (uuid && mount_uuid_is_valid(uuid))
		memcpy(ret, uuid, MOUNT_UUID_SIZE);
	else
		r = error_set(e, EPROTO, "the pool does not name the session");
	json_decref(json);
	return r;
}
