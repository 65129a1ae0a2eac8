/* SPDX-License-Identifier: Apache-2.0 */
/* Reading all rows of the database into a view, in several threads, when a store is opened. */
#ifndef POOLFS_LOAD_H
#define POOLFS_LOAD_H

#include "model/error.h"
#include "model/view.h"

struct sqlite3;

/**
 * Loads all rows of all kinds into @view, which is empty; @leave: without the texts that have left memory (left_text.h).
 * Blocks.
 */
int load_rows(struct sqlite3 *db, bool leave, struct view *view, struct error *e);

#endif
