/* SPDX-License-Identifier: Apache-2.0 */
/* See nocloud_files.h. */
#include "actions/vm/nocloud_files.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "actions/engine/tags.h"
#include "actions/network/ipv4.h"
#include "actions/network/l3_network.h"
#include "actions/vm/user_data.h"
#include "model/json.h"
#include "model/text.h"

/* What cloud-init applies once per instance. */
static const char *const once_tags[] = {"userdata", "sshkey", "rootPassword"};

bool nocloud_is_wanted(const struct view *view, const struct object *vm)
{
	for (size_t i = 0; i < ARRAY_SIZE(once_tags); i++)
		if (tag_value(view, object_uuid(vm), once_tags[i]))
			return true;
	return false;
}

void nocloud_files_done(struct nocloud_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->file[i].bytes);
	files->count = 0;
}

static void add_file(struct nocloud_files *files, const char *name, char *taken, size_t len)
{
	files->file[files->count++] = (struct nocloud_file){name, taken, len};
}

/* What JSON allows in a string, but YAML 1.1 forbids or takes as the end of a line. */
static bool is_foreign_to_yaml(uint32_t c)
{
	return (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE ||
	       c == 0xFFFF;
}

/* @json as YAML, after @head; NULL without memory. Outside of strings, all characters of JSON are ASCII. */
static char *dump(const char *head, const json_t *json, size_t *ret_len)
{
	_cleanup_free_ char *text = json ? json_text(json, JSON_INDENT(1)) : NULL;
	char *yaml = NULL;
	FILE *f = text ? open_memstream(&yaml, ret_len) : NULL;

	if (!f)
		return NULL;
	(void)fputs(head, f);
	for (const char *p = text; *p;) {
		const char *from = p;
		uint32_t c = text_next(&p);

		if (is_foreign_to_yaml(c))
			(void)fprintf(f, "\\u%04" PRIx32, c);
		else
			(void)fwrite(from, 1, (size_t)(p - from), f);
	}
	(void)fputc('\n', f);
	if (fclose(f) == 0)
		return yaml;
	free(yaml);
	return NULL;
}

static int add_yaml(struct nocloud_files *files, const char *name, const char *head, json_t *taken,
		    struct error *e)
{
	_cleanup_json_ json_t *json = taken;
	size_t len = 0;
	char *text = dump(head, json, &len);

	if (!text)
		return error_oom(e);
	add_file(files, name, text, len);
	return 0;
}

/* -------------------------------------------------------------------- meta-data */

/*
 * The tags' rows stand for their values: each change of a value is one of its row's date, and a guest, where the
 * instance-id is no secret, cannot guess passwords by it.
 */
static void make_instance_id(const struct view *view, const struct object *vm, char ret_id[UUID_SIZE + 17])
{
	unsigned char hash[crypto_generichash_BYTES_MIN];
	crypto_generichash_state state;
	char hex[2 * sizeof(hash) + 1];

	(void)crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	view_for_each_where (row, view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, object_uuid(vm)) {
		int64_t date = object_int(row, SYSTEM_TAG_LAST_OP_DATE);

		for (size_t i = 0; i < ARRAY_SIZE(once_tags); i++) {
			if (!tag_strip_prefix(object_text(row, SYSTEM_TAG_TAG), once_tags[i]))
				continue;
			(void)crypto_generichash_update(&state, (const unsigned char *)object_uuid(row),
							UUID_SIZE - 1);
			(void)crypto_generichash_update(&state, (const unsigned char *)&date, sizeof(date));
		}
	}
	(void)crypto_generichash_final(&state, hash, sizeof(hash));
	(void)sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	(void)snprintf(ret_id, UUID_SIZE + 17, "%s-%.16s", object_uuid(vm), hex);
}

/* The tag may have several keys, one a line. */
static json_t *keys_of(const char *keys)
{
	json_t *list = json_array();

	for (const char *p = keys + strspn(keys, "\r\n"); *p; p += strspn(p, "\r\n")) {
		size_t len = strcspn(p, "\r\n");

		json_add_item(&list, json_stringn(p, len));
		p += len;
	}
	return list;
}

static int make_meta(const struct view *view, const struct object *vm, struct nocloud_files *f,
		     struct error *e)
{
	const char *host = tag_value(view, object_uuid(vm), "hostname");
	const char *key = tag_value(view, object_uuid(vm), "sshkey");
	char id[UUID_SIZE + 17];
	json_t *json;

	make_instance_id(view, vm, id);
	json = json_pack("{s:s}", "instance-id", id);
	if (host)
		json_add_member(&json, "local-hostname", json_string(host));
	if (key)
		json_add_member(&json, "public-keys", keys_of(key));
	return add_yaml(f, "meta-data", "", json, e);
}

/* -------------------------------------------------------------------- user-data */

static int make_user(const struct view *view, const struct object *vm, struct nocloud_files *f,
		     struct error *e)
{
	const char *base64 = tag_value(view, object_uuid(vm), "userdata");
	unsigned char *bytes;
	size_t len;
	int r;

	if (!base64)
		return add_yaml(f, "user-data", "#cloud-config\n", json_object(), e);
	r = user_data_decode(base64, &bytes, &len, e);
	if (r == 0)
		add_file(f, "user-data", (char *)bytes, len);
	return r;
}

/* ------------------------------------------------------------------ vendor-data */

/*
 * What the pool wants goes into vendor data, so that the user's own data stays as it is: the root password, and
 * that the network is configured at each boot, not only at the first.
 */
static int make_vendor(const struct view *view, const struct object *vm, struct nocloud_files *f,
		       struct error *e)
{
	const char *password = tag_value(view, object_uuid(vm), "rootPassword");
	json_t *json =
		json_pack("{s:{s:{s:[s, s]}}}", "updates", "network", "when", "boot-new-instance", "boot");

	if (password) {
		json_add_member(&json, "ssh_pwauth", json_true());
		json_add_member(&json, "chpasswd",
				json_pack("{s:b, s:[{s:s, s:s, s:s}]}", "expire", 0, "users", "name", "root",
					  "type", "text", "password", password));
	}
	return add_yaml(f, "vendor-data", "#cloud-config\n", json, e);
}

/* --------------------------------------------------------------- network-config */

/* The L3 network's DNS servers; without any, the gateway of a managed network, which answers itself. */
static json_t *dns_of(const struct view *view, const struct object *nic)
{
	const char *l3_uuid = object_text(nic, NIC_L3_UUID);
	const struct object *l3 = view_get(view, KIND_L3_NETWORK, l3_uuid);
	const char *domain = l3 ? object_str(l3, L3_DNS_DOMAIN) : NULL;
	json_t *servers = json_array(), *json;
	char name[32];

	view_for_each_where (dns, view, KIND_L3_DNS, L3_DNS_L3_NETWORK_UUID, l3_uuid)
		json_add_item(&servers, json_string(object_text(dns, L3_DNS_DNS)));
	if (servers && json_array_size(servers) == 0 && object_str(nic, NIC_GATEWAY) &&
	    l3_network_source(view, l3_uuid, name))
		json_add_item(&servers, json_string(object_text(nic, NIC_GATEWAY)));
	json = json_pack("{s:o}", "addresses", servers);
	if (domain && *domain)
		json_add_member(&json, "search", json_pack("[s]", domain));
	return json;
}

/* The default route and DNS come from the VM's default network alone. */
static json_t *ethernet(const struct view *view, const struct object *nic, const char *name, bool is_default)
{
	const char *mac = object_text(nic, NIC_MAC), *ip = object_str(nic, NIC_IP),
		   *gateway = object_str(nic, NIC_GATEWAY);
	uint8_t prefix = 0;
	json_t *json = json_pack("{s:{s:s}, s:s}", "match", "macaddress", mac, "set-name", name);

	if (!ip || ipv4_netmask_parse(object_text(nic, NIC_NETMASK), &prefix, NULL) < 0) {
		json_add_member(&json, "dhcp4", json_true());
		return json;
	}
	json_add_member(&json, "dhcp4", json_false());
	json_add_member(&json, "addresses", json_pack("[o]", json_sprintf("%s/%u", ip, (unsigned)prefix)));
	if (!is_default)
		return json;
	if (gateway)
		json_add_member(&json, "routes",
				json_pack("[{s:s, s:s}]", "to", "0.0.0.0/0", "via", gateway));
	json_add_member(&json, "nameservers", dns_of(view, nic));
	return json;
}

static int make_network(const struct view *view, const struct object *vm, struct nocloud_files *f,
			struct error *e)
{
	json_t *ethernets = json_object();

	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, object_uuid(vm)) {
		bool is_default = object_str_is(nic, NIC_L3_UUID, object_text(vm, VM_DEFAULT_L3_UUID));
		char name[16];

		(void)snprintf(name, sizeof(name), "eth%d", (int)object_int(nic, NIC_DEVICE_ID));
		if (json_object_set_new(ethernets, name, ethernet(view, nic, name, is_default)) < 0) {
			json_decref(ethernets);
			return error_oom(e);
		}
	}
	return add_yaml(f, "network-config", "",
			json_pack("{s:i, s:o}", "version", 2, "ethernets", ethernets), e);
}

int nocloud_files_make(const struct view *view, const struct object *vm, struct nocloud_files *ret,
		       struct error *e)
{
	static int (*const makers[])(const struct view *, const struct object *, struct nocloud_files *,
				     struct error *) = {make_meta, make_user, make_vendor, make_network};

	*ret = (struct nocloud_files){0};
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		int r = makers[i](view, vm, ret, e);

		if (r < 0) {
			nocloud_files_done(ret);
			return r;
		}
	}
	return 0;
}
