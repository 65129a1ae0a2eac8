/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of this machine that do long work for us, followed and broken off.
 *
 * A library that talks to a storage cluster may never come back when the
 * cluster is gone; a program can be ended at any moment. So such work is done by
 * one, and its listener is asked while it runs, whether it says something or not.
 */
#ifndef POOLFS_HYPERVISOR_COMMAND_H
#define POOLFS_HYPERVISOR_COMMAND_H

#include "hypervisor/hypervisor.h"

/* How a program ended. */
struct command_end {
	int status;	   /* of its exit, or 128 + the signal's number */
	char *output;	   /* what it wrote to standard output; owned */
	char message[256]; /* the last line on standard error that is no progress; "" = none */
};

/*
 * Runs @argv[0], looked up in PATH, with no descriptor of ours, to its end. Per cents that it tells ("12%",
 * "(12.34/100%)") go to @progress, which is asked several times a second in any case and may break it off:
 * -ECANCELED. -EOPNOTSUPP with a sentence when there is no such program. Success says only that it ended.
 */
int command_run(const char *const argv[], hv_progress *progress, void *ctx, struct command_end *ret,
		struct error *e);
void command_end_done(struct command_end *end);
#define _cleanup_command_ _cleanup_(command_end_done)

#endif
