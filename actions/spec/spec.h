/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `spec`: the desired state of an object, as one JSON document.
 *
 *     {"name": "web01", "cpuNum": 2, "memorySize": "2G", "state": "Running",
 *      "nics": [{"l3NetworkUuid": "...", "ip": "10.0.0.7"}], "volumes": ["<uuid>"],
 *      "userTags": ["role=web"]}
 *
 * A member that is left out is not changed. A list is the complete desired list:
 * missing items are added, others are removed. The members and their meaning are
 * the table in spec/members.c; reading, validation, comparison and planning are
 * walks over it.
 *
 * Writing is an operation like any other (operations/spec.c): refused in the
 * write(2) when it is not possible, else one job that runs, one after the other,
 * the operations of the table that lead from the current to the desired state
 * (spec/run.c). A document that already describes the object starts no job.
 *
 * Reading returns what was written, byte for byte, as long as it describes the
 * object or its job has not ended. Else, and when nothing was written, the file
 * shows the object as it is, in the same form. So a tool that compares it with the
 * document it wants sees a difference, and writes again.
 */
#ifndef POOLFS_SPEC_SPEC_H
#define POOLFS_SPEC_SPEC_H

#include "actions/spec/plan.h"

/* The maximum length of a document, in bytes. */
#define SPEC_LENGTH 65536

/** The content of the file. A reference for the caller; NULL when out of memory. Only reads. */
struct document *spec_document(const struct view *view, const struct object *o);
/**
 * Checks what no job under way can change: the syntax, the names, types and values of the members, and that
 * the objects in it exist, as far as @actor is told. spec_check() checks the rest. -EINVAL, -ERANGE, -EPERM,
 * -ENOENT.
 */
int spec_check_text(const struct view *view, const struct object *o, const char *text,
		    const struct actor *actor, struct error *e);
/** True when writing @text changes nothing: it is the content of the file, and no other job is pending. */
bool spec_is_present(const struct view *view, const struct object *o, const char *text, size_t len);

/**
 * Plans the steps from @plan->object to @plan->document, in their order; none when the document describes
 * the object. The caller calls spec_plan_done(), also on failure. -EINVAL, -ERANGE, -EPERM, -ENOENT, -EBUSY
 * with a sentence that names the member.
 */
int spec_plan_make(struct spec_plan *plan, struct error *e);
/** Frees the steps. */
void spec_plan_done(struct spec_plan *plan);

/** Parses a document: a JSON object, owned by the caller. -EINVAL. */
int spec_parse(const char *text, size_t len, json_t **ret, struct error *e);
/** Writes @text as the document of the object with this uuid. For change functions. */
int spec_put(struct txn *t, const char *uuid, const char *text, struct error *e);

/** The functions of the operations that write the file (operations/spec.c). */
op_check_fn spec_allows;
op_check_fn spec_check;
op_queues_fn spec_queues;
op_apply_fn spec_apply;

#endif
