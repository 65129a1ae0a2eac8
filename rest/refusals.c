/* SPDX-License-Identifier: Apache-2.0 */
/* See refusals.h. */
#include "rest/refusals.h"

#include <string.h>

#define RECORDED_MAX 1024

struct refusals {
	pthread_mutex_t lock;
	char jobs[RECORDED_MAX][MOUNT_UUID_SIZE]; /* lock */
	size_t next;				  /* lock */
};

struct refusals *refusals_new(void)
{
	struct refusals *refusals = calloc(1, sizeof(*refusals));

	if (refusals)
		pthread_mutex_init(&refusals->lock, NULL);
	return refusals;
}

void refusals_free(struct refusals *refusals)
{
	if (!refusals)
		return;
	pthread_mutex_destroy(&refusals->lock);
	free(refusals);
}

void refusals_add(struct refusals *refusals, const char *job)
{
	scoped_lock(&refusals->lock);
	snprintf(refusals->jobs[refusals->next++ % RECORDED_MAX], MOUNT_UUID_SIZE, "%s", job);
}

bool refusals_has(struct refusals *refusals, const char *job)
{
	scoped_lock(&refusals->lock);
	for (size_t i = 0; i < RECORDED_MAX; i++)
		if (*job && strcmp(refusals->jobs[i], job) == 0)
			return true;
	return false;
}
