/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many who look up a file on which one can wait, at a time.
 *
 * Each lookup of such a file gives another inode (struct node). The kernel has one under the name, and asks again whenever
 * somebody uses it; if the answer is another one it drops what it has, and looks it up anew. So of N who open the file at
 * a time each would ask some N times: as soon as one of them has got its inode, it is what all others find. Here one of
 * them has the turn, until it has opened the file or has had HOLD_NS for it, and the lookups of the others are answered
 * later. What they promise stays: nobody shares an inode, and nobody waits for more than a moment.
 *
 * Used by the receiving thread only. Accepts NULL, which holds nobody back.
 */
#ifndef POOLFS_FS_OP_CROWD_H
#define POOLFS_FS_OP_CROWD_H

#include <fuse_lowlevel.h>
#include <stdbool.h>

#include "fs/tree/node.h"

struct crowd;

/** Answers a lookup: calls crowd_hold() for it again, which lets it pass. */
typedef void crowd_lookup_fn(fuse_req_t req, fuse_ino_t parent, const char *name);

/** NULL if out of memory. */
struct crowd *crowd_new(crowd_lookup_fn *lookup);
/** Accepts NULL. Call after crowd_end(). */
void crowd_free(struct crowd *crowd);

/** Takes the lookup of @node, which is answered later; false: it is to be answered now. */
bool crowd_hold(struct crowd *crowd, struct node node, fuse_req_t req, fuse_ino_t parent, const char *name);
/** The caller has opened the file. */
void crowd_note_open(struct crowd *crowd, struct node node, fuse_req_t req);
/** True if lookups are held back: then crowd_go_on() is to be called after a millisecond. */
bool crowd_waits(const struct crowd *crowd);
/** Answers the next lookup if the one before has had its turn. Call after each request. */
void crowd_go_on(struct crowd *crowd);
/** Answers all: no request will come any more. */
void crowd_end(struct crowd *crowd);

#endif
