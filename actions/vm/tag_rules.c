/* SPDX-License-Identifier: Apache-2.0 */
/* See tag_rules.h. */
#include "actions/vm/tag_rules.h"

#include <string.h>
#include <strings.h>

#include "actions/engine/access.h"
#include "actions/engine/tags.h"
#include "actions/network/ipv4.h"
#include "actions/vm/nic.h"
#include "actions/vm/user_data.h"
#include "hypervisor/domain/console.h"

int vm_check_boot_order(const char *order, const char *shown, struct error *e)
{
	_cleanup_free_ char *copy = strdup(order);
	char *rest = copy;

	for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ","))
		if (strcmp(word, "HardDisk") != 0 && strcmp(word, "CdRom") != 0)
			return error_set(e, EINVAL, "invalid boot device[%s] in boot order[%s]", word, shown);
	return 0;
}

static bool is_hostname(const char *name)
{
	size_t label = 0, total = strlen(name);

	if (total == 0 || total > 253)
		return false;
	for (const char *p = name; *p; p++) {
		bool edge = label == 0 || p[1] == '.' || p[1] == '\0';

		if (*p == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
		      (*p == '-' && !edge)))
			return false;
		if (++label > 63)
			return false;
	}
	return label > 0;
}

/* The VM other than @but that has the host name on the network; NULL = none. */
static const struct object *vm_with_hostname(const struct view *view, const char *l3, const char *hostname,
					     const char *but)
{
	view_for_each_where (nic, view, KIND_NIC, NIC_L3_UUID, l3) {
		const char *vm = object_text(nic, NIC_VM_UUID);
		const char *have = tag_value(view, vm, "hostname");

		if (have && strcasecmp(have, hostname) == 0 && (!but || strcmp(but, vm) != 0))
			return view_get(view, KIND_VM, vm);
	}
	return NULL;
}

/* DHCP gives the name in all networks of a VM, and each of them knows a name only once. */
static int check_unique(const struct view *view, const struct actor *actor, const char *name, const char *l3,
			const char *but, struct error *e)
{
	const struct object *other = vm_with_hostname(view, l3, name, but);
	bool told = other && actor && access_shows(view, actor, other);

	if (!other)
		return 0;
	return error_set(e, EBUSY,
			 "conflict hostname in system tag[hostname::%s]; there has been a VM[uuid:%s] having "
			 "hostname[%s] on L3 network[uuid:%s]",
			 name, told ? object_uuid(other) : "of another account", name, l3);
}

int vm_check_hostname(const struct view *view, const struct actor *actor, const char *name, const char *l3,
		      const char *but, struct error *e)
{
	int r;

	if (!is_hostname(name))
		return error_set(
			e, EINVAL,
			"hostname[%s] specified in system tag[hostname::%s] is not a valid domain name", name,
			name);
	r = check_unique(view, actor, name, l3, but, e);
	if (r < 0 || !but)
		return r;
	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, but) {
		r = check_unique(view, actor, name, object_text(nic, NIC_L3_UUID), but, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int vm_check_console_password(const char *password, bool spice, struct error *e)
{
	size_t most = spice ? CONSOLE_SPICE_PASSWORD_LENGTH : CONSOLE_PASSWORD_LENGTH, len = strlen(password);

	if (strncmp(password, "password", 8) == 0)
		return error_set(
			e, EINVAL,
			"The console password cannot start with 'password' which may trigger a VNC security issue");
	for (const char *p = password; *p; p++)
		if (*p < ' ' || *p > '~')
			return error_set(
				e, EINVAL,
				"a console password must be of printable ASCII characters, byte %zu is none",
				(size_t)(p - password));
	if (len == 0 || len > most)
		return error_set(e, EINVAL, "a console password of %s must have 1 to %zu characters, not %zu",
				 spice ? "SPICE" : "VNC", most, len);
	return 0;
}

/* Decodes and forgets it: a guest that cannot read its data says so nowhere. */
int vm_check_user_data(const struct tag_subject *s, struct error *e)
{
	_cleanup_free_ unsigned char *bytes = NULL;
	size_t len;

	if (s->count > 1)
		return error_set(e, EINVAL, "Already have one userdata systemTag for vm[uuid: %s].", s->uuid);
	return user_data_decode(s->value, &bytes, &len, e);
}

/* What a program in the guest reads as lines: control characters are allowed that are in @but. */
static int check_guest_text(const char *what, const char *text, const char *but, struct error *e)
{
	for (const char *p = text; *p; p++)
		if (((unsigned char)*p < ' ' && !strchr(but, *p)) || *p == 0x7F)
			return error_set(e, EINVAL, "byte %zu of the %s is a control character",
					 (size_t)(p - text), what);
	return 0;
}

int vm_check_ssh_key(const char *keys, struct error *e)
{
	return check_guest_text("ssh key", keys, "\r\n\t", e);
}

int vm_check_root_password(const struct tag_subject *s, struct error *e)
{
	return check_guest_text("root password", s->value, "", e);
}

int vm_check_monitors(const char *number, struct error *e)
{
	return strcmp(number, "1") == 0 || strcmp(number, "2") == 0 || strcmp(number, "4") == 0
		       ? 0
		       : error_set(e, EINVAL, "Monitor number must be 1 or 2 or 4.");
}

int vm_check_boot_mode(const struct tag_subject *s, struct error *e)
{
	if (strcasecmp(s->value, "Legacy") == 0 || strcasecmp(s->value, "UEFI") == 0)
		return 0;
	return error_set(e, EINVAL, "invalid boot mode[%s] in system tag[%s], it must be Legacy or UEFI",
			 s->value, s->text);
}

bool vm_console_is_spice(const char *mode, const char *monitors, const char *usb)
{
	if (mode)
		return strcasecmp(mode, "spice") == 0;
	return (monitors && strcmp(monitors, "1") != 0) || (usb && strcasecmp(usb, "true") == 0);
}

bool vm_has_spice(const struct view *view, const char *vm_uuid)
{
	return vm_console_is_spice(tag_value(view, vm_uuid, "vmConsoleMode"),
				   tag_value(view, vm_uuid, "VDIMonitorNumber"),
				   tag_value(view, vm_uuid, "usbRedirect"));
}

int vm_check_custom_macs(const struct view *view, const struct request *req, struct error *e)
{
	const char *seen[VM_NICS_MAX];
	size_t i, count = 0;
	json_t *tag;

	json_array_foreach (req->system_tags, i, tag) {
		const char *text = tag_strip_prefix(json_string_value(tag), "customMac"), *mac;
		struct mac parsed;

		if (!text)
			continue;
		mac = tag_parse(text).value; /* behind the L3 network */
		if (!mac)
			mac = "";
		if (mac_parse(mac, &parsed, e) < 0)
			return -EINVAL;
		for (size_t k = 0; k < count; k++)
			if (strcasecmp(seen[k], mac) == 0)
				return nic_refuse_mac(mac, e);
		if (view_next_where(view, KIND_NIC, NIC_MAC, mac, 0))
			return nic_refuse_mac(mac, e);
		if (count < ARRAY_SIZE(seen))
			seen[count++] = mac;
	}
	return 0;
}
