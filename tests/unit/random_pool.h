/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random pool, twice: as a view for the query engine, and as rows of JSON for query_reference.c. It follows from
 * the seed of rand().
 */
#ifndef POOLFS_RANDOM_POOL_H
#define POOLFS_RANDOM_POOL_H

#include <jansson.h>
#include <stdlib.h>

#include "model/view.h"

/* A kind that takes part, and its columns: s(tring), n(umber), d(ate), b(ool). */
struct table {
	enum kind_id kind;
	int rows;
	const char *columns[16];
};

/* a.name goes to b where a.left = b.right, perhaps by way of a link table's two columns. */
struct join {
	enum kind_id a;
	const char *name;
	enum kind_id b;
	const char *left, *right;
	enum kind_id link;
	const char *link_left, *link_right;
};

extern const struct table tables[];
extern const size_t table_count;
extern const struct join joins[];
extern const size_t join_count;

extern json_t *rows_of[KIND_COUNT]; /* arrays of row objects */
extern struct view *view;

static inline unsigned pick(size_t n)
{
	return (unsigned)((size_t)rand() % n);
}

#define pick_of(array) ((array)[pick(ARRAY_SIZE(array))])

/* The table of a kind, or NULL. */
const struct table *table_of(enum kind_id kind);

/* A text that some rows have. */
const char *some_text(void);

/* The uuid of the @n-th row of a kind; valid for the next seven calls. */
const char *uuid_name(enum kind_id kind, unsigned n);

/* Fill, and release, view and rows_of. */
void make_pool(void);
void free_pool(void);

#endif
