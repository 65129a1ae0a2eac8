/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an HTTP request to a call: routing, the headers, and where parameters
 * stand (behaviour.md 1.1 to 1.3). Pure; everything a client sends passes here.
 */
#ifndef POOLFS_REST_REQUEST_H
#define POOLFS_REST_REQUEST_H

#include "rest/door.h"
#include "rest/routes.h"

/* Deepest nesting of a body. */
#define BODY_DEPTH 64

struct http_request {
	const char *method;
	const char *target;					  /* as in the request line */
	const char *authorization, *job_uuid, *web_hook, *schema; /* headers, NULL = absent */
	const char *address;					  /* of the client */
	const char *body;
	size_t body_len;
};

/* What to do about it. */
struct plan {
	int status; /* 0: make the call; else answer this with `text` */
	char text[512];
	const json_t *operation;      /* borrowed */
	bool sync;		      /* answered at once, with no job */
	bool poll;		      /* asks for the result of a job */
	char session[DOOR_UUID_SIZE]; /* "": none, or one that cannot exist (`bad_session`) */
	bool bad_session;
	char job[DOOR_UUID_SIZE]; /* of a call that makes a job; of a poll: the job asked for */
	char *call;		  /* owned: the document */
};
void plan_done(struct plan *plan);

/** True for what X-Job-UUID may be. */
bool request_job_uuid_is_valid(const char *value);
/** The part of @target behind `/zstack/v1` or `/v1`; NULL when it is elsewhere. */
const char *request_api_path(const char *target);
/** Never fails: what cannot be done is a status and a text. */
void request_plan(const struct routes *routes, const struct http_request *request, struct plan *ret);

#endif
