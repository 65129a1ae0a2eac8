/* SPDX-License-Identifier: Apache-2.0 */
/* The job of a spec: it carries out the steps. The file says how. */
#ifndef POOLFS_SPEC_RUN_H
#define POOLFS_SPEC_RUN_H

#include "actions/engine/operation.h"

/** For the operations that write the file `spec` (operations/spec.c). */
op_run_fn spec_run;
op_recover_fn spec_recover;

#endif
