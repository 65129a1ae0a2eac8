/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor of a mount and the worker that serves it tell each other, over a
 * pair of sockets that keep messages apart. The end of either is the end of the socket.
 * The same messages go between the supervisor and who wants it to become another program.
 */
#ifndef POOLFS_FS_LINK_H
#define POOLFS_FS_LINK_H

#include <stddef.h>

/* Longest text in a message, bytes. */
#define LINK_TEXT 4096

enum link_what {
	/* from the worker */
	LINK_OPEN = 'o',   /* it has opened the pool, and wants /dev/fuse */
	LINK_READY = 'r',  /* it has answered the kernel's INIT: the mount can be used */
	LINK_SERVED = 's', /* it has answered requests */
	LINK_IDLE = 'i',   /* no job runs any more (SIGNAL_JOBS, fs/signals.h) */
	LINK_LEAVE = 'l',  /* it has ended its loop, and answered all it has: the mount is to end */
	LINK_ENDED = 'e',  /* it ends as it should */
	LINK_ERROR = 'x',  /* it ends for this reason: the text */
	/* from the supervisor */
	LINK_DEVICE = 'd',    /* here is /dev/fuse */
	LINK_NO_DEVICE = 'n', /* it cannot be mounted: end, without a message */
	LINK_GONE = 'g',      /* the mount is gone */
	/* of an upgrade (fs/upgrade.h) */
	LINK_UPGRADE = 'u',  /* become this program */
	LINK_UPGRADED = 'v', /* done; or LINK_ERROR */
};

struct link_message {
	enum link_what what;
	int fd; /* owned by the receiver; -1: none */
	char text[LINK_TEXT];
};

/** A pair of sockets. -errno. */
int link_new(int ret_ends[2]);
/** Sends a message. @fd: -1 = none, @text: NULL = none, cut to LINK_TEXT. -errno. */
int link_send(int end, enum link_what what, int fd, const char *text);
/** Waits for a message. 0: the other end is gone; 1; -errno. */
int link_receive(int end, struct link_message *ret);
/** Takes no message any more. (The last message to the other end is lost if some of its own are left at the close.) -errno. */
int link_discard(int end);

#endif
