/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Global configuration (behaviour.md 3.10 and 3.13): one table of settings with
 * type, range and default; the pool's rows hold what was set.
 */
#ifndef POOLFS_CONFIG_H
#define POOLFS_CONFIG_H

#include "model/store.h"

/** The setting's text, from the view or, when it was never set, its default. @key is "category.name", must
 * exist. */
const char *config_str(const struct view *view, const char *key);
/** As a number; sizes may carry K, M, G, T. */
int64_t config_int(const struct view *view, const char *key);
bool config_bool(const struct view *view, const char *key);
/** Adds rows for settings that the database does not have yet. For txn functions. */
int config_fill(struct txn *t, struct error *e);

#endif
