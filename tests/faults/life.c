/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults/life.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>

#include "tests/unit/upload_task.h"

#define IMAGE_BYTES (256 * 1024)

void (*life_goes_on)(enum life_part part);

void life_goes_on_with(enum life_part part)
{
	if (life_goes_on)
		life_goes_on(part);
}

/* ---------------------------------------------------------------------- helpers */

int life_ask(struct life *l, const char *operation, const char *uuid, json_t *params, const char *web_hook,
	     char *ret_job, char *ret_target, struct error *e)
{
	const struct actor actor = {.source = "fs"};
	char *hook = web_hook ? strdup(web_hook) : NULL;
	char job[UUID_SIZE];
	struct request *req;
	int r;

	if (ret_job)
		*ret_job = '\0';
	life_goes_on_with(LIFE_ASKING);
	r = request_new(operation_by_name(operation), uuid, params, &actor, &req, e);
	if (r == 0) {
		if (ret_target)
			memcpy(ret_target, req->target, UUID_SIZE);
		req->web_hook = steal(&hook);
		r = pool_submit_wait(l->pool.pool, req, job, e);
	}
	life_goes_on_with(LIFE_WAITING);
	if (r == 0 && ret_job)
		memcpy(ret_job, job, UUID_SIZE);
	if (r == 0)
		r = job_end(&l->pool, job, e);
	life_goes_on_with(LIFE_DONE);
	json_decref(params);
	free(hook);
	return r;
}

static int ask(struct life *l, const char *operation, const char *uuid, json_t *params, char *ret_target,
	       struct error *e)
{
	return life_ask(l, operation, uuid, params, NULL, NULL, ret_target, e);
}

static int create(struct life *l, const char *operation, json_t *params, enum life_slot slot, struct error *e)
{
	char made[UUID_SIZE] = "";
	int r = ask(l, operation, NULL, params, made, e);

	if (r == 0)
		memcpy(l->slots[slot], made, UUID_SIZE);
	return r;
}

/* Remembers the object of the kind that was made last. */
static void remember_newest(struct life *l, enum kind_id kind, enum life_slot slot)
{
	_cleanup_view_ struct view *view = view_now(&l->pool);

	view_for_each (o, view, kind)
		memcpy(l->slots[slot], object_uuid(o), UUID_SIZE);
}

static int act(struct life *l, const char *operation, enum life_slot slot, json_t *params, struct error *e)
{
	return ask(l, operation, l->slots[slot], params, NULL, e);
}

/* Two operations in a row; the first is left out if the second one failed before. */
static int act_twice(struct life *l, const char *first, const char *second, enum kind_id kind, int status,
		     const char *done, enum life_slot slot, struct error *e)
{
	int r = field_is(&l->pool, kind, l->slots[slot], status, done) ? 0 : act(l, first, slot, NULL, e);

	return r < 0 ? r : act(l, second, slot, NULL, e);
}

/* A file with the bytes of an image, the same in every run but for @seed. */
static const char *source(struct life *l, unsigned seed, char path[160])
{
	unsigned char *bytes = malloc(IMAGE_BYTES);
	FILE *file;

	assert_non_null(bytes);
	for (unsigned i = 0; i < IMAGE_BYTES; i++) {
		seed = seed * 1103515245 + 12345;
		bytes[i] = (unsigned char)(seed >> 16);
	}
	memcpy(bytes, "boot", 4);
	snprintf(path, 160, "%s/source-%08x.raw", l->outside, seed);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, IMAGE_BYTES, file), IMAGE_BYTES);
	assert_int_equal(fclose(file), 0);
	free(bytes);
	return path;
}

/* ------------------------------------------------------------------------ steps */

static int make_image(struct life *l, struct error *e)
{
	char path[160], bs[UUID_SIZE];

	first_uuid(&l->pool, KIND_BACKUP_STORAGE, bs);
	return create(l, "AddImage",
		      json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "name", "image", "url", source(l, 1, path),
				"format", "raw", "platform", "Linux", "backupStorageUuids", bs),
		      IMAGE, e);
}

int life_remove_image(struct life *l, enum life_slot slot, struct error *e)
{
	return act_twice(l, "DeleteImage", "ExpungeImage", KIND_IMAGE, IMAGE_STATUS, "Deleted", slot, e);
}

static int delete_image(struct life *l, struct error *e)
{
	return life_remove_image(l, IMAGE, e);
}

static int perform_task(struct upload *u, struct asked *a, struct error *e)
{
	int64_t result = asked_run(u, a);

	return result < 0 ? error_set(e, (int)-result, "%s", a->sentence) : 0;
}

static int upload_bytes(struct upload *u, int fd, struct error *e)
{
	char bytes[64 * 1024];
	int64_t offset = 0;
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		struct asked a = asked_new(UPLOAD_WRITE);
		int r;

		a.task.data = bytes;
		a.task.length = (size_t)n;
		a.task.offset = offset;
		r = perform_task(u, &a, e);
		if (r < 0)
			return r;
		offset += n;
	}
	struct asked close = asked_new(UPLOAD_CLOSE);

	return perform_task(u, &close, e);
}

static int upload_image(struct life *l, struct error *e)
{
	struct asked begin;
	char path[160], image[UUID_SIZE];
	struct upload *u = NULL;
	int64_t number = 0;
	int r;

	_cleanup_close_ int fd = open(source(l, 2, path), O_RDONLY | O_CLOEXEC);

	life_goes_on_with(LIFE_ASKING);
	r = asked_create(l->pool.pool, "uploaded.raw", &begin, &u, &number, e);
	if (r == 0 && asked_wait(&begin) < 0)
		r = error_set(e, (int)-begin.result, "%s", begin.sentence);
	if (r == 0) {
		memcpy(image, upload_target(u), UUID_SIZE);
		r = upload_bytes(u, fd, e);
	}
	if (u) {
		upload_close(u, true);
		upload_unref(u);
	}
	life_goes_on_with(LIFE_WAITING);
	wait_until(&l->pool, no_job_runs, NULL);
	life_goes_on_with(LIFE_DONE);
	if (r == 0)
		memcpy(l->slots[UPLOADED], image, UUID_SIZE);
	return r;
}

static int delete_uploaded(struct life *l, struct error *e)
{
	return life_remove_image(l, UPLOADED, e);
}

static int add_offering(struct life *l, struct error *e)
{
	return create(l, "CreateInstanceOffering",
		      json_pack("{s:s, s:i, s:i}", "name", "small", "cpuNum", 1, "memorySize", 1 << 27),
		      OFFERING, e);
}

static int delete_offering(struct life *l, struct error *e)
{
	return act(l, "DeleteInstanceOffering", OFFERING, NULL, e);
}

static int add_disk(struct life *l, struct error *e)
{
	return create(l, "CreateDiskOffering", json_pack("{s:s, s:i}", "name", "disk", "diskSize", 1 << 20),
		      DISK, e);
}

static int delete_disk(struct life *l, struct error *e)
{
	return act(l, "DeleteDiskOffering", DISK, NULL, e);
}

static int add_l3(struct life *l, struct error *e)
{
	char l2[UUID_SIZE];

	first_uuid(&l->pool, KIND_L2_NETWORK, l2);
	return create(
		l, "CreateL3Network",
		json_pack("{s:s, s:s, s:s}", "name", "other", "type", "L3BasicNetwork", "l2NetworkUuid", l2),
		L3, e);
}

static int delete_l3(struct life *l, struct error *e)
{
	return act(l, "DeleteL3Network", L3, NULL, e);
}

static int add_zone(struct life *l, struct error *e)
{
	return create(l, "CreateZone", json_pack("{s:s}", "name", "north"), ZONE, e);
}

static int delete_zone(struct life *l, struct error *e)
{
	return act(l, "DeleteZone", ZONE, NULL, e);
}

static int add_account(struct life *l, struct error *e)
{
	return create(l, "CreateAccount", json_pack("{s:s, s:s}", "name", "bob", "password", "x"), ACCOUNT,
		      e);
}

static int delete_account(struct life *l, struct error *e)
{
	return act(l, "DeleteAccount", ACCOUNT, NULL, e);
}

static int add_vm(struct life *l, struct error *e)
{
	char l3[UUID_SIZE];

	first_uuid(&l->pool, KIND_L3_NETWORK, l3);
	return create(l, "CreateVmInstance",
		      json_pack("{s:s, s:s, s:s, s:[s]}", "name", "vm", "imageUuid", l->slots[IMAGE],
				"instanceOfferingUuid", l->slots[OFFERING], "l3NetworkUuids", l3),
		      VM, e);
}

static int delete_vm(struct life *l, struct error *e)
{
	return act_twice(l, "DestroyVmInstance", "ExpungeVmInstance", KIND_VM, VM_STATE, "Destroyed", VM, e);
}

static int rename_vm(struct life *l, struct error *e)
{
	return act(l, "UpdateVmInstance", VM, json_pack("{s:s}", "name", "renamed"), e);
}

static int rename_vm_back(struct life *l, struct error *e)
{
	return act(l, "UpdateVmInstance", VM, json_pack("{s:s}", "name", "vm"), e);
}

static int add_tag(struct life *l, struct error *e)
{
	int r = ask(l, "CreateUserTag", NULL,
		    json_pack("{s:s, s:s, s:s}", "resourceType", "VmInstanceVO", "resourceUuid", l->slots[VM],
			      "tag", "web"),
		    NULL, e);

	if (r == 0)
		remember_newest(l, KIND_USER_TAG, TAG);
	return r;
}

static int delete_tag(struct life *l, struct error *e)
{
	return act(l, "DeleteTag", TAG, NULL, e);
}

static int add_volume(struct life *l, struct error *e)
{
	char ps[UUID_SIZE];

	first_uuid(&l->pool, KIND_PRIMARY_STORAGE, ps);
	return create(l, "CreateDataVolume",
		      json_pack("{s:s, s:s, s:s}", "name", "data", "diskOfferingUuid", l->slots[DISK],
				"primaryStorageUuid", ps),
		      VOLUME, e);
}

static int delete_volume(struct life *l, struct error *e)
{
	return act_twice(l, "DeleteDataVolume", "ExpungeDataVolume", KIND_VOLUME, VOLUME_STATUS, "Deleted",
			 VOLUME, e);
}

static int attach_volume(struct life *l, struct error *e)
{
	return act(l, "AttachDataVolumeToVm", VOLUME, json_pack("{s:s}", "vmInstanceUuid", l->slots[VM]), e);
}

static int detach_volume(struct life *l, struct error *e)
{
	return act(l, "DetachDataVolumeFromVm", VOLUME, NULL, e);
}

static int take_snapshot(struct life *l, enum life_slot slot, struct error *e)
{
	int r = act(l, "CreateVolumeSnapshot", VOLUME, json_pack("{s:s}", "name", "snapshot"), e);

	if (r == 0)
		remember_newest(l, KIND_SNAPSHOT, slot);
	return r;
}

static int add_snapshot(struct life *l, struct error *e)
{
	return take_snapshot(l, SNAPSHOT, e);
}

static int delete_snapshot(struct life *l, struct error *e)
{
	return act(l, "DeleteVolumeSnapshot", SNAPSHOT, NULL, e);
}

static int add_second_snapshot(struct life *l, struct error *e)
{
	return take_snapshot(l, SECOND_SNAPSHOT, e);
}

static int delete_second_snapshot(struct life *l, struct error *e)
{
	return act(l, "DeleteVolumeSnapshot", SECOND_SNAPSHOT, NULL, e);
}

static int stop_vm(struct life *l, struct error *e)
{
	return act(l, "StopVmInstance", VM, json_pack("{s:s}", "type", "cold"), e);
}

static int start_vm(struct life *l, struct error *e)
{
	return act(l, "StartVmInstance", VM, NULL, e);
}

static int revert_volume(struct life *l, struct error *e)
{
	return act(l, "RevertVolumeFromSnapshot", SNAPSHOT, NULL, e);
}

static int revert_again(struct life *l, struct error *e)
{
	return act(l, "RevertVolumeFromSnapshot", SECOND_SNAPSHOT, NULL, e);
}

static int reimage_vm(struct life *l, struct error *e)
{
	int r = act(l, "ReimageVmInstance", VM, NULL, e);

	if (r == 0)
		remember_newest(l, KIND_SNAPSHOT, FORMER_ROOT);
	return r;
}

static int delete_former_root(struct life *l, struct error *e)
{
	return act(l, "DeleteVolumeSnapshot", FORMER_ROOT, NULL, e);
}

static int add_template(struct life *l, struct error *e)
{
	char bs[UUID_SIZE], root[UUID_SIZE];
	int r;

	first_uuid(&l->pool, KIND_BACKUP_STORAGE, bs);
	{
		_cleanup_view_ struct view *view = view_now(&l->pool);

		memcpy(root, object_str(view_get(view, KIND_VM, l->slots[VM]), VM_ROOT_VOLUME_UUID),
		       UUID_SIZE);
	}
	r = ask(l, "CreateRootVolumeTemplateFromRootVolume", root,
		json_pack("{s:s, s:[s]}", "name", "template", "backupStorageUuids", bs), NULL, e);
	if (r == 0)
		remember_newest(l, KIND_IMAGE, TEMPLATE);
	return r;
}

static int delete_template(struct life *l, struct error *e)
{
	return life_remove_image(l, TEMPLATE, e);
}

static int add_storage(struct life *l, struct error *e)
{
	char url[160], zone[UUID_SIZE];

	snprintf(url, sizeof(url), "%s/more", l->pool.state);
	first_uuid(&l->pool, KIND_ZONE, zone);
	return create(l, "AddLocalPrimaryStorage",
		      json_pack("{s:s, s:s, s:s}", "name", "more", "url", url, "zoneUuid", zone), STORAGE, e);
}

static int delete_storage(struct life *l, struct error *e)
{
	return act(l, "DeletePrimaryStorage", STORAGE, NULL, e);
}

static json_t *cluster_params(struct life *l)
{
	char cluster[UUID_SIZE];

	first_uuid(&l->pool, KIND_CLUSTER, cluster);
	return json_pack("{s:s}", "clusterUuid", cluster);
}

static int attach_storage(struct life *l, struct error *e)
{
	return act(l, "AttachPrimaryStorageToCluster", STORAGE, cluster_params(l), e);
}

static int detach_storage(struct life *l, struct error *e)
{
	return act(l, "DetachPrimaryStorageFromCluster", STORAGE, cluster_params(l), e);
}

const struct life_step life_steps[] = {
	{"zone", add_zone, delete_zone},
	{"account", add_account, delete_account},
	{"instance offering", add_offering, delete_offering},
	{"disk offering", add_disk, delete_disk},
	{"network", add_l3, delete_l3},
	{"image", make_image, delete_image},
	{"upload", upload_image, delete_uploaded},
	{"vm", add_vm, delete_vm},
	{"name", rename_vm, rename_vm_back},
	{"tag", add_tag, delete_tag},
	{"volume", add_volume, delete_volume},
	{"attaching", attach_volume, detach_volume},
	{"snapshot", add_snapshot, delete_snapshot},
	{"second snapshot", add_second_snapshot, delete_second_snapshot},
	{"stopping", stop_vm, start_vm},
	{"revert", revert_volume, revert_again},
	{"reimage", reimage_vm, delete_former_root},
	{"template", add_template, delete_template},
	{"storage", add_storage, delete_storage},
	{"storage of a cluster", attach_storage, detach_storage},
};
const size_t life_step_count = ARRAY_SIZE(life_steps);

/* -------------------------------------------------------------- begin, end, sums */

void life_begin(struct life *l, const char *state, const char *outside)
{
	memset(l, 0, sizeof(*l));
	snprintf(l->pool.state, sizeof(l->pool.state), "%s", state);
	snprintf(l->outside, sizeof(l->outside), "%s", outside);
	pool_fixture_open(&l->pool);
	wait_until(&l->pool, host_is_there, NULL);
}

void life_move_to_simulator(struct life *l)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char cluster[UUID_SIZE], host[UUID_SIZE];

	first_uuid(&l->pool, KIND_CLUSTER, cluster);
	first_uuid(&l->pool, KIND_HOST, host);
	if (ask(l, "AddSimulatorHost", NULL,
		json_pack("{s:s, s:s, s:s}", "name", "simulator", "managementIp", "10.0.0.1", "clusterUuid",
			  cluster),
		NULL, &e) < 0 ||
	    ask(l, "DeleteHost", host, NULL, NULL, &e) < 0)
		fail_msg("cannot move to a simulated host: %s", error_sentence(&e));
	wait_until(&l->pool, host_is_there, NULL);
}

void life_end(struct life *l)
{
	pool_close(l->pool.pool);
	l->pool.pool = NULL;
}

static uint64_t hash(uint64_t h, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		h = (h ^ bytes[i]) * 0x100000001b3;
	return h;
}

static uint64_t object_digest(const struct object *o)
{
	uint64_t h = hash(0xcbf29ce484222325, o->kind->table, strlen(o->kind->table));

	h = hash(h, &o->id, sizeof(o->id));
	for (int i = 0; i < o->kind->field_count; i++) {
		bool null = object_is_null(o, i);

		if (!field_is_stored(&o->kind->fields[i]))
			continue;
		h = hash(h, &null, sizeof(null));
		if (field_is_integer(&o->kind->fields[i])) {
			int64_t number = object_int(o, i);

			h = hash(h, &number, sizeof(number));
		} else if (!null) {
			_cleanup_free_ char *text = object_long_text(o, i);

			assert_non_null(text);
			h = hash(h, text, strlen(text) + 1);
		}
	}
	return h;
}

uint64_t view_digest(const struct view *view, bool (*except)(enum kind_id kind))
{
	uint64_t sum = 0;

	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		if (except && except((enum kind_id)k))
			continue;
		view_for_each (o, view, (enum kind_id)k)
			sum += object_digest(o);
	}
	return sum;
}

bool file_md5(const char *path, char ret[33])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	char bytes[64 * 1024];
	ssize_t n = -1;

	if (fd >= 0 && ctx && EVP_DigestInit_ex(ctx, EVP_md5(), NULL)) {
		while ((n = read(fd, bytes, sizeof(bytes))) > 0)
			(void)EVP_DigestUpdate(ctx, bytes, (size_t)n);
		(void)EVP_DigestFinal_ex(ctx, digest, &length);
	}
	EVP_MD_CTX_free(ctx);
	for (unsigned i = 0; i < length; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
	return n == 0 && length == 16;
}
