/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating volumes: the row, and the file.
 *
 * A row without a file is NotInstantiated. One that is Creating has a storage,
 * which has reserved its bytes, while its file is being created. When it is
 * Ready, installPath is its file.
 */
#ifndef POOLFS_VOLUME_FILE_H
#define POOLFS_VOLUME_FILE_H

#include "actions/engine/job.h"
#include "actions/storage/storage_choice.h"

/* System tags: the storage of a VM's new data volumes; the host of a new volume on storage local to hosts. */
#define DATA_STORAGE_TAG "primaryStorageUuidForDataVolume"
#define LOCAL_HOST_TAG	 "localStorage::hostUuid"

/** What volume_put_new() creates. All borrowed. */
struct new_volume {
	const char *uuid;			    /* NULL: one is made */
	const char *storage, *host;		    /* uuids; the host matters for local storage only */
	const char *offering, *image, *description; /* each may be NULL */
	int64_t size;				    /* bytes */
	int device_id;				    /* 0 = the root volume */
};
/**
 * Writes the row of a volume of @vm (status Creating, without a file), and reserves its bytes on the storage;
 * PS.1000 when they are not available, -EBUSY as orphan_file_check_name(). @ret_uuid may be NULL. For change functions.
 */
int volume_put_new(struct txn *t, const struct object *vm, const struct new_volume *disk,
		   char ret_uuid[UUID_SIZE], struct error *e);
/** Makes a volume Ready: its file is @path, seen from @host. -ENOENT when the volume is gone. Blocking. */
int volume_set_ready(struct pool *pool, const char *uuid, const char *host, const char *path,
		     struct error *e);
/**
 * Creates the file of a volume through @host, as an overlay of its image (a copy where it must be raw), or
 * empty, and makes the volume Ready. Blocking.
 */
int volume_make_file(struct job *job, const struct object *volume, const char *host, struct error *e);

/** What the storage of a NotInstantiated volume must have; @vm (may be NULL) is to have the volume. Borrowed. */
struct storage_wish volume_storage_wish(const struct view *view, const struct object *volume, const char *vm);
/**
 * Chooses a storage for a NotInstantiated volume, one that @vm (may be NULL) can use, and creates its file.
 * Rolls back on failure. -ENOENT when the volume is gone, PS.1000 when no storage fits. Blocking.
 */
int volume_instantiate(struct job *job, const char *uuid, const char *vm, struct error *e);
/**
 * Undoes volume_instantiate(): leaves the storage, releases its bytes, and removes the file, which is an orphan file when it
 * cannot be removed now. Success when the volume is not Creating. Blocking.
 */
int volume_uninstantiate(struct pool *pool, const char *uuid, struct error *e);

/**
 * Writes a volume (taken over, also on failure) as Creating on @ps, and reserves its bytes; PS.1000 when they
 * are not available, -EBUSY as orphan_file_check_name(). @host matters for local storage only. For change functions.
 */
int volume_put_placed(struct txn *t, struct object *volume, const struct object *ps,
		      const struct object *host, struct error *e);

/** volume_make_file() for the volume with this uuid. -ENOENT when it is gone. Blocking. */
int volume_make_file_of(struct job *job, const char *uuid, const char *host, struct error *e);

#endif
