/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of a VM that are one system tag each (behaviour.md 3.12): one
 * struct a setting, and one handler for all operations that set, get or delete it.
 *
 * A setting that a running guest can feel at once has a push function. Then the
 * tag is written first and what it says is brought to the host; when that fails
 * the former tag comes back. A kill in between leaves the new tag, and recovery
 * brings it to the host once more.
 *
 * To add one: a struct vm_setting beside the rows of its operations, which have
 * the handlers of this file, `.data` pointing to the struct, and a check when not
 * every value of the parameter will do. A row with METHOD_DELETE deletes the tag.
 */
#ifndef POOLFS_VM_SETTING_H
#define POOLFS_VM_SETTING_H

#include "actions/engine/operation.h"

enum vm_setting_form {
	SETTING_TEXT,	/* `prefix::text` */
	SETTING_NUMBER, /* `prefix::number` */
	SETTING_LIST,	/* `prefix::one,two` */
	SETTING_MARK,	/* `prefix` or nothing */
	SETTING_TRUE,	/* `prefix::true` or nothing */
};

struct vm_setting {
	const char *prefix; /* of the tag */
	enum vm_setting_form form;
	const char *param;	/* of the operation that sets it */
	const char *results[2]; /* members of the Get's answer: the wire's, the manual's */
	const char *companion;	/* tag that a set request may carry along, else it goes; or NULL */
	/* what holds without a tag; NULL = the answer has no such member */
	const char *(*missing)(const struct view *view, const char *vm_uuid);
	/* Makes the host do what the VM's tag in @view says; @host is where the VM is active. Blocking.
	 * NULL: the setting is felt at the next start. */
	int (*push)(struct pool *pool, const struct view *view, const struct object *vm, const char *host,
		    struct error *e);
};

/* For rows whose `.data` is a struct vm_setting. */
op_apply_fn vm_setting_apply;
op_run_fn vm_setting_run;
op_recover_fn vm_setting_recover;
op_get_fn vm_setting_get;

#endif
