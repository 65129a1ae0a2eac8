/* SPDX-License-Identifier: Apache-2.0 */
/* See tag_rules.h. */
#include "actions/vm/tag_rules.h"

#include <string.h>
#include <strings.h>

#include "actions/engine/tags.h"
#include "actions/network/ipv4.h"
#include "actions/vm/nic.h"

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

int vm_check_hostname(const struct view *view, const char *name, const char *l3, const char *but,
		      struct error *e)
{
	const struct object *other;

	if (!is_hostname(name))
		return error_set(
			e, EINVAL,
			"hostname[%s] specified in system tag[hostname::%s] is not a valid domain name", name,
			name);
	other = vm_with_hostname(view, l3, name, but);
	if (other)
		return error_set(
			e, EBUSY,
			"conflict hostname in system tag[hostname::%s]; there has been a VM[uuid:%s] having "
			"hostname[%s] on L3 network[uuid:%s]",
			name, object_uuid(other), name, l3);
	return 0;
}

int vm_check_console_password(const char *password, struct error *e)
{
	if (strncmp(password, "password", 8) == 0)
		return error_set(
			e, EINVAL,
			"The console password cannot start with 'password' which may trigger a VNC security issue");
	return 0;
}

int vm_check_monitors(const char *number, struct error *e)
{
	return strcmp(number, "1") == 0 || strcmp(number, "2") == 0 || strcmp(number, "4") == 0
		       ? 0
		       : error_set(e, EINVAL, "Monitor number must be 1 or 2 or 4.");
}

static int check_boot_mode(const char *mode, const char *tag, struct error *e)
{
	if (strcasecmp(mode, "Legacy") == 0 || strcasecmp(mode, "UEFI") == 0)
		return 0;
	return error_set(e, EINVAL, "invalid boot mode[%s] in system tag[%s], it must be Legacy or UEFI",
			 mode, tag);
}

int vm_check_tag(const struct view *view, const char *tag, const char *l3, const char *but, struct error *e)
{
	const struct tag given = tag_parse(tag);

	if (!given.value)
		return 0;
	if (strcmp(given.prefix, "hostname") == 0)
		return vm_check_hostname(view, given.value, l3, but, e);
	if (strcmp(given.prefix, "consolePassword") == 0)
		return vm_check_console_password(given.value, e);
	if (strcmp(given.prefix, "bootOrder") == 0)
		return vm_check_boot_order(given.value, tag, e);
	if (strcmp(given.prefix, "VDIMonitorNumber") == 0)
		return vm_check_monitors(given.value, e);
	if (strcmp(given.prefix, "bootMode") == 0)
		return check_boot_mode(given.value, tag, e);
	return 0;
}

int vm_check_single_tag(const char *vm, const char *tag, size_t count, struct error *e)
{
	const struct tag given = tag_parse(tag);

	if (count < 2)
		return 0;
	if (strcmp(given.prefix, "userdata") == 0)
		return error_set(e, EINVAL, "Already have one userdata systemTag for vm[uuid: %s].", vm);
	if (strcmp(given.prefix, "hostname") == 0 || strcmp(given.prefix, "bootMode") == 0)
		return error_set(e, EINVAL, "only one %s system tag is allowed, but %zu got", given.prefix,
				 count);
	return 0;
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
