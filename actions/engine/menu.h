/* SPDX-License-Identifier: Apache-2.0 */
/* The `actions` file of an object. */
#ifndef POOLFS_ENGINE_MENU_H
#define POOLFS_ENGINE_MENU_H

#include "model/view.h"

/* The `actions` file: one line per verb, `# ` before what the present state forbids. NULL without memory. */
struct document *actions_render_menu(const struct view *view, const struct object *o);

#endif
