/* SPDX-License-Identifier: Apache-2.0 */
/* See init.h. The structures are those of <linux/fuse.h>, which has members whose names model/banned.h forbids. */
#include "fs/init.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define OPCODE_INIT	     26
#define INIT_EXT	     (UINT32_C(1) << 30) /* flags2 is valid */
#define DIRECT_IO_ALLOW_MMAP (UINT32_C(1) << 4)	 /* in flags2 */

struct in {
	uint32_t len, opcode;
	uint64_t unique, node;
	uint32_t uid, gid, pid, extensions;
	uint32_t major, minor, readahead, flags, flags2;
};

struct out_header {
	uint32_t len;
	int32_t error;
	uint64_t unique;
};

struct init_out {
	uint32_t major, minor, readahead, flags;
	uint16_t background, congestion;
	uint32_t write_max, time_gran;
	uint16_t pages_max, alignment;
	uint32_t flags2, unused[7];
};

_Static_assert(offsetof(struct init_out, flags2) == 32 && sizeof(struct init_out) == 64,
	       "as in the protocol");

/* The request that is awaited or answered; used by the receiving thread. */
static struct in init;
static bool is_answered;

static ssize_t receive(int fd, void *buf, size_t size, void *userdata)
{
	ssize_t n = read(fd, buf, size);

	(void)userdata;
	if (!is_answered && n >= (ssize_t)sizeof(init) && ((struct in *)buf)->opcode == OPCODE_INIT)
		memcpy(&init, buf, sizeof(init));
	return n;
}

static ssize_t reply(int fd, struct iovec *iov, int count, void *userdata)
{
	const struct out_header *header = iov[0].iov_base;
	struct init_out *out;

	(void)userdata;
	if (!is_answered && init.opcode && header->unique == init.unique) {
		is_answered = true;
		out = count == 2 && iov[1].iov_len >= sizeof(*out) ? iov[1].iov_base : NULL;
		if (out && (init.flags & INIT_EXT) && (init.flags2 & DIRECT_IO_ALLOW_MMAP)) {
			out->flags |= INIT_EXT;
			out->flags2 |= DIRECT_IO_ALLOW_MMAP;
		}
	}
	return writev(fd, iov, count);
}

int init_start(struct fuse_session *session)
{
	static const struct fuse_custom_io io = {.read = receive, .writev = reply};

	/* It keeps a copy of the functions and the descriptor that the mount has opened. */
	return fuse_session_custom_io(session, &io, fuse_session_fd(session)) < 0 ? -ENOMEM : 0;
}
