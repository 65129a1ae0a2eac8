/* SPDX-License-Identifier: Apache-2.0 */
/* Doing the steps of a spec. */
#ifndef POOLFS_SPEC_RUN_H
#define POOLFS_SPEC_RUN_H

#include "actions/engine/operation.h"

op_run_fn spec_run;
op_recover_fn spec_recover;

#endif
