/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long jobs: jobs as clients of the manual's server see those that they submit with SubmitLongJob.
 *
 * A long job is no object of its own: it is made of the row of the job that runs it, which says its uuid and what it was
 * submitted with, and lasts as long as that row. A long job that runs again is run by another job, whose row takes the
 * place of the former one, so there is one row for each.
 */
#ifndef POOLFS_ENGINE_LONG_JOB_H
#define POOLFS_ENGINE_LONG_JOB_H

#include "actions/engine/job.h"

/** The row of the job that runs the long job @uuid, borrowed from @view; NULL: none. */
const struct object *long_job_row(const struct view *view, const char *uuid);
/** The object of KIND_LONG_JOB that is made of @job, the row of one. Owned by the caller; NULL when memory is short. */
struct object *long_job_object(const struct view *view, const struct object *job);
/** Makes {"inventory": ...} of the long job, owned by the caller. -ENOENT when it is gone, -ENOMEM. */
int long_job_result(const struct view *view, const char *uuid, json_t **ret_result, struct error *e);

#endif
