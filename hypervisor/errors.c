/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One errno for every libvirt error code.
 *
 * Only codes count, never texts: libvirt's messages change and are translated.
 * The switch has no default, so that the compiler reports the codes that a newer
 * libvirt adds; numbers that this build does not know are -EIO.
 */
#include "hypervisor/errors.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/hypervisor.h"

int hv_errno_of_virt(int virt_code)
{
	switch ((virErrorNumber)virt_code) {
	case VIR_ERR_OK:
		return 0;

	case VIR_ERR_NO_MEMORY:
		return ENOMEM;

	case VIR_ERR_NO_DOMAIN:
	case VIR_ERR_NO_NETWORK:
	case VIR_ERR_NO_STORAGE_POOL:
	case VIR_ERR_NO_STORAGE_VOL:
	case VIR_ERR_NO_NODE_DEVICE:
	case VIR_ERR_NO_INTERFACE:
	case VIR_ERR_NO_NWFILTER:
	case VIR_ERR_NO_SECRET:
	case VIR_ERR_NO_DOMAIN_SNAPSHOT:
	case VIR_ERR_NO_DOMAIN_METADATA:
	case VIR_ERR_NO_SERVER:
	case VIR_ERR_NO_CLIENT:
	case VIR_ERR_NO_NWFILTER_BINDING:
	case VIR_ERR_NO_DOMAIN_CHECKPOINT:
	case VIR_ERR_NO_DOMAIN_BACKUP:
	case VIR_ERR_NO_NETWORK_PORT:
	case VIR_ERR_NO_HOSTNAME:
	case VIR_ERR_DEVICE_MISSING:
#if LIBVIR_CHECK_VERSION(9, 7, 0)
	case VIR_ERR_NO_NETWORK_METADATA:
#endif
		return ENOENT;

	case VIR_ERR_DOM_EXIST:
	case VIR_ERR_NETWORK_EXIST:
	case VIR_ERR_STORAGE_POOL_BUILT:
	case VIR_ERR_STORAGE_VOL_EXIST:
	case VIR_ERR_NETWORK_PORT_EXIST:
		return EEXIST;

	case VIR_ERR_OPERATION_INVALID:
	case VIR_ERR_RESOURCE_BUSY:
	case VIR_ERR_BLOCK_COPY_ACTIVE:
	case VIR_ERR_SNAPSHOT_REVERT_RISKY:
	case VIR_ERR_MIGRATE_UNSAFE:
	case VIR_ERR_CHECKPOINT_INCONSISTENT:
		return EBUSY;

	case VIR_ERR_NO_SUPPORT:
	case VIR_ERR_CONFIG_UNSUPPORTED:
	case VIR_ERR_ARGUMENT_UNSUPPORTED:
	case VIR_ERR_OPERATION_UNSUPPORTED:
	case VIR_ERR_CPU_INCOMPATIBLE:
	case VIR_ERR_NO_SECURITY_MODEL:
	case VIR_ERR_CALL_FAILED:
		return EOPNOTSUPP;

	case VIR_ERR_OPERATION_TIMEOUT:
	case VIR_ERR_AGENT_UNRESPONSIVE:
	case VIR_ERR_AGENT_UNSYNCED:
#if LIBVIR_CHECK_VERSION(11, 2, 0)
	case VIR_ERR_AGENT_COMMAND_TIMEOUT:
#endif
		return ETIMEDOUT;

	case VIR_ERR_OPERATION_ABORTED:
	case VIR_ERR_AUTH_CANCELLED:
		return ECANCELED;

	case VIR_ERR_AUTH_FAILED:
	case VIR_ERR_AUTH_UNAVAILABLE:
	case VIR_ERR_ACCESS_DENIED:
	case VIR_ERR_OPERATION_DENIED:
		return EACCES;

	case VIR_ERR_UNKNOWN_HOST:
	case VIR_ERR_NO_CONNECT:
	case VIR_ERR_INVALID_CONN:
	case VIR_ERR_GNUTLS_ERROR:
	case VIR_ERR_RPC:
	case VIR_ERR_SSH:
	case VIR_ERR_LIBSSH:
		return ENOTCONN;

	case VIR_ERR_INVALID_ARG:
	case VIR_ERR_INVALID_DOMAIN:
	case VIR_ERR_INVALID_NETWORK:
	case VIR_ERR_INVALID_MAC:
	case VIR_ERR_INVALID_STORAGE_POOL:
	case VIR_ERR_INVALID_STORAGE_VOL:
	case VIR_ERR_INVALID_NODE_DEVICE:
	case VIR_ERR_INVALID_INTERFACE:
	case VIR_ERR_INVALID_NWFILTER:
	case VIR_ERR_INVALID_SECRET:
	case VIR_ERR_INVALID_DOMAIN_SNAPSHOT:
	case VIR_ERR_INVALID_STREAM:
	case VIR_ERR_INVALID_NWFILTER_BINDING:
	case VIR_ERR_INVALID_DOMAIN_CHECKPOINT:
	case VIR_ERR_INVALID_NETWORK_PORT:
	case VIR_ERR_XML_ERROR:
	case VIR_ERR_XML_DETAIL:
	case VIR_ERR_XML_INVALID_SCHEMA:
	case VIR_ERR_OS_TYPE:
	case VIR_ERR_NO_KERNEL:
	case VIR_ERR_NO_ROOT:
	case VIR_ERR_NO_SOURCE:
	case VIR_ERR_NO_TARGET:
	case VIR_ERR_NO_NAME:
	case VIR_ERR_NO_OS:
	case VIR_ERR_NO_DEVICE:
	case VIR_ERR_OVERFLOW:
	case VIR_ERR_MULTIPLE_INTERFACES:
	case VIR_ERR_MULTIPLE_DOMAINS:
	case VIR_ERR_CONF_SYNTAX:
		return EINVAL;

	case VIR_ERR_INTERNAL_ERROR:
	case VIR_ERR_OPERATION_FAILED:
	case VIR_ERR_GET_FAILED:
	case VIR_ERR_POST_FAILED:
	case VIR_ERR_HTTP_ERROR:
	case VIR_ERR_SEXPR_SERIAL:
	case VIR_ERR_NO_XEN:
	case VIR_ERR_XEN_CALL:
	case VIR_ERR_NO_XENSTORE:
	case VIR_ERR_DRIVER_FULL:
	case VIR_ERR_OPEN_FAILED:
	case VIR_ERR_READ_FAILED:
	case VIR_ERR_PARSE_FAILED:
	case VIR_ERR_WRITE_FAILED:
	case VIR_ERR_SYSTEM_ERROR:
	case VIR_WAR_NO_NETWORK:
	case VIR_WAR_NO_STORAGE:
	case VIR_WAR_NO_NODE:
	case VIR_WAR_NO_INTERFACE:
	case VIR_WAR_NO_NWFILTER:
	case VIR_WAR_NO_SECRET:
	case VIR_ERR_BUILD_FIREWALL:
	case VIR_ERR_MIGRATE_PERSIST_FAILED:
	case VIR_ERR_HOOK_SCRIPT_FAILED:
	case VIR_ERR_STORAGE_PROBE_FAILED:
	case VIR_ERR_DBUS_SERVICE:
	case VIR_ERR_MIGRATE_FINISH_OK:
#if LIBVIR_CHECK_VERSION(11, 2, 0)
	case VIR_ERR_AGENT_COMMAND_FAILED:
#endif
		return EIO;
	}
	return EIO;
}

int virt_error_code(void)
{
	virErrorPtr error = virGetLastError();

	return error ? error->code : VIR_ERR_OK;
}

static void ignore_error(void *user_data, virErrorPtr error)
{
	(void)user_data;
	(void)error;
}

void virt_errors_silence(void)
{
	virSetErrorFunc(NULL, ignore_error);
}

/* A copy of libvirt's error, from virt_error_save() to error_set_saved_virt(); owned. */
static _Thread_local virErrorPtr saved;

void virt_error_save(void)
{
	virFreeError(saved);
	saved = virSaveLastError();
}

/*
 * libvirt's sentence in our form: one line, lower case unless it starts with a name like "QEMU", no
 * full stop.
 */
static char *sentence_of(const virError *error)
{
	char *text = strdup(error && error->message ? error->message : "unknown error");
	size_t len;

	if (!text)
		return NULL;
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	len = strlen(text);
	while (len > 0 && (text[len - 1] == '.' || text[len - 1] == ' '))
		text[--len] = '\0';
	if (len > 1 && isupper((unsigned char)text[0]) && !isupper((unsigned char)text[1]))
		text[0] = (char)tolower((unsigned char)text[0]);
	return text;
}

DEFINE_CLEANUP(virErrorPtr, virFreeError)

int error_set_saved_virt(struct error *e, virConnectPtr conn, const char *fmt, ...)
{
	_cleanup_(virFreeError_p) virErrorPtr taken = steal(&saved);
	/* a saved one with the code OK says that there was none */
	const virError *error = taken && taken->code != VIR_ERR_OK ? taken : NULL;
	_cleanup_free_ char *reason = sentence_of(error);
	_cleanup_free_ char *what = NULL;
	int errnum = error ? hv_errno_of_virt(error->code) : EIO;
	va_list args;

	/* a failed system call on the host comes with its errno */
	if (error && error->code == VIR_ERR_SYSTEM_ERROR && error->int1 > 0)
		errnum = error->int1;
	va_start(args, fmt);
	if (vasprintf(&what, fmt, args) < 0)
		what = NULL;
	va_end(args);
	if ((conn && virConnectIsAlive(conn) == 0) || errnum == ENOTCONN)
		return error_set_code(e, ENOTCONN, "HOST.1010", "%s: %s", what ? what : "",
				      reason ? reason : "");
	return error_set(e, errnum, "%s: %s", what ? what : "", reason ? reason : "");
}
