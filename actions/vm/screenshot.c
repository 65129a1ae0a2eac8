/* SPDX-License-Identifier: Apache-2.0 */
/* See screenshot.h. Who wants a picture waits as in single_flight.h: pictures are kept no longer than they are young. */
#include "actions/vm/screenshot.h"

#include <errno.h>
#include <string.h>

#include "actions/engine/operation.h"
#include "actions/engine/pool_internal.h"
#include "actions/engine/single_flight.h"
#include "hypervisor/domain/screenshot.h"
#include "model/clock.h"
#include "model/ref.h"

/* Hosts that are asked at a time. */
#define ASKERS_MAX 16
/* How long to wait for one. */
#define WAIT_MS	  5000
#define NS_PER_MS (NS_PER_S / 1000)

struct screenshot {
	struct ref ref;
	int64_t time; /* ns since 1970 */
	char *png;    /* owned; NULL: there is none, and `why` says why */
	size_t len;
	struct error why;
};

static void screenshot_destroy(struct ref *self)
{
	struct screenshot *shot = (struct screenshot *)self;

	error_done(&shot->why);
	free(shot->png);
	free(shot);
}

void screenshot_unref(struct screenshot *shot)
{
	ref_put((struct ref *)shot);
}

const char *screenshot_png(const struct screenshot *shot, size_t *ret_len)
{
	*ret_len = shot->len;
	return shot->png;
}

int64_t screenshot_time(const struct screenshot *shot)
{
	return shot->time;
}

/* The host that shows the screen of the VM, borrowed from @view. NULL with an error. */
static const char *find_host(const struct view *view, const char *uuid, struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);
	const char *state = vm ? object_text(vm, VM_STATE) : NULL;

	if (!vm)
		(void)error_set(e, ENOENT, "there is no VM '%s'", uuid);
	else if (!vm_state_is_in(state, S_RUNNING | S_PAUSED) || object_is_null(vm, VM_HOST_UUID))
		(void)error_set(
			e, EBUSY,
			"the VM '%s' is %s: only the screen of one that is Running or Paused shows something",
			object_name(vm), state);
	else
		return object_str(vm, VM_HOST_UUID);
	return NULL;
}

/* NULL without memory. */
static struct ref *take(void *ctx, const char *vm, const struct ref *before)
{
	struct pool *pool = ctx;
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	struct screenshot *shot = calloc(1, sizeof(*shot));
	const char *host;

	(void)before;
	if (!shot)
		return NULL;
	ref_init(&shot->ref, screenshot_destroy);
	host = find_host(view, vm, &shot->why);
	if (host)
		(void)hv_domain_screenshot(pool_hypervisor(pool), host, vm, &shot->png, &shot->len,
					   &shot->why);
	shot->time = store_now();
	return &shot->ref;
}

struct single_flight *screenshots_new(struct pool *pool)
{
	return single_flight_new(&(struct single_flight_options){
		.name = "screenshot",
		.threads = ASKERS_MAX,
		.kept = SCREENSHOT_AGE_MS * NS_PER_MS,
		.ask = take,
		.ctx = pool,
	});
}

int screenshot_get(struct pool *pool, const char *vm, struct screenshot **ret, struct error *e)
{
	struct flight *flight = single_flight_begin(pool->screenshots, vm, SCREENSHOT_AGE_MS * NS_PER_MS);
	_cleanup_screenshot_ struct screenshot *shot = NULL;
	struct ref *answer;
	int r = flight_wait(flight, clock_monotonic() + WAIT_MS * NS_PER_MS, &answer);

	if (r == -ETIMEDOUT)
		return error_set(e, ETIMEDOUT,
				 "the host has shown no picture of the screen for %d seconds: ask again",
				 WAIT_MS / 1000);
	if (r < 0)
		return error_set(e, -r, "cannot take a picture of the screen: %s", strerror(-r));
	shot = (struct screenshot *)answer;
	if (!shot->png)
		return error_set_code(e, shot->why.errnum, shot->why.code, "%s", error_sentence(&shot->why));
	*ret = steal(&shot);
	return 0;
}
