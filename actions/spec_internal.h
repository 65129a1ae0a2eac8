/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of spec.h: the members of the document, and the way from what is to what is wanted. */
#ifndef POOLFS_SPEC_INTERNAL_H
#define POOLFS_SPEC_INTERNAL_H

#include "actions/spec.h"

/* What an operation needs of a VM that is up. */
enum spec_need {
	NEED_NOTHING,
	NEED_AWAKE,   /* not frozen: Running or Stopped */
	NEED_STOPPED, /* it cannot be done live */
};

struct spec_plan;

/** A row of the table in spec_members.c. */
struct spec_member {
	uint64_t kinds;
	const char *name; /* NULL: the fields that `has` takes */
	bool early;	  /* see spec_member_is_early() */
	bool follows;	  /* see spec_member_follows() */
	bool (*has)(const struct kind *kind, const struct field *f);
	/* What it is now; NULL: left out. Unused for fields. */
	json_t *(*present)(const struct view *view, const struct object *o);
	/* The steps to what the document wants; called only when it has the member. */
	int (*plan)(struct spec_plan *p, const struct spec_member *m, const json_t *wanted, struct error *e);
};

struct spec_step {
	struct request *req;		  /* owned */
	const struct spec_member *member; /* NULL: changes the VM's state */
	enum spec_need need;
};

/* The steps from an object as it is in a view to a document. */
struct spec_plan {
	/* In; borrowed. */
	const struct view *view;
	const struct object *object;
	const json_t *document;
	const struct actor *actor;
	bool no_live_size; /* the host has refused to resize the VM while it runs */
	/* Out. */
	struct spec_step *steps; /* owned */
	size_t count, room;
};

/** Plans @plan->document: the steps in their order, none when it is true already. -EINVAL, -ERANGE, -EPERM,
 * -ENOENT, -EBUSY with a sentence that names the member. spec_plan_done() it in any case. */
int spec_plan_make(struct spec_plan *plan, struct error *e);
void spec_plan_done(struct spec_plan *plan);

/** Parses a document; *ret is owned by the caller. -EINVAL. */
int spec_parse(const char *text, size_t len, json_t **ret, struct error *e);
/** Keeps @text as the object's document; writing what is kept already does nothing. */
int spec_keep(struct txn *t, const char *uuid, const char *text, struct error *e);

/* ---- spec_members.c */

/** Adds a step of @member: the operation @op on @target (NULL: a creation) with @params and @tags (NULL:
 * none), both taken over. */
int spec_plan_add(struct spec_plan *plan, const struct spec_member *member, const char *op,
		  const char *target, json_t *params, json_t *tags, enum spec_need need, struct error *e);
/** Adds the steps of all members, in the order in which they are to be done. */
int spec_members_plan(struct spec_plan *plan, struct error *e);
/** True for a member whose change is never felt by the guest, and so goes first. */
bool spec_member_is_early(const struct spec_member *member);
/** True for a member that can be set only when those before it are. */
bool spec_member_follows(const struct spec_member *member);
/** The object as it is, as a document. NULL when memory is short. */
json_t *spec_members_render(const struct view *view, const struct object *o);

/* What the planning of members has in common; sentences name the member. */

/** A list of the document: that it is one, and that no two items are the same (@key: of objects). -EINVAL. */
int spec_check_list(const struct spec_member *m, const json_t *wanted, const char *key, struct error *e);
/** Whether an item of the list, or its @key, is @text. */
bool spec_list_has(const json_t *list, const char *key, const char *text);
/** -ENOENT when there is no such object. */
int spec_check_exists(const struct spec_plan *p, const struct spec_member *m, enum kind_id kind,
		      const char *uuid, struct error *e);
/** -EINVAL when @value is not of the type. */
int spec_check_type(const char *name, enum param_type type, const json_t *value, struct error *e);

/* ---- spec_devices.c: `present` and `plan` of their members */

json_t *spec_present_nics(const struct view *view, const struct object *vm);
int spec_plan_nics(struct spec_plan *p, const struct spec_member *m, const json_t *wanted, struct error *e);
json_t *spec_present_volumes(const struct view *view, const struct object *vm);
int spec_plan_volumes(struct spec_plan *p, const struct spec_member *m, const json_t *wanted,
		      struct error *e);
/** The uuids in the list `volumes` of a document, as members of @queues. */
void spec_volumes_of(const json_t *document, json_t *queues);

/* ---- handlers of op_spec.c: spec.c, spec_run.c */

op_check_fn spec_check;
op_queues_fn spec_queues;
op_apply_fn spec_apply;
op_run_fn spec_run;
op_recover_fn spec_recover;

#endif
