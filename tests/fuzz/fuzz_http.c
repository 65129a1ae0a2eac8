/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a connection to poolfs-rest: heads, each with its body, one after
 * the other. A head is refused with a status and a sentence, or has a method, a
 * target and one framing; fields contain no control characters. What a head says
 * of a proxy's client is an address.
 */
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <string.h>

#include "model/cleanup.h"
#include "rest/http_body.h"
#include "rest/proxy.h"

static void check_fields(const struct http_head *head)
{
	for (size_t i = 0; i < head->count; i++) {
		fuzz_require(*head->fields[i].name);
		for (const char *c = head->fields[i].name; *c; c++)
			fuzz_require(http_is_token((unsigned char)*c));
		for (const char *c = head->fields[i].value; *c; c++)
			fuzz_require(http_is_text((unsigned char)*c));
	}
}

static void check_forwarded(const struct http_head *head)
{
	static const struct proxies proxies = {.local = true};
	unsigned char address[sizeof(struct in6_addr)];
	struct forwarded forwarded;

	forwarded_read(&proxies, head, "local", &forwarded);
	fuzz_require(strcmp(forwarded.client, "local") == 0 ||
		     inet_pton(AF_INET, forwarded.client, address) == 1 ||
		     inet_pton(AF_INET6, forwarded.client, address) == 1);
}

/* The length of the body at @data; -1 when it is refused or incomplete. */
static long check_body(const struct http_head *head, const char *data, size_t len)
{
	struct http_body body = http_body_of(head);
	size_t at = 0, run, content = 0;
	const char *start;

	while (at < len && !http_body_is_complete(&body)) {
		long taken = http_body_take(&body, data + at, len - at, &start, &run);

		if (taken < 0)
			return -1;
		fuzz_require(taken > 0 && (size_t)taken <= len - at && run <= (size_t)taken);
		fuzz_require(!run || (start >= data + at && start + run <= data + at + taken));
		at += (size_t)taken;
		content += run;
	}
	fuzz_require(head->chunked || content <= head->length);
	return http_body_is_complete(&body) ? (long)at : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *copy = malloc(size + 1);
	size_t at = 0, len;
	long body;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	while ((len = http_head_length(copy + at, size - at, 0))) {
		struct http_head head;

		fuzz_require(len <= size - at);
		if (!http_head_parse(copy + at, len, &head)) {
			fuzz_require(head.status >= 400 && head.status < 600 && *head.text);
			return 0;
		}
		fuzz_require(*head.method && (*head.target == '/' || strcmp(head.target, "*") == 0));
		fuzz_require(!head.chunked || head.length == 0);
		check_fields(&head);
		check_forwarded(&head);
		at += len;
		body = check_body(&head, copy + at, size - at);
		if (body < 0)
			return 0;
		at += (size_t)body;
	}
	return 0;
}
