/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns an HTTP request into a call: routing, headers, and the places where
 * parameters may be (behaviour.md 1.1 to 1.3). Pure; all input from clients is
 * checked here.
 */
#ifndef POOLFS_REST_REQUEST_H
#define POOLFS_REST_REQUEST_H

#include "model/cleanup.h"
#include "rest/mount.h"
#include "rest/routes.h"

/* Deepest nesting of a body. */
#define BODY_DEPTH 64

struct http_request {
	const char *method;
	const char *target;					  /* as in the request line */
	const char *authorization, *job_uuid, *web_hook, *schema; /* headers, NULL = absent */
	const char *signed_method, *date;			  /* as signed: see account/access_key.h */
	const char *address;					  /* of the client */
	const char *base; /* the interface as the client sees it: "http://host:port/zstack" */
	const char *body;
	size_t body_len;
};

/* What to do about it. */
struct plan {
	int status; /* 0: make the call; else reply with this status and `text` */
	char text[512];
	char allow[64];		       /* with the status 405: the methods that are possible */
	const json_t *operation;       /* borrowed */
	bool sync;		       /* answered directly, without a job */
	bool poll;		       /* asks for the result of a job */
	bool hook;		       /* the result is to be sent to a web hook */
	char session[MOUNT_UUID_SIZE]; /* "": none, or a malformed one (`bad_session`) */
	bool bad_session;
	char *key_id, *signature;  /* owned: of a request that is signed with an access key, else NULL */
	char job[MOUNT_UUID_SIZE]; /* of a call that creates a job; of a poll: the job polled */
	char *call;		   /* owned: the document */
	char *event; /* owned: of a call by a message, the class of its result ("": the answer tells); else NULL */
};
void plan_done(struct plan *plan);

/* For message.c, which makes plans of another form: each returns false after it has made @plan a refusal. */
bool plan_refuse(struct plan *plan, int status, const char *format, ...) _printf_(3, 4);
bool plan_refuse_memory(struct plan *plan);
/** Sets the parameters that tell the pool where the client reaches the interface, unless the client has. */
bool plan_set_base(const struct plan *plan, const struct http_request *request, json_t *params);
/** Copies the lists of tags in @body. */
bool plan_take_tags(struct plan *plan, const json_t *body, json_t *document);
/** Makes @document the call. */
bool plan_set_call(struct plan *plan, const json_t *document);
/** Sets the uuid of the job: @value, from the header, or a random one if that is NULL. */
bool plan_take_job_uuid(struct plan *plan, const char *value);
/** *ret: the body as an object, owned; an empty one without a body. May be set on failure, too. */
bool request_parse_body(struct plan *plan, const struct http_request *request, json_t **ret);

/** The document of the call without a session, which says that the session has ended. Owned; NULL: no memory. */
char *plan_of_ended_session(const struct plan *plan);

/** True for a valid value of the header X-Job-UUID. */
bool request_job_uuid_is_valid(const char *value);
/** The part of @target after `/zstack/v1` or `/v1`; NULL when it is below neither. */
const char *request_api_path(const char *target);
/** Never fails: an invalid request becomes a plan with a status and a text. */
void request_plan(const struct routes *routes, const struct http_request *request, struct plan *ret);

#endif
