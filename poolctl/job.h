/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a job, with a bar on a terminal. */
#ifndef POOLFS_POOLCTL_JOB_H
#define POOLFS_POOLCTL_JOB_H

#include "poolctl/tree.h"

/**
 * Waits for the end of the job. A failed one is an error with its sentence. @label is what the bar is named; it is
 * drawn on standard error if that is a terminal.
 */
int job_wait(const struct tree *t, const char *uuid, const char *label, struct error *e);

#endif
