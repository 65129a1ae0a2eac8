/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that a host has written, written to its disk. Internal to storage/.
 *
 * libvirt and QEMU write files into the page cache of their host. What becomes of them there is not told: libvirt
 * flushes no upload, and QEMU ends a copy with a flush whose error it drops. Where the host is this machine, a flush
 * here says how it ended, also to whom somebody else's flush was told of it, provided that the file has been open here
 * since before. So a file is opened as soon as it exists, and flushed after the last write.
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_FLUSH_H
#define POOLFS_HYPERVISOR_STORAGE_FLUSH_H

#include "hypervisor/call.h"

/* A file that is being written. */
struct flush {
	char *path; /* owned; NULL: not reached from here */
	int fd;	    /* owned */
	bool here;  /* it is known to be the file of the host */
};
#define FLUSH_INIT ((struct flush){.fd = -1})

/* Opens the file @path of the call's host, which exists. Without effect when it cannot be reached from here. */
void flush_begin(struct flush *flush, const struct hv_call *call, const char *path);
/* Is the file that was opened the one of the host? Not, when none could be. */
int flush_is_here(struct flush *flush, const struct hv_call *call, bool *ret_here, struct error *e);
/*
 * Content and name are durable. *@ret_here (may be NULL): false, and nothing was done, when the file is not on this
 * machine, or not within reach. Negative errno with a sentence.
 */
int flush_end(struct flush *flush, const struct hv_call *call, bool *ret_here, struct error *e);
/* Both of a file that nobody writes to any more. */
int flush_new(const struct hv_call *call, const char *path, struct error *e);
void flush_done(struct flush *flush);
#define _cleanup_flush_ _cleanup_(flush_done)

#endif
