/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of snapshots: what their rows say. See snapshot.h. */
#include "snapshot.h"

#include "loose_file.h"
#include "object_ops.h"

int snapshots_loosen_all(struct txn *t, const char *volume, struct error *e)
{
	const struct object *owner = view_get(txn_view(t), KIND_VOLUME, volume), *snapshot;
	int r = 0;

	while (r == 0 &&
	       (snapshot = view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, volume, 0))) {
		const char *path = object_str(snapshot, SNAPSHOT_INSTALL_PATH);
		int64_t id = snapshot->id;

		if (path)
			r = loose_file_put_path(t, object_text(snapshot, SNAPSHOT_PRIMARY_STORAGE_UUID),
						owner ? object_str(owner, VOLUME_HOST_UUID) : NULL, path, e);
		if (r == 0)
			r = object_remove(t, view_get_id(txn_view(t), KIND_SNAPSHOT, id), e);
	}
	return r < 0 ? r : object_remove_where(t, KIND_SNAPSHOT_TREE, SNAPTREE_VOLUME_UUID, volume, e);
}
