/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs programs of this machine for long work, with progress and cancellation.
 *
 * A library that talks to a storage cluster may never return when the cluster is
 * gone; a program can be killed at any moment. So such work is done by a program,
 * and the progress callback is called while it runs, with or without output.
 */
#ifndef POOLFS_HYPERVISOR_COMMAND_H
#define POOLFS_HYPERVISOR_COMMAND_H

#include "hypervisor/hypervisor.h"

/* How a program ended. */
struct command_end {
	int status;	   /* of its exit, or 128 + the signal's number */
	char *output;	   /* what it wrote to standard output; owned */
	char message[256]; /* the last line on standard error that is not progress; "" = none */
};

/*
 * Runs @argv[0], looked up in PATH, without inheriting descriptors, to its end. Per cents that it prints
 * ("12%", "(12.34/100%)") go to @progress, which is called several times a second in any case and may
 * cancel: -ECANCELED. After @limit seconds (0 = never) it is killed: -ETIMEDOUT. -EOPNOTSUPP with a sentence
 * when there is no such program. Success says only that it ended.
 */
int command_run(const char *const argv[], int limit, hv_progress *progress, void *ctx,
		struct command_end *ret, struct error *e);
/*
 * As command_run(), for a program of QEMU that reads images of users: in poolfs-box (box_main.c), with network.
 * A program that is not installed is status 127 and a message.
 */
int command_run_boxed(const char *const argv[], int limit, hv_progress *progress, void *ctx,
		      struct command_end *ret, struct error *e);
/* The same for a program that only reads files of this machine: without network, and nothing that it can change. */
int command_run_reading(const char *const argv[], int limit, hv_progress *progress, void *ctx,
			struct command_end *ret, struct error *e);
/* The same for a program that only works on files of this machine: without network. */
int command_run_writing(const char *const argv[], int limit, hv_progress *progress, void *ctx,
			struct command_end *ret, struct error *e);
void command_end_done(struct command_end *end);
#define _cleanup_command_ _cleanup_(command_end_done)

#endif
