/* SPDX-License-Identifier: Apache-2.0 */
/* Results of operations: inventories as the REST interface shows them, and the states of jobs. */
#ifndef POOLFS_ENGINE_RESULT_H
#define POOLFS_ENGINE_RESULT_H

#include "actions/engine/job.h"

/** {"inventory": ...} of the object as it is now; NULL (with the error) when it is gone. Owned by the caller.
 */
int result_inventory(const struct view *view, enum kind_id kind, const char *uuid, json_t **ret_result,
		     struct error *e);
/** The same on the newest view, for handlers in workers. */
int job_result_inventory(struct job *job, enum kind_id kind, const char *uuid, json_t **ret_result,
			 struct error *e);

/** {"inventories": @list}, @list taken over (NULL: memory is short). */
int result_inventories(json_t *list, json_t **ret_result, struct error *e);
/** Appends the inventory of @o to @list, for result_inventories(). */
void result_list_add(json_t *list, const struct view *view, const struct object *o);

/** True for the states of a job that has ended: Done, Failed, Cancelled. */
bool job_state_is_final(const char *state);

#endif
