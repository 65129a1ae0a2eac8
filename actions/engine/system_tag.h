/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of system tags: which tags mean something, on objects of which kinds, which values they take, who
 * may set them, and what they do (behaviour.md 3.12).
 *
 * A tag is `prefix::value` or the bare `prefix`. Every request is checked against the table, whether the tag
 * comes with a creation, with an operation on tags or in a spec, so a tag that means something never has a
 * value that means nothing. Tags that are not in the table are stored and do nothing: clients of other servers
 * send them.
 *
 * To add a tag: a row in operations/tag_table.c, the code that reads it, and its test in
 * tests/unit/test_system_tag.c. The README of the mount shows the row.
 */
#ifndef POOLFS_ENGINE_SYSTEM_TAG_H
#define POOLFS_ENGINE_SYSTEM_TAG_H

#include "actions/engine/request.h"

/** A tag that an object has or shall get. Everything is borrowed. */
struct tag_subject {
	const struct view *view;
	const struct actor *actor; /* who asks for it */
	const struct request *req; /* the creation that brings the tag; NULL: the object exists */
	enum kind_id kind;	   /* of the object */
	const char *uuid;	   /* of the object; a creation's is in the view only after a restart */
	const char *text;	   /* the whole tag */
	const char *value;	   /* behind the prefix and "::", "" for a bare tag */
	size_t count;		   /* tags of this row that the object would have */
};

/** -EINVAL, -EBUSY, ... with a sentence when the object cannot have the tag. Only reads. */
typedef int tag_check_fn(const struct tag_subject *s, struct error *e);

enum tag_form {
	TAG_VALUE,  /* `prefix::value` */
	TAG_MARK,   /* `prefix` */
	TAG_NUMBER, /* `prefix::number`, within min and max */
	TAG_CHOICE, /* `prefix::word`, one of values in any case */
};

enum tag_life {
	TAG_STORED,   /* may come with a creation, and be added and removed at any time */
	TAG_CREATION, /* comes with a creation; afterwards only operations of the pool change it */
	TAG_REQUEST,  /* applies to its request and is not stored */
	TAG_POOL,     /* written by operations of the pool only */
};

struct system_tag {
	const char *prefix;
	enum tag_form form;
	enum tag_life life;
	enum kind_id kinds[4]; /* of objects on which it has an effect; unused ones are KIND_NONE */
	bool many;	       /* an object may have several */
	bool admin;  /* only administrators may set it: it gives what is the host's or of other accounts */
	bool secret; /* its value is hidden (model/access.c) */
	enum kind_id resource;	   /* the value begins with the uuid of such an object; KIND_NONE = no */
	bool changes;		   /* which the tag changes, so it must be the account's own */
	int64_t min, max;	   /* TAG_NUMBER */
	const char *const *values; /* TAG_CHOICE, NULL-terminated */
	const char *takes;	   /* TAG_VALUE: the value, as README shows it: "<uuid>" */
	const char *operation;	   /* TAG_CREATION, TAG_POOL: what to use instead */
	const char *effect;	   /* one sentence */
	tag_check_fn *check;	   /* of the value; NULL: the form says it all */
};

/** All rows, sorted by prefix; ended by one without a prefix. */
const struct system_tag *system_tags(void);
/** The row of a tag; NULL when it means nothing. *ret_value (may be NULL) is its value, "" for a bare tag. */
const struct system_tag *system_tag_find(const char *tag, const char **ret_value);

/**
 * Whether the object may have the tag: by its row, else everything is allowed. Only @view, @req, @kind, @uuid,
 * @text and @count of @s need be filled in. -EINVAL, and errors of the row's function.
 */
int system_tag_check(const struct tag_subject *s, struct error *e);
/** The same for all system tags of a request: those that a creation brings, and the one that it is about. */
int system_tags_check_request(const struct view *view, const struct request *req, struct error *e);

#endif
