/* SPDX-License-Identifier: Apache-2.0 */
/* See upgrade_socket.h. */
#include "fs/upgrade_socket.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections that may wait to be accepted. */
#define BACKLOG 16

static socklen_t address_of(dev_t mount, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1,
					    "poolfs/upgrade/%u:%u", major(mount), minor(mount)));
}

/* Closes @fd after a failure. -errno. */
static int failed(int fd)
{
	int error = errno;

	if (fd >= 0)
		(void)close(fd);
	return -error;
}

int upgrade_socket_listen(dev_t mount)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	socklen_t len = address_of(mount, &address);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, BACKLOG) < 0)
		return failed(fd);
	return fd;
}

int upgrade_socket_connect(dev_t mount)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	socklen_t len = address_of(mount, &address);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, len) < 0)
		return failed(fd);
	return fd;
}

bool upgrade_socket_is_trusted(int end)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(end, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}
