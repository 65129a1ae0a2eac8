/* SPDX-License-Identifier: Apache-2.0 */
/* Making the files of volumes. */
#ifndef POOLFS_VOLUME_FILE_H
#define POOLFS_VOLUME_FILE_H

#include "actions/engine/job.h"

/** A volume that is to be made. All borrowed. */
struct new_volume {
	const char *uuid;			    /* NULL: a new one */
	const char *storage, *host;		    /* the host counts for local storage only */
	const char *offering, *image, *description; /* each may be NULL */
	int64_t size;				    /* bytes */
	int device_id;				    /* 0 = the root volume */
};
/**
 * Writes a volume of @vm (state Creating, without a file) and promises its bytes: PS.1000. For change
 * functions.
 */
int volume_put_new(struct txn *t, const struct object *vm, const struct new_volume *disk,
		   char ret_uuid[UUID_SIZE], struct error *e);
/** Writes that a volume has its file, @path on @host: Ready. Blocking. */
int volume_set_ready(struct pool *pool, const char *uuid, const char *host, const char *path,
		     struct error *e);
/** Makes the file of one volume on @host: an overlay of its image, or empty. Blocking. */
int volume_make_file(struct job *job, const struct object *volume, const char *host, struct error *e);

/** Chooses host and storage for a NotInstantiated volume, near @vm (NULL = anywhere), and makes its file.
 * Blocking. */
int volume_instantiate(struct job *job, const char *uuid, const char *vm, struct error *e);
/** Takes volume_instantiate() back: file, promise and place. Success when there is nothing to take back.
 * Blocking. */
int volume_uninstantiate(struct pool *pool, const char *uuid, struct error *e);

/** Writes a volume (taken over, also on failure) as Creating on @ps, and reserves its bytes: PS.1000. For change functions. */
int volume_put_placed(struct txn *t, struct object *volume, const struct object *ps,
		      const struct object *host, struct error *e);

/** volume_make_file() for a volume by its uuid. Blocking. */
int volume_make_file_of(struct job *job, const char *uuid, const char *host, struct error *e);

#endif
