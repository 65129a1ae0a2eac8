/* SPDX-License-Identifier: Apache-2.0 */
/* Growing pauses before what has failed is tried again. */
#ifndef POOLFS_ENGINE_PAUSE_H
#define POOLFS_ENGINE_PAUSE_H

/* All zeros: none yet. */
struct pause {
	long ms; /* the last one */
};

/** Blocks for the next one: 20 ms at first, then twice the last one, up to 1 s. */
void pause_wait(struct pause *p);

#endif
