/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renderings: objects as JSON inventories and as value files.
 *
 * Pure functions of a view: the same object always renders to the same bytes.
 * Keys are in the order of the field table, null members are omitted, integers
 * are printed as integers, dates as `Nov 14, 2017 10:20:57 PM` (behaviour.md
 * 1.7), and every document ends with one newline. Hidden and secret fields never
 * appear in an inventory.
 */
#ifndef POOLFS_RENDER_H
#define POOLFS_RENDER_H

#include <jansson.h>
#include <time.h>

#include "model/document.h"
#include "model/json_out.h"
#include "model/view.h"

/** Buffer size for a rendered date. */
#define DATE_SIZE 32

/** Writes @ns (since 1970) in the manual's date format, in local time. */
void render_date(int64_t ns, char ret_text[DATE_SIZE]);
/**
 * Parses a date in local time in the manual's format or a format of MySQL: `yyyy-MM-dd HH:mm:ss`, the same
 * with `T` instead of the space, or the day alone, which means midnight. False for other formats and for a
 * day that does not exist. A date outside the range of 64-bit nanoseconds (1677 to 2262) is clamped to it.
 */
bool render_parse_date(const char *text, int64_t *ret_ns);

/* A walk over objects that writes what it shows: objects with all texts in memory (object_recall()). */
struct render {
	const struct view *view;
	struct json_out *out; /* what is written to */
	/*
	 * The classes of the inventories (inventory_class.h) by their paths, written as members to the object that is open
	 * there; NULL: nobody wants them.
	 */
	struct json_out *schema;
	struct draft path;
	struct render_quarter {
		time_t start;
		struct tm tm;
		bool known, plain;
	} quarter; /* of the last date; zeros at first */
};

/** Writes the inventory of @o; of these @fields alone, unless they are 0. */
void render_write_object(struct render *r, const char *name, const struct object *o, uint64_t fields);
/** The same as item @index of the list @name, which is open. */
void render_write_item(struct render *r, const char *name, size_t index, const struct object *o,
		       uint64_t fields);
/** Writes the value of a field; nothing for null. */
void render_write_field(struct render *r, const char *name, const struct object *o, int field);
/** Ends the walk; false when memory was short, for what was written, too. */
bool render_write_end(struct render *r);

/** The inventory as a JSON object, owned by the caller; NULL when memory is short, or object_check_texts() says why. */
json_t *render_inventory_json(const struct view *view, const struct object *o);
/** One field as JSON; NULL for a null value (or as above). Owned by the caller. */
json_t *render_field_json(const struct view *view, const struct object *o, int field);

/**
 * The `inventory` file: indented JSON. Cached in the object, unless texts of it have left memory, so it is rendered once per
 * change. Owned by the caller; NULL as above.
 */
struct document *render_inventory(const struct view *view, const struct object *o);
/** A value file: the text, number, date or JSON list with a newline; an empty line for null. NULL as above. */
struct document *render_value(const struct view *view, const struct object *o, int field);
/** A document with indented JSON and a newline. Takes over @json. NULL when memory is short. */
struct document *render_json(json_t *json, int64_t mtime);
/** Time of the last change of the output of render_value(), ns since 1970. */
int64_t render_value_mtime(const struct object *o, int field);

#endif
