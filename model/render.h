/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renderings: objects as JSON inventories and as value files.
 *
 * Pure functions of a view: rendering twice gives the same bytes, keys come in
 * the order of the field table, null members are left out, integers print as
 * integers, dates as `Nov 14, 2017 10:20:57 PM` (behaviour.md 1.7), and every
 * document ends with one newline. Hidden and secret fields never appear in an
 * inventory.
 */
#ifndef POOLFS_RENDER_H
#define POOLFS_RENDER_H

#include <jansson.h>

#include "model/document.h"
#include "model/view.h"

/** Room for a rendered date. */
#define DATE_SIZE 32

/** Writes @ns (since 1970) as the manual's date in local time. */
void render_date(int64_t ns, char ret_text[DATE_SIZE]);
/**
 * Reads the manual's date, or one as MySQL takes it, in local time: `yyyy-MM-dd HH:mm:ss`, with a `T` for the
 * space, or the day alone for its midnight. False when it is none of these or names a day that does not
 * exist. A date beyond what nanoseconds hold (1677 to 2262) becomes the nearest they do.
 */
bool render_parse_date(const char *text, int64_t *ret_ns);

/** The inventory as a JSON object, owned by the caller; NULL when memory is short. */
json_t *render_inventory_json(const struct view *view, const struct object *o);
/** One field as JSON; NULL for a null value (or when memory is short). Owned by the caller. */
json_t *render_field_json(const struct view *view, const struct object *o, int field);

/**
 * The `inventory` file: indented JSON. Cached in the object, so that it is rendered once per change.
 * A reference for the caller; NULL when memory is short.
 */
struct document *render_inventory(const struct view *view, const struct object *o);
/** The `inventories` file: {"inventories":[...]}, one object a line. Costs time linear in the number of
 * objects. */
struct document *render_inventories(const struct view *view, enum kind_id kind);
/** A value file: the text, number, date or JSON list, and a newline; an empty line for null. */
struct document *render_value(const struct view *view, const struct object *o, int field);
/** Any JSON, indented, with a newline, as a document. Takes @json over. NULL when memory is short. */
struct document *render_json(json_t *json, int64_t mtime);
/** ns of the last change of what render_value() shows. */
int64_t render_value_mtime(const struct object *o, int field);

#endif
