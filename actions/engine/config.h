/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Global configuration (behaviour.md 3.10 and 3.13): one table of settings with
 * type, range and default; rows of KIND_GLOBAL_CONFIG hold their values.
 */
#ifndef POOLFS_ENGINE_CONFIG_H
#define POOLFS_ENGINE_CONFIG_H

#include "model/store.h"

enum setting_type {
	SETTING_CHOICE,
	SETTING_BOOL,
	SETTING_INT,
	SETTING_SIZE,
	SETTING_FOLDERS,
	SETTING_NETWORKS,
	SETTING_ADDRESS
};

struct setting {
	const char *key; /* "category.name"; the category ends at the first dot */
	enum setting_type type;
	int64_t min, max;	   /* SETTING_INT and SETTING_SIZE */
	const char *const *values; /* SETTING_CHOICE; NULL-terminated */
	const char *default_value;
	const char *description;
};

/** All settings, sorted by key; static. */
const struct setting *settings_all(size_t *ret_count);
/** The value of a setting as text, or its default if the view has no row of it. @key ("category.name") must
 * exist. Borrowed from the view. */
const char *config_str(const struct view *view, const char *key);
/** The value as a number; the suffixes K, M, G, T are applied. */
int64_t config_int(const struct view *view, const char *key);
/** True when the value is "true". */
bool config_bool(const struct view *view, const char *key);
/**
 * Adds rows for settings that the database lacks, and brings the descriptions and defaults of the others up
 * to date. For change functions. Errors of txn_put().
 */
int config_fill(struct txn *t, struct error *e);

/** The setting of a row of KIND_GLOBAL_CONFIG; NULL when this version has no such setting. Static. */
const struct setting *setting_of_row(const struct object *row);

/** Checks whether the setting accepts @value. -EINVAL, -ERANGE. */
int setting_check_value(const struct setting *s, const char *value, struct error *e);

#endif
