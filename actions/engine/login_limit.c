/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See login_limit.h. Counters are found by a keyed hash of the name. Two names with
 * the same counter share its limit; the key is secret, so a client cannot choose
 * names that collide.
 */
#include "actions/engine/login_limit.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <string.h>

#include "model/kind.h"

#define COUNTERS  4096
#define PERIOD_NS (60 * NS_PER_S)

struct counter {
	int64_t since; /* ns: start of the minute */
	int attempts;
};

struct login_limit {
	pthread_mutex_t lock;
	unsigned char key[crypto_shorthash_KEYBYTES]; /* immutable */
	struct counter addresses[COUNTERS];	      /* lock */
	struct counter accounts[COUNTERS];	      /* lock */
};

struct login_limit *login_limit_new(void)
{
	struct login_limit *limit = sodium_init() < 0 ? NULL : calloc(1, sizeof(*limit));

	if (!limit)
		return NULL;
	pthread_mutex_init(&limit->lock, NULL);
	crypto_shorthash_keygen(limit->key);
	return limit;
}

void login_limit_free(struct login_limit *limit)
{
	if (!limit)
		return;
	pthread_mutex_destroy(&limit->lock);
	free(limit);
}

/* ------------------------------------------------------------------- addresses */

/* A client can choose freely among the addresses of its network, which has 64 bits in IPv6. */
static void make_key(const char *address, char ret[INET6_ADDRSTRLEN])
{
	struct in6_addr v6;

	snprintf(ret, INET6_ADDRSTRLEN, "%s", address);
	if (inet_pton(AF_INET6, address, &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6))
		return;
	memset(&v6.s6_addr[8], 0, 8);
	(void)inet_ntop(AF_INET6, &v6, ret, INET6_ADDRSTRLEN);
}

/* Where the address @key stands in @known, in which spaces separate them. */
static const char *find_address(const char *known, const char *key)
{
	size_t len = strlen(key);

	while (*known) {
		size_t part = strcspn(known, " ");

		if (part == len && strncmp(known, key, len) == 0)
			return known;
		known += part + (known[part] == ' ');
	}
	return NULL;
}

bool login_address_is_known(const char *known, const char *address)
{
	char key[INET6_ADDRSTRLEN];

	make_key(address, key);
	return *key && find_address(known, key);
}

char *login_addresses_add(const char *known, const char *address)
{
	size_t room = (LOGIN_ADDRESSES + 1) * (size_t)INET6_ADDRSTRLEN, len;
	char key[INET6_ADDRSTRLEN], *list = calloc(1, room);

	if (!list)
		return NULL;
	make_key(address, key);
	len = (size_t)snprintf(list, room, "%s", key);
	for (int count = 1; *known && count < LOGIN_ADDRESSES;) {
		size_t part = strcspn(known, " ");

		if (part != strlen(key) || strncmp(known, key, part) != 0) {
			len += (size_t)snprintf(list + len, room - len, " %.*s", (int)part, known);
			count++;
		}
		known += part + (known[part] == ' ');
	}
	return list;
}

/* -------------------------------------------------------------------- counters */

static struct counter *find(struct login_limit *limit, struct counter *counters, const char *name)
{
	unsigned char hash[crypto_shorthash_BYTES];
	uint32_t number;

	crypto_shorthash(hash, (const unsigned char *)name, strlen(name), limit->key);
	memcpy(&number, hash, sizeof(number));
	return &counters[number % COUNTERS];
}

/* The counter of the name, reset when its minute is over. */
static struct counter *find_now(struct login_limit *limit, struct counter *counters, const char *name,
				int64_t now)
{
	struct counter *c = find(limit, counters, name);

	if (now - c->since >= PERIOD_NS || now < c->since || !c->attempts)
		*c = (struct counter){.since = now};
	return c;
}

int login_limit_begin(struct login_limit *limit, const char *address, const char *account, int64_t now,
		      struct error *e)
{
	struct counter *from, *to;
	char key[INET6_ADDRSTRLEN];
	int seconds;

	make_key(address, key);
	scoped_lock(&limit->lock);
	from = find_now(limit, limit->addresses, key, now);
	to = find_now(limit, limit->accounts, account, now);
	if (from->attempts < LOGIN_FAILURES_OF_ADDRESS && to->attempts < LOGIN_FAILURES_OF_ACCOUNT) {
		from->attempts++;
		to->attempts++;
		return 0;
	}
	if (from->attempts >= LOGIN_FAILURES_OF_ADDRESS)
		to = from;
	seconds = (int)((to->since + PERIOD_NS - now) / NS_PER_S) + 1;
	return error_set_code(e, EAGAIN, "ID.1000", "too many failed logins, try again in %d seconds",
			      seconds);
}

void login_limit_forgive(struct login_limit *limit, const char *address, const char *account)
{
	struct counter *from, *to;
	char key[INET6_ADDRSTRLEN];

	make_key(address, key);
	scoped_lock(&limit->lock);
	from = find(limit, limit->addresses, key);
	to = find(limit, limit->accounts, account);
	if (from->attempts)
		from->attempts--;
	if (to->attempts)
		to->attempts--;
}
