/* SPDX-License-Identifier: Apache-2.0 */
/* See load.h. */
#include "actions/host/load.h"

#include <string.h>
#include <time.h>

#include "hypervisor/host_load.h"
#include "model/states.h"

/* Between the two looks at the CPUs, ms. */
#define SAMPLE_MS 250
#define MILLION	  UINT64_C(1000000)

/* One connected host, and its load at the beginning. */
struct sample {
	const char *uuid; /* borrowed from the view */
	struct hv_host_load before;
};

static int64_t share(uint64_t part, uint64_t all)
{
	return all ? (int64_t)((double)part / (double)all * (double)MILLION) : 0;
}

static size_t look(struct pool *pool, const struct view *view, struct sample *samples)
{
	size_t count = 0;

	view_for_each (host, view, KIND_HOST) {
		struct sample *s = &samples[count];

		s->uuid = object_uuid(host);
		if (object_str_is(host, HOST_STATUS, STATUS_CONNECTED) &&
		    hv_host_load(pool_hypervisor(pool), s->uuid, &s->before, NULL) == 0)
			count++;
	}
	return count;
}

void host_loads_measure(struct pool *pool, struct host_loads *ret)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	size_t room = view_count(view, KIND_HOST) + 1, count;
	_cleanup_free_ struct sample *samples = calloc(room, sizeof(*samples));
	const struct timespec pause = {.tv_nsec = SAMPLE_MS * 1000000L};

	ret->list = samples ? calloc(room, sizeof(*ret->list)) : NULL;
	ret->count = 0;
	if (!ret->list)
		return;
	count = look(pool, view, samples);
	if (count)
		(void)nanosleep(&pause, NULL);
	for (size_t i = 0; i < count; i++) {
		const struct hv_host_load *before = &samples[i].before;
		struct host_load *load = &ret->list[ret->count];
		struct hv_host_load now;

		if (hv_host_load(pool_hypervisor(pool), samples[i].uuid, &now, NULL) < 0)
			continue;
		snprintf(load->uuid, sizeof(load->uuid), "%s", samples[i].uuid);
		load->cpu = share(now.cpu_busy - before->cpu_busy, now.cpu_all - before->cpu_all);
		load->memory = share(now.memory_used, now.memory_all);
		ret->count++;
	}
}

const struct host_load *host_loads_find(const struct host_loads *loads, const char *host)
{
	for (size_t i = 0; loads && i < loads->count; i++)
		if (strcmp(loads->list[i].uuid, host) == 0)
			return &loads->list[i];
	return NULL;
}

void host_loads_done(struct host_loads *loads)
{
	free(loads->list);
	loads->list = NULL;
	loads->count = 0;
}
