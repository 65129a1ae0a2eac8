/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting one snapshot and no other (DeleteVolumeSnapshot with scope=single), as a scheduler does with its
 * oldest one. The later snapshots and the volume keep their content.
 *
 *   1. One change marks the snapshot Deleting.
 *   2. The content of its file is merged into each file that has it as its backing file, which gets the
 *      snapshot's backing file instead.
 *   3. One change gives its children to its parent, and removes its row.
 *   4. The file that is not needed any more is removed.
 *
 * Step 2 is a pull where no guest has the overlay open, and for the volume's head. A file in the middle of
 * a running guest's chain cannot be written to: there the child, called the heir, is committed down into
 * the snapshot's file, and takes that over in step 3. From the start of a commit the content of the
 * snapshot is lost, while the heir reads the same through its old file and through the new one. So one
 * change makes the snapshot Disabled before, and nobody reads it any more. After a failure it is Ready
 * again, and Enabled unless a commit has begun: then it can be deleted, but not reverted to.
 *
 * After a kill step 2 is repeated; the backing files tell what had been done. QEMU names the new one in an overlay before
 * all of it is on the disk, so each overlay has a note until then (merge.h), and notes are settled before.
 */
#include "actions/volume/snapshot_single.h"

#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/rows.h"
#include "actions/host/capacity.h"
#include "actions/storage/orphan_file.h"
#include "actions/volume/location.h"
#include "actions/volume/merge.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/snapshot_rows.h"
#include "actions/volume/volume.h"
#include "hypervisor/domain/disk_chain.h"
#include "hypervisor/storage/volume.h"
#include "model/states.h"

struct single {
	struct job *job;
	const struct view *view; /* borrowed; stays true, since other jobs of the volume wait */
	const struct object *snapshot, *latest;
	struct volume_location place;
	const char *path;	   /* the snapshot's file */
	char *below;		   /* the backing file of that, or NULL; owned */
	const struct object *heir; /* the child that takes over the file, or NULL */
	int64_t heir_size;	   /* bytes of the file then */
	bool again;		   /* an earlier attempt may have committed a child */
	bool overwritten;	   /* the snapshot's file may have been written to */
};

static const char *path_of(const struct object *snapshot)
{
	return object_text(snapshot, SNAPSHOT_INSTALL_PATH);
}

/* True when a running guest has the file of @snapshot open, below its head. */
static bool is_open(const struct single *s, const struct object *snapshot)
{
	return s->place.active && s->latest && snapshot_is_below(s->view, s->latest, snapshot);
}

/* ------------------------------------------------------------------------ step 1 */

/* Bytes by which the overlays may grow before the old file is removed. */
static int64_t room_needed(const struct single *s)
{
	int64_t own = object_int(s->snapshot, SNAPSHOT_SIZE), room = 0;

	if (s->latest == s->snapshot)
		room += own;
	view_for_each_where (child, s->view, KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, object_uuid(s->snapshot))
		room += is_open(s, child) ? object_int(child, SNAPSHOT_SIZE) : own;
	return room;
}

/* Reserved bytes may be used for a while: in the end more are available than before. */
static int check_room(const struct view *view, const struct single *s, struct error *e)
{
	const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, s->place.ps);
	int64_t available = ps ? object_int(ps, PRIMARY_STORAGE_AVAILABLE) : 0, room = room_needed(s);

	if (room <= available)
		return 0;
	return error_set_code(e, ENOSPC, "PS.1000",
			      "primary storage '%s' has %lld bytes left, merging the snapshot may take %lld",
			      s->place.ps, (long long)available, (long long)room);
}

static int begin_fn(struct txn *t, void *arg, struct error *e)
{
	const struct single *s = arg;
	const struct object *now = view_get(txn_view(t), KIND_SNAPSHOT, object_uuid(s->snapshot));
	int r;

	if (!now)
		return error_gone(e, KIND_SNAPSHOT, object_uuid(s->snapshot));
	r = check_room(txn_view(t), s, e);
	return r < 0 ? r : snapshot_put_status(t, now, STATUS_DELETING, NULL, e);
}

/* After a failure. */
static int undo_fn(struct txn *t, void *arg, struct error *e)
{
	const struct single *s = arg;
	const struct object *now = view_get(txn_view(t), KIND_SNAPSHOT, object_uuid(s->snapshot));
	int r = 0;

	if (now)
		r = snapshot_put_status(t, now, STATUS_READY, s->overwritten ? STATE_DISABLED : STATE_ENABLED,
					e);
	return r < 0 ? r : capacity_update_primary_storage(t, s->place.ps, e);
}

/* ------------------------------------------------------------------------ step 2 */

struct size_change {
	const char *snapshot;
	int64_t size;
};

static int put_size_fn(struct txn *t, void *arg, struct error *e)
{
	const struct size_change *change = arg;
	const struct object *before = view_get(txn_view(t), KIND_SNAPSHOT, change->snapshot);
	struct object *copy;

	if (!before)
		return 0;
	copy = object_copy(before);
	object_set_int(copy, SNAPSHOT_SIZE, change->size);
	return txn_put(t, copy, NULL, e);
}

/* Makes @base the backing file of @path, that of @o, a snapshot or the volume, which no guest has open. */
static int pull(struct single *s, const struct object *o, const char *path, const char *base, struct error *e)
{
	struct pool *pool = s->job->pool;
	_cleanup_free_ char *now = NULL;
	int r = hv_volume_backing(pool_hypervisor(pool), s->place.host, path, &now, e);

	/* what it had been merged from is as it was only until then */
	if (r < 0 || !now || (base && strcmp(now, base) == 0))
		return r;
	r = merge_note(pool, o, now, e);
	if (r == 0)
		r = hv_volume_pull(pool_hypervisor(pool), s->place.host, path, base, job_copy_progress,
				   s->job, e);
	kill_point("single-copied");
	return merge_end(pool, o, object_uuid(s->place.volume), r, e);
}

static int pull_child(struct single *s, const struct object *child, const char *base, struct error *e)
{
	struct size_change change = {.snapshot = object_uuid(child)};
	struct hv_volume_info info;
	int r = pull(s, child, path_of(child), base, e);

	if (r < 0)
		return r;
	r = hv_volume_info(pool_hypervisor(s->job->pool), s->place.host, path_of(child), &info, e);
	if (r < 0)
		return r;
	change.size = info.actual_size;
	return store_run(pool_store(s->job->pool), put_size_fn, &change, e);
}

/* 1 when the snapshot's file is the backing file of @path, 0 when not, or an error. */
static int is_backed_by_it(struct single *s, const char *path, struct error *e)
{
	_cleanup_free_ char *backing = NULL;
	int r = hv_volume_backing(pool_hypervisor(s->job->pool), s->place.host, path, &backing, e);

	return r < 0 ? r : backing && strcmp(backing, s->path) == 0;
}

/*
 * 1 when the child was committed before a kill, 0 when not, or an error. After a commit the snapshot's file
 * is the backing file of an overlay of the child.
 */
static int was_committed(struct single *s, const struct object *child, struct error *e)
{
	int r = 0;

	if (s->latest == child)
		r = is_backed_by_it(s, object_text(s->place.volume, VOLUME_INSTALL_PATH), e);
	if (r != 0)
		return r;
	view_for_each_where (o, s->view, KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, object_uuid(child)) {
		r = is_backed_by_it(s, path_of(o), e);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Moves those overlays of the heir's old file to the snapshot's file that the commit has not moved. */
static int move_to_heir(struct single *s, struct error *e)
{
	struct hv_volume_info info;
	int r = 0;

	view_for_each_where (o, s->view, KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, object_uuid(s->heir)) {
		r = is_open(s, o) ? 0 : pull_child(s, o, s->path, e);
		if (r < 0)
			return r;
	}
	if (s->latest == s->heir && !s->place.active)
		r = pull(s, s->place.volume, object_text(s->place.volume, VOLUME_INSTALL_PATH), s->path, e);
	if (r < 0)
		return r;
	r = hv_volume_info(pool_hypervisor(s->job->pool), s->place.host, s->path, &info, e);
	if (r < 0)
		return r;
	s->heir_size = info.actual_size;
	return 0;
}

static int disable_fn(struct txn *t, void *arg, struct error *e)
{
	const struct single *s = arg;
	const struct object *now = view_get(txn_view(t), KIND_SNAPSHOT, object_uuid(s->snapshot));

	if (!now)
		return error_gone(e, KIND_SNAPSHOT, object_uuid(s->snapshot));
	return snapshot_put_status(t, now, STATUS_DELETING, STATE_DISABLED, e);
}

/* What a running guest has open right above the heir: a snapshot, or the volume for its head. */
static const struct object *above_heir(const struct single *s)
{
	view_for_each_where (o, s->view, KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, object_uuid(s->heir))
		if (is_open(s, o))
			return o;
	return s->place.volume;
}

/* Merges the snapshot's content with that of the heir, in the snapshot's file. */
static int commit(struct single *s, struct error *e)
{
	const struct object *above = above_heir(s);
	bool begun;
	int r = store_run(pool_store(s->job->pool), disable_fn, s, e);

	if (r == 0)
		r = merge_note(s->job->pool, above, path_of(s->heir), e);
	if (r < 0)
		return r;
	kill_point("single-spoilt");
	r = hv_disk_commit(pool_hypervisor(s->job->pool), s->place.host, object_uuid(s->place.vm),
			   object_uuid(s->place.volume), path_of(s->heir), s->path, job_copy_progress, s->job,
			   &begun, e);
	s->overwritten |= begun;
	kill_point("single-committed");
	return merge_end(s->job->pool, above, object_uuid(s->place.volume), r, e);
}

/* Where the storage takes snapshots itself, only the volume's head can be based on one, after a revert. */
static int merge_on_storage(struct single *s, struct error *e)
{
	const struct object *parent =
		view_get(s->view, KIND_SNAPSHOT, object_str(s->snapshot, SNAPSHOT_PARENT_UUID));
	int r = 0;

	if (s->latest == s->snapshot)
		r = volume_merge(s->job, object_uuid(s->place.volume),
				 parent ? path_of(parent) : volume_base_path(s->view, s->place.volume), e);
	kill_point("single-merged");
	return r;
}

/* Makes the child independent of the snapshot's file, unless a commit has made it the heir. */
static int merge_child(struct single *s, const struct object *child, struct error *e)
{
	int r = s->again ? was_committed(s, child, e) : 0;

	if (r > 0)
		s->heir = child;
	if (r != 0)
		return r < 0 ? r : 0;
	r = pull_child(s, child, s->below, e);
	kill_point("single-pulled");
	return r;
}

/* Step 2. */
static int merge(struct single *s, struct error *e)
{
	const struct object *open = NULL;
	int r;

	if (volume_uses_storage_snapshots(s->view, s->place.volume))
		return merge_on_storage(s, e);
	r = hv_volume_backing(pool_hypervisor(s->job->pool), s->place.host, s->path, &s->below, e);
	if (r < 0)
		return r;
	view_for_each_where (child, s->view, KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, object_uuid(s->snapshot)) {
		bool opened = is_open(s, child);

		/* one that is open may be independent since an earlier attempt, when it was not */
		r = opened ? is_backed_by_it(s, path_of(child), e) : merge_child(s, child, e);
		if (r < 0)
			return r;
		if (opened && r > 0)
			open = child;
	}
	if (s->latest == s->snapshot)
		r = volume_merge(s->job, object_uuid(s->place.volume), s->below, e);
	if (r < 0)
		return r;
	/* last, since it makes the file useless to the others */
	if (open) {
		s->heir = open;
		r = commit(s, e);
	}
	if (r < 0)
		return r;
	kill_point("single-merged");
	if (!s->heir)
		return 0;
	s->overwritten = true;
	return move_to_heir(s, e);
}

/* ------------------------------------------------------------------------ step 3 */

/* Moves a snapshot and all its descendants to another tree. */
static int move_subtree(struct txn *t, const char *uuid, const char *tree, struct error *e)
{
	const struct object *o;
	struct object *copy;
	int64_t after = 0;
	int r = txn_edit(t, KIND_SNAPSHOT, uuid, &copy, e);

	if (r < 0)
		return r;
	object_set_str(copy, SNAPSHOT_TREE_UUID, tree);
	r = txn_put(t, copy, NULL, e);
	if (r < 0)
		return r;
	while ((o = view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, uuid, after))) {
		char child[UUID_SIZE];

		after = o->id;
		snprintf(child, sizeof(child), "%s", object_uuid(o));
		r = move_subtree(t, child, tree, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Makes a child of the snapshot one of the snapshot's parent. Without a parent it becomes a root, and since a
 * tree has only one root, it gets a tree of its own unless @keeps_tree.
 */
static int adopt(struct txn *t, const struct single *s, const struct object *child, bool keeps_tree,
		 struct error *e)
{
	const char *parent = object_str(s->snapshot, SNAPSHOT_PARENT_UUID);
	struct object *copy = object_copy(child);
	char uuid[UUID_SIZE], tree[UUID_SIZE];
	int r;

	snprintf(uuid, sizeof(uuid), "%s", object_uuid(child));
	object_set_str(copy, SNAPSHOT_PARENT_UUID, parent);
	if (s->heir && strcmp(object_uuid(s->heir), uuid) == 0) {
		object_set_str(copy, SNAPSHOT_INSTALL_PATH, s->path);
		object_set_int(copy, SNAPSHOT_SIZE, s->heir_size);
	}
	r = txn_put(t, copy, NULL, e);
	if (r < 0 || parent || keeps_tree)
		return r;
	r = snapshot_put_tree(t, object_uuid(s->place.volume), tree, e);
	return r < 0 ? r : move_subtree(t, uuid, tree, e);
}

/* Does so for all children. The one below the volume's head keeps the tree; without such a one, the first. */
static int adopt_all(struct txn *t, const struct single *s, struct error *e)
{
	const char *uuid = object_uuid(s->snapshot);
	const struct object *keeper = view_next_where(s->view, KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, uuid, 0);
	const struct object *child;

	view_for_each_where (o, s->view, KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, uuid)
		if (s->latest && snapshot_is_below(s->view, s->latest, o))
			keeper = o;
	while ((child = view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, uuid, 0))) {
		int r = adopt(t, s, child, child->id == keeper->id, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int gone_fn(struct txn *t, void *arg, struct error *e)
{
	const struct single *s = arg;
	const struct object *o = s->snapshot;
	const char *tree = object_text(o, SNAPSHOT_TREE_UUID);
	int r = adopt_all(t, s, e);

	if (r < 0)
		return r;
	if (s->latest == o)
		r = snapshot_put_latest(t, object_uuid(s->place.volume), object_str(o, SNAPSHOT_PARENT_UUID),
					e);
	if (r < 0)
		return r;
	r = orphan_file_put_path(t, s->place.ps, object_str(s->place.volume, VOLUME_HOST_UUID),
				 s->heir ? path_of(s->heir) : s->path, e);
	if (r < 0)
		return r;
	r = object_remove(t, view_get(txn_view(t), KIND_SNAPSHOT, object_uuid(o)), e);
	if (r < 0)
		return r;
	if (!view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_TREE_UUID, tree, 0))
		r = object_remove_where(t, KIND_SNAPSHOT_TREE, FIELD_UUID, tree, e);
	return r < 0 ? r : capacity_update_primary_storage(t, s->place.ps, e);
}

/* ---------------------------------------------------------------------- operation */

int snapshot_delete_single(struct job *job, struct error *e)
{
	struct store *store = pool_store(job->pool);
	_cleanup_view_ struct view *view = store_view(store);
	struct single s = {
		.job = job, .view = view, .snapshot = view_get(view, KIND_SNAPSHOT, job->req->target)};
	int r;

	if (!s.snapshot)
		return 0;
	s.latest = snapshot_latest(view, object_text(s.snapshot, SNAPSHOT_VOLUME_UUID));
	s.path = path_of(s.snapshot);
	s.overwritten = object_str_is(s.snapshot, SNAPSHOT_STATE, STATE_DISABLED);
	s.again = s.overwritten || object_str_is(s.snapshot, SNAPSHOT_STATUS, STATUS_DELETING);
	r = volume_locate(view, object_text(s.snapshot, SNAPSHOT_VOLUME_UUID), &s.place, e);
	if (r < 0)
		return r;
	r = store_run(store, begin_fn, &s, e);
	if (r < 0)
		return r;
	kill_point("single-marked");
	r = merge(&s, e);
	free(s.below);
	if (r == 0)
		r = store_run(store, gone_fn, &s, e);
	if (r < 0) {
		(void)store_run(store, undo_fn, &s, NULL);
		return r;
	}
	kill_point("single-gone");
	orphan_files_remove(job->pool, NULL);
	return 0;
}
