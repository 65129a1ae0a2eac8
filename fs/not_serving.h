/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor does when no worker serves.
 *
 * A worker that had served is started again at once, however often it is killed. If NOT_SERVING_DEATHS in a row have
 * served nothing, the program, the pool or a request is bad. (SIGKILL comes from outside, and may hit the best program
 * while it starts: ten times as many. One that cannot be started for want of memory or processes counts, too.) Then the mount stays, the supervisor itself answers each request with EIO, and a
 * worker is tried every NOT_SERVING_RETRY_S seconds, for which requests wait as long as it starts. A file in the state
 * folder says why meanwhile.
 */
#ifndef POOLFS_FS_NOT_SERVING_H
#define POOLFS_FS_NOT_SERVING_H

#include <stdbool.h>
#include <stdint.h>

#include "model/error.h"
#include "model/keep.h"

#define NOT_SERVING_DEATHS  5
#define NOT_SERVING_RETRY_S 10
#define NOT_SERVING_FILE    "not-serving"
/* Beside it, while workers serve: a file of zeros, the room for the text on a disk that is full. */
#define NOT_SERVING_RESERVED ".not-serving"

/* Of one thread. All 0 but the first two: workers serve. */
struct not_serving {
	const char *mountpoint, *state_dir; /* not owned */
	int deaths;			    /* of workers in a row that have served nothing, */
	int kills;			    /* and those of them by SIGKILL */
	int64_t tried;			    /* ns of CLOCK_MONOTONIC: when the last worker was started */
	bool not_started;		    /* it could not be */
	struct keep *keep; /* requests are refused, which is written here; NULL: they are not */
};

/** A worker is started now: what is kept is for it to write, and no request is refused. */
void not_serving_try(struct not_serving *n);
/** A worker has ended by SIGKILL, or otherwise (@why: not set if it was not said), and has served nothing. */
void not_serving_count(struct not_serving *n, bool killed, const struct error *why);
/** The worker could not be started (@why): the next one is tried after a moment. */
void not_serving_not_started(struct not_serving *n, const struct error *why);
/** A worker serves: what was counted is forgotten, the file removed, and room reserved for the next one. */
void not_serving_end(struct not_serving *n);
/** Have too many workers ended? */
bool not_serving_is_given_up(const struct not_serving *n);
/** When the next worker is to be started: ns of CLOCK_MONOTONIC; 0: at once. */
int64_t not_serving_next(const struct not_serving *n);
/** Refuses the requests that are kept in @keep_fd, if that was not done since the last not_serving_try(). */
void not_serving_refuse_kept(struct not_serving *n, int device, int keep_fd);
/** Receives a request, for which this may wait, and refuses it, after not_serving_refuse_kept(). -ENODEV: the mount is gone. */
int not_serving_refuse(struct not_serving *n, int device);
/** Frees what it has, not itself. */
void not_serving_done(struct not_serving *n);

#endif
