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
/** True when the comparison holds for @o, an object of the kind at the end of the path. */
bool condition_test(const struct condition *c, const struct object *o);
/** Order of two objects of one kind by a field; null sorts first. */
int query_compare_field(const struct object *a, const struct object *b, int field);
/** Parses @text as a value of the field @f. */
int operand_init(struct operand *operand, const struct field *f, const char *text, struct error *e);
/** Order of two operands of one field, for qsort(). */
int operand_compare(const void *a, const void *b);

#endif
