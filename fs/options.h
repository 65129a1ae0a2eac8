/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of poolfs: `poolfs [options] [SOURCE] MOUNTPOINT`, and, when the
 * program is called as mount.poolfs or mount.fuse.poolfs, that of mount(8)'s helpers,
 * `mount.TYPE SOURCE MOUNTPOINT [-sfnv] [-N namespace] [-o options] [-t type]`.
 */
#ifndef POOLFS_OPTIONS_H
#define POOLFS_OPTIONS_H

#include <fuse_lowlevel.h>

#include "model/error.h"
#include "model/log.h"

struct options {
	char *state, *uri,
		*admin_password_file; /* owned; after options_check() never NULL, but for the last */
	char *source;		      /* owned; what /proc/mounts shows as the device; NULL: none given */
	char *mountpoint;	      /* owned */
	char *rest_user;	      /* owned; NULL: not given */
	char *log_level;	      /* owned; NULL: not given */
	enum log_level level;	      /* of it */
	uid_t rest_uid;		      /* of it, after options_check(); UID_NONE */
	unsigned max_read;	      /* bytes; 0: not given */
	int foreground, help, version, upgrade, read_only, inotify, allow_other;
	int fake; /* mount -f: do everything but mount */
};

extern const char options_usage[];

/**
 * Reads the command line. What libfuse has to read remains in *ret_args (of fuse_opt_free_args(), on failure
 * too). -EINVAL: bad arguments, with a sentence if libfuse has not printed one.
 */
int options_parse(int argc, char **argv, struct options *ret, struct fuse_args *ret_args, struct error *e);
/**
 * Checks what can be checked before the program goes into the background; fills in defaults, makes paths
 * absolute, creates the state folder. @mounted: the mount is there, and nobody may serve it: it is asked nothing. Blocks.
 */
int options_check(struct options *options, bool mounted, struct error *e);
void options_done(struct options *options);

#endif
