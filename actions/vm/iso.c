/* SPDX-License-Identifier: Apache-2.0 */
/* See iso.h. */
#include "actions/vm/iso.h"

#include "actions/engine/tags.h"
#include "actions/image/cache.h"
#include "actions/volume/location.h"

int vm_fetch_isos(struct job *job, const struct view *view, const char *uuid, const char *host,
		  struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);
	const struct object *root = vm_root_volume(view, vm);

	view_for_each_where (row, view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, uuid) {
		_cleanup_free_ char *path = NULL, *format = NULL;
		char image[UUID_SIZE];
		int r;

		if (!root || sscanf(object_text(row, SYSTEM_TAG_TAG), "iso::%32[0-9a-f]", image) != 1)
			continue;
		r = image_cache_get(job, image, object_str(root, VOLUME_PRIMARY_STORAGE_UUID), host, &path,
				    &format, e);
		if (r < 0)
			return r;
	}
	return 0;
}

const char *vm_iso_in_drive(const struct view *view, const char *vm_uuid, int device_id,
			    char ret_image[UUID_SIZE])
{
	view_for_each_where (row, view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, vm_uuid) {
		const char *tag = object_text(row, SYSTEM_TAG_TAG);
		int device;

		if (sscanf(tag, "iso::%32[0-9a-f]::%d", ret_image, &device) == 2 && device == device_id)
			return ret_image;
	}
	return NULL;
}

int vm_put_iso(struct txn *t, const char *vm_uuid, const char *image_uuid, struct error *e)
{
	char tag[64];
	int r;

	snprintf(tag, sizeof(tag), "iso::%s::0", image_uuid);
	r = object_add_system_tag(t, KIND_VM, vm_uuid, tag, true, e);
	if (r < 0 || tag_value(txn_view(t), vm_uuid, "bootOrder"))
		return r;
	return object_add_system_tag(t, KIND_VM, vm_uuid, "bootOrder::CdRom,HardDisk", false, e);
}
