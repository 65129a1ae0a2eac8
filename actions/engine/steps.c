/* SPDX-License-Identifier: Apache-2.0 */
/* See steps.h. */
#include "actions/engine/steps.h"

#include "actions/engine/kill_point.h"

struct step {
	step_fn *fn;
	void *arg;
	size_t left;
};

static int run_step(struct txn *t, void *arg, struct error *e)
{
	struct step *step = arg;

	step->left = STEP_ROWS;
	return step->fn(t, step->arg, &step->left, e);
}

int pool_run_steps(struct pool *pool, step_fn *fn, void *arg, struct error *e)
{
	struct step step = {.fn = fn, .arg = arg};

	for (;;) {
		int r = store_run(pool_store(pool), run_step, &step, e);

		if (r < 0 || step.left)
			return r;
		kill_point("step-done");
	}
}
