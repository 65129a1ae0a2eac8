/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which objects have ended lately. Everybody looks at these, so those that were the last LEAVING_LATEST to end, or to be
 * changed after their end, have the texts in memory that had not left; with each that is added, those of the oldest
 * leave (left_text.h). None has after a start. Those of objects that do not end leave with the commit that has written them.
 */
#ifndef POOLFS_LEAVING_H
#define POOLFS_LEAVING_H

#include <stddef.h>

#include "model/view.h"

#define LEAVING_LATEST 1024

struct change;
struct leaving;

/** Freed with free(). NULL when memory is short. */
struct leaving *leaving_new(void);
/**
 * To be called after each commit, with its changes, before its view is published: replaces objects in @view
 * by ones without the texts, which are in the database by now, and puts those of which all neighbours rest
 * in blocks (view_rest()). Such an object shows what it showed before; it is no change of the pool. A few
 * blocks drop what they have made for readers (view_rest_again()), so an object that rests may be at
 * another address in the next view.
 */
void leaving_commit(struct leaving *leaving, struct view *view, const struct change *changes, size_t count);

#endif
