/* SPDX-License-Identifier: Apache-2.0 */
/* See console.h. */
#include "hypervisor/domain/console.h"

#include <string.h>
#include <sys/random.h>

#include "hypervisor/domain/guest_devices.h"
#include "hypervisor/domain_handle.h"
#include "hypervisor/xml.h"

/* First port of the consoles that a simulated host pretends to have. */
#define SIMULATED_PORT 5900

int console_password_make(char ret[CONSOLE_PASSWORD_LENGTH + 1], struct error *e)
{
	static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789_-.+=,@";
	unsigned char random[CONSOLE_PASSWORD_LENGTH];

	_Static_assert(sizeof(letters) - 1 == 64, "each random byte must choose every letter equally often");
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return error_set(e, EIO, "cannot get random bytes");
	for (size_t i = 0; i < CONSOLE_PASSWORD_LENGTH; i++)
		ret[i] = letters[random[i] % 64];
	ret[CONSOLE_PASSWORD_LENGTH] = '\0';
	return 0;
}

int hv_domain_console(struct hypervisor *hv, const char *host, const char *uuid, struct hv_console *ret,
		      struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain domain = {0};
	_cleanup_xml_ xmlDocPtr doc = NULL;
	_cleanup_free_ char *address = NULL;
	int64_t port;
	int rc;

	rc = domain_enter(hv, host, uuid, &call, &domain, e);
	if (rc == 0)
		rc = domain_read_live_xml(&call, &domain, uuid, &doc, e);
	if (rc < 0)
		return rc;
	port = xml_get_int(doc, NULL, "/domain/devices/graphics/@port", -1);
	if (port <= 0 && call.simulated)
		port = SIMULATED_PORT +
		       xml_get_int(doc, NULL, "/domain/@id", 0) % (UINT16_MAX - SIMULATED_PORT);
	if (port <= 0)
		return error_set(e, EBUSY, "domain '%s' has no console yet", uuid);
	address = xml_get(doc, NULL, "/domain/devices/graphics/@listen");
	*ret = (struct hv_console){
		.protocol = xml_has(doc, "/domain/devices/graphics[@type='spice']") ? "spice" : "vnc",
		.port = (int)port};
	(void)snprintf(ret->address, sizeof(ret->address), "%s", address ? address : "0.0.0.0");
	return 0;
}

/* -------------------------------------------------------------------- console */

int hv_console_set_password(struct hypervisor *hv, const char *host, const char *uuid, const char *password,
			    struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	char made[CONSOLE_PASSWORD_LENGTH + 1];
	_cleanup_free_ char *cut = NULL;
	xmlNodePtr graphics;
	int rc = guest_devices_enter(hv, host, uuid, &d, e);

	if (rc == 0 && !password)
		rc = console_password_make(made, e);
	if (rc < 0)
		return rc;
	graphics = xml_find(d.doc, "/domain/devices/graphics");
	if (!graphics)
		return error_set(e, ENOENT, "domain '%s' has no console", uuid);
	cut = !password ? strdup(made)
	      : xml_has(d.doc, "/domain/devices/graphics[@type='vnc']")
		      ? strndup(password, CONSOLE_PASSWORD_LENGTH)
		      : strdup(password);
	if (!cut || !xmlSetProp(graphics, BAD_CAST "passwd", BAD_CAST cut))
		return error_set(e, ENOMEM, "out of memory");
	return guest_devices_update(&d, graphics, 0, "the console's password", e);
}
