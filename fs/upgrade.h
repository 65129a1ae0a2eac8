/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another program for a mount that stays: `poolfs --upgrade MOUNTPOINT`. This is the supervisor's part; what the new
 * program does is in fs/upgrade_ask.h.
 *
 * The new program asks over a socket, and hands over itself. The supervisor has it tried: it reads the options, the
 * database's version and what workers keep, and says whether it could go on. Then jobs that run are waited for, while
 * further ones wait, and the supervisor becomes the new program (fs/handover.h), and has its worker replaced.
 * If that ends before it has served anything, it becomes the former program again, whose worker goes on.
 *
 *	asked ──> tried ──> waits for jobs ──> becomes the new program ──> its worker serves ──> done
 *	  │         │ no      │ too long                                     │ no, or too late
 *	  └─────────┴─────────┴> refused, nothing has changed                └> becomes the former one: refused
 *
 * One is done at a time: who else asks meanwhile is refused with EBUSY, and other users with EPERM, as soon as they
 * connect. Each step has its time, of CLOCK_MONOTONIC, after which it has failed. For one thread; nothing blocks.
 */
#ifndef POOLFS_FS_UPGRADE_H
#define POOLFS_FS_UPGRADE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/handover.h"

struct session_options;
struct upgrade;

/* Seconds that each step has. */
#define UPGRADE_ASK_S	5  /* to say which program */
#define UPGRADE_TRY_S	30 /* for it to say that it could go on */
#define UPGRADE_JOBS_S	60 /* for the jobs that run to end */
#define UPGRADE_SERVE_S 60 /* for its worker to serve something */
/*
 * It may have to bring the database to another schema first, which took 21 s of processor time for each GB: it has as much
 * more time as that takes at so many bytes a second, on a busy machine.
 */
#define UPGRADE_SCHEMA_RATE (8 << 20)

/** @options stay the caller's. NULL: no memory. */
struct upgrade *upgrade_new(const struct session_options *options);
/** Seconds after which a worker of this program, which may be newer than the database, should have served something. */
int64_t upgrade_serve_seconds(const struct upgrade *u);
/**
 * The mount is there: asks may come from now on. Without a socket, which is told in the log, there are none. @h: what the
 * program before this one has handed over, of which it takes `former` and `caller`; NULL: nothing.
 */
void upgrade_start(struct upgrade *u, struct handover *h);
/** The mount ends: refuses who waits. Nothing comes after it. */
void upgrade_stop(struct upgrade *u);
/** Closes what it has open, in a child that does not use it. */
void upgrade_close(struct upgrade *u);
/** Accepts NULL. */
void upgrade_free(struct upgrade *u);

#define UPGRADE_POLLS 3
/** What has to be waited for, and until when at most: ns of CLOCK_MONOTONIC, INT64_MAX = for ever. */
int64_t upgrade_polls(const struct upgrade *u, struct pollfd ret[UPGRADE_POLLS]);
/**
 * Goes on after poll(2). @present: the mount as it is, to be handed over: on success it does not return, but the
 * process is the new program. Kills the worker of @present when it has to have served, and has not.
 */
void upgrade_go_on(struct upgrade *u, const struct pollfd polls[UPGRADE_POLLS],
		   const struct handover *present);
/** No job runs any more. */
void upgrade_idle(struct upgrade *u, const struct handover *present);
/** A child of the process has ended; true if it was the one that tries. */
bool upgrade_reaped(struct upgrade *u, pid_t pid, int status);

/** A worker of this program serves: if it is the new one, the upgrade is done. */
void upgrade_served(struct upgrade *u);
/**
 * A worker of this program has ended, for the reason @why (not set: unknown), and has served nothing: if it is the new
 * one, the former program goes on, and this does not return unless that fails.
 */
void upgrade_failed(struct upgrade *u, const struct handover *present, const struct error *why);

/** Tells who waits for the outcome, and closes *@caller. @e: NULL = it is done. */
void upgrade_tell(int *caller, const struct error *e);

#endif
