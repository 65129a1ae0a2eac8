/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that use libcurl, and the opening of a pool, in which most threads start. See life.h. */
#include <sqlite3.h>

#include "tests/faults/http_server.h"
#include "tests/faults/inject.h"
#include "tests/faults/life.h"

/* Whatever was made to fail: an image that is Ready has the bytes of the server. */
static int check_bytes(struct life *l, const char *image, struct error *e)
{
	_cleanup_view_ struct view *view = view_now(&l->pool);

	view_for_each (ref, view, KIND_IMAGE_REF) {
		_cleanup_free_ char *bytes = malloc(HTTP_SERVER_BYTES + 1);
		FILE *file;
		size_t size;

		if (!object_str_is(ref, IMAGE_REF_IMAGE_UUID, image))
			continue;
		assert_non_null(bytes);
		file = fopen(object_text(ref, IMAGE_REF_INSTALL_PATH), "r");
		assert_non_null(file);
		size = fread(bytes, 1, HTTP_SERVER_BYTES + 1, file);
		(void)fclose(file);
		if (size != HTTP_SERVER_BYTES || memcmp(bytes, http_server_bytes(), size) != 0)
			fail_msg("an image that is Ready has other bytes");
		return 0;
	}
	return error_set(e, ENOENT, "the image has no copy");
}

static int download_image(struct life *l, const char *path, enum life_slot slot, struct error *e)
{
	char url[64], bs[UUID_SIZE], image[UUID_SIZE] = "";
	int r;

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/%s", http_server_port(), path);
	first_uuid(&l->pool, KIND_BACKUP_STORAGE, bs);
	r = life_ask(l, "AddImage", NULL,
		     json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "name", "downloaded", "url", url, "format",
			       "raw", "platform", "Linux", "backupStorageUuids", bs),
		     NULL, NULL, image, e);
	if (r < 0)
		return r;
	memcpy(l->slots[slot], image, UUID_SIZE);
	return check_bytes(l, image, e);
}

static int download_whole(struct life *l, struct error *e)
{
	return download_image(l, "whole.raw", DOWNLOADED, e);
}

/* Its connection breaks in the middle, and it goes on from there. */
static int download_in_parts(struct life *l, struct error *e)
{
	return download_image(l, "cut.raw", RESUMED, e);
}

static int delete_downloaded(struct life *l, struct error *e)
{
	return life_remove_image(l, DOWNLOADED, e);
}

static int delete_resumed(struct life *l, struct error *e)
{
	return life_remove_image(l, RESUMED, e);
}

static bool hook_was_called(const struct view *view, const void *job)
{
	const struct object *row = view_get(view, KIND_JOB, job);

	return !row || object_is_null(row, JOB_WEB_HOOK);
}

/*
 * A job whose result is posted, whether it succeeds or fails. It is told once; when a call has failed, perhaps once more,
 * since the pool may not know then that it was told. A request that is refused has nothing to tell.
 */
static int rename_with_hook(struct life *l, const char *name, struct error *e)
{
	unsigned before = http_server_posts(NULL), told, most = 0;
	char hook[64], job[UUID_SIZE];
	int r;

	snprintf(hook, sizeof(hook), "http://127.0.0.1:%d/hook", http_server_port());
	r = life_ask(l, "UpdateVmInstance", l->slots[VM], json_pack("{s:s}", "name", name), hook, job, NULL,
		     e);
	if (*job) {
		life_goes_on_with(LIFE_WAITING);
		wait_until(&l->pool, hook_was_called, job);
		life_goes_on_with(LIFE_DONE);
		most = inject_has_failed() ? 2 : 1;
	}
	told = *job ? http_server_posts(job) : 0;
	if (told > most || (*job && told == 0) || http_server_posts(NULL) - before != told)
		fail_msg("the web hook of a job was called %u times, and %u times for other jobs", told,
			 http_server_posts(NULL) - before - told);
	return r;
}

static int tell_hook(struct life *l, struct error *e)
{
	return rename_with_hook(l, "told", e);
}

static int tell_hook_again(struct life *l, struct error *e)
{
	return rename_with_hook(l, "renamed", e);
}

/*
 * The oldest events go, as they do by themselves later (model/event.h): each opening reads all there are, and would take
 * longer than the one before.
 */
static void drop_events(const struct life *l)
{
	char path[160];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/pool.db", l->pool.state);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			     "DELETE FROM event WHERE sequence <= (SELECT max(sequence) - 200 FROM event)",
			     NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Opens the pool anew, and starts the VM. A pool that does not open is open afterwards all the same. */
static int open_and_start(struct life *l, struct error *e)
{
	struct pool_options options = {.state_dir = l->pool.state, .uri = "test:///default"};
	struct pool *pool = NULL;
	int r;

	life_end(l);
	drop_events(l);
	life_goes_on_with(LIFE_ASKING);
	r = pool_open(&options, &pool, e);
	life_goes_on_with(r < 0 ? LIFE_DONE : LIFE_WAITING);
	l->pool.pool = pool;
	if (r < 0)
		pool_fixture_open(&l->pool);
	wait_until(&l->pool, host_is_there, NULL);
	life_goes_on_with(LIFE_DONE);
	return r < 0 ? r : life_ask(l, "StartVmInstance", l->slots[VM], NULL, NULL, NULL, NULL, e);
}

static int stop(struct life *l, struct error *e)
{
	return life_ask(l, "StopVmInstance", l->slots[VM], json_pack("{s:s}", "type", "cold"), NULL, NULL,
			NULL, e);
}

const struct life_step life_more_steps[] = {
	{"image by HTTP", download_whole, delete_downloaded},
	{"image by HTTP in parts", download_in_parts, delete_resumed},
	{"web hook", tell_hook, tell_hook_again},
	{"opening", open_and_start, stop},
};
const size_t life_more_step_count = ARRAY_SIZE(life_more_steps);
