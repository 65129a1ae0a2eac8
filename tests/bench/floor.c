/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What FUSE itself costs on this machine: a file system without anything behind it, of the shape of a collection. N
 * folders, each with a file `state`; nothing ever changes, so the kernel may keep whatever it can keep. But contents it
 * keeps in the first folder alone: elsewhere each reader has one of its own, as in a pool.
 *
 *     bench-floor N MOUNTPOINT [no-open]
 *         in the foreground; ends when it is unmounted. no-open: open(2) is answered ENOSYS, for good, so the kernel keeps
 *         all contents
 */
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * The names of folders are as random as uuids, and as long: who sorts them has as much to do. Those of inodes, by an odd number
 * and its inverse modulo 2^64.
 */
#define NAME_OF	 UINT64_C(0x9E3779B97F4A7C15)
#define INODE_OF UINT64_C(0xF1DE83E19937733D)

/* Inodes: 1 the root, 2 .. n + 1 the folders, n + 2 .. 2n + 1 their files. */
static fuse_ino_t count;
static bool no_open;
static const char content[] = "Stopped\n";
#define FOREVER 1e6

static void attributes(fuse_ino_t ino, struct stat *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->st_ino = ino;
	ret->st_mode = ino > count + 1 ? S_IFREG | 0444 : S_IFDIR | 0755;
	ret->st_nlink = ino > count + 1 ? 1 : 2;
	ret->st_size = ino > count + 1 ? (off_t)strlen(content) : 0;
}

static struct fuse_entry_param entry_of(fuse_ino_t ino)
{
	struct fuse_entry_param entry = {.ino = ino, .attr_timeout = FOREVER, .entry_timeout = FOREVER};

	attributes(ino, &entry.attr);
	return entry;
}

static void on_init(void *data, struct fuse_conn_info *conn)
{
	(void)data;
	conn->want |= conn->capable & (FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_ino_t ino = parent == 1		      ? (fuse_ino_t)(strtoul(name, NULL, 16) * INODE_OF)
			 : strcmp(name, "state") == 0 ? parent + count
						      : 0;
	struct fuse_entry_param entry = entry_of(ino);

	if (ino < 2 || ino > 2 * count + 1)
		(void)fuse_reply_err(req, ENOENT);
	else
		(void)fuse_reply_entry(req, &entry);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	attributes(ino, &st);
	(void)fuse_reply_attr(req, &st, FOREVER);
}

static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (no_open) {
		(void)fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->direct_io = ino != count + 2;
	fi->keep_cache = !fi->direct_io;
	fi->noflush = 1;
	(void)fuse_reply_open(req, fi);
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	size_t len = strlen(content), from = (size_t)offset < len ? (size_t)offset : len;

	(void)ino, (void)fi;
	(void)fuse_reply_buf(req, content + from, size < len - from ? size : len - from);
}

static void list(fuse_req_t req, fuse_ino_t dir, size_t size, off_t offset, bool plus)
{
	char *buffer = malloc(size), name[40];
	fuse_ino_t total = dir == 1 ? count : 1;
	size_t used = 0;

	if (!buffer) {
		(void)fuse_reply_err(req, ENOMEM);
		return;
	}
	for (fuse_ino_t i = (fuse_ino_t)offset; i < total; i++) {
		struct fuse_entry_param entry = entry_of(dir == 1 ? i + 2 : dir + count);
		size_t need;

		if (dir == 1)
			(void)snprintf(name, sizeof(name), "%032lx", (unsigned long)(entry.ino * NAME_OF));
		else
			(void)snprintf(name, sizeof(name), "state");
		need = plus ? fuse_add_direntry_plus(req, buffer + used, size - used, name, &entry,
						     (off_t)i + 1)
			    : fuse_add_direntry(req, buffer + used, size - used, name, &entry.attr,
						(off_t)i + 1);
		if (need > size - used)
			break;
		used += need;
	}
	(void)fuse_reply_buf(req, buffer, used);
	free(buffer);
}

static void on_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, offset, false);
}

static void on_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			   struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, offset, true);
}

static const struct fuse_lowlevel_ops operations = {
	.init = on_init,
	.lookup = on_lookup,
	.getattr = on_getattr,
	.open = on_open,
	.read = on_read,
	.readdir = on_readdir,
	.readdirplus = on_readdirplus,
};

int main(int argc, char **argv)
{
	char *arguments[] = {argv[0], NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, arguments);
	struct fuse_session *session;
	int status = EXIT_FAILURE;

	no_open = argc == 4 && strcmp(argv[3], "no-open") == 0;
	if ((argc != 3 && !no_open) || !(count = (fuse_ino_t)strtoul(argv[1], NULL, 10)))
		return EXIT_FAILURE;
	session = fuse_session_new(&args, &operations, sizeof(operations), NULL);
	if (session && fuse_session_mount(session, argv[2]) == 0) {
		status = fuse_session_loop(session) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
		fuse_session_unmount(session);
	}
	if (session)
		fuse_session_destroy(session);
	return status;
}
