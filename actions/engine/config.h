/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Global configuration (behaviour.md 3.10 and 3.13): one table of settings with
 * type, range and default; the pool's rows hold what was set.
 */
#ifndef POOLFS_ENGINE_CONFIG_H
#define POOLFS_ENGINE_CONFIG_H

#include "model/store.h"

enum setting_type { SETTING_CHOICE, SETTING_BOOL, SETTING_INT, SETTING_SIZE };

struct setting {
	const char *key; /* "category.name"; the category is what stands before the first dot */
	enum setting_type type;
	int64_t min, max;	   /* SETTING_INT and SETTING_SIZE */
	const char *const *values; /* SETTING_CHOICE; NULL-terminated */
	const char *default_value;
	const char *description;
};

/** The setting's text, from the view or, when it was never set, its default. @key is "category.name", must
 * exist. */
const char *config_str(const struct view *view, const char *key);
/** As a number; sizes may carry K, M, G, T. */
int64_t config_int(const struct view *view, const char *key);
bool config_bool(const struct view *view, const char *key);
/** Adds rows for settings that the database does not have yet. For txn functions. */
int config_fill(struct txn *t, struct error *e);

/** The setting of a row of KIND_GLOBAL_CONFIG; NULL when this version does not know it. */
const struct setting *setting_of_row(const struct object *row);

/** Whether the setting takes @value: -EINVAL, -ERANGE. */
int setting_check_value(const struct setting *s, const char *value, struct error *e);

#endif
