/* SPDX-License-Identifier: Apache-2.0 */
/* See listen.h. */
#include "rest/listen.h"

#include <ctype.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_FD 3
#define BACKLOG	 512

int listen_activated(struct error *e)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	long count = fds ? strtol(fds, NULL, 10) : 0;

	if (!pid || strtol(pid, NULL, 10) != (long)getpid() || count < 1)
		return -1;
	if (count > 1)
		return error_set(e, EINVAL, "systemd passed %ld sockets, but only one is supported", count);
	if (fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC) < 0)
		return error_set(e, errno, "cannot use the socket passed by systemd: %s", strerror(errno));
	return FIRST_FD;
}

static int open_one(const struct addrinfo *info)
{
	int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol), on = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		int r = -errno;

		(void)close(fd);
		return r;
	}
	return fd;
}

int listen_on(const char *address, struct error *e)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_ADDRCONFIG},
			*list = NULL;
	_cleanup_free_ char *copy = strdup(address);
	char *port = copy ? strrchr(copy, ':') : NULL, *host = copy, *end;
	long number;
	int r;

	if (!copy)
		return error_oom(e);
	if (!port)
		return error_set(e, EINVAL, "'%s' is not ADDRESS:PORT", address);
	*port++ = '\0';
	if (*host == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		host++;
	}
	number = strtol(port, &end, 10);
	if (!isdigit((unsigned char)*port) || *end || number < 1 || number > 65535)
		return error_set(e, EINVAL, "'%s' is not ADDRESS:PORT with a port from 1 to 65535", address);
	r = getaddrinfo(*host ? host : NULL, port, &hints, &list);
	if (r)
		return error_set(e, EINVAL, "cannot listen on '%s': %s", address, gai_strerror(r));
	r = -EADDRNOTAVAIL;
	for (const struct addrinfo *info = list; info && r < 0; info = info->ai_next)
		r = open_one(info);
	freeaddrinfo(list);
	return r < 0 ? error_set(e, -r, "cannot listen on '%s': %s", address, strerror(-r)) : r;
}
