/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of clients behind a trusted proxy: each client has its own limit. */
#include "rest/clients.h"

#include "tests/unit/test.h"

#define OF_ONE 3

static void each_client_behind_a_proxy_has_its_limit(void **state)
{
	struct clients *clients = clients_new(10, OF_ONE);
	struct client *mine[OF_ONE], *other, *again;

	(void)state;
	assert_non_null(clients);
	for (int i = 0; i < OF_ONE; i++) {
		mine[i] = clients_begin_request(clients, "203.0.113.1");
		assert_non_null(mine[i]);
	}
	assert_null(clients_begin_request(clients, "203.0.113.1"));
	other = clients_begin_request(clients, "203.0.113.2");
	assert_non_null(other);
	clients_end_request(clients, mine[0]);
	again = clients_begin_request(clients, "203.0.113.1");
	assert_non_null(again);
	assert_null(clients_begin_request(clients, "203.0.113.1"));
	clients_end_request(clients, again);
	clients_end_request(clients, other);
	clients_end_request(clients, NULL); /* of one that had too many */
	for (int i = 1; i < OF_ONE; i++)
		clients_end_request(clients, mine[i]);
	clients_free(clients);
}

/* A network of 64 bits is given to one client, who could take another address for each request. */
static void addresses_of_one_network_are_one_client(void **state)
{
	static const char *const addresses[OF_ONE] = {"2001:db8:1:2::1", "2001:db8:1:2::2",
						      "2001:db8:1:2:3:4:5:6"};
	struct clients *clients = clients_new(10, OF_ONE);
	struct client *mine[OF_ONE], *other;

	(void)state;
	assert_non_null(clients);
	for (int i = 0; i < OF_ONE; i++) {
		mine[i] = clients_begin_request(clients, addresses[i]);
		assert_non_null(mine[i]);
	}
	assert_null(clients_begin_request(clients, "2001:db8:1:2::7"));
	other = clients_begin_request(clients, "2001:db8:1:3::1");
	assert_non_null(other);
	clients_end_request(clients, other);
	for (int i = 0; i < OF_ONE; i++)
		clients_end_request(clients, mine[i]);
	clients_free(clients);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_client_behind_a_proxy_has_its_limit),
		cmocka_unit_test(addresses_of_one_network_are_one_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
