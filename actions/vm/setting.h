/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of a VM that are one system tag each (behaviour.md 3.12): one
 * struct per setting, and common handlers for the operations that set, get or
 * delete it.
 *
 * A setting that takes effect in a running guest has a push function. The tag is
 * written first, then the push function applies it on the host; when that fails,
 * the former tag is restored. A kill in between leaves the new tag, and recovery
 * applies it again.
 *
 * To add one: a struct vm_setting beside the rows of its operations, which have
 * the handlers of this file, `.data` pointing to the struct, and a check function
 * when the parameter has invalid values. A row with METHOD_DELETE deletes the tag.
 */
#ifndef POOLFS_VM_SETTING_H
#define POOLFS_VM_SETTING_H

#include "actions/engine/operation.h"

enum vm_setting_form {
	SETTING_TEXT,	/* `prefix::text` */
	SETTING_NUMBER, /* `prefix::number` */
	SETTING_LIST,	/* `prefix::one,two` */
	SETTING_MARK,	/* `prefix`, or no tag */
	SETTING_TRUE,	/* `prefix::true`, or no tag */
};

struct vm_setting {
	const char *prefix; /* of the tag */
	enum vm_setting_form form;
	const char *param; /* of the operation that sets it */
	/* members of the Get's answer with the value: the name on the wire, that of the manual or NULL */
	const char *results[2];
	const char *companion; /* another tag, set when a set request has it, else removed; or NULL */
	/* the value when there is no tag; NULL = the answer then has no such member */
	const char *(*missing)(const struct view *view, const char *vm_uuid);
	/* Applies the VM's tag in @view on @host, where the VM is active. Blocking. NULL: the setting takes
	 * effect at the next start. */
	int (*push)(struct pool *pool, const struct view *view, const struct object *vm, const char *host,
		    struct error *e);
};

/* Handlers for rows whose `.data` is a struct vm_setting. */
op_apply_fn vm_setting_apply;
op_run_fn vm_setting_run;
op_recover_fn vm_setting_recover;
op_get_fn vm_setting_get;

#endif
