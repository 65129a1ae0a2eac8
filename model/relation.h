/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relations: how a condition of a query leads from one object to others
 * (behaviour.md 1.9.1). `vmNics.l3Network.name=x` follows two of them.
 *
 * To add one: a row in relation.c, sorted by kind; fields that name the
 * starting object must be F_INDEX (a unit test checks).
 */
#ifndef POOLFS_RELATION_H
#define POOLFS_RELATION_H

#include "model/view.h"

enum relation_type {
	RELATION_FORWARD, /* our field `field` contains the uuid of the target */
	RELATION_REVERSE, /* the target's field `field` contains our uuid */
	RELATION_LINK,	  /* objects of kind `link` have our uuid in `field`, the target's in `link_field` */
};

struct relation {
	enum kind_id kind;
	const char *name;
	enum kind_id target;
	enum relation_type type;
	int field;
	enum kind_id link;	  /* RELATION_LINK only */
	int link_field;		  /* RELATION_LINK only */
	const char *only_of_type; /* only targets whose field "type" has this text; NULL = all */
};

/** The relation of @kind with this name of @len bytes; NULL when there is none. */
const struct relation *relation_find(const struct kind *kind, const char *name, size_t len);
/**
 * True when the manual has this relation of @kind, to things that this pool never has (EIPs, security groups):
 * no object meets a condition that follows it.
 */
bool relation_is_void(const struct kind *kind, const char *name, size_t len);
/** The relation of @kind after @previous (NULL: the first); NULL at the end. */
const struct relation *relation_next(const struct kind *kind, const struct relation *previous);
/** The inverse relation, without `only_of_type`. */
struct relation relation_inverse(const struct relation *r);
/** True when targets are found without scanning all objects. */
bool relation_is_indexed(const struct relation *r);
/**
 * The next target of @from; *cursor is 0 at the start. NULL at the end. None rests, since no relation leads
 * to a kind whose objects end: who adds one has to tell short memory from the end.
 */
const struct object *relation_walk(const struct relation *r, const struct view *view,
				   const struct object *from, int64_t *cursor);

#endif
