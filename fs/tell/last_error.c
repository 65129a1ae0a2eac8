/* SPDX-License-Identifier: Apache-2.0 */
/* See last_error.h. */
#include "fs/tell/last_error.h"

#include <string.h>

#include "actions/engine/pool.h"
#include "actions/engine/result.h"
#include "fs/tree/node.h"
#include "model/keep.h"
#include "model/pmap.h"

/* As many as there can be uploads at a time (actions/image/upload.h). */
#define TOLD_MAX 16

struct last_errors {
	struct keep *keep; /* immutable; or NULL */
	pthread_mutex_t lock;
	struct pmap *users;   /* lock; user_key() to document */
	struct pmap *objects; /* lock; node number to document */
	/* lock; the last images whose uploads were refused. Those that made an image later stay until others come. */
	char told[TOLD_MAX][UUID_SIZE];
	size_t next; /* lock; the place of the next of them */
};

void last_errors_free(struct last_errors *errors)
{
	if (!errors)
		return;
	pmap_unref(errors->users);
	pmap_unref(errors->objects);
	pthread_mutex_destroy(&errors->lock);
	free(errors);
}

/* A bit that no number of a node has. */
#define USER_KEY (UINT64_C(1) << 63)

static uint64_t user_key(uid_t uid)
{
	return USER_KEY | uid;
}

static uint64_t object_key(const struct object *o)
{
	return node_pack((struct node){.kind = o->kind->id, .row = o->id, .class = N_OBJECT_ERROR});
}

static struct document *sentence(const char *text, size_t len, int64_t mtime)
{
	struct document *d = document_alloc(len + 1, mtime);

	if (!d)
		return NULL;
	for (size_t i = 0; i < len; i++)
		d->data[i] = text[i] == '\n' ? ' ' : text[i];
	d->data[len] = '\n';
	return d;
}

/* The text without its newline, behind the time. */
static void save(struct keep *keep, uint64_t key, const struct document *d)
{
	_cleanup_free_ char *kept = malloc(sizeof(d->mtime) + d->len);

	if (!keep || !kept)
		return;
	memcpy(kept, &d->mtime, sizeof(d->mtime));
	memcpy(kept + sizeof(d->mtime), d->data, d->len - 1);
	(void)keep_set_now(keep, KEEP_LAST_ERROR, key, kept, sizeof(d->mtime) + d->len - 1);
}

/* An equal document is left in place, so that its timestamp stays. Call with the lock held. */
static void set(struct last_errors *errors, struct pmap **map, uint64_t key, const char *text)
{
	struct document *d = sentence(text, strlen(text), store_now());
	struct ref *old = NULL;

	if (d && (pmap_get(*map, key, &old) || strcmp(text, "ok") != 0) &&
	    !(old && strcmp(((struct document *)old)->data, d->data) == 0) &&
	    pmap_set(map, key, &d->ref) == 0) {
		save(errors->keep, key, d);
		return;
	}
	document_unref(d);
}

/* What the process before this one has set. */
static void load(struct last_errors *errors)
{
	size_t count;
	_cleanup_free_ uint64_t *list = keep_list(errors->keep, KEEP_LAST_ERROR, &count);

	for (size_t i = 0; i < count; i++) {
		size_t len = 0;
		_cleanup_free_ char *kept = keep_get(errors->keep, KEEP_LAST_ERROR, list[i], &len);
		struct document *d;
		int64_t mtime;

		if (!kept || len < sizeof(mtime))
			continue;
		memcpy(&mtime, kept, sizeof(mtime));
		d = sentence(kept + sizeof(mtime), len - sizeof(mtime), mtime);
		if (d &&
		    pmap_set(list[i] & USER_KEY ? &errors->users : &errors->objects, list[i], &d->ref) < 0)
			document_unref(d);
	}
}

struct last_errors *last_errors_new(struct keep *keep)
{
	struct last_errors *errors = calloc(1, sizeof(*errors));

	if (!errors)
		return NULL;
	pthread_mutex_init(&errors->lock, NULL);
	errors->keep = keep;
	load(errors);
	return errors;
}

void last_error_set(struct last_errors *errors, uid_t uid, const struct object *o, const struct error *e)
{
	const char *text = e ? error_sentence(e) : "ok";

	scoped_lock(&errors->lock);
	set(errors, &errors->users, user_key(uid), text);
	if (o)
		set(errors, &errors->objects, object_key(o), text);
}

static bool was_told(const struct last_errors *errors, const char *image)
{
	for (size_t i = 0; i < TOLD_MAX; i++)
		if (*image && strcmp(errors->told[i], image) == 0)
			return true;
	return false;
}

void last_error_told(struct last_errors *errors, const char *image)
{
	scoped_lock(&errors->lock);
	if (was_told(errors, image))
		return;
	snprintf(errors->told[errors->next], UUID_SIZE, "%s", image);
	errors->next = (errors->next + 1) % TOLD_MAX;
}

static void job_failed(struct last_errors *errors, const struct view *view, const struct object *job)
{
	const struct object *o = view_get_any(view, object_str(job, JOB_RESOURCE_UUID));
	json_t *json = json_loads(object_text(job, JOB_ERROR), 0, NULL);
	_cleanup_(error_done) struct error e = ERROR_INIT;

	error_from_json(json, &e);
	json_decref(json);
	if (!error_is_set(&e))
		error_set(&e, EIO, "job '%s' has failed", object_uuid(job));
	if (object_str_is(job, JOB_SOURCE, "fs") || (object_str_is(job, JOB_SOURCE, "upload") &&
						     !was_told(errors, object_str(job, JOB_RESOURCE_UUID))))
		set(errors, &errors->users, user_key((uid_t)object_int(job, JOB_UID)), error_sentence(&e));
	if (o)
		set(errors, &errors->objects, object_key(o), error_sentence(&e));
}

void last_errors_observe(struct last_errors *errors, const struct view *view, const struct change *changes,
			 size_t count)
{
	scoped_lock(&errors->lock);
	for (size_t i = 0; i < count; i++) {
		const struct object *before = changes[i].before, *after = changes[i].after;

		if (!after) {
			if (pmap_remove(&errors->objects, object_key(before)) == 0)
				keep_remove(errors->keep, KEEP_LAST_ERROR, object_key(before));
			continue;
		}
		if (after->kind->id != KIND_JOB || !job_state_is_final(object_text(after, JOB_STATE)) ||
		    (before && job_state_is_final(object_text(before, JOB_STATE))))
			continue;
		if (!object_str_is(after, JOB_STATE, "Done"))
			job_failed(errors, view, after);
	}
}

static struct document *get(struct last_errors *errors, struct pmap *const *map, uint64_t key, int64_t born)
{
	struct ref *d = NULL;

	scoped_lock(&errors->lock);
	if (pmap_get(*map, key, &d))
		return document_ref((struct document *)d);
	return sentence("ok", 2, born);
}

struct document *last_error_of_user(struct last_errors *errors, uid_t uid, int64_t born)
{
	return get(errors, &errors->users, user_key(uid), born);
}

struct document *last_error_of_object(struct last_errors *errors, const struct object *o, int64_t born)
{
	return get(errors, &errors->objects, object_key(o), born);
}
