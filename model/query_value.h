/* SPDX-License-Identifier: Apache-2.0 */
/* The values of conditions: parsed, compared with those of objects, quoted in messages. */
#ifndef POOLFS_QUERY_VALUE_H
#define POOLFS_QUERY_VALUE_H

#include "model/error.h"
#include "model/object.h"

struct condition;
struct operand;

/* Size of a quotation of the user's text in a message. */
#define ECHO_SIZE 80

/** Copies the start of @text, printable and cut at a character boundary, to quote it in a message. Returns
 * @ret_echo. */
const char *query_echo(const char *text, size_t len, char ret_echo[ECHO_SIZE]);
/**
 * Whether the comparison holds for @o, an object of the kind at the end of the path: 1, 0 (also when it has been removed since,
 * and its text is needed), -ENOMEM, -EIO.
 */
int condition_test(const struct condition *c, const struct object *o);
/** What an object is sorted by. Borrows from the object. */
struct query_key {
	const struct object *o;
	const char *text; /* NULL: a number */
	int64_t number;
	char *owned; /* the text, if it is not in the object as it is */
	bool is_null;
};
/** Reads the key of a field; with -1 all objects have the same. 0 or -ENOMEM. The caller frees it by query_key_done(). */
int query_key_read(const struct object *o, int field, struct query_key *ret_key);
void query_key_done(struct query_key *key);
/** Order of the keys of two objects of one kind; null sorts first. */
int query_key_compare(const struct query_key *a, const struct query_key *b);
/** Parses @text as a value of the field @f. */
int operand_init(struct operand *operand, const struct field *f, const char *text, struct error *e);
/** Order of two operands of one field, for qsort(). */
int operand_compare(const void *a, const void *b);

#endif
