/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request: one operation with its parameters, from a file, REST or a timer.
 *
 * It is made in four steps, each of which may refuse it with a sentence: parsing
 * (which operation on which object), types and limits (behaviour.md 1.12), names in
 * the place of uuids (request_names.h), and the checks against the pool (existence,
 * state, rules of the operation: request_check.h). The first two need only the text;
 * the others read a view. None of them blocks.
 */
#ifndef POOLFS_ENGINE_REQUEST_H
#define POOLFS_ENGINE_REQUEST_H

#include "actions/engine/operation.h"

/* The most items in one list of a request: in a parameter, or of tags. */
#define REQUEST_ITEMS 1000

/** Who makes the request. */
struct actor {
	int64_t uid;
	char account[UUID_SIZE];   /* "" = the admin account */
	const char *source;	   /* "fs", "upload", "rest", "scheduler", "ha", "libvirt"; static */
	char scheduler[UUID_SIZE]; /* the scheduler that makes it; "" = none */
	char address[64];	   /* of a REST client; "" = none. Not stored with the job */
};

struct request {
	const struct operation *op;
	char target[UUID_SIZE]; /* uuid of the object it acts on; "" for creations */
	json_t *params;		/* typed, defaults filled in; owned */
	json_t *system_tags;	/* array of strings, never NULL; owned */
	json_t *user_tags;	/* array of strings, never NULL; owned */
	char job[UUID_SIZE];	/* chosen by the client, else made by request_new() */
	bool job_chosen;	/* the client chose it: a refusal is recorded under it too */
	bool due;		/* its turn has come: what it needs has to be there now */
	bool dry_run;		/* answer what would happen; change nothing */
	char *web_hook;		/* owned; NULL = none */
	bool schema;		/* the web hook gets the schema of the result, too */
	char digest[65];	/* SHA-256 of operation, target and text, hex */
	struct actor actor;
};

/** True when the list parameter @name contains @text, or is missing or empty, which stands for everything. */
bool request_list_has(const struct request *req, const char *name, const char *text);

/** True when deleteMode is Enforcing: errors of hosts are ignored. */
bool request_is_enforcing(const struct request *req);

/**
 * Makes a request from @text, which is either the short form (`stop type=cold`) or JSON (tree.md 13).
 * @op: the operation if the file determines it (a `create` or value file), else NULL, and the text names a
 * verb of @kind.
 * @uuid: the object; NULL for creations. @text need not end with NUL.
 * Checks the types and limits of all parameters. The caller owns *ret_req. -EINVAL, -ERANGE.
 */
int request_parse(const struct operation *op, enum kind_id kind, const char *uuid, const char *text,
		  size_t len, const struct actor *actor, struct request **ret_req, struct error *e);
/** As request_parse(), with the parameters as JSON (borrowed; may be NULL). For timers and value files. */
int request_new(const struct operation *op, const char *uuid, const json_t *params, const struct actor *actor,
		struct request **ret_req, struct error *e);
/**
 * A request without the parameters that a user would have to give, to ask whether the operation is possible now:
 * for request_check_possible(). -ENOMEM.
 */
int request_new_bare(const struct operation *op, const char *uuid, const struct actor *actor,
		     struct request **ret_req, struct error *e);
/**
 * As request_parse(), with the operation given, and params, systemTags, userTags, jobUuid and webHook as
 * members of @document (borrowed); the digest is made of @text. When the client chose the uuid of the job,
 * *ret_req is set on failure, too, for pool_refuse().
 */
int request_from_document(const struct operation *op, const char *uuid, json_t *document, const char *text,
			  size_t len, const struct actor *actor, struct request **ret_req, struct error *e);
/** Accepts NULL. */
void request_free(struct request *req);
DEFINE_CLEANUP(struct request *, request_free)

/** The cause of the changes that the request makes, for the events. */
struct cause request_cause(const struct request *req);

/** The request as text in JSON, for a row. The caller frees it; NULL when memory is short. */
char *request_text(const struct request *req, bool mask_secrets);
/** The same as a tree, owned by the caller. NULL when memory is short. */
json_t *request_to_json(const struct request *req, bool mask_secrets);
/** Parses the output of request_to_json() with secrets. The caller owns *ret_req. -EPROTO, -ENOMEM. */
int request_from_json(const json_t *json, struct request **ret_req, struct error *e);

/* Parameters, as handlers read them; @missing is the value of a missing one. Strings are borrowed. */
const char *request_str(const struct request *req, const char *name); /* NULL when missing */
int64_t request_int(const struct request *req, const char *name, int64_t missing);
bool request_bool(const struct request *req, const char *name, bool missing);
bool request_has(const struct request *req, const char *name);
/** A list parameter; NULL when missing. */
const json_t *request_list(const struct request *req, const char *name);
/** The uuid of the object in whose queue its job waits, mostly the one it acts on; "" for none. Borrowed. */
const char *request_queue(const struct view *view, const struct request *req);
/** The object it acts on, borrowed from @view; NULL when it is gone. */
const struct object *request_object(const struct view *view, const struct request *req);
/** The value part of the first system tag `prefix::value`; "" for the bare tag `prefix`; NULL when absent. */
const char *request_tag(const struct request *req, const char *prefix);

/**
 * Completes the error @e of a failure @r of the operation: gives it a sentence if it has none, and wraps it
 * into the error code of the operation. Does nothing when @r is not negative. Returns @r.
 */
int request_explain_error(const struct request *req, int r, struct error *e);

#endif
