/* SPDX-License-Identifier: Apache-2.0 */
/* See creation_size.h. */
#include "actions/vm/creation_size.h"

#include <inttypes.h>

#include "actions/engine/params.h"
#include "actions/image/rules.h"
#include "actions/volume/size.h"

static const struct object *offering_of(const struct view *view, const struct request *req)
{
	return view_get(view, KIND_INSTANCE_OFFERING, request_str(req, "instanceOfferingUuid"));
}

struct vm_size creation_vm_size(const struct view *view, const struct request *req)
{
	const struct object *offering = offering_of(view, req);

	if (offering)
		return (struct vm_size){object_int(offering, INSTANCE_OFFERING_CPU_NUM),
					object_int(offering, INSTANCE_OFFERING_MEMORY_SIZE)};
	return (struct vm_size){request_int(req, "cpuNum", 0), request_int(req, "memorySize", 0)};
}

struct disk_wish creation_root_disk(const struct view *view, const struct request *req,
				    const struct object *image)
{
	struct disk_wish disk = {.size = volume_round_size(request_int(req, "rootDiskSize", 0))};

	if (disk.size)
		return disk;
	if (!image_is_iso(image))
		return (struct disk_wish){.size = image_volume_size(image)};
	disk.offering = request_str(req, "rootDiskOfferingUuid");
	disk.size = disk_offering_size(view, disk.offering);
	return disk;
}

/* 0 for what is no number. */
static int64_t number_at(const json_t *list, size_t i)
{
	int64_t n = 0;

	return params_parse_number(json_string_value(json_array_get(list, i)), &n) == 0 ? n : 0;
}

size_t creation_data_count(const struct request *req)
{
	return json_array_size(request_list(req, "dataDiskOfferingUuids")) +
	       json_array_size(request_list(req, "dataDiskSizes"));
}

struct disk_wish creation_data_disk(const struct view *view, const struct request *req, size_t i)
{
	const json_t *offerings = request_list(req, "dataDiskOfferingUuids");
	size_t count = json_array_size(offerings);
	const char *offering = json_string_value(json_array_get(offerings, i));

	if (i < count)
		return (struct disk_wish){offering, disk_offering_size(view, offering)};
	return (struct disk_wish){
		.size = volume_round_size(number_at(request_list(req, "dataDiskSizes"), i - count))};
}

/* ------------------------------------------------------------------ checks */

/* An offering and another number cannot both be obeyed. */
static int check_number(const char *name, int64_t given, int64_t offered, struct error *e)
{
	if (!given || given == offered)
		return 0;
	return error_set(e, EINVAL,
			 "%s[%" PRId64 "] is not that of the instance offering, %" PRId64
			 ": give either the offering or numbers",
			 name, given, offered);
}

static int check_vm(const struct view *view, const struct request *req, struct error *e)
{
	struct vm_size size = creation_vm_size(view, req);
	int r;

	if (offering_of(view, req)) {
		r = check_number("cpuNum", request_int(req, "cpuNum", 0), size.cpus, e);
		return r < 0 ? r
			     : check_number("memorySize", request_int(req, "memorySize", 0), size.memory, e);
	}
	if (!size.cpus || !size.memory)
		return error_set(e, EINVAL,
				 "without instanceOfferingUuid, cpuNum and memorySize are both needed");
	return vm_check_memory(size.memory, e);
}

static int check_root(const struct request *req, const struct object *image, struct error *e)
{
	int64_t size = request_int(req, "rootDiskSize", 0);

	if (!size && image_is_iso(image) && !request_has(req, "rootDiskOfferingUuid"))
		return error_set(e, EINVAL,
				 "rootDiskOfferingUuid cannot be null when image mediaType is ISO");
	if (size && request_has(req, "rootDiskOfferingUuid"))
		return error_set(e, EINVAL, "rootDiskOfferingUuid and rootDiskSize exclude each other");
	if (size && !image_is_iso(image) && size < object_int(image, IMAGE_SIZE))
		return error_set(e, EINVAL,
				 "rootDiskSize[%" PRId64 "] is less than the size of the image, %" PRId64,
				 size, (int64_t)object_int(image, IMAGE_SIZE));
	return 0;
}

int creation_check_disks(const struct request *req, const struct object *image, struct error *e)
{
	const json_t *sizes = request_list(req, "dataDiskSizes");
	int r = check_root(req, image, e);

	for (size_t i = 0; r == 0 && i < json_array_size(sizes); i++)
		if (number_at(sizes, i) < 1)
			r = error_set(e, EINVAL, "dataDiskSizes has '%s', each item must be a size in bytes",
				      json_string_value(json_array_get(sizes, i)));
	return r;
}

int creation_check_sizes(const struct view *view, const struct request *req, const struct object *image,
			 struct error *e)
{
	int r = check_vm(view, req, e);

	return r < 0 ? r : creation_check_disks(req, image, e);
}
