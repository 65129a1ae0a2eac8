/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files query_*.c alone. */
#ifndef POOLFS_QUERY_INTERNAL_H
#define POOLFS_QUERY_INTERNAL_H

#include "model/like.h"
#include "model/query.h"

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
	int group_by;	 /* field, -1 = none */
	uint64_t fields; /* one bit per requested field, 0 = whole inventories */
};

/* Size of a quotation of the user's text in a message. */
#define ECHO_SIZE 80

/** Copies the start of @text, printable and cut at a character boundary, to quote it in a message. Returns
 * @ret_echo. */
const char *query_echo(const char *text, size_t len, char ret_echo[ECHO_SIZE]);
/** Index of the field with this name that queries may use; -1 when there is none. */
int query_field(const struct kind *kind, const char *name, size_t len);
/** Compiles one condition on objects of @kind. @text is UTF-8. */
int condition_new(const struct kind *kind, const char *text, struct condition **ret_condition,
		  struct error *e);
/** Accepts NULL. */
void condition_free(struct condition *c);
DEFINE_CLEANUP(struct condition *, condition_free)
/** True when the comparison holds for @o, an object of the kind at the end of the path. */
bool condition_test(const struct condition *c, const struct object *o);
/** Order of two objects of one kind by a field; null sorts first. */
int query_compare_field(const struct object *a, const struct object *b, int field);
/** Parses @text as a value of the field @f. */
int operand_init(struct operand *operand, const struct field *f, const char *text, struct error *e);
/** Order of two operands of one field, for qsort(). */
int operand_compare(const void *a, const void *b);

/* Matching objects in the order of their creation. */
struct matches {
	const struct object **objects; /* owned; borrowed objects */
	size_t count, room;
};

/** Finds matches until there are @enough of them. */
int query_find(const struct query *q, const struct view *view, const struct query_scope *scope, size_t enough,
	       struct matches *m, struct error *e);
/** -ETIMEDOUT when the deadline has passed. */
int query_check_time(const struct query_scope *scope, struct error *e);

#endif
