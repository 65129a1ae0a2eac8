/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes a disk image in a sandboxed child process.
 *
 * The bytes of an image are the user's, so they are not read by the daemon. The
 * separate program poolfs-image-probe opens the file read-only, sandboxes itself
 * (see image/probe_main.c) and parses the headers (image/header.h). The functions
 * here start it, wait a limited time for one line of limited length, and validate
 * all of it.
 *
 * Does not need QEMU.
 */
#ifndef POOLFS_IMAGE_PROBE_H
#define POOLFS_IMAGE_PROBE_H

#include "actions/image/header.h"

/* Wall clock limit of a probe, milliseconds; a normal one takes about one. */
#define IMAGE_PROBE_TIMEOUT_MS 10000
/* Longest answer of the child, bytes. */
#define IMAGE_PROBE_ANSWER_MAX 2048

/**
 * Exit statuses of poolfs-image-probe, from sysexits(3). With 0 the line on standard output is JSON,
 * otherwise the message of the error.
 */
enum image_probe_exit {
	IMAGE_PROBE_EXIT_OK = 0,
	IMAGE_PROBE_EXIT_USAGE = 64,	   /* -EINVAL */
	IMAGE_PROBE_EXIT_INVALID = 65,	   /* -EINVAL: the header is invalid */
	IMAGE_PROBE_EXIT_NO_INPUT = 66,	   /* -ENOENT */
	IMAGE_PROBE_EXIT_UNSUPPORTED = 69, /* -EOPNOTSUPP */
	IMAGE_PROBE_EXIT_IO = 74,	   /* -EIO, and everything else */
	IMAGE_PROBE_EXIT_DENIED = 77,	   /* -EACCES */
};

enum image_probe_flags {
	/* The file is still being written: nothing is missing beyond its end. Its format is known from
	 * IMAGE_HEAD_SIZE bytes on, an ISO from IMAGE_ISO_SIZE bytes on. */
	IMAGE_PROBE_PARTIAL = 1,
	/* What is neither qcow2 nor an ISO is a raw disk, even if it begins like an archive or a text. */
	IMAGE_PROBE_ANY_RAW = 2,
};

/**
 * Probes the regular file at @path (a symbolic link is refused) and checks the result with
 * image_info_check(). Blocks for at most IMAGE_PROBE_TIMEOUT_MS. @flags: enum image_probe_flags.
 *
 * -EOPNOTSUPP, -EINVAL: the image is not accepted, the message says why. -ENOENT, -EACCES: the file cannot be
 * opened. -ETIMEDOUT: the probe took too long. -EIO: the file cannot be read, or the program is missing,
 * crashed or gave an invalid answer.
 */
int image_probe(const char *path, unsigned flags, struct image_info *ret, struct error *e);

/** As image_probe() with the program at @program and a wall clock limit in milliseconds; for tests. */
int image_probe_with(const char *program, const char *path, int timeout_ms, struct image_info *ret,
		     struct error *e);

#endif
