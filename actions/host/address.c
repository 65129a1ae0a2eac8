/* SPDX-License-Identifier: Apache-2.0 */
/* See address.h. */
#include "actions/host/address.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/cleanup.h"
#include "model/fields.h"
#include "model/kind.h"

#define SSH_PORT 22
/* How long to wait for an answer from an address, milliseconds. */
#define PROBE_MS 3000

static bool address_answers(const struct addrinfo *address)
{
	_cleanup_close_ int fd =
		socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       address->ai_protocol);
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int error = 0;

	if (fd < 0)
		return false;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0)
		error = errno;
	if (error == EINPROGRESS && poll(&wait, 1, PROBE_MS) > 0)
		(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error == 0 || error == ECONNREFUSED;
}

bool host_address_answers(const struct object *host)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list = NULL;
	int64_t port = object_int(host, HOST_SSH_PORT);
	const char *name = object_str(host, HOST_MANAGEMENT_IP);
	bool answers = false;
	char service[24];

	if (object_str_is(host, HOST_VIRT_TYPE, "test"))
		return false;
	snprintf(service, sizeof(service), "%lld", (long long)(port ? port : SSH_PORT));
	if (!name || getaddrinfo(name, service, &hints, &list) != 0)
		return true;
	for (const struct addrinfo *a = list; a && !answers; a = a->ai_next)
		answers = address_answers(a);
	freeaddrinfo(list);
	return answers;
}
