/* SPDX-License-Identifier: Apache-2.0 */
/* See crash_check.h. */
#include "tests/faults/crash_check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "actions/storage/orphan_file.h"
#include "hypervisor/storage/qcow2.h"
#include "tests/faults/life.h"

#define CHAIN_MAX 64

/* fsync costs time and shows nothing here: what is lost was decided before. */
int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

__attribute__((format(printf, 2, 3))) static bool wrong(char reason[512], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, 512, format, args);
	va_end(args);
	return false;
}

static bool sound(const char *state, char reason[512])
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	char path[256];
	bool ok;

	snprintf(path, sizeof(path), "%s/pool.db", state);
	if (access(path, F_OK) < 0)
		return true; /* nothing was made yet, or the commits will be missed */
	ok = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	     sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
	     sqlite3_step(stmt) == SQLITE_ROW;
	if (!ok)
		(void)wrong(reason, "the database does not open: %s", sqlite3_errmsg(db));
	else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0)
		ok = wrong(reason, "the database is damaged: %s", sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return ok;
}

/* The events of the database are those from the first to number @last. */
static bool events_whole(const char *state, int64_t last, char reason[512])
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	char path[256];
	bool ok = false;

	snprintf(path, sizeof(path), "%s/pool.db", state);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(
		    db, "SELECT count(*), ifnull(min(sequence), 1), ifnull(max(sequence), 0) FROM event", -1,
		    &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		int64_t count = sqlite3_column_int64(stmt, 0), min = sqlite3_column_int64(stmt, 1),
			max = sqlite3_column_int64(stmt, 2);

		ok = count == max - min + 1 && (last < 0 || max == last);
		if (!ok)
			(void)wrong(reason, "%lld events from %lld to %lld, expected %lld", (long long)count,
				    (long long)min, (long long)max, (long long)last);
	} else {
		(void)wrong(reason, "no events: %s", sqlite3_errmsg(db));
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return ok;
}

/* ----------------------------------------------------------------------- files */

static bool images_whole(const struct view *view, const struct crash_facts *facts, char reason[512])
{
	view_for_each (ref, view, KIND_IMAGE_REF) {
		const char *path = object_text(ref, IMAGE_REF_INSTALL_PATH);
		const struct crash_image *image = NULL;
		char md5[33];

		if (!object_str_is(ref, IMAGE_REF_STATUS, "Ready"))
			continue;
		for (size_t i = 0; i < facts->image_count; i++)
			if (object_str_is(ref, IMAGE_REF_IMAGE_UUID, facts->images[i].uuid))
				image = &facts->images[i];
		if (!file_md5(path, md5))
			return wrong(reason, "image '%s' is Ready without its file", path);
		if (image && strcmp(image->md5, md5) != 0)
			return wrong(reason, "image '%s' is Ready with MD5 %s, expected %s", path, md5,
				     image->md5);
	}
	return true;
}

/* The file and all that it is based on are there and tell their sizes. */
static bool chain_whole(const char *what, const char *uuid, const char *path, const char *format,
			char reason[512])
{
	_cleanup_free_ char *file = strdup(path);

	for (int depth = 0; file; depth++) {
		_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC);
		int64_t size = 0;
		char *below = NULL;
		int r;

		if (fd < 0)
			return wrong(reason, "%s %s: '%s' is missing", what, uuid, file);
		r = qcow2_read_size(fd, &size);
		if (r < 0 && depth == 0 && strcmp(format, "qcow2") == 0)
			return wrong(reason, "%s %s: '%s' is no qcow2 file: %s", what, uuid, file,
				     strerror(-r));
		if (r == 0)
			r = qcow2_read_backing(fd, &below);
		if (r < 0 && r != -EMEDIUMTYPE)
			return wrong(reason, "%s %s: '%s': %s", what, uuid, file, strerror(-r));
		if (depth > CHAIN_MAX) {
			free(below);
			return wrong(reason, "%s %s: the chain of '%s' has no end", what, uuid, path);
		}
		free(file);
		file = below;
	}
	return true;
}

static bool chains_whole(const struct view *view, char reason[512])
{
	view_for_each (v, view, KIND_VOLUME)
		if (object_str_is(v, VOLUME_STATUS, "Ready") &&
		    !chain_whole("volume", object_uuid(v), object_text(v, VOLUME_INSTALL_PATH),
				 object_text(v, VOLUME_FORMAT), reason))
			return false;
	view_for_each (s, view, KIND_SNAPSHOT)
		if (object_str_is(s, SNAPSHOT_STATUS, "Ready") &&
		    !chain_whole("snapshot", object_uuid(s), object_text(s, SNAPSHOT_INSTALL_PATH),
				 object_text(s, SNAPSHOT_FORMAT), reason))
			return false;
	view_for_each (c, view, KIND_IMAGE_CACHE)
		if (object_str_is(c, IMAGE_CACHE_STATUS, "Ready") &&
		    !chain_whole("cached image", object_uuid(c), object_text(c, IMAGE_CACHE_INSTALL_PATH),
				 object_text(c, IMAGE_CACHE_FORMAT), reason))
			return false;
	return true;
}

static bool has_owner(const struct view *view, const char *path)
{
	view_for_each (ref, view, KIND_IMAGE_REF)
		if (object_str_is(ref, IMAGE_REF_INSTALL_PATH, path))
			return true;
	view_for_each (v, view, KIND_VOLUME)
		if (object_str_is(v, VOLUME_INSTALL_PATH, path))
			return true;
	view_for_each (s, view, KIND_SNAPSHOT)
		if (object_str_is(s, SNAPSHOT_INSTALL_PATH, path))
			return true;
	view_for_each (c, view, KIND_IMAGE_CACHE)
		if (strstr(path,
			   object_text(
				   c, IMAGE_CACHE_IMAGE_UUID))) /* named after the image, see image/cache.c */
			return true;
	return false;
}

/* Every file in a folder of the pool's storage belongs to something. */
static bool no_orphans(const struct view *view, const char *state, const char *folder, char reason[512])
{
	char path[512];
	struct dirent *entry;
	DIR *dir;
	bool ok = true;

	snprintf(path, sizeof(path), "%s/%s", state, folder);
	dir = opendir(path);
	while (dir && ok && (entry = readdir(dir))) {
		if (entry->d_type != DT_REG)
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", state, folder, entry->d_name);
		if (!has_owner(view, path))
			ok = wrong(reason, "'%s' belongs to nothing", path);
	}
	if (dir)
		(void)closedir(dir);
	return ok;
}

/* ----------------------------------------------------------------------- checks */

bool crash_check_store(const char *state, const struct crash_facts *facts, char reason[512])
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = NULL;
	struct store *store = NULL;
	size_t known = facts->acknowledged, found = facts->commit_count;
	uint64_t digest;
	bool ok;

	if (!sound(state, reason))
		return false;
	if (store_open(state, NULL, &store, &e) < 0)
		return wrong(reason, "store_open: %s", error_sentence(&e));
	view = store_view(store);
	digest = view_digest(view, NULL);
	ok = images_whole(view, facts, reason) && (!no_job_runs(view, NULL) || chains_whole(view, reason));
	store_close(store);
	if (!ok || known == 0)
		return ok && events_whole(state, -1, reason);
	for (size_t i = known - 1; i <= known && i < facts->commit_count; i++)
		if (facts->commits[i].digest == digest)
			found = i;
	if (found == facts->commit_count)
		return wrong(reason, "the pool is not as after commit %zu or %zu", known, known + 1);
	return events_whole(state, facts->commits[found].events, reason);
}

/* In the process of its own: the exit status is 0, or the reason is written to @out. */
static bool pool_whole(const char *state, const struct crash_facts *facts, char reason[512])
{
	struct pool_fixture f = {0};
	struct pool_options options = {.state_dir = f.state, .uri = "test:///default"};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char zone[UUID_SIZE];
	bool ok;

	snprintf(f.state, sizeof(f.state), "%s", state);
	if (pool_open(&options, &f.pool, &e) < 0)
		return wrong(reason, "the pool does not open: %s", error_sentence(&e));
	wait_until(&f, host_is_there, NULL);
	wait_until(&f, no_job_runs, NULL);
	(void)orphan_files_collect(f.pool, NULL);
	{
		_cleanup_view_ struct view *view = view_now(&f);

		ok = images_whole(view, facts, reason) && chains_whole(view, reason) &&
		     no_orphans(view, state, "backup", reason) &&
		     no_orphans(view, state, "primary", reason) && no_orphans(view, state, "staging", reason);
	}
	if (ok && perform(&f, "CreateZone", NULL, json_pack("{s:s}", "name", "after"), zone, &e) < 0)
		ok = wrong(reason, "after the crash: %s", error_sentence(&e));
	pool_close(f.pool);
	return ok && sound(state, reason) && events_whole(state, -1, reason);
}

bool crash_check_pool(const char *state, const struct crash_facts *facts, char reason[512])
{
	int out[2], status = 0;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		bool ok;

		if (!freopen("/dev/null", "w", stdout))
			_exit(1);
		(void)dup2(out[1], STDERR_FILENO);
		snprintf(reason, 512, "it failed without a reason");
		ok = pool_whole(state, facts, reason);
		if (!ok)
			(void)!write(out[1], reason, strlen(reason));
		_exit(ok ? 0 : 1);
	}
	(void)close(out[1]);
	reason[0] = '\0';
	for (size_t used = 0; (n = read(out[0], reason + used, 511 - used)) > 0 && used < 511;) {
		used += (size_t)n;
		reason[used] = '\0';
	}
	(void)close(out[0]);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (reason[0] == '\0')
		snprintf(reason, 512, "the pool died of signal %d",
			 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return false;
}
