/* SPDX-License-Identifier: Apache-2.0 */
/* See link.h. */
#include "fs/link.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int link_new(int ret_ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends) < 0 ? -errno : 0;
}

int link_send(int end, enum link_what what, int fd, const char *text)
{
	char byte = (char)what;
	union {
		struct cmsghdr header; /* aligned as the kernel wants it */
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	struct iovec iov[] = {{.iov_base = &byte, .iov_len = 1},
			      {.iov_base = (void *)(uintptr_t)text, .iov_len = text ? strlen(text) : 0}};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};

	if (iov[1].iov_len > LINK_TEXT - 1)
		iov[1].iov_len = LINK_TEXT - 1;
	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		control.header = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	while (sendmsg(end, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int link_discard(int end)
{
	char byte;

	if (shutdown(end, SHUT_RD) < 0)
		return -errno;
	while (recv(end, &byte, sizeof(byte), MSG_DONTWAIT) > 0)
		;
	return 0;
}

/* One is wanted; who sends more has them closed. */
static void take_descriptors(const struct cmsghdr *header, struct link_message *ret)
{
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
		if (i == 0)
			ret->fd = fd;
		else
			(void)close(fd);
	}
}

int link_receive(int end, struct link_message *ret)
{
	char byte;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov[] = {{.iov_base = &byte, .iov_len = 1},
			      {.iov_base = ret->text, .iov_len = sizeof(ret->text) - 1}};
	struct msghdr message = {.msg_iov = iov,
				 .msg_iovlen = 2,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	const struct cmsghdr *header;
	ssize_t n;

	do
		n = recvmsg(end, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 && errno != ECONNRESET ? -errno : 0;
	ret->what = (enum link_what)byte;
	ret->text[n - 1] = '\0';
	ret->fd = -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		take_descriptors(header, ret);
	return 1;
}
