/* SPDX-License-Identifier: Apache-2.0 */
/* A volume as a disk of a domain. */
#ifndef POOLFS_VOLUME_DISK_H
#define POOLFS_VOLUME_DISK_H

#include "hypervisor/domain/domain_xml.h"
#include "model/view.h"

/** Describes a volume as a disk of @vm. The strings in *ret are borrowed from the view. Never blocks. */
void volume_describe_disk(const struct view *view, const struct object *vm, const struct object *volume,
			  int device_id, struct hv_disk *ret);

#endif
