/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that is lost in the middle of a call has done it or not: the job asks it, or does it again, when it is back. The
 * calls are those of hypervisor/, of which some do what they should and then say that the host was lost.
 */
#include "tests/unit/pool_fixture.h"

#include <errno.h>
#include <stdatomic.h>

#include "hypervisor/domain/cdrom.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/domain/nic.h"

/* How many of the next calls are lost, and whether the first of them does what it should. */
static atomic_int losses;
static atomic_bool done_all_the_same;

/* The guest does not react: it keeps what it is asked to give back. */
static atomic_bool guest_is_stuck;

enum fate { PASSES, LOST, DONE_AND_LOST, KEPT };

static enum fate next_fate(void)
{
	if (atomic_load(&guest_is_stuck))
		return KEPT;
	if (atomic_load(&losses) == 0)
		return PASSES;
	(void)atomic_fetch_sub(&losses, 1);
	return atomic_exchange(&done_all_the_same, false) ? DONE_AND_LOST : LOST;
}

static void lose(int calls, bool first_is_done)
{
	atomic_store(&done_all_the_same, first_is_done);
	atomic_store(&losses, calls);
}

#define LOSABLE(name, parameters, arguments)                                                                 \
	int __real_##name parameters;                                                                        \
	int __wrap_##name parameters;                                                                        \
	int __wrap_##name parameters                                                                         \
	{                                                                                                    \
		enum fate fate = next_fate();                                                                \
		int r = fate == LOST || fate == KEPT ? 0 : __real_##name arguments;                          \
                                                                                                             \
		if (fate == KEPT)                                                                            \
			return error_set(e, ETIMEDOUT, "the guest did not release it");                      \
		return r < 0 || fate == PASSES ? r                                                           \
					       : error_set_code(e, ENOTCONN, "HOST.1010",                    \
								"the connection to the host was lost");      \
	}

LOSABLE(hv_disk_attach,
	(struct hypervisor * hv, const char *host, const char *domain, const struct hv_disk *disk,
	 struct error *e),
	(hv, host, domain, disk, e))
LOSABLE(hv_disk_detach,
	(struct hypervisor * hv, const char *host, const char *domain, const char *volume, int ms,
	 struct error *e),
	(hv, host, domain, volume, ms, e))
LOSABLE(hv_nic_attach,
	(struct hypervisor * hv, const char *host, const char *uuid, const struct hv_nic *nic,
	 struct error *e),
	(hv, host, uuid, nic, e))
LOSABLE(hv_nic_detach,
	(struct hypervisor * hv, const char *host, const char *uuid, int device, int ms, struct error *e),
	(hv, host, uuid, device, ms, e))
LOSABLE(hv_cdrom_change,
	(struct hypervisor * hv, const char *host, const char *uuid, int device, const char *path,
	 struct error *e),
	(hv, host, uuid, device, path, e))
LOSABLE(hv_disk_path,
	(struct hypervisor * hv, const char *host, const char *domain, const char *volume, char **ret,
	 struct error *e),
	(hv, host, domain, volume, ret, e))
LOSABLE(hv_nic_is_gone,
	(struct hypervisor * hv, const char *host, const char *uuid, int device, bool *ret, struct error *e),
	(hv, host, uuid, device, ret, e))

/* A VM that runs, with what can be attached to it. */
struct world {
	struct pool_fixture *f;
	char image[UUID_SIZE], iso[UUID_SIZE], l3[UUID_SIZE], vm[UUID_SIZE], volume[UUID_SIZE];
};

static void build(void **state, struct world *w)
{
	char offering[UUID_SIZE], disk[UUID_SIZE];

	*w = (struct world){.f = *state};
	lose(0, false);
	add_image(w->f, "system.raw", "raw", json_pack("{s:[s]}", "systemTags", "ephemeral::forceRaw"),
		  w->image);
	first_uuid(w->f, KIND_L3_NETWORK, w->l3);
	must(w->f, "CreateInstanceOffering", NULL,
	     json_pack("{s:s, s:i, s:i}", "name", "small", "cpuNum", 1, "memorySize", 1 << 27), offering);
	must(w->f, "CreateDiskOffering", NULL, json_pack("{s:s, s:i}", "name", "disk", "diskSize", 1 << 20),
	     disk);
	create_vm(w->f, "vm", w->image, json_pack("{s:s}", "instanceOfferingUuid", offering), w->vm);
	must(w->f, "CreateDataVolume", NULL,
	     json_pack("{s:s, s:s}", "name", "data", "diskOfferingUuid", disk), w->volume);
}

static int attach_volume(struct world *w, struct error *e)
{
	return perform(w->f, "AttachDataVolumeToVm", w->volume, json_pack("{s:s}", "vmInstanceUuid", w->vm),
		       NULL, e);
}

static bool is_attached(struct world *w)
{
	return field_is(w->f, KIND_VOLUME, w->volume, VOLUME_VM_UUID, w->vm);
}

static void a_volume_that_the_guest_has_got_is_attached(void **state)
{
	struct world w;

	build(state, &w);
	lose(3, true); /* the attach, and two questions */
	assert_int_equal(attach_volume(&w, NULL), 0);
	assert_int_equal(losses, 0);
	assert_true(is_attached(&w));
	/* the domain has it: another one would be refused */
	lose(2, true);
	must(w.f, "DetachDataVolumeFromVm", w.volume, NULL, NULL);
	assert_int_equal(losses, 0);
	assert_false(is_attached(&w));
}

static void a_volume_that_the_guest_has_not_got_is_free(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct world w;

	build(state, &w);
	lose(3, false);
	assert_true(attach_volume(&w, &e) < 0);
	assert_int_equal(losses, 0);
	assert_non_null(strstr(error_sentence(&e), "was lost"));
	assert_false(is_attached(&w));
	must(w.f, "AttachDataVolumeToVm", w.volume, json_pack("{s:s}", "vmInstanceUuid", w.vm), NULL);
}

/* The number of a disk that the guest keeps is no other's, whoever has been made to forget that it has it. */
static void a_disk_that_was_taken_by_force_keeps_its_number(void **state)
{
	char other[UUID_SIZE], disk[UUID_SIZE];
	struct world w;

	build(state, &w);
	must(w.f, "AttachDataVolumeToVm", w.volume, json_pack("{s:s}", "vmInstanceUuid", w.vm), NULL);
	atomic_store(&guest_is_stuck, true);
	must(w.f, "DeleteDataVolume", w.volume, json_pack("{s:s}", "deleteMode", "Enforcing"), NULL);
	atomic_store(&guest_is_stuck, false);
	assert_false(is_attached(&w));
	must(w.f, "CreateDiskOffering", NULL, json_pack("{s:s, s:i}", "name", "disk2", "diskSize", 1 << 20),
	     disk);
	must(w.f, "CreateDataVolume", NULL,
	     json_pack("{s:s, s:s}", "name", "other", "diskOfferingUuid", disk), other);
	must(w.f, "AttachDataVolumeToVm", other, json_pack("{s:s}", "vmInstanceUuid", w.vm), NULL);
	{
		_cleanup_view_ struct view *view = view_now(w.f);

		assert_int_equal(object_int(view_get(view, KIND_VOLUME, other), VOLUME_DEVICE_ID), 2);
	}
}

static size_t count_nics(struct world *w)
{
	_cleanup_view_ struct view *view = view_now(w->f);
	size_t count = 0;

	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, w->vm)
		count += nic != NULL;
	return count;
}

static void first_nic(struct world *w, char ret[UUID_SIZE])
{
	_cleanup_view_ struct view *view = view_now(w->f);

	memcpy(ret, object_uuid(view_next_where(view, KIND_NIC, NIC_VM_UUID, w->vm, 0)), UUID_SIZE);
}

static void a_nic_is_there_when_the_guest_has_got_it(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char nic[UUID_SIZE];
	struct world w;

	build(state, &w);
	assert_int_equal(count_nics(&w), 1);
	first_nic(&w, nic);
	lose(2, true);
	must(w.f, "DetachL3NetworkFromVm", nic, NULL, NULL);
	assert_int_equal(losses, 0);
	assert_int_equal(count_nics(&w), 0);
	lose(2, false);
	assert_true(perform(w.f, "AttachL3NetworkToVm", w.vm, json_pack("{s:s}", "l3NetworkUuid", w.l3), NULL,
			    &e) < 0);
	assert_non_null(strstr(error_sentence(&e), "was lost"));
	assert_int_equal(losses, 0);
	assert_int_equal(count_nics(&w), 0);
	lose(2, true);
	must(w.f, "AttachL3NetworkToVm", w.vm, json_pack("{s:s}", "l3NetworkUuid", w.l3), NULL);
	assert_int_equal(losses, 0);
	assert_int_equal(count_nics(&w), 1);
}

static bool has_been_asked(const struct view *view, const void *arg)
{
	(void)view, (void)arg;
	return atomic_load(&losses) < 1000 - 2;
}

/* A guest may use the addresses of a NIC of which nobody knows. */
static void a_nic_stays_while_the_host_cannot_tell(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char job[UUID_SIZE], target[UUID_SIZE], nic[UUID_SIZE];
	struct world w;

	build(state, &w);
	first_nic(&w, nic);
	must(w.f, "DetachL3NetworkFromVm", nic, NULL, NULL);
	lose(1000, true);
	assert_int_equal(submit(w.f, "AttachL3NetworkToVm", w.vm, json_pack("{s:s}", "l3NetworkUuid", w.l3),
				job, target, &e),
			 0);
	wait_until(w.f, has_been_asked, NULL);
	must(w.f, "CancelJob", job, NULL, NULL);
	assert_true(job_end(w.f, job, &e) < 0);
	lose(0, false);
	assert_int_equal(count_nics(&w), 1);
	first_nic(&w, nic);
	must(w.f, "DetachL3NetworkFromVm", nic, NULL, NULL);
	assert_int_equal(count_nics(&w), 0);
}

static void an_iso_is_put_in_again(void **state)
{
	struct world w;

	build(state, &w);
	add_image(w.f, "medium.iso", "iso", json_pack("{s:s}", "mediaType", "ISO"), w.iso);
	lose(2, true);
	must(w.f, "AttachIsoToVmInstance", w.vm, json_pack("{s:s}", "isoUuid", w.iso), NULL);
	assert_int_equal(losses, 0);
	lose(1, false);
	must(w.f, "DetachIsoFromVmInstance", w.vm, json_pack("{s:s}", "isoUuid", w.iso), NULL);
	assert_int_equal(losses, 0);
}

#define ON_A_POOL(test) cmocka_unit_test_setup_teardown(test, pool_fixture_setup, pool_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_POOL(a_volume_that_the_guest_has_got_is_attached),
		ON_A_POOL(a_volume_that_the_guest_has_not_got_is_free),
		ON_A_POOL(a_disk_that_was_taken_by_force_keeps_its_number),
		ON_A_POOL(a_nic_is_there_when_the_guest_has_got_it),
		ON_A_POOL(a_nic_stays_while_the_host_cannot_tell),
		ON_A_POOL(an_iso_is_put_in_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
