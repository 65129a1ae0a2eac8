/* SPDX-License-Identifier: Apache-2.0 */
/* See uri.h. */
#include "actions/host/uri.h"

#include <ctype.h>
#include <string.h>

char *host_address_of_uri(const char *uri)
{
	const char *authority = strstr(uri, "://");
	const char *end, *at;

	if (!authority)
		return NULL;
	authority += 3;
	end = authority + strcspn(authority, "/?#");
	at = memrchr(authority, '@', (size_t)(end - authority));
	if (at)
		authority = at + 1;
	if (*authority == '[') { /* IPv6 */
		authority++;
		end = authority + strcspn(authority, "]/?#");
	} else {
		const char *port = memchr(authority, ':', (size_t)(end - authority));

		if (port)
			end = port;
	}
	return end > authority ? strndup(authority, (size_t)(end - authority)) : NULL;
}

const char *host_hypervisor_type_of_uri(const char *uri)
{
	return strncmp(uri, "test:", 5) == 0 ? "Simulator" : "KVM";
}

/* The length of the label at the beginning of @name; 0 if it is not a valid label. */
static size_t label_length(const char *name)
{
	size_t len = strcspn(name, ".");

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '-')
			return 0;
	return len <= 63 && name[0] != '-' && len && name[len - 1] != '-' ? len : 0;
}

bool host_uri_is_local(const char *uri)
{
	return strncmp(uri, "qemu:///", 8) == 0 || strncmp(uri, "qemu+unix:", 10) == 0;
}

bool host_name_is_valid(const char *name)
{
	const char *label = name;
	size_t len;

	if (strlen(name) > 253)
		return false;
	for (;;) {
		len = label_length(label);
		if (!len)
			return false;
		if (!label[len])
			break;
		label += len + 1;
	}
	return strspn(label, "0123456789") != len; /* a number is the end of a mistyped address */
}
