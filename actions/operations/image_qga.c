/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the guests of an image run the QEMU guest agent. */
#include "actions/engine/pool.h"
#include "actions/engine/tags.h"
#include "actions/operations/table.h"

/* The system tag of images and VMs that says so. */
#define QGA_TAG "qemuga"

static int image_qga_get(struct pool *pool, const struct view *view, const struct request *req,
			 json_t **ret_result, struct error *e)
{
	(void)pool;
	*ret_result = json_pack("{s:s, s:b}", "uuid", req->target, "enable",
				object_find_tag(view, KIND_SYSTEM_TAG, req->target, QGA_TAG) != NULL);
	return *ret_result ? 0 : error_oom(e);
}

static int image_set_qga_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *tag = object_find_tag(txn_view(t), KIND_SYSTEM_TAG, req->target, QGA_TAG);

	(void)ret_result;
	if (request_bool(req, "enable", false))
		return object_add_system_tag(t, KIND_IMAGE, req->target, QGA_TAG, false, e);
	return tag ? txn_remove(t, tag, e) : 0;
}

static const struct operation get_image_qga = {
	.section = "4.3.13",
	.name = "GetImageQga",
	.message = "org.zstack.header.image.APIGetImageQgaMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/images/{uuid}/qga", NULL},
	.params = (const struct param[]){P_UUID(KIND_IMAGE), {0}},
	.results = (const char *const[]){"enable:boolean", NULL},
	.own_results = (const char *const[]){"uuid:String", NULL},
	.form = FORM_GET,
	.kind = KIND_IMAGE,
	.target = "uuid",
	.where = "qga",
	.flags = OP_SYNC,
	.help = "whether guests of this image run the QEMU guest agent",
	.get = image_qga_get,
};

static const struct operation set_image_qga = {
	.section = "4.3.14",
	.name = "SetImageQga",
	.message = "org.zstack.header.image.APISetImageQgaMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/images/{uuid}/actions", NULL},
	.key = "setImageQga",
	.params =
		(const struct param[]){
			P_UUID(KIND_IMAGE),
			{.name = "enable", .type = PARAM_BOOL, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{0}},
	.form = FORM_VERB,
	.kind = KIND_IMAGE,
	.target = "uuid",
	.verb = "set-qga",
	.help = "sets whether guests of this image run the QEMU guest agent",
	.apply = image_set_qga_apply,
};

const struct operation *const operations_image_qga[] = {
	&get_image_qga,
	&set_image_qga,
	NULL,
};
