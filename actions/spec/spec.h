/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `spec`: what an object is wanted to be, as one JSON document.
 *
 *     {"name": "web01", "cpuNum": 2, "memorySize": "2G", "state": "Running",
 *      "nics": [{"l3NetworkUuid": "...", "ip": "10.0.0.7"}], "volumes": ["<uuid>"],
 *      "userTags": ["role=web"]}
 *
 * A member that is left out is not touched. A list is the whole wanted list:
 * what is missing is added, what is too much is taken away. Which members there
 * are and what they mean is the table in spec/members.c; reading, validation,
 * the difference and the operations that make it good are walks over it.
 *
 * Writing is an operation like any other (operations/spec.c): refused in the write(2)
 * when it cannot be, else one job that runs, one after the other, the operations
 * of the table that lead from what is to what is wanted (spec/run.c). A document
 * that is true already starts no job.
 *
 * Reading gives back what was written, byte for byte, as long as it is true of
 * the object or its job has not ended. When it is not true any more, or nothing
 * was written, the file shows the object as it is, in the same form: so whoever
 * compares it with what he wants sees a difference, and writes again.
 */
#ifndef POOLFS_SPEC_SPEC_H
#define POOLFS_SPEC_SPEC_H

#include "actions/spec/plan.h"

/* Longest document, bytes. */
#define SPEC_LENGTH 65536

/** What the file says now. A reference for the caller; NULL when memory is short. Reads only. */
struct document *spec_document(const struct view *view, const struct object *o);
/** The same, when it is what was written and not a rendering; else NULL. */
struct document *spec_written(const struct view *view, const struct object *o);
/**
 * Refuses a text that can be refused whatever else is under way: no such document, an unknown member, a wrong
 * value, an object that does not exist. Without other jobs the operation's own check says more. -EINVAL,
 * -ERANGE, -EPERM, -ENOENT.
 */
int spec_check_text(const struct view *view, const struct object *o, const char *text, struct error *e);
/** True when writing @text changes nothing: the file says it, and no other job is on its way. */
bool spec_is_present(const struct view *view, const struct object *o, const char *text, size_t len);

/** Plans @plan->document: the steps in their order, none when it is true already. -EINVAL, -ERANGE, -EPERM,
 * -ENOENT, -EBUSY with a sentence that names the member. spec_plan_done() it in any case. */
int spec_plan_make(struct spec_plan *plan, struct error *e);
void spec_plan_done(struct spec_plan *plan);

/** Parses a document; *ret is owned by the caller. -EINVAL. */
int spec_parse(const char *text, size_t len, json_t **ret, struct error *e);
/** Keeps @text as the object's document; writing what is kept already does nothing. */
int spec_keep(struct txn *t, const char *uuid, const char *text, struct error *e);

op_check_fn spec_check;
op_queues_fn spec_queues;
op_apply_fn spec_apply;

#endif
