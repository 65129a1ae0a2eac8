/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chown(2) and chmod(2) of an object's directory: `chown USER` is
 * ChangeResourceOwner to the account of the user, `chmod o+r` and `o-r` are
 * ShareResource with all and its end. They are answered when the request is durable
 * or refused, with EPERM if it is not allowed.
 */
#ifndef POOLFS_FS_CLASS_OWNERSHIP_H
#define POOLFS_FS_CLASS_OWNERSHIP_H

#include "fs/tree/class.h"

/** The directory of an object. */
extern const struct file_class class_object;

#endif
