/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of spec.h: the members of the document, and the way from what is to what is wanted. */
#ifndef POOLFS_SPEC_PLAN_H
#define POOLFS_SPEC_PLAN_H

#include "actions/engine/request.h"

/* What an operation needs of a VM that is up. */
enum spec_need {
	NEED_NOTHING,
	NEED_AWAKE,   /* not frozen: Running or Stopped */
	NEED_STOPPED, /* it cannot be done live */
};

struct spec_plan;

/** A row of the table in spec/members.c. */
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

/** Adds a step of @member: the operation @op on @target (NULL: a creation) with @params and @tags (NULL:
 * none), both taken over. */
int spec_plan_add(struct spec_plan *plan, const struct spec_member *member, const char *op,
		  const char *target, json_t *params, json_t *tags, enum spec_need need, struct error *e);

/** A list of the document: that it is one, and that no two items are the same (@key: of objects). -EINVAL. */
int spec_check_list(const struct spec_member *m, const json_t *wanted, const char *key, struct error *e);
/** Whether an item of the list, or its @key, is @text. */
bool spec_list_has(const json_t *list, const char *key, const char *text);
/** -ENOENT when there is no such object. */
int spec_check_exists(const struct spec_plan *p, const struct spec_member *m, enum kind_id kind,
		      const char *uuid, struct error *e);
/** -EINVAL when @value is not of the type. */
int spec_check_type(const char *name, enum param_type type, const json_t *value, struct error *e);

#endif
