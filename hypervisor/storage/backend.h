/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a type of storage is: one row of functions. Internal to hypervisor/.
 *
 * pool.c, volume.c and the files of domain/ about disks know no type; they ask the
 * row. To add a type: a file with its row, an entry in the table of backend.c, and
 * the type's name in pool.h.
 *
 * A volume is found by its path alone: the file's on the host, or a URL whose
 * scheme is that of its row. The pool is named only when a volume is made or
 * deleted. On a simulated host another row may stand for a type, which does the
 * same without QEMU.
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_BACKEND_H
#define POOLFS_HYPERVISOR_STORAGE_BACKEND_H

#include "hypervisor/storage/image_options.h"
#include "hypervisor/storage/pool.h"
#include "hypervisor/storage/virt_storage.h"
#include "hypervisor/storage/volume.h"
#include "hypervisor/xml.h"

struct storage_backend;

/* A pool of a host, as the functions of its row get it. */
struct storage_pool {
	const struct storage_backend *backend;
	virStoragePoolPtr pool; /* owned; NULL: of the simulator, where the row needs none */
	char *root;		/* owned: the path of a volume is <root>/<name> */
};

struct storage_backend {
	const char *type;   /* libvirt's name of the pool's type */
	const char *scheme; /* how the paths of volumes begin, "ceph://"; NULL = they are files of the host */
	const struct storage_backend *simulated; /* stands for it on a simulated host; NULL = itself does */

	/* The pool. NULL: the type has none of it. */
	bool has_target; /* the definition says where on the host the files are */
	int (*write_source)(struct xml *x, const char *source, struct error *e);
	int (*prepare_host)(const struct hv_call *call, const struct hv_storage_pool_def *spec,
			    struct error *e);
	int (*build)(const struct hv_call *call, virStoragePoolPtr pool,
		     const struct hv_storage_pool_def *spec, struct error *e);
	char *(*read_root)(xmlDocPtr pool); /* allocated; NULL when the definition does not say */
	/* NULL = libvirt knows */
	int (*capacity)(const struct storage_pool *at, struct hv_capacity *ret, struct error *e);

	/* Volumes at rest, as the functions of volume.h. Names and sizes are checked, formats are not. */
	int (*create)(const struct hv_call *call, const struct storage_pool *at, const char *name,
		      const char *format, int64_t size, const char *backing, const char *backing_format,
		      char **ret_path, struct error *e);
	int (*upload)(const struct hv_call *call, const struct storage_pool *at, const char *name,
		      const char *format, const char *file, hv_progress *progress, void *ctx, char **ret_path,
		      struct error *e);
	int (*download)(const struct hv_call *call, const char *path, const char *file, hv_progress *progress,
			void *ctx, struct error *e);
	/* NULL = never here */
	int (*export)(const struct hv_call *call, const char *path, const char *path_format, const char *file,
		      const char *format, hv_progress *progress, void *ctx, bool *ret_here, struct error *e);
	/* @path is of the same scheme. */
	int (*copy)(const struct hv_call *call, const char *path, const char *path_format,
		    const struct storage_pool *at, const char *name, const char *format,
		    hv_progress *progress, void *ctx, char **ret_path, struct error *e);
	int (*resize)(const struct hv_call *call, const char *path, int64_t size, struct error *e);
	int (*pull)(const struct hv_call *call, const char *path, const char *base, hv_progress *progress,
		    void *ctx, struct error *e);
	/* NULL = the type has no backing files */
	int (*stand_on)(const struct hv_call *call, const char *path, const char *backing, struct error *e);
	int (*remove)(const struct hv_call *call, const struct storage_pool *at, const char *name,
		      struct error *e);
	int (*info)(const struct hv_call *call, const char *path, struct hv_volume_info *ret,
		    struct error *e);
	/* NULL = the type has no backing files */
	int (*backing)(const struct hv_call *call, const char *path, char **ret_backing, struct error *e);
	image_options_write *write_image_options;

	/* Snapshots that the storage keeps itself; all NULL where it keeps none, snapshots are files there.
	 */
	int (*snapshot)(const char *path, struct error *e);
	int (*snapshot_remove)(const char *path, struct error *e);
	/* The path of the snapshot that a copy named @name of a volume in use is made from; allocated. */
	char *(*copy_source)(const char *path, const char *name);
	/* Removes the snapshots of that kind, which interrupted copies have left. */
	int (*end_copies)(const char *path, struct error *e);

	/* Disks of active domains. */
	const char *disk_type; /* libvirt's */
	void (*write_disk_source)(struct xml *x, const char *path);
	/* The path in the <source> of the disk or drive @disk, allocated; NULL when it is of another type. */
	char *(*read_disk_source)(xmlDocPtr doc, xmlNodePtr disk);
	bool pulls_in_use; /* pull() works on the volume of an active domain, too; else QEMU does it */
	/* As hv_disk_commit() of the disk on @path; NULL = QEMU does it. */
	int (*commit)(const char *path, const char *top, const char *base, bool *ret_begun, struct error *e);
};

/* The row of a pool's type, NULL if none. */
const struct storage_backend *storage_backend_of_type(const char *type);
/* The row of a volume's path, which may be NULL; on a real host. */
const struct storage_backend *storage_backend_of_path(const char *path);
/* The row that does the work of @backend on the call's host. */
const struct storage_backend *storage_backend_on(const struct storage_backend *backend,
						 const struct hv_call *call);
/* Can volumes of one be copied to the other without being downloaded? */
bool storage_backends_agree(const struct storage_backend *a, const struct storage_backend *b);
/* The path that the <source> of the disk or drive @disk describes, allocated; NULL if none. */
char *storage_read_disk_source(xmlDocPtr doc, xmlNodePtr disk);

/* Finds the pool @uuid, active or not; storage_pool_done() in any case. -ENOENT. */
int storage_pool_find(const struct hv_call *call, const char *uuid, struct storage_pool *ret,
		      struct error *e);
/* The same for a request that needs a volume there: starts a pool whose volumes libvirt knows, if it is inactive. */
int storage_pool_enter(const struct hv_call *call, const char *uuid, struct storage_pool *ret,
		       struct error *e);
void storage_pool_done(struct storage_pool *at);
#define _cleanup_storage_pool_ _cleanup_(storage_pool_done)

#endif
