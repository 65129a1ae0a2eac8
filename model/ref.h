/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference counts, for everything that readers share without locks.
 *
 * Embed `struct ref` as the first member. The count is atomic; the object that it
 * counts references to is immutable once there is a second one.
 */
#ifndef POOLFS_REF_H
#define POOLFS_REF_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Eight bytes, as there are several for each object: the function is told by its distance from ref_origin(). */
struct ref {
	atomic_int count;
	int32_t destroy; /* immutable after ref_init() */
};

/** A function of this program, near to all others of it; does nothing. */
void ref_origin(void);

/** Initialises @r with one reference, held by the caller. @destroy is a function of this program, not of a library. */
static inline void ref_init(struct ref *r, void (*destroy)(struct ref *))
{
	intptr_t distance = (intptr_t)destroy - (intptr_t)ref_origin;

#ifdef POOLFS_TESTS
	assert(distance == (int32_t)distance);
#endif
	atomic_init(&r->count, 1);
	r->destroy = (int32_t)distance;
}

/** True when @destroy is what ref_init() was given. */
static inline bool ref_has_destroy(const struct ref *r, void (*destroy)(struct ref *))
{
	return r->destroy == (int32_t)((intptr_t)destroy - (intptr_t)ref_origin);
}

/** Adds a reference; the caller must hold one already. Accepts NULL. */
static inline void ref_get(const struct ref *r)
{
	if (r)
		atomic_fetch_add_explicit(&((struct ref *)r)->count, 1, memory_order_relaxed);
}

/** Drops a reference; the last one destroys the object. Accepts NULL. */
static inline void ref_put(const struct ref *r)
{
	struct ref *self = (struct ref *)r;

	if (self && atomic_fetch_sub_explicit(&self->count, 1, memory_order_acq_rel) == 1)
		((void (*)(struct ref *))((intptr_t)ref_origin + self->destroy))(self);
}

/** True when the caller's reference is the only one, so that the object may be changed in place. */
static inline bool ref_is_unique(const struct ref *r)
{
	return atomic_load_explicit(&((struct ref *)r)->count, memory_order_acquire) == 1;
}

#endif
