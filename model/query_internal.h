/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a query and of its conditions, for the files query_*.c alone. */
#ifndef POOLFS_QUERY_INTERNAL_H
#define POOLFS_QUERY_INTERNAL_H

#include "model/like.h"
#include "model/query_parse.h"
#include "model/relation.h"

enum operator{
	OP_EQ,
	OP_NE,
	OP_GT,
	OP_LT,
	OP_GE,
	OP_LE,
	OP_IN,
	OP_NOT_IN,
	OP_LIKE,
	OP_NOT_LIKE,
	OP_IS_NULL,
	OP_NOT_NULL,
};

/* A value to compare with: a text for string fields, else a number (seconds, for dates). */
struct operand {
	char *text; /* owned */
	int64_t number;
	bool fraction; /* the value is between number and number + 1 */
};

struct condition {
	/* From the kind of the query to that of the field. The last step may lead to tags or to list values.
	 */
	struct relation steps[QUERY_DEPTH_MAX + 1];
	int depth;
	int field; /* of the kind at the end */
	enum operator op;
	bool none;  /* holds when no object of the last step matches, instead of when one does */
	bool never; /* holds for no object at all */
	struct operand *operands; /* owned; sorted, for OP_IN and OP_NOT_IN */
	size_t operand_count;
	struct like *like; /* owned; OP_LIKE and OP_NOT_LIKE */
};

struct query {
	const struct kind *kind;
	struct condition *conditions[QUERY_CONDITIONS_MAX]; /* owned */
	int condition_count;
	int64_t start, limit;
	bool count;	 /* only the total is requested */
	bool with_total; /* the total is requested, too */
	int sort;	 /* field, -1 = order of creation */
	bool descending;
	int group_by;	   /* field, -1 = none */
	bool shows_single; /* an only object is the member `inventory`, too */
	uint64_t fields;   /* one bit per requested field, 0 = whole inventories */
};

#endif
