/* SPDX-License-Identifier: Apache-2.0 */
/* Bootstrap of a pool: complete, with all references, only once, on a subnet that is not in use. */
#include "tests/unit/fixture.h"

#include <sodium.h>
#include <sys/stat.h>

#include "actions/bootstrap.h"
#include "actions/engine/access.h"
#include "actions/host/topology.h"
#include "actions/network/ip_range.h"

static const struct object *only(const struct view *view, enum kind_id kind)
{
	assert_int_equal(view_count(view, kind), 1);
	return view_next(view, kind, 0);
}

static void bootstrap(struct fixture *f, const char *uri)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	struct pool_options options = {.state_dir = f->dir, .uri = uri};

	if (pool_bootstrap(f->store, &options, &e) < 0)
		fail_msg("%s", error_sentence(&e));
}

static void creates_one_of_each_with_all_references(void **state)
{
	struct fixture *f = *state;
	_cleanup_view_ struct view *view = NULL;
	const struct object *zone, *cluster, *host, *ps, *bs, *l2, *l3, *range;
	char path[128];

	bootstrap(f, "test:///default");
	view = store_view(f->store);
	zone = only(view, KIND_ZONE);
	cluster = only(view, KIND_CLUSTER);
	host = only(view, KIND_HOST);
	ps = only(view, KIND_PRIMARY_STORAGE);
	bs = only(view, KIND_BACKUP_STORAGE);
	l2 = only(view, KIND_L2_NETWORK);
	l3 = only(view, KIND_L3_NETWORK);
	range = only(view, KIND_IP_RANGE);

	assert_true(object_str_is(cluster, CLUSTER_ZONE_UUID, object_uuid(zone)));
	assert_true(object_str_is(cluster, CLUSTER_HYPERVISOR_TYPE, "Simulator"));
	assert_true(object_str_is(host, HOST_CLUSTER_UUID, object_uuid(cluster)));
	assert_true(object_str_is(host, HOST_ZONE_UUID, object_uuid(zone)));
	assert_true(object_str_is(host, HOST_URI, "test:///default"));
	assert_true(object_str_is(host, HOST_STATUS, "Connecting"));
	assert_true(cluster_has_primary_storage(view, object_uuid(cluster), object_uuid(ps)));
	assert_true(zone_has_backup_storage(view, object_uuid(zone), object_uuid(bs)));
	assert_true(cluster_has_l2(view, object_uuid(cluster), object_uuid(l2)));
	assert_true(object_str_is(l3, L3_L2_NETWORK_UUID, object_uuid(l2)));
	assert_true(object_str_is(range, IP_RANGE_L3_NETWORK_UUID, object_uuid(l3)));
	assert_true(ip_range_free_count(view, range) > 100);
	(void)only(view, KIND_INSTANCE_OFFERING);
	(void)only(view, KIND_DISK_OFFERING);
	snprintf(path, sizeof(path), "%s/primary", f->dir);
	assert_string_equal(object_text(ps, PRIMARY_STORAGE_URL), path);
	assert_int_equal(access(path, X_OK), 0);
	snprintf(path, sizeof(path), "%s/backup", f->dir);
	assert_string_equal(object_text(bs, BACKUP_STORAGE_URL), path);
	assert_true(object_int(bs, BACKUP_STORAGE_TOTAL) > 0);
}

static void the_admin_logs_in_with_the_password_in_the_state_folder(void **state)
{
	struct fixture *f = *state;
	const struct object *admin;
	unsigned char digest[crypto_hash_sha512_BYTES];
	char path[128], line[64] = "", sent[2 * sizeof(digest) + 1];
	struct stat st;
	FILE *file;

	bootstrap(f, "test:///default");
	admin = get(f, KIND_ACCOUNT, ADMIN_ACCOUNT_UUID);
	assert_non_null(admin);
	assert_true(object_str_is(admin, ACCOUNT_TYPE, "SystemAdmin"));
	snprintf(path, sizeof(path), "%s/admin-password", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	(void)fclose(file);
	assert_int_equal(strlen(line), 21);
	crypto_hash_sha512(digest, (const unsigned char *)line, 20);
	(void)sodium_bin2hex(sent, sizeof(sent), digest, sizeof(digest));
	assert_int_equal(
		crypto_pwhash_str_verify(object_text(admin, ACCOUNT_PASSWORD_HASH), sent, strlen(sent)), 0);
	assert_memory_equal(object_text(admin, ACCOUNT_PASSWORD_HASH), "$argon2id$", 10);
	object_unref(admin);
}

static void runs_only_once(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = NULL;
	const struct object *offering;

	bootstrap(f, "test:///default");
	view = store_view(f->store);
	offering = only(view, KIND_DISK_OFFERING);
	assert_int_equal(try_remove(f, object_uuid(offering), &e), 0);
	fixture_reopen(f);
	bootstrap(f, "qemu:///system");
	view_unref(view);
	view = store_view(f->store);
	assert_int_equal(view_count(view, KIND_DISK_OFFERING), 0);
	assert_true(object_str_is(only(view, KIND_HOST), HOST_URI, "test:///default"));
	assert_true(view_count(view, KIND_GLOBAL_CONFIG) > 40);
}

static void a_remote_host_has_its_address(void **state)
{
	struct fixture *f = *state;
	_cleanup_view_ struct view *view = NULL;

	bootstrap(f, "qemu+ssh://root@node7.example.org:2222/system");
	view = store_view(f->store);
	assert_true(object_str_is(only(view, KIND_HOST), HOST_MANAGEMENT_IP, "node7.example.org"));
	assert_true(object_str_is(only(view, KIND_HOST), HOST_NAME, "node7.example.org"));
	assert_true(object_str_is(only(view, KIND_CLUSTER), CLUSTER_HYPERVISOR_TYPE, "KVM"));
}

static void a_bad_uri_creates_nothing(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = NULL;

	struct pool_options options = {.state_dir = f->dir, .uri = "nonsense"};

	assert_int_equal(pool_bootstrap(f->store, &options, &e), -EINVAL);
	view = store_view(f->store);
	assert_int_equal(view_count(view, KIND_ACCOUNT), 0);
	assert_int_equal(view_count(view, KIND_GLOBAL_CONFIG), 0);
}

static void takes_the_first_free_subnet(void **state)
{
	static const struct ipv4_network used[] = {
		{0x0a7b0000, 24}, /* 10.123.0.0/24 */
		{0x0a7c0080, 25}, /* a half of 10.124.0.0/24 */
		{0x0a7d0000, 16}, /* all of 10.125 */
	};
	static const struct ipv4_network all = {0x0a000000, 8};

	(void)state;
	assert_int_equal(bootstrap_choose_subnet(NULL, 0).address, 0x0a7b0000);
	assert_int_equal(bootstrap_choose_subnet(used, 1).address, 0x0a7c0000);
	assert_int_equal(bootstrap_choose_subnet(used, ARRAY_SIZE(used)).address, 0x0a7e0000);
	assert_int_equal(bootstrap_choose_subnet(&all, 1).address,
			 0x0a7b0000); /* no subnet is free: the first one all the same */
	assert_int_equal(bootstrap_choose_subnet(used, 1).prefix, 24);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(creates_one_of_each_with_all_references),
		FRESH(the_admin_logs_in_with_the_password_in_the_state_folder),
		FRESH(runs_only_once),
		FRESH(a_remote_host_has_its_address),
		FRESH(a_bad_uri_creates_nothing),
		cmocka_unit_test(takes_the_first_free_subnet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
