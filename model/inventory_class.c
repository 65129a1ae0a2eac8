/* SPDX-License-Identifier: Apache-2.0 */
/* See inventory_class.h. */
#include "model/inventory_class.h"

#include <errno.h>
#include <string.h>

#include "model/cleanup.h"

/* Objects whose inventory has another class than their kind: those with this text in one field. */
static const struct {
	enum kind_id kind;
	int field;
	const char *value, *class;
} variants[] = {
	{KIND_HOST, HOST_HYPERVISOR_TYPE, "KVM", "org.zstack.kvm.KVMHostInventory"},
	{KIND_BACKUP_STORAGE, BACKUP_STORAGE_TYPE, "SftpBackupStorage",
	 "org.zstack.storage.backup.sftp.SftpBackupStorageInventory"},
	{KIND_BACKUP_STORAGE, BACKUP_STORAGE_TYPE, "ImageStoreBackupStorage",
	 "org.zstack.storage.backup.imagestore.ImageStoreBackupStorageInventory"},
	{KIND_L2_NETWORK, L2_TYPE, "L2VlanNetwork", "org.zstack.header.network.l2.L2VlanNetworkInventory"},
};

const char *inventory_class(const struct object *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		if (variants[i].kind == o->kind->id && object_str_is(o, variants[i].field, variants[i].value))
			return variants[i].class;
	return o->kind->class;
}

int inventory_schema_add(json_t *map, const char *path, const struct view *view, const struct object *o)
{
	const char *class = inventory_class(o);

	if (!class)
		return 0;
	if (json_object_set_new(map, path, json_string(class)) < 0)
		return -ENOMEM;
	for (int i = 0; i < o->kind->field_count; i++) {
		const struct field *f = &o->kind->fields[i];
		int n = 0;

		if (f->type != FIELD_CHILDREN || (f->flags & (F_HIDDEN | F_FILE | F_SECRET)))
			continue;
		view_for_each_where (child, view, f->target, f->target_field, object_uuid(o)) {
			_cleanup_free_ char *below = NULL;

			if (asprintf(&below, "%s.%s[%d]", path, f->name, n++) < 0) {
				below = NULL;
				return -ENOMEM;
			}
			if (inventory_schema_add(map, below, view, child) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}
