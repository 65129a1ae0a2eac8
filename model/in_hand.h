/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which requests the threads of this process work on, in memory that outlives it.
 *
 * When a process dies, the next one does again what was requested of it (fs/receive.h). If
 * it died of a request, so would that one; so each must be able to tell which requests
 * the one before was working on. A request that is parked, such as the wait for a job, is
 * in nobody's hand, and innocent.
 *
 * A request is in the hand of the thread that has said so, and of those to which it
 * gives work: functions that are queued (actions/engine/workers.h, turns.h) and changes
 * that are posted to the store run in the name of the request for which that was done.
 *
 * Lock-free: a thread writes one word when it begins, and one at its end.
 */
#ifndef POOLFS_IN_HAND_H
#define POOLFS_IN_HAND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* More than threads that work on requests. Those beyond are not remembered. */
#define IN_HAND_MAX 128

/* The numbers of the requests; 0: none. In any order, with doubles. */
struct in_hand {
	_Atomic uint64_t requests[IN_HAND_MAX];
};

/** From now on the threads of this process use @table, which must be there as long as they are; NULL: none. */
void in_hand_open(struct in_hand *table);
/** From now on this thread works on the request @number; 0: on none. What it has worked on before. */
uint64_t in_hand_set(uint64_t number);
/**
 * What this thread works on, to be given to in_hand_take() by the thread that goes on with it, or to in_hand_drop() if
 * none does. Until then it is in hand, too.
 */
uint64_t in_hand_lend(void);
/** As in_hand_set(). */
uint64_t in_hand_take(uint64_t lent);
void in_hand_drop(uint64_t lent);
/** Does a thread of this process work on the request, or is one going to? Seldom true though none does. */
bool in_hand_is(uint64_t number);

#endif
