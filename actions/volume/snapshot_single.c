/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting one snapshot and no other (DeleteVolumeSnapshot with scope=single): what a scheduler does with its
 * oldest ones. What was taken after it, and the volume, read as before.
 *
 *   1. One change marks it Deleting.
 *   2. Whatever stands on its file takes in what that holds, and stands on what was below it.
 *   3. One change gives its children to its parent and removes its row.
 *   4. The file that is nobody's now is removed.
 *
 * Step 2 is a pull where no guest has the file above open, and for the volume's head. A file in the middle of
 * a running guest's chain cannot be written to: there the child, the heir, is committed down into the
 * snapshot's file, and takes that over in step 3. So from the beginning of a commit on the snapshot is
 * spoilt, while the heir reads the same through its old file and through the new one. One change makes it
 * Disabled before that, and nobody reads it any more. After a failure it is Ready again, and Enabled unless a
 * commit has begun: then it can be deleted again, not reverted to.
 *
 * After a kill step 2 is done once more; the backing files tell what was done already.
 */
#include "actions/volume/snapshot_single.h"

#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/rows.h"
#include "actions/host/capacity.h"
#include "actions/storage/orphan_file.h"
#include "actions/volume/location.h"
#include "actions/volume/snapshot_rows.h"
#include "hypervisor/domain/disk_chain.h"
#include "hypervisor/storage/volume.h"
#include "model/states.h"

struct single {
	struct job *job;
	const struct view *view; /* borrowed; the volume's queue is ours, so it stays true */
	const struct object *snapshot, *latest;
	struct volume_location place;
	const char *path; /* the snapshot's file */
	char *below;	  /* what that stands on; NULL = nothing. Owned */
	const struct object *heir;
	int64_t heir_size; /* bytes of the file that it takes over */
	bool again;	   /* a commit may have been done before */
	bool spoilt;	   /* its file may have been written to */
};

static const char *path_of(const struct object *snapshot)
{
	return object_text(snapshot, SNAPSHOT_INSTALL_PATH);
}

/* Is it between the running guest's head and the image? */
static bool is_open(const struct single *s, const struct object *snapshot)
{
	return s->place.active && s->latest && snapshot_is_below(s->view, s->latest, snapshot);
}

/* ------------------------------------------------------------------------ step 1 */

/* Bytes that the files above may grow by before the old one is removed. */
static int64_t room_needed(const struct single *s)
{
	int64_t own = object_int(s->snapshot, SNAPSHOT_SIZE), room = 0;

	if (s->latest == s->snapshot)
		room += own;
	view_for_each_where (child, s->view, KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, object_uuid(s->snapshot))
		room += is_open(s, child) ? object_int(child, SNAPSHOT_SIZE) : own;
	return room;
}

/* The reserve may be used for a while: in the end there is more room than before. */
static int check_room(const struct view *view, const struct single *s, struct error *e)
{
	const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, s->place.ps);
	int64_t available = ps ? object_int(ps, PRIMARY_STORAGE_AVAILABLE) : 0, room = room_needed(s);

	return room <= available
		       ? 0
		       : error_set_code(
				 e, ENOSPC, "PS.1000",
				 "primary storage '%s' has %lld bytes left, merging the snapshot may take %lld",
				 s->place.ps, (long long)available, (long long)room);
}

static int begin_fn(struct txn *t, void *arg, struct error *e)
{
	const struct single *s = arg;
	const struct object *now = view_get(txn_view(t), KIND_SNAPSHOT, object_uuid(s->snapshot));
	int r = now ? check_room(txn_view(t), s, e) : error_gone(e, KIND_SNAPSHOT, object_uuid(s->snapshot));

	return r < 0 ? r : snapshot_put_status(t, now, "Deleting", NULL, e);
}

/* After a failure. */
static int undo_fn(struct txn *t, void *arg, struct error *e)
{
	const struct single *s = arg;
	const struct object *now = view_get(txn_view(t), KIND_SNAPSHOT, object_uuid(s->snapshot));
	int r = now ? snapshot_put_status(t, now, "Ready", s->spoilt ? "Disabled" : "Enabled", e) : 0;

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
	struct object *copy = before ? object_copy(before) : NULL;

	if (!copy)
		return before ? error_oom(e) : 0;
	object_set_int(copy, SNAPSHOT_SIZE, change->size);
	return txn_put(t, copy, NULL, e);
}

/* Makes @path, which no guest has open, stand on @base. */
static int pull(struct single *s, const char *path, const char *base, struct error *e)
{
	return hv_volume_pull(pool_hypervisor(s->job->pool), s->place.host, path, base, job_copy_progress,
			      s->job, e);
}

static int pull_child(struct single *s, const struct object *child, const char *base, struct error *e)
{
	struct size_change change = {.snapshot = object_uuid(child)};
	struct hv_volume_info info;
	int r = pull(s, path_of(child), base, e);

	if (r == 0)
		r = hv_volume_info(pool_hypervisor(s->job->pool), s->place.host, path_of(child), &info, e);
	if (r < 0)
		return r;
	change.size = info.actual_size;
	return store_run(pool_store(s->job->pool), put_size_fn, &change, e);
}

/* 1 when @path stands on the snapshot's file, else 0 or an error. */
static int stands_on_it(struct single *s, const char *path, struct error *e)
{
	_cleanup_free_ char *backing = NULL;
	int r = hv_volume_backing(pool_hypervisor(s->job->pool), s->place.host, path, &backing, e);

	return r < 0 ? r : backing && strcmp(backing, s->path) == 0;
}

/* Was the child committed before a kill? Then something above it stands on the snapshot's file. 1, 0 or an
 * error. */
static int was_committed(struct single *s, const struct object *child, struct error *e)
{
	int r = s->latest == child ? stands_on_it(s, object_text(s->place.volume, VOLUME_INSTALL_PATH), e)
				   : 0;

	view_for_each_where (o, s->view, KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, object_uuid(child)) {
		if (r != 0)
			break;
		r = stands_on_it(s, path_of(o), e);
	}
	return r;
}

/* What stands on the heir's old file and was not moved by the commit itself. */
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
		r = pull(s, object_text(s->place.volume, VOLUME_INSTALL_PATH), s->path, e);
	if (r == 0)
		r = hv_volume_info(pool_hypervisor(s->job->pool), s->place.host, s->path, &info, e);
	if (r == 0)
		s->heir_size = info.actual_size;
	return r;
}

static int spoil_fn(struct txn *t, void *arg, struct error *e)
{
	const struct single *s = arg;
	const struct object *now = view_get(txn_view(t), KIND_SNAPSHOT, object_uuid(s->snapshot));

	return now ? snapshot_put_status(t, now, "Deleting", "Disabled", e)
		   : error_gone(e, KIND_SNAPSHOT, object_uuid(s->snapshot));
}

static int commit(struct single *s, const struct object *child, struct error *e)
{
	bool begun;
	int r = store_run(pool_store(s->job->pool), spoil_fn, s, e);

	if (r < 0)
		return r;
	kill_point("single-spoilt");
	r = hv_disk_commit(pool_hypervisor(s->job->pool), s->place.host, object_uuid(s->place.vm),
			   object_uuid(s->place.volume), path_of(child), s->path, job_copy_progress, s->job,
			   &begun, e);
	s->spoilt |= begun;
	return r;
}

/* The storage keeps it: nothing else stands on its file but, after a revert to it, the volume's head. */
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

static int merge(struct single *s, struct error *e)
{
	const struct object *open = NULL;
	int r;

	if (snapshots_are_kept_by_storage(s->view, s->place.volume))
		return merge_on_storage(s, e);
	r = hv_volume_backing(pool_hypervisor(s->job->pool), s->place.host, s->path, &s->below, e);

	view_for_each_where (child, s->view, KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, object_uuid(s->snapshot)) {
		int done;

		if (r < 0)
			return r;
		if (is_open(s, child)) {
			open = child;
			continue;
		}
		done = s->again ? was_committed(s, child, e) : 0;
		if (done == 1)
			s->heir = child;
		r = done ? (done < 0 ? done : 0) : pull_child(s, child, s->below, e);
		kill_point("single-pulled");
	}
	if (r == 0 && s->latest == s->snapshot)
		r = volume_merge(s->job, object_uuid(s->place.volume), s->below, e);
	/* last, since it spoils the file for the others */
	if (r == 0 && open) {
		s->heir = open;
		r = commit(s, open, e);
	}
	kill_point("single-merged");
	if (r == 0 && s->heir) {
		s->spoilt = true;
		r = move_to_heir(s, e);
	}
	return r;
}

/* ------------------------------------------------------------------------ step 3 */

static int move_subtree(struct txn *t, const char *uuid, const char *tree, struct error *e)
{
	const struct object *o = view_get(txn_view(t), KIND_SNAPSHOT, uuid);
	struct object *copy = o ? object_copy(o) : NULL;
	int64_t after = 0;
	int r;

	if (!copy)
		return error_oom(e);
	object_set_str(copy, SNAPSHOT_TREE_UUID, tree);
	r = txn_put(t, copy, NULL, e);
	while (r == 0 &&
	       (o = view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, uuid, after))) {
		char child[UUID_SIZE];

		after = o->id;
		snprintf(child, sizeof(child), "%s", object_uuid(o));
		r = move_subtree(t, child, tree, e);
	}
	return r;
}

/* Gives a child to the snapshot's parent. A tree has one root: without a parent each further child, but that
 * of the volume's head, begins a tree of its own. */
static int adopt(struct txn *t, const struct single *s, const struct object *child, bool keeps_tree,
		 struct error *e)
{
	const char *parent = object_str(s->snapshot, SNAPSHOT_PARENT_UUID);
	struct object *copy = object_copy(child);
	char uuid[UUID_SIZE], tree[UUID_SIZE];
	int r;

	if (!copy)
		return error_oom(e);
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

static int adopt_all(struct txn *t, const struct single *s, struct error *e)
{
	const char *uuid = object_uuid(s->snapshot);
	const struct object *keeper = view_next_where(s->view, KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, uuid, 0);
	const struct object *child;
	int r = 0;

	view_for_each_where (o, s->view, KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, uuid)
		if (s->latest && snapshot_is_below(s->view, s->latest, o))
			keeper = o;
	while (r == 0 && (child = view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, uuid, 0)))
		r = adopt(t, s, child, child->id == keeper->id, e);
	return r;
}

static int gone_fn(struct txn *t, void *arg, struct error *e)
{
	const struct single *s = arg;
	const struct object *o = s->snapshot;
	const char *tree = object_text(o, SNAPSHOT_TREE_UUID);
	int r = adopt_all(t, s, e);

	if (r == 0 && s->latest == o)
		r = snapshot_put_latest(t, object_uuid(s->place.volume), object_str(o, SNAPSHOT_PARENT_UUID),
					e);
	if (r == 0)
		r = orphan_file_put_path(t, s->place.ps, object_str(s->place.volume, VOLUME_HOST_UUID),
					 s->heir ? path_of(s->heir) : s->path, e);
	if (r == 0)
		r = object_remove(t, view_get(txn_view(t), KIND_SNAPSHOT, object_uuid(o)), e);
	if (r == 0 && !view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_TREE_UUID, tree, 0))
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
	s.spoilt = object_str_is(s.snapshot, SNAPSHOT_STATE, STATE_DISABLED);
	s.again = s.spoilt || object_str_is(s.snapshot, SNAPSHOT_STATUS, STATUS_DELETING);
	r = volume_locate(view, object_text(s.snapshot, SNAPSHOT_VOLUME_UUID), &s.place, e);
	if (r == 0)
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
	return r;
}
