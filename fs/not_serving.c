/* SPDX-License-Identifier: Apache-2.0 */
/* See not_serving.h. */
#include "fs/not_serving.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/receive.h"
#include "model/cleanup.h"
#include "model/clock.h"
#include "model/log.h"

/* So many workers may be killed where one may end otherwise. */
#define KILLS_OF_A_DEATH 10
/* Before a worker is tried that could not be started. */
#define START_AGAIN_NS (NS_PER_S / 5)
/* Room for the text: a sentence of a worker (LINK_TEXT), two paths. */
#define NOTICE_BYTES 16384

bool not_serving_is_given_up(const struct not_serving *n)
{
	return n->deaths + n->kills / KILLS_OF_A_DEATH >= NOT_SERVING_DEATHS;
}

/* -------------------------------------------------------------------- the file */

static char *path_of(const struct not_serving *n, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", n->state_dir, name) < 0 ? NULL : path;
}

/* The file has room for the text, and another name, until there is a text: then the disk may be full. */
static void reserve_notice(const struct not_serving *n)
{
	_cleanup_free_ char *path = path_of(n, NOT_SERVING_RESERVED);
	_cleanup_close_ int fd =
		path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

	/* else it is there, or is tried again when the next worker serves */
	if (fd >= 0 && posix_fallocate(fd, 0, NOTICE_BYTES) != 0)
		(void)unlink(path);
}

static void remove_notice(const struct not_serving *n)
{
	_cleanup_free_ char *path = path_of(n, NOT_SERVING_FILE);

	if (path)
		(void)unlink(path);
}

static bool write_all(int fd, const char *text, size_t len)
{
	ssize_t n = write(fd, text, len);

	if (n >= 0 && n < (ssize_t)len)
		errno = ENOSPC;
	return n == (ssize_t)len;
}

/* -errno: then there is none, rather than a part of it. */
static int put_notice(const struct not_serving *n, const char *text, size_t len)
{
	_cleanup_free_ char *path = path_of(n, NOT_SERVING_FILE);
	_cleanup_free_ char *reserved = path_of(n, NOT_SERVING_RESERVED);
	_cleanup_close_ int fd =
		path && reserved ? open(reserved, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	int error;

	if (fd >= 0 && write_all(fd, text, len) && ftruncate(fd, (off_t)len) == 0 && fchmod(fd, 0644) == 0 &&
	    rename(reserved, path) == 0)
		return 0;
	error = errno;
	if (fd >= 0)
		(void)unlink(reserved);
	return -error;
}

static void write_notice(const struct not_serving *n, const struct error *e)
{
	const char *why = error_is_set(e) ? error_sentence(e) : "it was killed, or crashed";
	_cleanup_free_ char *text = NULL;
	int len = asprintf(
		&text,
		"The pool at %s is not served: requests fail with EIO.\n"
		"The program that serves it has ended %d times without serving anything. The last time: %s.\n"
		"It is tried again every %d s. When the cause is mended, nothing has to be done; to end the mount: "
		"umount %s\n",
		n->mountpoint, n->deaths + n->kills, why, NOT_SERVING_RETRY_S, n->mountpoint);
	int r;

	if (len < 0)
		text = NULL;
	log_error(
		"mount", n->mountpoint,
		"is not served: requests fail with EIO. The process that serves it has ended %d times without "
		"serving anything. The last time: %s",
		n->deaths + n->kills, why);
	r = text ? put_notice(n, text, (size_t)len) : -ENOMEM;
	if (r < 0)
		log_error("mount", n->mountpoint, "'%s/" NOT_SERVING_FILE "' cannot be written: %s",
			  n->state_dir, strerror(-r));
}

/* ------------------------------------------------------------------------ workers */

void not_serving_try(struct not_serving *n)
{
	n->tried = clock_monotonic();
	n->not_started = false;
	not_serving_done(n);
}

void not_serving_count(struct not_serving *n, bool killed, const struct error *why)
{
	bool had = not_serving_is_given_up(n);

	if (killed)
		n->kills++;
	else
		n->deaths++;
	if (!had && not_serving_is_given_up(n))
		write_notice(n, why);
}

void not_serving_not_started(struct not_serving *n, const struct error *why)
{
	n->not_started = true;
	not_serving_count(n, false, why);
}

void not_serving_end(struct not_serving *n)
{
	if (not_serving_is_given_up(n))
		log_info("mount", n->mountpoint, "is served again");
	n->deaths = n->kills = 0;
	reserve_notice(n);
	remove_notice(n); /* a supervisor before this one may have left it */
}

int64_t not_serving_next(const struct not_serving *n)
{
	if (not_serving_is_given_up(n))
		return n->tried + NOT_SERVING_RETRY_S * NS_PER_S;
	return n->not_started ? n->tried + START_AGAIN_NS : 0;
}

/* ----------------------------------------------------------------------- requests */

void not_serving_refuse_kept(struct not_serving *n, int device, int keep_fd)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (n->keep)
		return;
	if (keep_open(keep_fd, &n->keep, &e) < 0)
		log_error("mount", n->mountpoint, "%s", error_sentence(&e));
	else
		receive_refuse_kept(device, n->keep, EIO);
}

int not_serving_refuse(struct not_serving *n, int device)
{
	return n->keep ? receive_refuse(device, n->keep, EIO) : 0;
}

void not_serving_done(struct not_serving *n)
{
	keep_free(n->keep);
	n->keep = NULL;
}
