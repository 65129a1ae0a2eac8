/* SPDX-License-Identifier: Apache-2.0 */
/* What a host says that it lacks: storage and networks that cannot be opened there. */
#include "tests/unit/storage_fixture.h"

#include <string.h>
#include <unistd.h>

#include "actions/host/host.h"
#include "actions/network/host_prepare.h"
#include "model/log.h"

static bool has_reason(const struct view *view, const void *host)
{
	const struct object *o = view_get(view, KIND_HOST, host);

	return object_str_is(o, HOST_STATUS, "Connected") && *object_text(o, HOST_STATUS_REASON);
}

static bool has_no_reason(const struct view *view, const void *host)
{
	const struct object *o = view_get(view, KIND_HOST, host);

	return object_str_is(o, HOST_STATUS, "Connected") && !*object_text(o, HOST_STATUS_REASON);
}

/* The storage of this uuid cannot be opened any more: a file is where its folder @url, in @folder, was. */
static void break_storage(virConnectPtr conn, const char *ps, const char *folder, const char *url)
{
	virStoragePoolPtr pool = host_pool(conn, ps);

	assert_int_equal(virStoragePoolDestroy(pool), 0);
	assert_int_equal(virStoragePoolUndefine(pool), 0);
	(void)virStoragePoolFree(pool);
	assert_int_equal(rmdir(url), 0);
	assert_int_equal(rmdir(folder), 0);
	(void)fclose(fopen(folder, "w"));
}

/* Sends the log to a file until end_log(), which takes what this returns. */
static int begin_log(const char *path)
{
	int terminal = dup(STDERR_FILENO);

	assert_true(terminal >= 0);
	assert_int_equal(log_to_file(path, NULL), 0);
	return terminal;
}

static void end_log(int terminal)
{
	assert_int_equal(dup2(terminal, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(close(terminal), 0);
}

static bool log_has(const char *path, const char *text)
{
	_cleanup_free_ char *line = NULL;
	FILE *file = fopen(path, "r");
	bool found = false;
	size_t size = 0;

	assert_non_null(file);
	while (!found && getline(&line, &size, file) > 0)
		found = strstr(line, text) != NULL;
	(void)fclose(file);
	return found;
}

/* A host that has connected, but without a storage of its cluster, says so until it is there. */
static void test_a_host_says_what_it_lacks(void **state)
{
	virConnectPtr conn = virConnectOpen("test:///default");
	struct pool_fixture *f = *state;
	char ps[UUID_SIZE], host[UUID_SIZE], folder[128], url[140];

	assert_non_null(conn);
	first_uuid(f, KIND_HOST, host);
	(void)snprintf(folder, sizeof(folder), "%s/lacking", f->dir);
	(void)snprintf(url, sizeof(url), "%s/x", folder);
	must(f, "AddLocalPrimaryStorage", NULL, storage_params(f, url), ps);
	must(f, "AttachPrimaryStorageToCluster", ps, cluster_params(f), NULL);
	break_storage(conn, ps, folder, url);

	must(f, "ReconnectHost", host, NULL, NULL);
	wait_until(f, has_reason, host);
	{
		_cleanup_view_ struct view *view = view_now(f);

		assert_non_null(
			strstr(object_text(view_get(view, KIND_HOST, host), HOST_STATUS_REASON), url));
	}
	assert_true(host_prepare(f->pool, host, NULL) < 0);
	assert_int_equal(unlink(folder), 0);
	assert_int_equal(host_prepare(f->pool, host, NULL), 0);
	wait_until(f, has_no_reason, host);
	(void)virConnectClose(conn);
}

/* It says so, too, if it is the reconnecting of the storage that fails, until the storage is mended, or is not its any more. */
static void test_a_host_lacks_nothing_more(void **state)
{
	virConnectPtr conn = virConnectOpen("test:///default");
	struct pool_fixture *f = *state;
	char ps[UUID_SIZE], host[UUID_SIZE], folder[128], url[140], log[128];
	int terminal;

	assert_non_null(conn);
	first_uuid(f, KIND_HOST, host);
	(void)snprintf(log, sizeof(log), "%s/log", f->dir);
	(void)snprintf(folder, sizeof(folder), "%s/lacking", f->dir);
	(void)snprintf(url, sizeof(url), "%s/x", folder);
	must(f, "AddLocalPrimaryStorage", NULL, storage_params(f, url), ps);
	must(f, "AttachPrimaryStorageToCluster", ps, cluster_params(f), NULL);
	break_storage(conn, ps, folder, url);
	must_fail(f, "ReconnectPrimaryStorage", ps, NULL, 0, folder);
	wait_until(f, has_reason, host);

	terminal = begin_log(log);
	assert_int_equal(unlink(folder), 0);
	must(f, "ReconnectPrimaryStorage", ps, NULL, NULL);
	wait_until(f, has_no_reason, host);

	break_storage(conn, ps, folder, url);
	must_fail(f, "ReconnectPrimaryStorage", ps, NULL, 0, folder);
	end_log(terminal);
	assert_true(log_has(log, "has all that it lacked"));
	wait_until(f, has_reason, host);
	must(f, "DetachPrimaryStorageFromCluster", ps, cluster_params(f), NULL);
	wait_until(f, has_no_reason, host);
	(void)virConnectClose(conn);
}

/* Nor is a network forgotten that could not be changed on it. */
static void test_a_host_lacks_a_network(void **state)
{
	virConnectPtr conn = virConnectOpen("test:///default");
	struct pool_fixture *f = *state;
	char host[UUID_SIZE], l2[UUID_SIZE], l3[UUID_SIZE], xml[128];
	virNetworkPtr other;

	assert_non_null(conn);
	first_uuid(f, KIND_HOST, host);
	first_uuid(f, KIND_L2_NETWORK, l2);
	must(f, "CreateL3Network", NULL,
	     json_pack("{s:s, s:s, s:s}", "name", "red", "type", "L3BasicNetwork", "l2NetworkUuid", l2), l3);
	(void)snprintf(xml, sizeof(xml), "<network><name>poolfs-%.8s</name></network>", l3);
	other = virNetworkDefineXML(conn, xml); /* somebody else's, of the same name */
	assert_non_null(other);
	must(f, "AddIpRange", l3,
	     json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", "r", "startIp", "10.77.1.10", "endIp",
		       "10.77.1.20", "netmask", "255.255.255.0", "gateway", "10.77.1.1"),
	     NULL);
	wait_until(f, has_reason, host);

	/* it is tried again at the next change that hosts see */
	assert_int_equal(virNetworkUndefine(other), 0);
	must(f, "UpdateL3Network", l3, json_pack("{s:s}", "dnsDomain", "example.org"), NULL);
	wait_until(f, has_no_reason, host);
	(void)virNetworkFree(other);
	(void)virConnectClose(conn);
}

static void note_a_failure(struct pool_fixture *f, const char *host)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	(void)error_set(&e, EIO, "the network does not open");
	host_note_failure(f->pool, host, &e);
}

static int disconnected_fn(struct txn *t, void *host, struct error *e)
{
	return host_set_status(t, host, "Disconnected", "it is silent", e);
}

/* What has no place at the host is in the log. */
static void test_a_failure_is_told(void **state)
{
	struct pool_fixture *f = *state;
	char host[UUID_SIZE], l2[UUID_SIZE], log[128];
	int terminal;

	first_uuid(f, KIND_HOST, host);
	first_uuid(f, KIND_L2_NETWORK, l2);
	(void)snprintf(log, sizeof(log), "%s/log", f->dir);
	note_a_failure(f, host);
	wait_until(f, has_reason, host);
	must(f, "DetachL2NetworkFromCluster", l2, cluster_params(f), NULL);
	wait_until(f, has_no_reason, host);

	note_a_failure(f, host);
	wait_until(f, has_reason, host);
	must(f, "DeleteL2Network", l2, NULL, NULL);
	wait_until(f, has_no_reason, host);

	assert_int_equal(store_run(pool_store(f->pool), disconnected_fn, host, NULL), 0);
	terminal = begin_log(log);
	note_a_failure(f, host);
	end_log(terminal);
	assert_true(log_has(log, "the network does not open"));
	assert_true(field_is(f, KIND_HOST, host, HOST_STATUS_REASON, "it is silent"));
}

#define pool_test(fn) cmocka_unit_test_setup_teardown(fn, pool_fixture_setup, pool_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		pool_test(test_a_host_says_what_it_lacks),
		pool_test(test_a_host_lacks_nothing_more),
		pool_test(test_a_host_lacks_a_network),
		pool_test(test_a_failure_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
