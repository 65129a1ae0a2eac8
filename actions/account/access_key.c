/* SPDX-License-Identifier: Apache-2.0 */
/* See access_key.h. */
#include "actions/account/access_key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "model/cleanup.h"
#include "model/states.h"

#define SHA1_SIZE  20
#define EAST_MAX_S (16 * 3600) /* no zone was ever further from Greenwich */

void access_key_make(char *ret, size_t length)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < length; i++)
		ret[i] = letters[randombytes_uniform(sizeof(letters) - 1)];
	ret[length] = '\0';
}

/* -------------------------------------------------------------------- dates */

/* Seconds east of Greenwich. */
static int parse_zone(const char *text, int *ret)
{
	int hours, minutes, len = 0;
	char sign;

	if (strcmp(text, "CST") == 0) {
		*ret = 8 * 3600;
		return 0;
	}
	if (strcmp(text, "GMT") == 0 || strcmp(text, "UTC") == 0) {
		*ret = 0;
		return 0;
	}
	if (strncmp(text, "GMT", 3) == 0 || strncmp(text, "UTC", 3) == 0)
		text += 3;
	if ((sscanf(text, "%c%2d:%2d%n", &sign, &hours, &minutes, &len) != 3 &&
	     sscanf(text, "%c%2d%2d%n", &sign, &hours, &minutes, &len) != 3) ||
	    text[len] || (sign != '+' && sign != '-') || hours < 0 || hours > 14 || minutes < 0 ||
	    minutes > 59)
		return -EINVAL;
	*ret = (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
	return 0;
}

int access_key_parse_date(const char *text, const int *named, int64_t *ret_seconds)
{
	struct tm tm = {0};
	int east;
	const char *rest;

	/* The names of days and months are English: the programs never set a locale. */
	rest = strptime(text, "%a, %d %b %Y %H:%M:%S", &tm);
	if (!rest || *rest != ' ')
		return -EINVAL;
	if (parse_zone(rest + 1, &east) < 0) {
		if (!named || *named < -EAST_MAX_S || *named > EAST_MAX_S)
			return -EINVAL;
		east = *named;
	}
	*ret_seconds = (int64_t)timegm(&tm) - east;
	return 0;
}

/* ---------------------------------------------------------------- signatures */

static int sign(const struct signed_request *request, const char *secret, char *ret, size_t size)
{
	_cleanup_free_ char *text = NULL;
	unsigned char mac[SHA1_SIZE];
	unsigned len = sizeof(mac);

	if (asprintf(&text, "%s\n%s\n%s", request->method, request->date, request->path) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	if (!HMAC(EVP_sha1(), secret, (int)strlen(secret), (const unsigned char *)text, strlen(text), mac,
		  &len))
		return -ENOMEM;
	(void)sodium_bin2base64(ret, size, mac, len, sodium_base64_VARIANT_ORIGINAL);
	return 0;
}

static int check_date(const struct signed_request *request, int64_t now, struct error *e)
{
	int64_t date, skew;

	if (access_key_parse_date(request->date, request->east, &date) < 0)
		return error_set(e, EACCES, "the Date '%.64s' is not like 'Mon, 02 Jan 2006 15:04:05 GMT'",
				 request->date);
	skew = date - now / 1000000000;
	if (skew >= -ACCESS_KEY_SKEW_S && skew <= ACCESS_KEY_SKEW_S)
		return 0;
	return error_set(e, EACCES, "the Date '%.64s' is more than %d seconds from the clock of the pool",
			 request->date, ACCESS_KEY_SKEW_S);
}

int access_key_verify(const struct view *view, const struct signed_request *request, int64_t now,
		      const char **ret_account, struct error *e)
{
	const struct object *key = view_next_where(view, KIND_ACCESS_KEY, ACCESS_KEY_ID, request->id, 0);
	char want[sodium_base64_ENCODED_LEN(SHA1_SIZE, sodium_base64_VARIANT_ORIGINAL)];
	int r;

	if (!key || !object_str_is(key, ACCESS_KEY_STATE, STATE_ENABLED))
		return error_set(e, EACCES, "access key id: %.64s does not existed or disabled", request->id);
	r = sign(request, object_text(key, ACCESS_KEY_SECRET), want, sizeof(want));
	if (r < 0)
		return error_oom(e);
	if (strlen(request->signature) != strlen(want) ||
	    sodium_memcmp(request->signature, want, strlen(want)) != 0)
		return error_set(e, EACCES, "wrong accessKey signature");
	r = check_date(request, now, e);
	if (r < 0)
		return r;
	*ret_account = object_text(key, ACCESS_KEY_ACCOUNT_UUID);
	return 0;
}
