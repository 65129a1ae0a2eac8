/* SPDX-License-Identifier: Apache-2.0 */
/* See spec.h. */
#include "fs/class/spec.h"

#include <string.h>

#include "actions/spec/spec.h"
#include "fs/class/command.h"
#include "fs/class/document.h"
#include "fs/class/writing.h"
#include "fs/tell/wait.h"
#include "fs/tree/permissions.h"

struct document *render_spec(const struct place *p)
{
	return spec_document(p->view, p->object);
}

/* The request in a whole document for `spec`; NULL if that is the present content. */
static int spec_request(const struct place *p, const char *text, size_t len, struct request **ret_req,
			struct error *e)
{
	const struct operation *op = operation_by_spec(p->kind->id);
	struct actor actor = place_actor(p);
	_cleanup_free_ char *copy = strndup(text, len);
	json_t *params;
	int r;

	*ret_req = NULL;
	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	if (len > SPEC_LENGTH)
		return error_set(e, EFBIG, "a spec is at most %d bytes", SPEC_LENGTH);
	if (memchr(text, '\0', len))
		return error_set(e, EINVAL, "a spec must not contain a NUL");
	if (spec_is_present(p->view, p->object, text, len))
		return 0;
	r = spec_check_text(p->view, p->object, copy, &actor, e);
	if (r < 0)
		return r;
	params = json_pack("{s:s}", "spec", copy);
	r = params ? request_new(op, object_uuid(p->object), params, &actor, ret_req, e)
		   : error_set(e, EINVAL, "a spec must be UTF-8");
	json_decref(params);
	return r;
}

static int spec_part(const struct place *p, const struct gather *g, struct error *e)
{
	(void)p;
	/* spec_request() says what is wrong with a text that is no document. */
	return g->scan.state == JSON_GATHER_NOT_JSON ? TEXT_WHOLE : writing_part_of_json(g, e);
}

static bool spec_jobs(const struct place *p, struct job_set *ret)
{
	ret->op = operation_by_spec(p->kind->id);
	snprintf(ret->resource, sizeof(ret->resource), "%s", object_uuid(p->object));
	return true;
}

static int64_t spec_version(const struct place *p)
{
	_cleanup_document_ struct document *d = spec_document(p->view, p->object);

	return d ? d->mtime : 0;
}

/* Taken from the content of the handle, to save a rendering. */
static int64_t spec_seen(const struct handle *h)
{
	return h->content ? h->content->mtime : 0;
}

const struct file_class class_spec = {
	DOCUMENT_FILE,		 COMMAND_FILE,	    .part = spec_part,	     .amends = true,
	.version = spec_version, .seen = spec_seen, .request = spec_request, .jobs = spec_jobs,
};
