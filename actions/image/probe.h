/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes a disk image in a bounded child process.
 *
 * The bytes of an image are a user's, so they are not read by the process that
 * holds the pool. A program of its own, poolfs-image-probe, opens the file read
 * only, shuts itself in (see image/probe_main.c) and reads the headers as
 * image/header.h says; this side starts it, waits a bounded time for one line
 * of bounded length and trusts nothing about it.
 *
 * The program is looked for in the folder named by the environment variable
 * POOLFS_LIBEXEC, then beside the running program, then where it is installed.
 * Needs no QEMU.
 */
#ifndef POOLFS_IMAGE_PROBE_H
#define POOLFS_IMAGE_PROBE_H

#include "actions/image/header.h"

/* Wall clock limit of a probe in milliseconds; a healthy one takes about one. */
#define IMAGE_PROBE_TIMEOUT_MS 10000
/* Longest answer of the child in bytes. */
#define IMAGE_PROBE_ANSWER_MAX 2048

/**
 * Exit statuses of poolfs-image-probe, of sysexits(3). With 0 standard output
 * has the JSON line, otherwise the sentence of the error.
 */
enum image_probe_exit {
	IMAGE_PROBE_EXIT_OK = 0,
	IMAGE_PROBE_EXIT_USAGE = 64,	   /* -EINVAL */
	IMAGE_PROBE_EXIT_INVALID = 65,	   /* -EINVAL: the header makes no sense */
	IMAGE_PROBE_EXIT_NO_INPUT = 66,	   /* -ENOENT */
	IMAGE_PROBE_EXIT_UNSUPPORTED = 69, /* -EOPNOTSUPP */
	IMAGE_PROBE_EXIT_IO = 74,	   /* -EIO, and everything else */
	IMAGE_PROBE_EXIT_DENIED = 77,	   /* -EACCES */
};

/**
 * Probes the regular file at @path (a symbolic link is refused) and checks the
 * result with image_info_check(). Blocks for at most IMAGE_PROBE_TIMEOUT_MS.
 *
 * -EOPNOTSUPP, -EINVAL: this image is not accepted, the sentence says why.
 * -ENOENT, -EACCES: the file cannot be opened. -ETIMEDOUT: the probe was killed.
 * -EIO: the file cannot be read, or the program is missing, crashed or talks nonsense.
 */
int image_probe(const char *path, struct image_info *ret, struct error *e);

/**
 * As image_probe(), for a file of which more is still to come: what would be behind its end is not missed. It
 * must have IMAGE_HEAD_SIZE bytes to tell its format, and IMAGE_ISO_SIZE to tell an ISO.
 */
int image_probe_partial(const char *path, struct image_info *ret, struct error *e);

/** As image_probe() with the program at @program and a wall clock limit in milliseconds; for tests. */
int image_probe_with(const char *program, const char *path, int timeout_ms, struct image_info *ret,
		     struct error *e);

#endif
