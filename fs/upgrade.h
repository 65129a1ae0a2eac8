/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another program for a mount that stays: `poolfs --upgrade MOUNTPOINT`.
 *
 * The new program asks the supervisor of the mount, over a socket that is named after the mount, and hands over
 * itself. The supervisor has it tried: it reads the options, the database's version and what workers keep, and says
 * whether it could go on. Then jobs that run are waited for, while further ones wait, and the supervisor becomes the new
 * program (fs/handover.h), and has its worker replaced.
 * If that ends before it has served anything, it becomes the former program again, whose worker goes on.
 *
 *	ask ──> try ──> become the new program ──> its worker serves ──> done
 *	         │ no                                │ no
 *	         └> refused, nothing has changed      └> become the former one: refused
 */
#ifndef POOLFS_FS_UPGRADE_H
#define POOLFS_FS_UPGRADE_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#include "fs/handover.h"

struct session_options;
struct upgrade;

/** Seconds that a new program has to say that it could go on, that jobs have to end, and its worker to serve something. */
#define UPGRADE_TRY_S	30
#define UPGRADE_JOBS_S	60
#define UPGRADE_SERVE_S 60

/** Asks the supervisor of the pool that is mounted on @mountpoint to become this program; blocks until it has. */
int upgrade_ask(const char *mountpoint, struct error *e);
/**
 * Says whether this program could go on with a mount. @keep_fd: what its workers keep. -EPROTO: the database or what
 * is kept is of a newer version.
 */
int upgrade_try(const char *state_dir, int keep_fd, struct error *e);

/** For the supervisor of @mountpoint. NULL without memory; without a socket it is told in the log. */
struct upgrade *upgrade_new(const char *mountpoint);
/** Accepts NULL. */
void upgrade_free(struct upgrade *u);

/** Closes what it has open, in a child that does not use it. Accepts NULL. */
void upgrade_close(struct upgrade *u);

#define UPGRADE_POLLS 3
/** What has to be waited for, and for how long at most, ms; -1 = for ever. */
int upgrade_polls(const struct upgrade *u, struct pollfd ret[UPGRADE_POLLS]);
/**
 * Goes on after poll(2). *ret_program: the program that could go on, a descriptor that is the caller's, and *ret_caller
 * is who waits for the outcome; -1: there is none yet.
 */
void upgrade_go_on(struct upgrade *u, const struct pollfd polls[UPGRADE_POLLS],
		   const struct session_options *options, int keep_fd, int *ret_program, int *ret_caller);
/** A child of the process has ended; true if it was the one that tries. */
bool upgrade_reaped(struct upgrade *u, pid_t pid, int status);
/** Tells who waits, and closes @caller. @e: NULL = it is done. */
void upgrade_tell(int caller, const struct error *e);

#endif
