/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a spec: the steps from the current state of an object to a document.
 * Each member of the document adds those for itself (spec/members.c), and checks
 * its value with the functions below. Nothing here blocks.
 */
#ifndef POOLFS_SPEC_PLAN_H
#define POOLFS_SPEC_PLAN_H

#include "actions/engine/request.h"

/* The state that an operation needs a VM to be in; ordered by strength. */
enum spec_need {
	NEED_NOTHING,
	NEED_AWAKE,   /* not Paused */
	NEED_STOPPED, /* not possible while it is active */
};

struct spec_plan;

/** A row of the table in spec/members.c. */
struct spec_member {
	uint64_t kinds;
	const char *name; /* NULL: all fields that `has` is true for */
	bool early;	  /* see spec_member_is_early() */
	bool follows;	  /* see spec_member_follows() */
	bool (*has)(const struct kind *kind, const struct field *f);
	enum kind_id resource; /* of the objects that a named member names; KIND_NONE: it names none */
	const char *key;       /* in which member of its items; NULL: the items, or the value itself */
	/* Returns its current value, owned by the caller; NULL: left out. Not used for fields. */
	json_t *(*present)(const struct view *view, const struct object *o);
	/* Adds the steps to the value in the document; called only when the document has the member. */
	int (*plan)(struct spec_plan *p, const struct spec_member *m, const json_t *wanted, struct error *e);
};

struct spec_step {
	struct request *req;		  /* owned */
	const struct spec_member *member; /* NULL: it changes the VM's state */
	enum spec_need need;
};

/* The steps from an object in a view to a document. */
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

/**
 * Adds a step of @member: the operation @op on @target (NULL: a creation) with @taken_params and @taken_tags (NULL:
 * none), both taken over, also on failure. -ENOMEM, errors of request_new().
 */
int spec_plan_add(struct spec_plan *plan, const struct spec_member *member, const char *op,
		  const char *target, json_t *taken_params, json_t *taken_tags, enum spec_need need,
		  struct error *e);

/** Checks that @wanted is a list of strings, or of objects with a string @key, all different. -EINVAL. */
int spec_check_list(const struct spec_member *m, const json_t *wanted, const char *key, struct error *e);
/** True when an item of the list, or the @key (may be NULL) of an item, is @text. */
bool spec_list_has(const json_t *list, const char *key, const char *text);
/** Checks that the object that @m names exists, for the account that asks. -ENOENT. */
int spec_check_exists(const struct spec_plan *p, const struct spec_member *m, enum kind_id kind,
		      const char *uuid, struct error *e);
/** Checks that @value, that of the member @name, is of the type. A number may be a string: "2G". -EINVAL. */
int spec_check_type(const char *name, enum param_type type, const json_t *value, struct error *e);

#endif
