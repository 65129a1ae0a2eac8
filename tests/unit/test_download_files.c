/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads from local files, and the destination that every download writes. */
#include "tests/unit/download_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void the_destination_must_be_new(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char md5[DOWNLOAD_MD5_STRLEN];
	int fd;

	(void)state;
	fd = open(dest, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "mine", 4), 4);
	(void)close(fd);
	assert_int_equal(fetch(policy, "/etc/passwd", dest, &no_limits, NULL, NULL, md5, &e), -EEXIST);
	dest_has("mine", 4);
	/* nor may it be a symbolic link, even a dangling one */
	assert_int_equal(symlink("/tmp/poolfs-nowhere", dest), 0);
	assert_int_equal(fetch(policy, "/etc/passwd", dest, &no_limits, NULL, NULL, md5, NULL), -EEXIST);
	assert_int_equal(unlink(dest), 0);
	error_done(&e);
	assert_int_equal(fetch(policy, "/etc/passwd", "/nowhere/x", &no_limits, NULL, NULL, md5, &e),
			 -ENOENT);
	assert_string_equal(error_sentence(&e),
			    "cannot open the folder '/nowhere': No such file or directory");
}

static void source_write(const void *bytes, size_t len, off_t offset, int flags)
{
	int fd = open(source, O_WRONLY | O_CLOEXEC | flags, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, offset), len);
	assert_int_equal(close(fd), 0);
}

static void local_files_are_copied(void **state)
{
	struct download_limits limits = {.max_bytes = SIZE - 1};
	char file_url[200], odd[120], md5[DOWNLOAD_MD5_STRLEN];
	struct watch w = {.last_percent = -1};

	(void)state;
	source_write(body(), SIZE, 0, O_CREAT | O_TRUNC);
	succeeds(source);
	(void)snprintf(file_url, sizeof(file_url), "file://%s", source);
	succeeds(file_url);
	fails_full(source, &limits, NULL, NULL, EFBIG, "more than the 2000002 bytes allowed");
	assert_int_equal(fetch(policy, source, dest, &no_limits, watch_progress, &w, md5, NULL), 0);
	assert_true(w.last_total == SIZE && w.last_percent == 100);
	assert_int_equal(unlink(dest), 0);
	/* a link to a file is accepted, %XX is decoded in a URL and not in a path */
	(void)snprintf(odd, sizeof(odd), "%s/a b", folder);
	assert_int_equal(symlink(source, odd), 0);
	succeeds(odd);
	(void)snprintf(file_url, sizeof(file_url), "file://%s/a%%20%%62", folder);
	succeeds(file_url);
	fails(file_url + strlen("file://"), ENOENT, "cannot open '/tmp");
	assert_int_equal(unlink(odd), 0);
	/* empty */
	assert_int_equal(truncate(source, 0), 0);
	assert_int_equal(fetch(policy, source, dest, &no_limits, NULL, NULL, md5, NULL), 0);
	assert_string_equal(md5, "d41d8cd98f00b204e9800998ecf8427e");
	dest_has("", 0);
}

static void only_regular_files_are_copied(void **state)
{
	char fifo[120];

	(void)state;
	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fails(fifo, EINVAL, "is not a regular file");
	fails(folder, EINVAL, "is not a regular file");
	fails("/dev/zero", EINVAL, "is not a regular file");
	fails("file:///dev/zero", EINVAL, "'/dev/zero' is not a regular file");
	fails("/nowhere", ENOENT, "cannot open '/nowhere'");
	assert_int_equal(unlink(fifo), 0);
}

static void holes_are_preserved(void **state)
{
	enum { HUGE = 300 << 20 };
	char md5[DOWNLOAD_MD5_STRLEN], wanted[DOWNLOAD_MD5_STRLEN];
	unsigned char *all = calloc(1, HUGE);
	struct stat from, to;

	(void)state;
	assert_non_null(all);
	/* data in the middle, across a chunk, and holes at both ends */
	memcpy(all + (5 << 20), body(), SIZE);
	memcpy(all + (100 << 20), "x", 1);
	source_write(body(), SIZE, 5 << 20, O_CREAT | O_TRUNC);
	source_write("x", 1, 100 << 20, 0);
	assert_int_equal(truncate(source, HUGE), 0);
	md5_of(all, HUGE, wanted);
	assert_int_equal(fetch(policy, source, dest, &no_limits, NULL, NULL, md5, NULL), 0);
	assert_string_equal(md5, wanted);
	assert_int_equal(stat(source, &from), 0);
	assert_int_equal(stat(dest, &to), 0);
	if (from.st_blocks < HUGE / 512)
		assert_true(to.st_blocks <= from.st_blocks + 64);
	dest_has(all, HUGE);
	free(all);
}

static int change_source(void *ctx, int64_t done, int64_t total, int percent)
{
	(void)total, (void)percent;
	if (done == 0 || done == total)
		return 0;
	if (*(int *)ctx == 0)
		source_write("!", 1, 0, 0);
	else
		assert_int_equal(truncate(source, 100), 0);
	return 0;
}

static void a_changing_file_is_refused(void **state)
{
	unsigned char *big = calloc(1, 200 << 20);

	(void)state;
	assert_non_null(big);
	for (int how = 0; how < 2; how++) {
		source_write(big, 200 << 20, 0, O_CREAT | O_TRUNC);
		fails_full(source, &no_limits, change_source, &how, EBUSY,
			   how ? "became shorter" : "changed while it was copied");
	}
	free(big);
}

static int cancel_now(void *ctx, int64_t done, int64_t total, int percent)
{
	(void)ctx, (void)done, (void)total, (void)percent;
	return 1;
}

static void copies_can_be_cancelled(void **state)
{
	struct watch w = {.last_percent = -1, .cancel_at_ms = clock_monotonic_ms() + 200};
	struct download_limits limits = {.seconds = 1};
	int64_t start = clock_monotonic_ms();

	(void)state;
	source_write(body(), SIZE, 0, O_CREAT | O_TRUNC);
	fails_full(source, &no_limits, cancel_now, NULL, ECANCELED, "was cancelled");
	/* a hole of 8 TiB: hours of MD5 */
	assert_int_equal(truncate(source, INT64_C(8) << 40), 0);
	fails_full(source, &no_limits, watch_progress, &w, ECANCELED, "was cancelled");
	fails_full(source, &limits, NULL, NULL, ETIMEDOUT, "took longer than 1 s");
	assert_true(clock_monotonic_ms() - start < 5000);
}

static void a_full_file_system_is_reported(void **state)
{
	char mnt[100], old_dest[100];
	int64_t start;

	(void)state;
	(void)snprintf(mnt, sizeof(mnt), "%s/mnt", folder);
	(void)snprintf(old_dest, sizeof(old_dest), "%s", dest);
	assert_int_equal(mkdir(mnt, 0700), 0);
	if (mount("tmpfs", mnt, "tmpfs", 0, "size=1M") < 0) {
		print_message("skipped: cannot mount a tmpfs: %s\n", strerror(errno));
		assert_int_equal(rmdir(mnt), 0);
		skip();
	}
	(void)snprintf(dest, sizeof(dest), "%s/mnt/dest", folder);
	source_write(body(), SIZE, 0, O_CREAT | O_TRUNC);
	fails(source, ENOSPC, "2000003 bytes are needed and 1048576 are available");
	/* sparse, and with more data than fits */
	assert_int_equal(truncate(source, 100 << 20), 0);
	fails(source, ENOSPC, "bytes are needed and 1048576 are available");
	if (ports[0]) {
		start = clock_monotonic_ms();
		fails(http("/normal"), ENOSPC, "2000003 bytes are needed and 1048576 are available");
		fails(http("/chunked"), ENOSPC, "cannot write the file at byte 1048576");
		fails(http("/endless"), ENOSPC, "cannot write the file at byte 1048576");
		assert_true(clock_monotonic_ms() - start < 5000);
	}
	(void)snprintf(dest, sizeof(dest), "%s", old_dest);
	assert_int_equal(umount(mnt), 0);
	assert_int_equal(rmdir(mnt), 0);
}

/* The same on a file system that shares blocks: there is no room for a second copy, and none is needed. */
static void blocks_are_shared(void **state)
{
	char command[600], old_dest[100], old_source[100], md5[DOWNLOAD_MD5_STRLEN],
		wanted[DOWNLOAD_MD5_STRLEN];
	unsigned char *big = malloc(200 << 20);
	int r;

	(void)state;
	(void)snprintf(
		command, sizeof(command),
		"cd %s && mkdir -p xfs && truncate -s 400M xfs.img && { mkfs.xfs -q -m reflink=1 xfs.img || mkfs.btrfs -q xfs.img; } >out 2>&1 && mount -o loop xfs.img xfs >>out 2>&1",
		folder);
	if (system(command) != 0) {
		print_message("skipped: cannot make and mount a file system with reflinks here\n");
		free(big);
		skip();
	}
	(void)snprintf(old_dest, sizeof(old_dest), "%s", dest);
	(void)snprintf(old_source, sizeof(old_source), "%s", source);
	(void)snprintf(dest, sizeof(dest), "%s/xfs/dest", folder);
	(void)snprintf(source, sizeof(source), "%s/xfs/source", folder);
	assert_non_null(big);
	for (size_t i = 0; i < (200 << 20) / sizeof(uint32_t); i++)
		((uint32_t *)big)[i] = (uint32_t)i * 2654435761u;
	source_write(big, 200 << 20, 0, O_CREAT);
	md5_of(big, 200 << 20, wanted);
	r = fetch(policy, source, dest, &no_limits, NULL, NULL, md5, NULL);
	if (r == 0) {
		assert_string_equal(md5, wanted);
		dest_has(big, 200 << 20);
	}
	free(big);
	(void)snprintf(dest, sizeof(dest), "%s", old_dest);
	(void)snprintf(source, sizeof(source), "%s", old_source);
	(void)snprintf(command, sizeof(command), "umount %s/xfs", folder);
	assert_int_equal(system(command), 0);
	assert_int_equal(r, 0);
}

/* Fetches from the file @from, which nobody needs afterwards; is it @inode then? */
static bool is_moved(const char *from, ino_t inode)
{
	char md5[DOWNLOAD_MD5_STRLEN], wanted[DOWNLOAD_MD5_STRLEN];
	struct download_source spent;
	struct stat st;

	md5_of(body(), SIZE, wanted);
	assert_int_equal(download_source_open(from, policy, &spent, NULL), 0);
	spent.spent = true;
	assert_int_equal(download(&spent, dest, &no_limits, NULL, NULL, md5, NULL), 0);
	download_source_close(&spent);
	assert_string_equal(md5, wanted);
	assert_int_equal(stat(dest, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	dest_has(body(), SIZE);
	return st.st_ino == inode;
}

static void what_is_spent_is_moved(void **state)
{
	char before[sizeof(source)], elsewhere[] = "/dev/shm/poolfs-spent-XXXXXX";
	int fd = mkstemp(elsewhere);
	struct stat st;

	(void)state;
	source_write(body(), SIZE, 0, O_CREAT | O_TRUNC);
	assert_int_equal(stat(source, &st), 0);
	assert_true(is_moved(source, st.st_ino));
	assert_int_equal(access(source, F_OK), -1);
	/* of another file system it is copied */
	assert_true(fd >= 0);
	(void)close(fd);
	(void)snprintf(before, sizeof(before), "%s", source);
	(void)snprintf(source, sizeof(source), "%s", elsewhere);
	source_write(body(), SIZE, 0, 0);
	(void)snprintf(source, sizeof(source), "%s", before);
	assert_int_equal(stat(elsewhere, &st), 0);
	(void)is_moved(elsewhere, st.st_ino);
	assert_int_equal(unlink(elsewhere), 0);
}

/* As NFS, and ZFS before 2.2, which know no RENAME_NOREPLACE. */
static bool knows_no_flags;

int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);

int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	if (knows_no_flags && flags) {
		errno = EINVAL;
		return -1;
	}
	return __real_renameat2(from_dir, from, to_dir, to, flags);
}

static void what_is_spent_is_moved_there_too(void **state)
{
	struct stat st;

	(void)state;
	knows_no_flags = true;
	source_write(body(), SIZE, 0, O_CREAT | O_TRUNC);
	assert_int_equal(stat(source, &st), 0);
	assert_true(is_moved(source, st.st_ino));
	assert_int_equal(access(source, F_OK), -1);
	knows_no_flags = false;
}

static void what_is_spent_replaces_nothing(void **state)
{
	struct download_source spent;
	char md5[DOWNLOAD_MD5_STRLEN];
	int fd = open(dest, O_WRONLY | O_CREAT | O_EXCL, 0600);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "mine", 4), 4);
	assert_int_equal(close(fd), 0);
	source_write(body(), SIZE, 0, O_CREAT | O_TRUNC);
	assert_int_equal(download_source_open(source, policy, &spent, NULL), 0);
	spent.spent = true;
	assert_int_equal(download(&spent, dest, &no_limits, NULL, NULL, md5, NULL), -EEXIST);
	download_source_close(&spent);
	assert_int_equal(access(source, F_OK), 0);
	dest_has("mine", 4);
}

static void nor_there(void **state)
{
	knows_no_flags = true;
	what_is_spent_replaces_nothing(state);
	knows_no_flags = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_destination_must_be_new),
		cmocka_unit_test(local_files_are_copied),
		cmocka_unit_test(only_regular_files_are_copied),
		cmocka_unit_test(holes_are_preserved),
		cmocka_unit_test(a_changing_file_is_refused),
		cmocka_unit_test(copies_can_be_cancelled),
		cmocka_unit_test(a_full_file_system_is_reported),
		cmocka_unit_test(blocks_are_shared),
		cmocka_unit_test(what_is_spent_is_moved),
		cmocka_unit_test(what_is_spent_is_moved_there_too),
		cmocka_unit_test(what_is_spent_replaces_nothing),
		cmocka_unit_test(nor_there),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
