/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a NoCloud disk, by cloud-init's documentation of the data source
 * NoCloud and of network configuration version 2.
 *
 * All but the user's own data are JSON, which is YAML, too: no text of a user can
 * become anything but the string that it is. Never blocks.
 */
#ifndef POOLFS_VM_NOCLOUD_FILES_H
#define POOLFS_VM_NOCLOUD_FILES_H

#include "actions/engine/pool.h"

/** A file. */
struct nocloud_file {
	const char *name;
	char *bytes; /* owned */
	size_t len;
};

/** The files of one disk; unused ones have no name. */
struct nocloud_files {
	struct nocloud_file file[4];
	size_t count;
};

/** True if the VM has something for cloud-init: user data, an ssh key or a root password. */
bool nocloud_is_wanted(const struct view *view, const struct object *vm);
/**
 * Makes the files of a VM. The instance-id is another one after each change of what cloud-init applies once per
 * instance: the three tags that nocloud_is_wanted() looks at. Host name and network are applied at each boot.
 * -EINVAL, -EFBIG for user data (user_data_decode()).
 */
int nocloud_files_make(const struct view *view, const struct object *vm, struct nocloud_files *ret,
		       struct error *e);
void nocloud_files_done(struct nocloud_files *files);

#endif
