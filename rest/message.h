/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls in the form of the manual's command-line client: one object, whose only
 * member is the class of a message, is sent to /zstack/api, and results are polled
 * at /zstack/api/result/UUID. The class names an operation of the table:
 * `...APICreateZoneMsg` is CreateZone. The result is a text with one object, whose
 * only member is the class of the event, or of the reply if the call needs no job.
 * Pure.
 */
#ifndef POOLFS_REST_MESSAGE_H
#define POOLFS_REST_MESSAGE_H

#include "rest/request.h"

/** True when @target is one of these two paths. */
bool message_is_target(const char *target);
/** As request_plan(), for such a target. @operations: the content of operations.json, which the plan borrows. */
void message_plan(const json_t *operations, const struct http_request *request, struct plan *ret);
/**
 * The body of the answer to a plan of message_plan(); owned, NULL when memory is short. @body: that of the
 * answer, a JSON object: the result, or `error`; NULL: the job has not ended.
 */
char *message_answer(const struct plan *plan, const char *body);

#endif
