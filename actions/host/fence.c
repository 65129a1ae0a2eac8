/* SPDX-License-Identifier: Apache-2.0 */
/* See fence.h. */
#include "actions/host/fence.h"

#include "model/states.h"
#include "model/text.h"

bool host_is_dead(const struct object *host)
{
	return host && object_str_is(host, HOST_STATUS, STATUS_DISCONNECTED) &&
	       (object_str_is(host, HOST_FENCE_STATUS, FENCE_OFF) ||
		object_str_is(host, HOST_FENCE_STATUS, FENCE_CONFIRMED));
}

static const char *set_command(const struct object *o, int field)
{
	const char *command = o ? object_str(o, field) : NULL;

	return command && *command ? command : NULL;
}

const char *host_fence_command(const struct view *view, const struct object *host)
{
	const char *own = set_command(host, HOST_FENCE_COMMAND);

	return own ? own
		   : set_command(view_get(view, KIND_CLUSTER, object_str(host, HOST_CLUSTER_UUID)),
				 CLUSTER_FENCE_COMMAND);
}

int host_put_fence(struct txn *t, const char *uuid, const char *status, const char *reason, struct error *e)
{
	_cleanup_free_ char *line = reason ? text_printable(reason) : NULL;
	struct object *host;
	int r;

	if (reason && !line)
		return error_oom(e);
	r = txn_edit(t, KIND_HOST, uuid, &host, e);
	if (r < 0)
		return r;
	object_set_str(host, HOST_FENCE_STATUS, status);
	object_set_str(host, HOST_FENCE_REASON, line);
	return txn_put(t, host, NULL, e);
}

int host_check_guest_gone(const struct view *view, const char *uuid, const char *what, struct error *e)
{
	const struct object *host = uuid ? view_get(view, KIND_HOST, uuid) : NULL;

	if (!host || object_str_is(host, HOST_STATUS, STATUS_CONNECTED) || host_is_dead(host))
		return 0;
	return error_set(
		e, EBUSY,
		"cannot %s: host '%s' does not answer and its guests may still run; wait until it answers, or "
		"switch it off and write confirm-dead to its actions",
		what, object_name(host));
}
