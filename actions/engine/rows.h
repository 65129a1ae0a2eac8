/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the families of operations have in common: making an object out of a
 * creation request, its tags, and taking objects away together with what hangs
 * on them. All of it are parts of store changes: they run in the writer thread
 * and never block.
 */
#ifndef POOLFS_ENGINE_ROWS_H
#define POOLFS_ENGINE_ROWS_H

#include "actions/engine/request.h"

struct object_key {
	enum kind_id kind;
	const char *uuid; /* borrowed */
};

/* Any kind: engine/rows.c */
op_apply_fn object_update_apply;
op_apply_fn object_change_state_apply;

/** Refuses a request whose resourceUuid some object of any kind has already: -EEXIST, SYS.1007. For checks.
 */
int object_check_uuid(const struct view *view, const struct request *req, struct error *e);

/**
 * A new object of @kind as a creation request describes it: its uuid (chosen or made when the request
 * came in, so that a recovery finds the object again), every parameter that is a field of the kind (name,
 * description, ...), the account it belongs to. The caller adds what is special and hands it to
 * object_create(). -EEXIST as object_check_uuid(), -ENOMEM.
 */
int object_from_request(const struct view *view, enum kind_id kind, const struct request *req,
			struct object **ret_object, struct error *e);

/** Sets @field from the parameter @param, when the request has it. For parameters named unlike their field.
 */
void object_set_from_param(struct object *o, int field, const struct request *req, const char *param);

/** Writes a new object (taken over, also on failure) with the tags of its request; @ret_result: {"inventory":
 * ...}. */
int object_create(struct txn *t, struct object *o, const struct request *req, json_t **ret_result,
		  struct error *e);

/** Removes the row of @o, the tags on it and its spec. -ENOTEMPTY when others refer to it by a foreign key.
 */
int object_remove(struct txn *t, const struct object *o, struct error *e);

/** Removes all objects of @kind whose F_INDEX string @field has the text @value, and their tags. */
int object_remove_where(struct txn *t, enum kind_id kind, int field, const char *value, struct error *e);

/** Makes @field null in all objects of @kind where this F_INDEX string is @value. */
int object_clear_where(struct txn *t, enum kind_id kind, int field, const char *value, struct error *e);

/** Writes a row of a link kind (two references and nothing else). */
int link_put(struct txn *t, enum kind_id kind, int field_a, const char *a, int field_b, const char *b,
	     struct error *e);

/** The link row between @a and @b; NULL when there is none. @field_a is F_INDEX. */
const struct object *link_find(const struct view *view, enum kind_id kind, int field_a, const char *a,
			       int field_b, const char *b);

/** As a change function: removes the object that a `struct object_key` names; success when it is gone
 * already. */
int object_remove_key(struct txn *t, void *key, struct error *e);

#endif
