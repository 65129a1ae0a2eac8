/* SPDX-License-Identifier: Apache-2.0 */
/* The error object and the table of the manual's codes. See error.h. */
#include "model/error.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "model/text.h"

/* Maximum length of `details` in bytes (behaviour.md 1.4). */
#define DETAILS_MAX 4096

/* behaviour.md 4, sorted by code for bsearch; a unit test checks the order. */
static const struct {
	const char *code;
	int errnum;
	const char *description;
} codes[] = {
	{"BS.1000", EIO, "Unable to download an image to backup storage"},
	{"BS.1001", EIO, "Unable to attach to zone"},
	{"BS.1002", EIO, "Unable to detach from zone"},
	{"BS.1003", ENOSPC, "Unable to allocate a backup storage"},
	{"BS.1500", EIO, "Unable to connect a backup storage"},
	{"HOST.1000", EIO, "Unable to add host"},
	{"HOST.1001", EIO, "Unable to put host to maintenance mode"},
	{"HOST.1002", EIO, "Unable to reconnect host"},
	{"HOST.1003", EIO, "An error happened when connecting to host"},
	{"HOST.1004", ENOSPC, "Unable to allocate a host for vm"},
	{"HOST.1005", EIO, "Failed to start vm on hypervisor"},
	{"HOST.1006", EIO, "Failed to stop vm on hypervisor"},
	{"HOST.1007", EIO, "Failed to reboot vm on hypervisor"},
	{"HOST.1008", EIO, "Failed to destroy vm on hypervisor"},
	{"HOST.1009", EIO, "Failed to migrate vm on hypervisor"},
	{"HOST.1010", EIO, "This host is disconnected, cannot perform the required operation"},
	{"HOST.1011", EIO,
	 "This host is disconnected, cannot perform the required operation, eligible for garbage collector"},
	{"HOST_ALLOCATION.1000", ENOSPC, "No available host found"},
	{"HOST_ALLOCATION.1001", ENOSPC, "No available nic found"},
	{"ID.1000", EACCES, "Unable to authenticate a user"},
	{"ID.1001", EACCES,
	 "The session is invalid, either wrong session id or the session has been expired"},
	{"ID.1002", EACCES, "The user doesn't have permission to perform the operation"},
	{"ID.1003", EDQUOT, "The user exceeds a quota of a resource"},
	{"ID.1004", EINVAL, "Invalid quota operation"},
	{"IMG.1000", EIO, "Unable to create an image from vm's volume"},
	{"L2.1000", EIO, "Unable to attach L2Network to a cluster"},
	{"L3.1000", ENOSPC, "Unable to allocate an ip address from L3Network"},
	{"PS.1000", ENOSPC,
	 "Unable to allocate a primary storage that has available space for required volume"},
	{"PS.1001", EIO, "Unable to attach to cluster"},
	{"PS.1002", EIO, "Unable to detach from cluster"},
	{"PS.1003", EIO, "The primary storage is disconnected"},
	{"SYS.1000", EIO, "An internal error happened in system"},
	{"SYS.1001", ETIMEDOUT, "A message or a operation timeout"},
	{"SYS.1002", EIO, "Unable to create a resource"},
	{"SYS.1003", ENOENT, "A resource can not be found"},
	{"SYS.1004", EIO, "Unable to delete a resource"},
	{"SYS.1005", EIO, "Unable to change resource state"},
	{"SYS.1006", EBUSY, "An operation failed"},
	{"SYS.1007", EINVAL, "One or more API argument is invalid"},
	{"SYS.1008", EINVAL, "Unknown message, no service can deal with the message"},
	{"SYS.1013", EPERM, "The resource doesn't have capability to proceed an operation"},
	{"SYS.1014", EOPNOTSUPP, "The operation is not implemented or not supported yet"},
	{"SYS.1015", EIO, "Cannot make a HTTP request"},
	{"SYS.1016", EIO, "Cannot do an IO operation(e.g. network IO error, file IO error)"},
	{"TAG.1000", EEXIST, "Duplicated tag."},
	{"VM.1000", EIO, "Unable to create a new vm"},
	{"VM.1001", EIO, "Unable to start a vm"},
	{"VM.1002", EIO, "Unable to stop a vm"},
	{"VM.1003", EIO, "Unable to reboot a vm"},
	{"VM.1004", EIO, "Unable to destroy a vm"},
	{"VM.1005", EIO, "Unable to attach data volume to a vm"},
	{"VM.1006", EIO, "Unable to detach data volume from a vm"},
	{"VM.1007", EIO, "Unable to attach a network to vm"},
	{"VM.1008", EIO, "Unable to migrate a vm"},
	{"VM.1009", EIO, "Unable to allocate a mac address for vm's nic"},
	{"VM.1010", EBUSY, "VM is not in state that allows required operation"},
	{"VM.1011", EIO, "An error occurred while change vm password"},
	{"VM.1012", EIO, "Unable to suspend a vm"},
	{"VM.1013", EIO, "Unable to resume a vm"},
	{"VM.1014", EBUSY, "VM is not in Stopped state, cannot do re-image operation."},
	{"VM.1015", EBUSY, "Original image media type of VM is ISO, cannot do re-image operation."},
	{"VM.1016", EBUSY, "Cannot find image cache, cannot do re-image operation."},
	{"VOLUME_SNAPSHOT.1000", EBUSY, "Snapshot is not in correct status for operation."},
};

static int code_compare(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

static ssize_t code_find(const char *code)
{
	const char *row = bsearch(code, codes, ARRAY_SIZE(codes), sizeof(codes[0]), code_compare);

	return row ? (row - (const char *)codes) / (ssize_t)sizeof(codes[0]) : -1;
}

const char *error_description(const char *code)
{
	ssize_t i = code_find(code);

	return i < 0 ? NULL : codes[i].description;
}

/* The default code of an errno. */
static const char *code_of_errno(int errnum)
{
	switch (errnum) {
	case EINVAL:
	case ERANGE:
	case EFBIG:
		return "SYS.1007";
	case ENOENT:
	case ESTALE:
		return "SYS.1003";
	case EBUSY:
	case EEXIST:
	case ENOTEMPTY:
	case ENOSPC:
	case EPERM:
		return "SYS.1006";
	case EACCES:
		return "ID.1002";
	case EDQUOT:
		return "ID.1003";
	case EOPNOTSUPP:
		return "SYS.1014";
	case ETIMEDOUT:
		return "SYS.1001";
	default:
		return "SYS.1000";
	}
}

void error_done(struct error *e)
{
	if (!e)
		return;
	if (e->cause) {
		error_done(e->cause);
		free(e->cause);
	}
	free(e->details);
	*e = ERROR_INIT;
}

/*
 * The only place where sentences come into being. They quote what users wrote, and are shown on terminals and
 * in logs: a sentence is one line without control characters.
 */
static char *make_sentence(const char *text)
{
	return text ? text_printable(text) : NULL;
}

_printf_(4, 0) static int error_vset(struct error *e, int errnum, const char *code, const char *fmt,
				     va_list args)
{
	_cleanup_free_ char *text = NULL;

	if (!e || error_is_set(e))
		return -errnum;
	e->errnum = errnum;
	e->code = code;
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	e->details = make_sentence(text);
	return -errnum;
}

int error_set(struct error *e, int errnum, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	error_vset(e, errnum, code_of_errno(errnum), fmt, args);
	va_end(args);
	return -errnum;
}

int error_set_code(struct error *e, int errnum, const char *code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	error_vset(e, errnum, code, fmt, args);
	va_end(args);
	return -errnum;
}

int error_undone(struct error *e, const char *fmt, ...)
{
	va_list args;

	if (e && !error_is_set(e))
		e->undone = true;
	va_start(args, fmt);
	error_vset(e, EINTR, "SYS.1000", fmt, args);
	va_end(args);
	return -EINTR;
}

int error_oom(struct error *e)
{
	return error_set(e, ENOMEM, "out of memory");
}

int error_wrap(struct error *e, const char *code)
{
	struct error *cause;

	if (!e || !error_is_set(e))
		return 0;
	cause = malloc(sizeof(*cause));
	if (!cause)
		return -e->errnum; /* the inner error alone still tells what happened */
	*cause = *e;
	e->code = code;
	e->details = cause->details ? strdup(cause->details) : NULL;
	e->cause = cause;
	return -e->errnum;
}

void error_may_pass(struct error *e)
{
	if (e)
		e->may_pass = true;
}

int error_move(struct error *to, struct error *from)
{
	int errnum = from->errnum;

	if (to) {
		error_done(to);
		*to = *from;
	} else {
		error_done(from);
	}
	*from = ERROR_INIT;
	return -errnum;
}

const char *error_sentence(const struct error *e)
{
	if (!e || !error_is_set(e))
		return "ok";
	return e->details ? e->details : "out of memory";
}

json_t *error_to_json(const struct error *e)
{
	const char *description = error_description(e->code);
	const char *details = error_sentence(e);
	size_t len = strnlen(details, DETAILS_MAX);
	json_t *json;

	while (len > 0 && ((unsigned char)details[len] & 0xC0) == 0x80)
		len--; /* do not split a UTF-8 character */
	json = json_pack("{s:s, s:s, s:o}", "code", e->code, "description", description ? description : "",
			 "details", json_stringn_nocheck(details, len));
	if (json && e->cause) /* which is left out when memory is short, rather than the whole */
		(void)json_object_set_new(json, "cause", error_to_json(e->cause));
	return json;
}

void error_from_json(const json_t *json, struct error *ret_e)
{
	const json_t *cause = json_object_get(json, "cause");
	const char *code = json_string_value(json_object_get(json, "code"));
	const char *details = json_string_value(json_object_get(json, "details"));
	ssize_t i = code ? code_find(code) : -1;

	*ret_e = ERROR_INIT;
	ret_e->code = i < 0 ? "SYS.1000" : codes[i].code;
	ret_e->errnum = i < 0 ? EIO : codes[i].errnum;
	ret_e->details = make_sentence(details);
	if (json_is_object(cause)) {
		ret_e->cause = calloc(1, sizeof(*ret_e->cause));
		if (ret_e->cause) {
			error_from_json(cause, ret_e->cause);
			ret_e->errnum = ret_e->cause->errnum;
		}
	}
}
