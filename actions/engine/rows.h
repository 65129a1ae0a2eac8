/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of any kind: creates an object from a request, with its tags, removes
 * objects together with what is attached to them, and links objects. All of these
 * are parts of changes: they run in the store's writer thread and never block.
 */
#ifndef POOLFS_ENGINE_ROWS_H
#define POOLFS_ENGINE_ROWS_H

#include "actions/engine/request.h"

struct object_key {
	enum kind_id kind;
	const char *uuid; /* borrowed */
};

/** Update... of any kind: sets the fields that the request has parameters for. */
op_apply_fn object_update_apply;
/** The same as a change of its own: its argument is the request, and there is no result. */
int object_update_fn(struct txn *t, void *req, struct error *e);
/** Change...State of any kind with a field `state`: Enabled for the event "enable", else Disabled. */
op_apply_fn object_change_state_apply;

/** For checks. -EEXIST with SYS.1007 when any object has the resourceUuid of the request already. */
int object_check_uuid(const struct view *view, const struct request *req, struct error *e);

/**
 * A new object of @kind as a creation request describes it: its uuid (given, or made when the request was
 * parsed, so that a recovery finds the object again), each parameter that is a field of the kind (name,
 * description, ...), and its owner. The caller, who owns it, sets further fields and calls object_create().
 * -EEXIST as object_check_uuid(), -ENOMEM.
 */
int object_from_request(const struct view *view, enum kind_id kind, const struct request *req,
			struct object **ret_object, struct error *e);

/** The name of something that is made for @o: @prefix and the name of @o, cut off where names end. */
void object_name_after(const char *prefix, const struct object *o, char ret_name[NAME_BYTES_MAX]);
/** Sets @field from the parameter @param, which has another name, if the request has it. */
void object_set_from_param(struct object *o, int field, const struct request *req, const char *param);

/**
 * Writes a new object (taken over, also on failure) with the tags of its request. *ret_result is
 * {"inventory": ...}, owned by the caller. Errors of txn_put().
 */
int object_create(struct txn *t, struct object *o, const struct request *req, json_t **ret_result,
		  struct error *e);

/** Removes the row of @o, its tags and its spec. -ENOTEMPTY when others refer to it by a foreign key. */
int object_remove(struct txn *t, const struct object *o, struct error *e);

/** Calls object_remove() for all objects of @kind whose F_INDEX string @field is @value. */
int object_remove_where(struct txn *t, enum kind_id kind, int field, const char *value, struct error *e);

/** Sets the F_INDEX string @field to null in all objects of @kind where it is @value. */
int object_clear_where(struct txn *t, enum kind_id kind, int field, const char *value, struct error *e);

/** Writes a new row of a kind that only links two objects, @a and @b. Errors of txn_put(). */
int link_put(struct txn *t, enum kind_id kind, int field_a, const char *a, int field_b, const char *b,
	     struct error *e);

/** The row that links @a and @b, borrowed from @view; NULL when there is none. @field_a is F_INDEX. */
const struct object *link_find(const struct view *view, enum kind_id kind, int field_a, const char *a,
			       int field_b, const char *b);

/** A change: removes the object that @key, a struct object_key, names; success when it is gone already. */
int object_remove_key(struct txn *t, void *key, struct error *e);

#endif
