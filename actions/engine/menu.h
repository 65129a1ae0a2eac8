/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the `actions` file of an object (tree.md 14): which verbs it has, and how to use them. */
#ifndef POOLFS_ENGINE_MENU_H
#define POOLFS_ENGINE_MENU_H

#include <stdio.h>

#include "actions/engine/request.h"

/**
 * One line per verb; `# ` before it and the reason behind it when a request of @actor would be refused now, by the
 * state of @o, its type or its owner. Owned by the caller; NULL when memory is short.
 */
struct document *actions_render_menu(const struct view *view, const struct object *o,
				     const struct actor *actor);

/** Prints the parameters of @op that its user gives, as in the menu: " name=TEXT [size=NUMBER]". */
void operation_print_parameters(const struct operation *op, FILE *f);

#endif
