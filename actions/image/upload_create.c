/* SPDX-License-Identifier: Apache-2.0 */
/* See upload_create.h. */
#include "actions/image/upload_create.h"

#include <string.h>
#include <strings.h>

#include "actions/engine/pool_internal.h"
#include "actions/engine/submit.h"
#include "actions/image/rules.h"
#include "actions/image/upload_internal.h"
#include "actions/image/upload_list.h"
#include "actions/storage/backup_storage.h"
#include "model/json.h"
#include "model/keep.h"
#include "model/text.h"

bool request_is_upload(const struct request *req)
{
	return strcmp(req->actor.source, "upload") == 0;
}

bool request_is_sent(const struct request *req)
{
	const char *url = request_str(req, "url");

	return url && !request_is_upload(req) && strncasecmp(url, "upload://", strlen("upload://")) == 0;
}

/* The uuid of the usable backup storage with the largest available capacity, borrowed; NULL with an error. */
static const char *choose_backup_storage(const struct view *view, struct error *e)
{
	const struct object *best = NULL;

	view_for_each (bs, view, KIND_BACKUP_STORAGE)
		if (backup_storage_is_usable(bs) &&
		    (!best ||
		     object_int(bs, BACKUP_STORAGE_AVAILABLE) > object_int(best, BACKUP_STORAGE_AVAILABLE)))
			best = bs;
	if (best)
		return object_uuid(best);
	error_set(e, EBUSY, "there is no backup storage that is Enabled and Connected");
	return NULL;
}

/* The image's name and format according to the file name; a temporary one determines neither yet. */
static int parse_name(const char *file_name, char **ret_name, const char **ret_format, struct error *e)
{
	if (strlen(file_name) > UPLOAD_NAME_MAX)
		return error_set(e, ENAMETOOLONG, "the name is too long");
	if (!text_is_utf8(file_name, strlen(file_name)))
		return error_set(e, EINVAL, "the name is not UTF-8");
	if (!upload_name_is_temporary(file_name))
		return image_name_parse(file_name, ret_name, ret_format, e);
	*ret_name = strdup(file_name);
	*ret_format = "raw";
	return *ret_name ? 0 : error_oom(e);
}

static int make_request(struct pool *pool, const char *file_name, int64_t uid, const char *account,
			struct request **ret_req, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool->store);
	struct actor actor = {.uid = uid, .source = "upload"};
	_cleanup_free_ char *name = NULL;
	_cleanup_json_ json_t *params = NULL;
	const char *format, *bs;
	int r = parse_name(file_name, &name, &format, e);

	if (r < 0)
		return r;
	snprintf(actor.account, sizeof(actor.account), "%s", account ? account : "");
	bs = choose_backup_storage(view, e);
	if (!bs)
		return -EBUSY;
	params =
		json_pack("{s:s, s:o, s:s, s:[s]}", "name", name, "url",
			  json_sprintf("upload://%s", file_name), "format", format, "backupStorageUuids", bs);
	if (!params)
		return error_oom(e);
	return request_new(operation_by_name("AddImage"), NULL, params, &actor, ret_req, e);
}

/* The pool has accepted or refused the job. */
static void on_submitted(void *arg, int result, const char *job, const json_t *answer, const struct error *e)
{
	_cleanup_(upload_unref_p) struct upload *u = arg;

	(void)job;
	(void)answer;
	if (result < 0)
		upload_end(u, e);
}

int upload_create(struct uploads *uploads, const char *name, int64_t uid, const char *account, mode_t mode,
		  int64_t reused, int64_t id, struct upload_task *task, struct upload **ret_upload,
		  int64_t *ret_number, struct error *e)
{
	_cleanup_(upload_unref_p) struct upload *u = NULL;
	struct request *req = NULL;
	struct pool *pool = uploads_pool(uploads);
	int r = make_request(pool, name, uid, account, &req, e);

	if (r < 0)
		return r;
	u = upload_new(uploads, pool, name, req->target, id, (uid_t)uid, mode);
	r = u ? uploads_add(uploads, u, reused, e) : error_oom(e);
	if (r < 0) {
		request_free(req);
		return r;
	}
	*ret_upload = upload_ref(u);
	*ret_number = u->number;
	upload_do(u, task);
	/* the job may be written before this thread comes to the end of its request */
	keep_flush(pool->keep);
	pool_submit(pool, req, on_submitted, steal(&u));
	return 0;
}

int upload_offer(struct uploads *uploads, const struct request *req, struct request **ret_req,
		 struct upload **ret_upload, struct error *e)
{
	_cleanup_(request_free_p) struct request *upload_req = NULL;
	_cleanup_(upload_unref_p) struct upload *u = NULL;
	struct pool *pool = uploads_pool(uploads);
	struct actor actor = req->actor;
	char name[UUID_SIZE + 8];
	int r;

	actor.source = "upload";
	r = request_new(req->op, NULL, req->params, &actor, &upload_req, e);
	if (r < 0)
		return r;
	json_decref(upload_req->system_tags);
	upload_req->system_tags = json_copy_whole(req->system_tags);
	if (!upload_req->system_tags)
		return error_oom(e);
	snprintf(name, sizeof(name), "%s.%s", req->target, request_str(req, "format"));
	u = upload_new(uploads, pool, name, req->target, uploads_reserve(uploads), (uid_t)actor.uid, 0600);
	if (!u)
		return error_oom(e);
	upload_await(u);
	r = uploads_add(uploads, u, 0, e);
	if (r < 0)
		return r;
	keep_flush(pool->keep);
	*ret_req = steal(&upload_req);
	*ret_upload = steal(&u);
	return 0;
}

int upload_rename(struct upload *u, const char *name, struct upload_task *task, struct error *e)
{
	_cleanup_free_ char *image_name = NULL;
	const char *format;
	bool queued = false;
	int r = parse_name(name, &image_name, &format, e);

	if (r < 0)
		return r;
	r = uploads_rename(u, name, task, &queued, e);
	if (r == 0 && !queued)
		upload_answer(task, 0, NULL);
	return r;
}
