/* SPDX-License-Identifier: Apache-2.0 */
/* The operations behind the file `spec` of an object; what they do is in spec/spec.h. */
#include "actions/spec/run.h"
#include "actions/spec/spec.h"
#include "actions/volume/volume.h"

static const char *const results[] = {"steps:List", NULL};

#define PARAMS(of)                                                                                           \
	(const struct param[])                                                                               \
	{                                                                                                    \
		{.name = "uuid",                                                                             \
		 .type = PARAM_STRING,                                                                       \
		 .in = IN_PATH,                                                                              \
		 .flags = PARAM_REQUIRED,                                                                    \
		 .resource = (of)},                                                                          \
			{.name = "spec",                                                                     \
			 .type = PARAM_STRING,                                                               \
			 .in = IN_BODY,                                                                      \
			 .flags = PARAM_LINES | PARAM_REQUIRED | PARAM_NOTRIM | PARAM_NOFILE,                \
			 .max_length = SPEC_LENGTH},                                                         \
			{0},                                                                                 \
	}

#define SPEC(of, id, action_key, directory)                                                                  \
	.section = "tree", .name = "Apply" id "Spec", .message = "org.zstack.poolfs.APIApply" id "SpecMsg",  \
	.method = METHOD_PUT, .paths = (const char *const[]){"/" directory "/{uuid}/actions", NULL},         \
	.key = action_key, .params = PARAMS(of), .results = results, .form = FORM_VERB, .kind = (of),        \
	.target = "uuid", .verb = "apply-spec", .flags = OP_SPEC, .deadline_s = 3600,                        \
	.help = "changes the object to match a document, which the file spec then shows",                    \
	.allows = spec_allows, .check = spec_check, .apply = spec_apply, .run = spec_run,                    \
	.recover = spec_recover

static const struct operation apply_vm_spec = {
	SPEC(KIND_VM, "VmInstance", "applyVmInstanceSpec", "vm-instances"),
	.queues = spec_queues,
};

static const struct operation apply_volume_spec = {
	SPEC(KIND_VOLUME, "Volume", "applyVolumeSpec", "volumes"),
	.queue2 = volume_queue_vm,
};

static const struct operation apply_image_spec = {
	SPEC(KIND_IMAGE, "Image", "applyImageSpec", "images"),
};

static const struct operation apply_instance_offering_spec = {
	SPEC(KIND_INSTANCE_OFFERING, "InstanceOffering", "applyInstanceOfferingSpec", "instance-offerings"),
};

static const struct operation apply_disk_offering_spec = {
	SPEC(KIND_DISK_OFFERING, "DiskOffering", "applyDiskOfferingSpec", "disk-offerings"),
};

static const struct operation apply_affinity_group_spec = {
	SPEC(KIND_AFFINITY_GROUP, "AffinityGroup", "applyAffinityGroupSpec", "affinity-groups"),
};

const struct operation *const operations_spec[] = {
	&apply_vm_spec,
	&apply_volume_spec,
	&apply_image_spec,
	&apply_instance_offering_spec,
	&apply_disk_offering_spec,
	&apply_affinity_group_spec,
	NULL,
};
