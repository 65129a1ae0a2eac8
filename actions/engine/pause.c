/* SPDX-License-Identifier: Apache-2.0 */
/* See pause.h. */
#include "actions/engine/pause.h"

#include <time.h>

#define PAUSE_MIN_MS 20
#define PAUSE_MAX_MS 1000

void pause_wait(struct pause *p)
{
	struct timespec length;

	p->ms = p->ms ? 2 * p->ms : PAUSE_MIN_MS;
	p->ms = p->ms < PAUSE_MAX_MS ? p->ms : PAUSE_MAX_MS;
	length = (struct timespec){.tv_sec = p->ms / 1000, .tv_nsec = p->ms % 1000 * 1000000L};
	(void)nanosleep(&length, NULL);
}
