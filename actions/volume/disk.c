/* SPDX-License-Identifier: Apache-2.0 */
/* See disk.h. */
#include "actions/volume/disk.h"

#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/tags.h"
#include "actions/volume/volume.h"

static enum hv_disk_bus bus_for(const struct view *view, const struct object *vm, const struct object *volume)
{
	const char *platform = object_text(vm, VM_PLATFORM);

	if (tag_value(view, object_uuid(volume), "capability::virtio-scsi"))
		return HV_BUS_SCSI;
	/* With the tag, the Windows guest has a virtio driver. */
	if (strcmp(platform, "Windows") == 0 && !tag_value(view, object_uuid(vm), "windows::virtioVolume"))
		return HV_BUS_IDE;
	return strcmp(platform, "Other") == 0 ? HV_BUS_IDE : HV_BUS_VIRTIO;
}

void volume_describe_disk(const struct view *view, const struct object *vm, const struct object *volume,
			  int device_id, struct hv_disk *ret)
{
	*ret = (struct hv_disk){
		.path = object_str(volume, VOLUME_INSTALL_PATH),
		.format = object_str(volume, VOLUME_FORMAT),
		.serial = object_uuid(volume),
		.device_id = device_id,
		.bus = bus_for(view, vm, volume),
		.shareable = volume_is_shareable(volume),
		.wwn = tag_value(view, object_uuid(volume), "kvm::volume"),
		.total_bytes_sec = object_int(volume, VOLUME_BANDWIDTH),
		.cache = config_str(view, "kvm.vm.cacheMode"),
	};
}
