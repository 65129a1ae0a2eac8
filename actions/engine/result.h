/* SPDX-License-Identifier: Apache-2.0 */
/* Results of operations: inventories as the REST interface shows them, and the states of jobs. */
#ifndef POOLFS_ENGINE_RESULT_H
#define POOLFS_ENGINE_RESULT_H

#include "actions/engine/job.h"

/** Makes {"inventory": ...} of the object in @view, owned by the caller. -ENOENT when it is gone, -ENOMEM. */
int result_inventory(const struct view *view, enum kind_id kind, const char *uuid, json_t **ret_result,
		     struct error *e);
/** The same as text, to be freed. */
int result_inventory_text(const struct view *view, enum kind_id kind, const char *uuid, char **ret_text,
			  struct error *e);
/** The text of a result for the row of a job, to be freed. NULL when memory is short. */
char *result_text(const json_t *result);
/**
 * After `apply` has succeeded: makes the result that it has left to the engine, NULL if that is {}. Errors of
 * result_inventory().
 */
int result_of_target(const struct view *view, const struct request *req, json_t **ret_result,
		     struct error *e);
/**
 * The inventory of an object in the newest view is the result of @job, to which nothing is added: as text, so that no tree is
 * made. For handlers in workers; *ret_result is NULL. Errors of result_inventory().
 */
int job_result_inventory(struct job *job, enum kind_id kind, const char *uuid, json_t **ret_result,
			 struct error *e);

/** Makes {"inventories": @list}, owned by the caller. @list is taken over; NULL: -ENOMEM. */
int result_inventories(json_t *list, json_t **ret_result, struct error *e);
/**
 * Appends the inventory of @o to @list, for result_inventories(), unless the request's account may not see
 * the object: the one way in which a Get lists objects. -ENOMEM, also for a @list that is NULL.
 */
int result_list_add(json_t *list, const struct view *view, const struct request *req, const struct object *o,
		    struct error *e);

/**
 * Adds `schema` to @body, a result of @op: the classes of all objects in it (behaviour.md 1.8). It names only what
 * the type of the result has on the manual's server, and is made from @body alone, except that objects in a list of
 * several types are looked up in @view (NULL: they get no class). -ENOMEM.
 */
int result_add_schema(const struct operation *op, const struct view *view, json_t *body);

/** True for the states of a job that has ended: Done, Failed, Cancelled. */
bool job_state_is_final(const char *state);
/** The others: the first comes before the second in each queue. */
#define JOB_UNFINISHED_STATES 2
extern const char *const job_unfinished_states[JOB_UNFINISHED_STATES];

#endif
