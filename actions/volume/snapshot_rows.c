/* SPDX-License-Identifier: Apache-2.0 */
/* See snapshot_rows.h. */
#include "actions/volume/snapshot_rows.h"

#include <string.h>

#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/host/capacity.h"
#include "actions/storage/orphan_file.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/volume.h"
#include "model/states.h"

/* ----------------------------------------------------------------------- rows */

static int put_snapshot(struct txn *t, const struct new_snapshot *new, const struct object *volume,
			const char *tree, const char *parent, struct error *e)
{
	struct object *s = object_new(kind_get(KIND_SNAPSHOT));
	int r;

	if (!s)
		return error_oom(e);
	object_set_str(s, SNAPSHOT_UUID, new->uuid);
	object_set_str(s, SNAPSHOT_NAME, new->name);
	object_set_str(s, SNAPSHOT_DESCRIPTION, new->description);
	object_set_str(s, SNAPSHOT_ACCOUNT_UUID, object_str(volume, VOLUME_ACCOUNT_UUID));
	object_set_str(s, SNAPSHOT_SCHEDULER_UUID, new->scheduler);
	object_set_str(s, SNAPSHOT_TYPE,
		       volume_uses_storage_snapshots(txn_view(t), volume) ? "Storage" : "Hypervisor");
	object_set_str(s, SNAPSHOT_VOLUME_UUID, new->volume);
	object_set_str(s, SNAPSHOT_TREE_UUID, tree);
	object_set_str(s, SNAPSHOT_PARENT_UUID, parent);
	object_set_str(s, SNAPSHOT_PRIMARY_STORAGE_UUID, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID));
	object_set_str(s, SNAPSHOT_INSTALL_PATH,
		       new->path ? new->path : object_str(volume, VOLUME_INSTALL_PATH));
	object_set_str(s, SNAPSHOT_VOLUME_TYPE, object_str(volume, VOLUME_TYPE));
	object_set_str(s, SNAPSHOT_FORMAT, object_str(volume, VOLUME_FORMAT));
	object_set_int(s, SNAPSHOT_LATEST, 0);
	object_set_int(s, SNAPSHOT_SIZE, 0);
	object_set_int(s, SNAPSHOT_VIRTUAL_SIZE, object_int(volume, VOLUME_SIZE));
	object_set_str(s, SNAPSHOT_STATE, STATE_ENABLED);
	object_set_str(s, SNAPSHOT_STATUS, STATUS_CREATING);
	r = txn_put(t, s, NULL, e);
	return r < 0 || !new->request ? r : object_put_tags(t, new->request, KIND_SNAPSHOT, new->uuid, e);
}

int snapshot_put_creating(struct txn *t, const struct new_snapshot *new, const struct object *volume,
			  bool alone, struct error *e)
{
	const struct object *tree = snapshot_current_tree(txn_view(t), new->volume);
	const struct object *latest = snapshot_latest(txn_view(t), new->volume);
	char tree_uuid[UUID_SIZE], parent[UUID_SIZE] = "";
	int r = 0;

	if (tree && latest && !alone) {
		snprintf(tree_uuid, sizeof(tree_uuid), "%s", object_uuid(tree));
		snprintf(parent, sizeof(parent), "%s", object_uuid(latest));
	} else {
		r = snapshot_put_tree(t, new->volume, tree_uuid, e);
	}
	return r < 0 ? r : put_snapshot(t, new, volume, tree_uuid, *parent ? parent : NULL, e);
}

int snapshot_put_frozen(struct txn *t, const struct new_snapshot *new, int64_t size, struct error *e)
{
	_cleanup_object_ const struct object *volume =
		object_ref(view_get(txn_view(t), KIND_VOLUME, new->volume));
	struct object *frozen;
	int r;

	if (!volume)
		return error_gone(e, KIND_VOLUME, new->volume);
	r = snapshot_put_creating(t, new, volume, false, e);
	if (r < 0)
		return r;
	r = txn_edit(t, KIND_SNAPSHOT, new->uuid, &frozen, e);
	if (r < 0)
		return r;
	object_set_int(frozen, SNAPSHOT_SIZE, size);
	object_set_str(frozen, SNAPSHOT_STATUS, STATUS_READY);
	r = txn_put(t, frozen, NULL, e);
	if (r < 0)
		return r;
	r = capacity_reserve_storage(t, object_text(volume, VOLUME_PRIMARY_STORAGE_UUID), size, e);
	return r < 0 ? r : snapshot_put_latest(t, new->volume, NULL, e);
}

/* ------------------------------------------------------------ the Creating one */

int snapshot_put_taken(struct txn *t, const char *volume, int64_t size, struct error *e)
{
	const struct object *snapshot = snapshot_creating(txn_view(t), volume);
	struct object *frozen;
	char uuid[UUID_SIZE];
	int r;

	if (!snapshot)
		return error_set(e, EPROTO, "no snapshot of volume '%s' is being taken", volume);
	snprintf(uuid, sizeof(uuid), "%s", object_uuid(snapshot));
	frozen = object_copy(snapshot);
	object_set_int(frozen, SNAPSHOT_SIZE, size);
	object_set_str(frozen, SNAPSHOT_STATUS, STATUS_READY);
	r = txn_put(t, frozen, NULL, e);
	return r < 0 ? r : snapshot_put_latest(t, volume, uuid, e);
}

int snapshot_drop_creating(struct txn *t, const char *volume, struct error *e)
{
	const struct object *snapshot = snapshot_creating(txn_view(t), volume);
	char tree[UUID_SIZE];
	int r;

	if (!snapshot)
		return 0;
	snprintf(tree, sizeof(tree), "%s", object_text(snapshot, SNAPSHOT_TREE_UUID));
	r = object_remove(t, snapshot, e);
	if (r < 0 || view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_TREE_UUID, tree, 0))
		return r;
	return object_remove_where(t, KIND_SNAPSHOT_TREE, FIELD_UUID, tree, e);
}

/* -------------------------------------------------------------------- changing */

static int put_number(struct txn *t, const struct object *o, int field, int64_t value, struct error *e)
{
	struct object *copy = object_copy(o);

	object_set_int(copy, field, value);
	return txn_put(t, copy, NULL, e);
}

int snapshot_put_tree(struct txn *t, const char *volume, char ret_uuid[UUID_SIZE], struct error *e)
{
	struct object *tree = object_new(kind_get(KIND_SNAPSHOT_TREE));

	if (!tree)
		return error_oom(e);
	uuid_make(ret_uuid);
	object_set_str(tree, SNAPTREE_UUID, ret_uuid);
	object_set_str(tree, SNAPTREE_VOLUME_UUID, volume);
	object_set_int(tree, SNAPTREE_CURRENT, 0);
	return txn_put(t, tree, NULL, e);
}

int snapshot_put_latest(struct txn *t, const char *volume, const char *latest, struct error *e)
{
	const struct object *now = view_get(txn_view(t), KIND_SNAPSHOT, latest), *o;
	char current[UUID_SIZE];
	int64_t after = 0;
	int r;

	snprintf(current, sizeof(current), "%s", now ? object_text(now, SNAPSHOT_TREE_UUID) : "");
	while ((o = view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, volume, after))) {
		after = o->id;
		r = put_number(t, o, SNAPSHOT_LATEST, latest && strcmp(object_uuid(o), latest) == 0, e);
		if (r < 0)
			return r;
	}
	after = 0;
	while ((o = view_next_where(txn_view(t), KIND_SNAPSHOT_TREE, SNAPTREE_VOLUME_UUID, volume, after))) {
		after = o->id;
		r = put_number(t, o, SNAPTREE_CURRENT, strcmp(object_uuid(o), current) == 0, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int snapshot_put_status(struct txn *t, const struct object *snapshot, const char *status, const char *state,
			struct error *e)
{
	struct object *copy = object_copy(snapshot);

	object_set_str(copy, SNAPSHOT_STATUS, status);
	if (state)
		object_set_str(copy, SNAPSHOT_STATE, state);
	return txn_put(t, copy, NULL, e);
}

int snapshots_orphan_all(struct txn *t, const char *volume, struct error *e)
{
	const struct object *owner = view_get(txn_view(t), KIND_VOLUME, volume), *snapshot;
	const char *host = owner ? object_str(owner, VOLUME_HOST_UUID) : NULL;

	while ((snapshot = view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, volume, 0))) {
		/* The file of a Creating snapshot is still the volume's head. */
		const char *path = object_str_is(snapshot, SNAPSHOT_STATUS, STATUS_CREATING)
					   ? NULL
					   : object_str(snapshot, SNAPSHOT_INSTALL_PATH);
		int64_t id = snapshot->id;
		int r = 0;

		if (path)
			r = orphan_file_put_path(t, object_text(snapshot, SNAPSHOT_PRIMARY_STORAGE_UUID),
						 host, path, e);
		if (r < 0)
			return r;
		r = object_remove(t, view_get_id(txn_view(t), KIND_SNAPSHOT, id), e);
		if (r < 0)
			return r;
	}
	return object_remove_where(t, KIND_SNAPSHOT_TREE, SNAPTREE_VOLUME_UUID, volume, e);
}
