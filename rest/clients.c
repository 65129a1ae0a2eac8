/* SPDX-License-Identifier: Apache-2.0 */
/* See clients.h. There are at most some thousand seats, so lists are searched from end to end. */
#include "rest/clients.h"

#include <arpa/inet.h>
#include <string.h>

#include "model/cleanup.h"
#include "model/clock.h"

#define KEY_SIZE INET6_ADDRSTRLEN

struct client {
	struct client *next;
	char key[KEY_SIZE];
	int seats;    /* without those that must go */
	int requests; /* through proxies */
	int refs;
};

struct clients {
	int connections, of_one; /* immutable */
	pthread_mutex_t lock;
	pthread_cond_t empty;
	/* All under the lock. */
	struct client *list;
	struct seat *seats;
	int seated; /* without those that must go */
	bool closing;
	int64_t last_left; /* ms */
};

struct clients *clients_new(int connections, int of_one)
{
	struct clients *clients = calloc(1, sizeof(*clients));

	if (!clients)
		return NULL;
	clients->connections = connections;
	clients->of_one = of_one;
	clients->last_left = clock_monotonic_ms();
	pthread_mutex_init(&clients->lock, NULL);
	pthread_cond_init(&clients->empty, NULL);
	return clients;
}

void clients_free(struct clients *clients)
{
	if (!clients)
		return;
	pthread_mutex_lock(&clients->lock);
	while (clients->seats)
		pthread_cond_wait(&clients->empty, &clients->lock);
	pthread_mutex_unlock(&clients->lock);
	pthread_cond_destroy(&clients->empty);
	pthread_mutex_destroy(&clients->lock);
	free(clients);
}

/* --------------------------------------------------------------------- clients */

static void make_key(const char *address, char ret[KEY_SIZE])
{
	struct in6_addr v6;

	snprintf(ret, KEY_SIZE, "%s", address);
	if (inet_pton(AF_INET6, address, &v6) != 1)
		return;
	memset(&v6.s6_addr[8], 0, 8);
	(void)inet_ntop(AF_INET6, &v6, ret, KEY_SIZE);
}

/* Call with the lock held. A reference; NULL when memory is short. */
static struct client *client_get(struct clients *clients, const char *address)
{
	struct client *client = clients->list;
	char key[KEY_SIZE];

	make_key(address, key);
	while (client && strcmp(client->key, key) != 0)
		client = client->next;
	if (!client) {
		client = calloc(1, sizeof(*client));
		if (!client)
			return NULL;
		memcpy(client->key, key, sizeof(key));
		client->next = clients->list;
		clients->list = client;
	}
	client->refs++;
	return client;
}

/* Call with the lock held. */
static void client_put(struct clients *clients, struct client *client)
{
	struct client **at = &clients->list;

	if (--client->refs)
		return;
	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	free(client);
}

/* ----------------------------------------------------------------------- seats */

/* True when @a should go rather than @b (NULL: none). */
static bool goes_before(const struct seat *a, const struct seat *b)
{
	if (!b || a->trusted != b->trusted)
		return !b || b->trusted;
	if (a->client->seats != b->client->seats)
		return a->client->seats > b->client->seats;
	return atomic_load(&a->since) < atomic_load(&b->since);
}

/* Call with the lock held. False when the seat does not wait any more. */
static bool dismiss(struct clients *clients, struct seat *seat)
{
	long long since = atomic_load(&seat->since);

	if (since <= 0 || !atomic_compare_exchange_strong(&seat->since, &since, -1))
		return false;
	seat->client->seats--;
	clients->seated--;
	stream_shut_down(seat->stream);
	return true;
}

/* Call with the lock held. Only a seat of @client goes, unless it is NULL. False when all of them work. */
static bool make_room(struct clients *clients, const struct client *client)
{
	struct seat *worst;

	do {
		worst = NULL;
		for (struct seat *s = clients->seats; s; s = s->next)
			if (atomic_load(&s->since) > 0 && (!client || s->client == client) &&
			    goes_before(s, worst))
				worst = s;
	} while (worst && !dismiss(clients, worst));
	return worst != NULL;
}

bool clients_seat(struct clients *clients, struct seat *seat, const char *address, bool trusted,
		  struct stream *stream)
{
	struct client *client;

	scoped_lock(&clients->lock);
	client = clients->closing ? NULL : client_get(clients, address);
	if (!client)
		return false;
	if ((!trusted && client->seats >= clients->of_one && !make_room(clients, client)) ||
	    (clients->seated >= clients->connections && !make_room(clients, NULL))) {
		client_put(clients, client);
		return false;
	}
	seat->client = client;
	seat->stream = stream;
	seat->trusted = trusted;
	atomic_init(&seat->since, clock_monotonic_ms());
	client->seats++;
	clients->seated++;
	seat->prev = NULL;
	seat->next = clients->seats;
	if (seat->next)
		seat->next->prev = seat;
	clients->seats = seat;
	return true;
}

void clients_leave(struct clients *clients, struct seat *seat)
{
	scoped_lock(&clients->lock);
	if (atomic_exchange(&seat->since, -1) >= 0) {
		seat->client->seats--;
		clients->seated--;
	}
	if (seat->prev)
		seat->prev->next = seat->next;
	else
		clients->seats = seat->next;
	if (seat->next)
		seat->next->prev = seat->prev;
	client_put(clients, seat->client);
	clients->last_left = clock_monotonic_ms();
	if (!clients->seats)
		pthread_cond_broadcast(&clients->empty);
}

static bool seat_set(struct seat *seat, long long since)
{
	long long was = atomic_load(&seat->since);

	return was >= 0 && atomic_compare_exchange_strong(&seat->since, &was, since);
}

bool seat_wait(struct seat *seat)
{
	return seat_set(seat, clock_monotonic_ms());
}

bool seat_work(struct seat *seat)
{
	return seat_set(seat, 0);
}

/* -------------------------------------------------------------------- requests */

struct client *clients_begin_request(struct clients *clients, const char *address)
{
	struct client *client;

	scoped_lock(&clients->lock);
	client = client_get(clients, address);
	if (client && client->requests >= clients->of_one) {
		client_put(clients, client);
		return NULL;
	}
	if (client)
		client->requests++;
	return client;
}

void clients_end_request(struct clients *clients, struct client *client)
{
	if (!client)
		return;
	scoped_lock(&clients->lock);
	client->requests--;
	client_put(clients, client);
}

/* ------------------------------------------------------------------ the others */

void clients_make_room(struct clients *clients)
{
	scoped_lock(&clients->lock);
	(void)make_room(clients, NULL);
}

void clients_dismiss(struct clients *clients)
{
	scoped_lock(&clients->lock);
	clients->closing = true;
	for (struct seat *s = clients->seats; s; s = s->next)
		(void)dismiss(clients, s);
}

int clients_quiet(struct clients *clients)
{
	scoped_lock(&clients->lock);
	return clients->seats ? 0 : (int)((clock_monotonic_ms() - clients->last_left) / 1000);
}
