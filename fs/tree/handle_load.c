/* SPDX-License-Identifier: Apache-2.0 */
/* See handle_load.h. */
#include "fs/tree/handle_load.h"

#include <string.h>

#include "fs/tree/class.h"
#include "fs/tree/handle_internal.h"
#include "fs/tree/paged.h"

/* Contents that several handles show. */
struct shared_contents {
	struct keep *keep;
	struct shared_content {
		uint64_t number;
		struct document *d; /* owned */
	} * list;		    /* owned */
	size_t count;
};

/* *@ret: the one with this number, for the caller; NULL: it is lost. -ENOMEM: there was no memory to know it by. */
static int load_shared(struct shared_contents *shared, uint64_t number, int64_t mtime, struct document **ret)
{
	struct shared_content *grown;

	for (size_t i = 0; i < shared->count; i++)
		if (shared->list[i].number == number) {
			*ret = document_ref(shared->list[i].d);
			return 0;
		}
	grown = reallocarray(shared->list, shared->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	shared->list = grown;
	*ret = document_load(shared->keep, number, mtime);
	if (*ret)
		grown[shared->count++] = (struct shared_content){number, document_ref(*ret)};
	return 0;
}

/* All handles are there: what none of them shows goes. With memory short, it stays, and so does the memory that it names. */
static void forget_unshown(const struct shared_contents *shared)
{
	size_t count;
	_cleanup_free_ uint64_t *kept = keep_list(shared->keep, KEEP_DOCUMENT, &count);

	if (!kept && keep_bytes(shared->keep, KEEP_DOCUMENT))
		return;
	for (size_t i = 0; i < count; i++) {
		bool used = false;

		for (size_t k = 0; k < shared->count; k++)
			used |= shared->list[k].number == kept[i];
		if (!used)
			keep_remove(shared->keep, KEEP_DOCUMENT, kept[i]);
	}
	keep_texts_settle(shared->keep);
}

/* Each handle has its own. */
static void shared_contents_done(struct shared_contents *shared)
{
	for (size_t k = 0; k < shared->count; k++)
		document_unref(shared->list[k].d);
	free(shared->list);
}

/* *@ret: a value, allocated; NULL: there is none. -ENOMEM. */
static int load_value(struct keep *keep, enum keep_type type, uint64_t number, char **ret, size_t *ret_len)
{
	*ret = keep_get(keep, type, number, ret_len);
	return *ret || !keep_has(keep, type, number) ? 0 : -ENOMEM;
}

/* *@ret: the document of a kept content; NULL: there is none, only its length, or it is lost. -ENOMEM. */
static int load_document(struct shared_contents *shared, enum keep_type type, uint64_t handle,
			 struct document **ret, struct shown *ret_shown)
{
	size_t len = 0;
	_cleanup_free_ char *kept = NULL;
	struct kept_content head;
	uint64_t number;
	int r = load_value(shared->keep, type, handle, &kept, &len);

	if (!kept || len < sizeof(head))
		return r;
	memcpy(&head, kept, sizeof(head));
	if (len == sizeof(head) + head.len) {
		*ret = document_new(kept + sizeof(head), (size_t)head.len, head.mtime);
	} else if (len == sizeof(head) + sizeof(number)) {
		memcpy(&number, kept + sizeof(head), sizeof(number));
		r = load_shared(shared, number, head.mtime, ret);
		if (*ret && (*ret)->len != head.len)
			document_unref(steal(ret));
	}
	*ret_shown = (struct shown){
		.mtime = head.mtime, .len = (size_t)head.len, .known = true, .kept = *ret != NULL};
	return r;
}

static int load_text(struct handle *h)
{
	struct gather *g = &h->gather;
	size_t len = 0;
	_cleanup_free_ char *text = NULL;
	int r = load_value(h->keep, KEEP_TEXT, h->number, &text, &len);

	json_gather_init(&g->scan, SIZE_MAX);
	if (!text)
		return r;
	json_gather_feed(&g->scan, text, len);
	g->saved = h->saved_text = len;
	return gather_append(g, text, len, SIZE_MAX);
}

/* The object is gone: what is known of it. -ENOMEM. */
static int load_object(struct handle *h)
{
	char uuid[UUID_SIZE];
	struct object *o;

	if (h->object || !keep_read(h->keep, KEEP_OBJECT, h->number, uuid, sizeof(uuid)))
		return 0;
	o = object_new(kind_get(h->node.kind));
	object_set_str(o, FIELD_UUID, uuid);
	if (!o || object_is_broken(o)) {
		object_unref(o);
		return -ENOMEM;
	}
	o->id = h->node.row;
	h->object = o;
	return 0;
}

#define KEPT_LOAD(type, name, value) value = kept.name;
#define KEPT_LEAVE(type, name, value)

static struct handle *load(const struct fs *fs, const struct view *view, struct shared_contents *shared,
			   uint64_t number)
{
	struct kept_handle kept;
	struct handle *h;
	struct shown ignored;
	struct node node;
	int r;

	if (!keep_read(fs->keep, KEEP_HANDLE, number, &kept, sizeof(kept)) || !node_unpack(kept.node, &node))
		return NULL;
	h = handle_new(node, kept.mode, view, &(struct caller){0});
	if (!h)
		return NULL;
	h->number = number;
	h->keep = fs->keep;
	KEPT_VALUES(KEPT_LOAD, KEPT_LEAVE)
	r = load_document(shared, KEEP_CONTENT, number, &h->content, &h->shown);
	if (r == 0)
		r = load_document(shared, KEEP_ANSWER, number, &h->answer, &ignored);
	atomic_store(&h->lost, kept.has_content && !h->content);
	if (r == 0)
		r = load_object(h);
	if (r == 0 && load_text(h) == 0)
		return h;
	handle_unref(h);
	return NULL;
}

/* If there was no memory for the content, the inode is kept apart all the same: the kernel has it. */
static int resume_pages(const struct fs *fs, struct handle *h)
{
	struct stat shown;

	if (!h->paged || !h->shown.known)
		return 0;
	stat_fill(fs, h->node, h->mode, h->shown.len, h->shown.mtime, &shown);
	return paged_resume(fs->paged, h, &shown);
}

static int load_all(const struct fs *fs, struct shared_contents *shared)
{
	_cleanup_view_ struct view *view = store_view(fs->store);
	size_t count;
	_cleanup_free_ uint64_t *list = keep_list(fs->keep, KEEP_HANDLE, &count);

	if (!list && keep_bytes(fs->keep, KEEP_HANDLE))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct handle *h = load(fs, view, shared, list[i]);
		int r = h ? resume_pages(fs, h) : -ENOMEM;

		if (r == 0)
			r = handles_place(fs->handles, h);
		if (r < 0) {
			if (h)
				(void)paged_end(fs->paged, h);
			handle_unref(h);
			return r;
		}
		handles_count_gather(fs->handles, h, h->caller.uid);
		if (fs->nodes[h->node.class].io->revive)
			fs->nodes[h->node.class].io->revive(fs, h);
	}
	return 0;
}

int handles_load(const struct fs *fs)
{
	_cleanup_(shared_contents_done) struct shared_contents shared = {.keep = fs->keep};

	if (load_all(fs, &shared) < 0) {
		keep_end(fs->keep); /* before what is loaded goes */
		return -ENOMEM;
	}
	forget_unshown(&shared);
	handles_settle(fs->handles);
	return 0;
}
