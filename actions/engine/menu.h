/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the `actions` file of an object (tree.md 14): which verbs it has, and how to use them. */
#ifndef POOLFS_ENGINE_MENU_H
#define POOLFS_ENGINE_MENU_H

#include "model/view.h"

/**
 * One line per verb, commented out with `# ` when the state of @o forbids it. Owned by the caller; NULL when
 * memory is short.
 */
struct document *actions_render_menu(const struct view *view, const struct object *o);

#endif
