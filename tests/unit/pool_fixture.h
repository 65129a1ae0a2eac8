/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole pool on libvirt's test driver in a folder of its own, with helpers that
 * submit requests and wait for jobs, for tests of the operations.
 */
#ifndef POOLFS_POOL_FIXTURE_H
#define POOLFS_POOL_FIXTURE_H

#include "tests/unit/fixture.h"

#include <fcntl.h>
#include <time.h>

#include "actions/engine/result.h"
#include "actions/engine/submit.h"
#include "actions/pool_open.h"

/* The time limit of every wait, and how often the condition is checked. */
#define POOL_PATIENCE_MS 20000
#define POOL_STEP_MS	 1

struct pool_fixture {
	char dir[64];	/* the test's folder */
	char state[80]; /* the state directory of the pool, inside dir */
	struct pool *pool;
};

static inline void pool_fixture_open(struct pool_fixture *f)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct pool_options options = {.state_dir = f->state, .uri = "test:///default"};

	if (pool_open(&options, &f->pool, &e) < 0)
		fail_msg("pool_open: %s", error_sentence(&e));
}

static inline void pool_fixture_reopen(struct pool_fixture *f)
{
	pool_close(f->pool);
	f->pool = NULL;
	pool_fixture_open(f);
}

static inline struct view *view_now(struct pool_fixture *f)
{
	return store_view(pool_store(f->pool));
}

/* Waits until @is holds for the newest view. */
static inline void wait_until(struct pool_fixture *f, bool (*is)(const struct view *view, const void *arg),
			      const void *arg)
{
	const struct timespec step = {.tv_nsec = POOL_STEP_MS * 1000000L};

	for (int waited = 0; waited < POOL_PATIENCE_MS; waited += POOL_STEP_MS) {
		_cleanup_view_ struct view *view = view_now(f);

		if (is(view, arg))
			return;
		(void)nanosleep(&step, NULL);
	}
	fail_msg("waited too long");
}

static inline bool host_is_there(const struct view *view, const void *arg)
{
	const struct object *host = view_next(view, KIND_HOST, 0);
	const struct object *ps = view_next(view, KIND_PRIMARY_STORAGE, 0);

	(void)arg;
	return host && object_str_is(host, HOST_STATUS, "Connected") && ps &&
	       object_int(ps, PRIMARY_STORAGE_TOTAL) > 0;
}

static inline int pool_fixture_setup(void **state)
{
	struct pool_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/poolfs-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->state, sizeof(f->state), "%s/state", f->dir);
	assert_int_equal(mkdir(f->state, 0700), 0);
	pool_fixture_open(f);
	wait_until(f, host_is_there, NULL);
	*state = f;
	return 0;
}

static inline int pool_fixture_teardown(void **state)
{
	struct pool_fixture *f = *state;

	pool_close(f->pool);
	(void)nftw(f->dir, fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* The uuid of the first object of a kind. */
static inline void first_uuid(struct pool_fixture *f, enum kind_id kind, char ret[UUID_SIZE])
{
	_cleanup_view_ struct view *view = view_now(f);
	const struct object *o = view_next(view, kind, 0);

	assert_non_null(o);
	memcpy(ret, object_uuid(o), UUID_SIZE);
}

/* Submits an operation. Takes ownership of @params. @ret_target receives the uuid of its object. */
static inline int submit(struct pool_fixture *f, const char *operation, const char *uuid, json_t *params,
			 char ret_job[UUID_SIZE], char ret_target[UUID_SIZE], struct error *e)
{
	const struct actor actor = {.source = "fs"};
	struct request *req;
	int r = request_new(operation_by_name(operation), uuid, params, &actor, &req, e);

	json_decref(params);
	if (r < 0)
		return r;
	memcpy(ret_target, req->target, UUID_SIZE);
	return pool_submit_wait(f->pool, req, ret_job, e);
}

static inline bool job_has_ended(const struct view *view, const void *job)
{
	const struct object *row = view_get(view, KIND_JOB, job);

	return row && job_state_is_final(object_str(row, JOB_STATE));
}

static inline bool no_job_runs(const struct view *view, const void *arg)
{
	(void)arg;
	view_for_each (job, view, KIND_JOB)
		if (!job_state_is_final(object_text(job, JOB_STATE)))
			return false;
	return true;
}

/* Waits for the end of a job: 0, or the error in its row. */
static inline int job_end(struct pool_fixture *f, const char *job, struct error *e)
{
	_cleanup_view_ struct view *view = NULL;
	const struct object *row;
	json_t *json;

	wait_until(f, job_has_ended, job);
	view = view_now(f);
	row = view_get(view, KIND_JOB, job);
	if (object_str_is(row, JOB_STATE, "Done"))
		return 0;
	json = json_loads(object_text(row, JOB_ERROR), 0, NULL);
	assert_non_null(json);
	error_from_json(json, e);
	json_decref(json);
	return -e->errnum;
}

/* submit() and job_end(). @ret_target may be NULL. */
static inline int perform(struct pool_fixture *f, const char *operation, const char *uuid, json_t *params,
			  char *ret_target, struct error *e)
{
	char job[UUID_SIZE], target[UUID_SIZE] = "";
	int r = submit(f, operation, uuid, params, job, target, e);

	if (ret_target)
		memcpy(ret_target, target, UUID_SIZE);
	return r < 0 ? r : job_end(f, job, e);
}

/* perform() that must succeed. */
static inline void must(struct pool_fixture *f, const char *operation, const char *uuid, json_t *params,
			char *ret_target)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (perform(f, operation, uuid, params, ret_target, &e) < 0)
		fail_msg("%s: %s", operation, error_sentence(&e));
}

/* perform() that must fail with @errnum and a sentence that contains @text. */
static inline void must_fail(struct pool_fixture *f, const char *operation, const char *uuid, json_t *params,
			     int errnum, const char *text)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = perform(f, operation, uuid, params, NULL, &e);

	if (r == 0)
		fail_msg("%s succeeded, expected '%s'", operation, text);
	if (!strstr(error_sentence(&e), text))
		fail_msg("%s says '%s', expected '%s'", operation, error_sentence(&e), text);
	if (errnum)
		assert_int_equal(-r, errnum);
}

/*
 * An image of 1 MiB, from a file of its name in the test's folder, "raw" or "iso", on the first backup storage. @more: other
 * parameters, owned; may be NULL.
 */
static inline void add_image(struct pool_fixture *f, const char *name, const char *format, json_t *more,
			     char ret[UUID_SIZE])
{
	bool is_iso = strcmp(format, "iso") == 0;
	char path[128], storage[UUID_SIZE];
	_cleanup_close_ int fd = -1;
	json_t *params;

	first_uuid(f, KIND_BACKUP_STORAGE, storage);
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(pwrite(fd, name, strlen(name), 0), strlen(name));
	assert_true(is_iso ? pwrite(fd, "\1CD001\1", 7, 16 * 2048) == 7
			   : pwrite(fd, "\x55\xaa", 2, 510) == 2);
	params = json_pack("{s:s, s:s, s:s, s:[s]}", "name", name, "url", path, "format", format,
			   "backupStorageUuids", storage);
	if (more)
		assert_int_equal(json_object_update(params, more), 0);
	json_decref(more);
	must(f, "AddImage", NULL, params, ret);
}

/* A VM of the first offering and the first network. @more: other parameters, or others in their place, owned; may be NULL. */
static inline void create_vm(struct pool_fixture *f, const char *name, const char *image, json_t *more,
			     char ret[UUID_SIZE])
{
	char offering[UUID_SIZE], l3[UUID_SIZE];
	json_t *params;

	first_uuid(f, KIND_INSTANCE_OFFERING, offering);
	first_uuid(f, KIND_L3_NETWORK, l3);
	params = json_pack("{s:s, s:s, s:s, s:[s]}", "name", name, "imageUuid", image, "instanceOfferingUuid",
			   offering, "l3NetworkUuids", l3);
	if (more)
		assert_int_equal(json_object_update(params, more), 0);
	json_decref(more);
	must(f, "CreateVmInstance", NULL, params, ret);
}

/* Whether the field of the object has this text; false if the object is missing. */
static inline bool field_is(struct pool_fixture *f, enum kind_id kind, const char *uuid, int field,
			    const char *text)
{
	_cleanup_view_ struct view *view = view_now(f);
	const struct object *o = view_get(view, kind, uuid);

	return o && object_str_is(o, field, text);
}

static inline bool exists(struct pool_fixture *f, enum kind_id kind, const char *uuid)
{
	_cleanup_view_ struct view *view = view_now(f);

	return view_get(view, kind, uuid) != NULL;
}

/* Sets a global configuration value, "image.deletionPolicy". */
static inline void set_config(struct pool_fixture *f, const char *category, const char *name,
			      const char *value)
{
	_cleanup_view_ struct view *view = view_now(f);

	view_for_each (o, view, KIND_GLOBAL_CONFIG)
		if (object_str_is(o, GLOBAL_CONFIG_CATEGORY, category) &&
		    object_str_is(o, GLOBAL_CONFIG_NAME, name)) {
			must(f, "UpdateGlobalConfig", object_uuid(o), json_pack("{s:s}", "value", value),
			     NULL);
			return;
		}
	fail_msg("no setting %s.%s", category, name);
}

#endif
