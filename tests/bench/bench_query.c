/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cost of queries with 100,000 VMs, compared with that of SQLite for the same
 * query over the same rows in memory-mapped pages, with an index on every
 * column that the pool indexes.
 *
 *     bench-query [number of VMs]
 */
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "model/query_run.h"
#include "model/store.h"
#include "model/uuid.h"

static int vm_count = 100000;

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static const char *uuid(unsigned kind, unsigned n)
{
	static char ring[4][UUID_SIZE];
	static int next;
	char *u = ring[next++ % 4];

	snprintf(u, UUID_SIZE, "%08x%024x", kind * 0x9E3779B9U, n * 2654435761U);
	return u;
}

static struct object *make(enum kind_id kind, unsigned n, const char *name)
{
	struct object *o = object_new(kind_get(kind));

	if (!o)
		abort();
	object_set_str(o, FIELD_UUID, uuid(kind, n));
	if (name)
		object_set_str(o, o->kind->name_field, name);
	return o;
}

/* A zone, a cluster, a host for each hundred VMs, and a NIC for each VM. */
static int fill(struct txn *t, void *arg, struct error *e)
{
	static const char *const states[] = {"Running", "Stopped", "Running", "Paused"};
	struct object *o;
	char text[128];
	int r = txn_put(t, make(KIND_ZONE, 0, "zone"), NULL, e);

	(void)arg;
	o = make(KIND_CLUSTER, 0, "cluster");
	object_set_str(o, CLUSTER_ZONE_UUID, uuid(KIND_ZONE, 0));
	if (r == 0)
		r = txn_put(t, o, NULL, e);
	for (unsigned i = 0; i < (unsigned)vm_count / 100 && r == 0; i++) {
		snprintf(text, sizeof(text), "host-%u", i);
		o = make(KIND_HOST, i, text);
		object_set_str(o, HOST_ZONE_UUID, uuid(KIND_ZONE, 0));
		object_set_str(o, HOST_CLUSTER_UUID, uuid(KIND_CLUSTER, 0));
		snprintf(text, sizeof(text), "172.16.%u.%u", i / 250, i % 250);
		object_set_str(o, HOST_MANAGEMENT_IP, text);
		r = txn_put(t, o, NULL, e);
	}
	for (unsigned i = 0; i < (unsigned)vm_count && r == 0; i++) {
		snprintf(text, sizeof(text), "web-server-%u", i);
		o = make(KIND_VM, i, text);
		snprintf(text, sizeof(text),
			 "the web server number %u of the shop, kept by the team of building %u", i, i % 77);
		object_set_str(o, VM_DESCRIPTION, text);
		object_set_str(o, VM_ZONE_UUID, uuid(KIND_ZONE, 0));
		object_set_str(o, VM_CLUSTER_UUID, uuid(KIND_CLUSTER, 0));
		object_set_str(o, VM_HOST_UUID, uuid(KIND_HOST, i % ((unsigned)vm_count / 100)));
		object_set_str(o, VM_STATE, states[i % ARRAY_SIZE(states)]);
		object_set_int(o, VM_CPU_NUM, i % 64);
		object_set_int(o, VM_MEMORY_SIZE, (int64_t)(i * 7919U % 100000U) << 20);
		r = txn_put(t, o, NULL, e);
		o = make(KIND_NIC, i, NULL);
		object_set_str(o, NIC_VM_UUID, uuid(KIND_VM, i));
		snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		object_set_str(o, NIC_IP, text);
		if (r == 0)
			r = txn_put(t, o, NULL, e);
		else
			object_unref(o);
	}
	return r;
}

/* The view remains valid when the store is closed; SQLite then gets the indexes the pool has in memory. */
static struct view *open_pool(sqlite3 **ret_db)
{
	char dir[] = "/tmp/poolfs-bench-XXXXXX", path[64];
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct store *store;
	struct view *view;
	int64_t start = now();

	if (!mkdtemp(dir) || store_open(dir, NULL, &store, &e) < 0 || store_run(store, fill, NULL, &e) < 0) {
		fprintf(stderr, "%s\n", error_sentence(&e));
		exit(1);
	}
	view = store_view(store);
	store_close(store);
	printf("%d VMs created in %.1f s\n", vm_count, (double)(now() - start) / 1e9);
	snprintf(path, sizeof(path), "%s/pool.db", dir);
	if (sqlite3_open(path, ret_db) != SQLITE_OK ||
	    sqlite3_exec(
		    *ret_db,
		    "PRAGMA mmap_size = 1000000000; PRAGMA cache_size = -1000000;"
		    "CREATE INDEX i1 ON vm(name COLLATE NOCASE); CREATE INDEX i2 ON vm(hostUuid);"
		    "CREATE INDEX i3 ON vm(state COLLATE NOCASE); CREATE INDEX i4 ON vm(zoneUuid);"
		    "CREATE INDEX i5 ON nic(ip COLLATE NOCASE); CREATE INDEX i7 ON host(managementIp COLLATE NOCASE);"
		    "ANALYZE",
		    NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s\n", sqlite3_errmsg(*ret_db));
		exit(1);
	}
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/lock", dir);
	(void)unlink(path);
	return view;
}

static size_t run_pool(enum kind_id kind, const struct view *view, const char *text)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_query_ struct query *q = NULL;
	_cleanup_query_result_ struct query_result result = {0};

	if (query_parse(kind_get(kind), text, &q, &e) < 0 ||
	    query_select(q, view, &(struct query_scope){.deadline = now() + INT64_C(60000000000)}, &result,
			 &e) < 0) {
		fprintf(stderr, "%s: %s\n", text, error_sentence(&e));
		exit(1);
	}
	return result.total >= 0 ? (size_t)result.total : result.count;
}

static size_t run_sqlite(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;
	size_t count = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		exit(1);
	}
	while (sqlite3_step(stmt) == SQLITE_ROW)
		count = strstr(sql, "count(*)") ? (size_t)sqlite3_column_int64(stmt, 0) : count + 1;
	sqlite3_finalize(stmt);
	return count;
}

/* The best of several runs, in microseconds: the cost without the load of other processes. */
#define TIMES 15
static void keep_best(int64_t *best, int64_t ns)
{
	if (*best == 0 || ns < *best)
		*best = ns;
}

static void measure_of(enum kind_id kind, const struct view *view, sqlite3 *db, const char *query,
		       const char *sql)
{
	int64_t ours = 0, theirs = 0;
	size_t count = 0, their_count = 0;

	for (int i = 0; i < TIMES; i++) {
		int64_t start = now();

		count = run_pool(kind, view, query);
		keep_best(&ours, now() - start);
		start = now();
		their_count = run_sqlite(db, sql);
		keep_best(&theirs, now() - start);
	}
	printf("%-58s %6zu %10.1f %10.1f %7.2f%s\n", query, count, (double)ours / 1e3, (double)theirs / 1e3,
	       (double)ours / (double)theirs, count == their_count ? "" : "  (SQLite found another number)");
}

static void measure(const struct view *view, sqlite3 *db, const char *query, const char *sql)
{
	measure_of(KIND_VM, view, db, query, sql);
}

/* The whole answer, as text. */
static void measure_answer(const struct view *view, const char *text)
{
	_cleanup_query_ struct query *q = NULL;
	int64_t start = now();
	json_t *json = NULL;
	char *body;

	if (query_parse(kind_get(KIND_VM), text, &q, NULL) < 0 ||
	    query_run(q, view, &(struct query_scope){0}, &json, NULL) < 0)
		exit(1);
	body = json_dumps(json, JSON_COMPACT);
	printf("%-58s %6zu %10.1f us for a body of %zu bytes\n", text,
	       json_array_size(json_object_get(json, "inventories")), (double)(now() - start) / 1e3,
	       body ? strlen(body) : 0);
	free(body);
	json_decref(json);
}

int main(int argc, char **argv)
{
	sqlite3 *db = NULL;
	struct view *view;

	if (argc > 1)
		vm_count = atoi(argv[1]);
	if (vm_count < 1000)
		vm_count = 1000;
	view = open_pool(&db);
	printf("%-58s %6s %10s %10s %7s\n", "query", "found", "us", "SQLite us", "ratio");
	char query[200], sql[400];
	snprintf(query, sizeof(query), "q=uuid=%s", uuid(KIND_VM, 500));
	snprintf(sql, sizeof(sql), "SELECT id FROM vm WHERE uuid = '%s' LIMIT 1000", uuid(KIND_VM, 500));
	measure(view, db, query, sql);
	measure(view, db, "q=name=web-server-777",
		"SELECT id FROM vm WHERE name = 'web-server-777' COLLATE NOCASE LIMIT 1000");
	measure(view, db, "q=name=web-server-777&q=cpuNum<64&q=state=Stopped",
		"SELECT id FROM vm WHERE name = 'web-server-777' COLLATE NOCASE AND cpuNum < 64 AND state = 'Stopped' "
		"COLLATE NOCASE LIMIT 1000");
	measure(view, db, "q=vmNics.ip=10.0.2.3",
		"SELECT id FROM vm WHERE uuid IN (SELECT vmInstanceUuid FROM nic WHERE ip = '10.0.2.3' COLLATE NOCASE) LIMIT 1000");
	measure(view, db, "q=host.managementIp=172.16.0.7",
		"SELECT id FROM vm WHERE hostUuid IN (SELECT uuid FROM host WHERE managementIp = '172.16.0.7' COLLATE NOCASE) "
		"LIMIT 1000");
	measure(view, db, "q=state=Running&limit=100",
		"SELECT id FROM vm WHERE state = 'Running' COLLATE NOCASE ORDER BY id LIMIT 100");
	measure(view, db, "q=name~=%25server-9999_%25",
		"SELECT id FROM vm WHERE name LIKE '%server-9999_%' LIMIT 1000");
	measure(view, db, "q=name~=%25nothing%25",
		"SELECT id FROM vm WHERE name LIKE '%nothing%' LIMIT 1000");
	measure(view, db, "q=description~=%25building 76%25x",
		"SELECT id FROM vm WHERE description LIKE '%building 76%x' LIMIT 1000");
	measure(view, db, "q=cpuNum>62&q=state!=Running",
		"SELECT id FROM vm WHERE cpuNum > 62 AND state != 'Running' COLLATE NOCASE LIMIT 1000");
	measure(view, db, "q=state=Running&count=true",
		"SELECT count(*) FROM vm WHERE state = 'Running' COLLATE NOCASE");
	measure(view, db, "sort=-memorySize&limit=10",
		"SELECT id FROM vm ORDER BY memorySize DESC, id LIMIT 10");
	measure(view, db, "groupBy=cpuNum", "SELECT min(id) FROM vm GROUP BY cpuNum LIMIT 1000");
	measure(view, db, "q=vmNics.ip~=%25.99.9",
		"SELECT id FROM vm WHERE uuid IN (SELECT vmInstanceUuid FROM nic WHERE ip LIKE '%.99.9') LIMIT 1000");
	measure(view, db, "q=host.name~=%25-77",
		"SELECT id FROM vm WHERE hostUuid IN (SELECT uuid FROM host WHERE name LIKE '%-77') LIMIT 1000");
	measure(view, db, "q=zone.vmInstance.host.vmInstance.name~=%25nothing",
		"SELECT id FROM vm WHERE zoneUuid IN (SELECT zoneUuid FROM vm WHERE hostUuid IN (SELECT hostUuid FROM vm WHERE "
		"name LIKE '%nothing')) LIMIT 1000");
	measure_of(
		KIND_HOST, view, db, "q=vmInstance.name~=%25-7777_",
		"SELECT id FROM host WHERE uuid IN (SELECT hostUuid FROM vm WHERE name LIKE '%-7777_') LIMIT 1000");
	measure_answer(view, "limit=1000");
	measure_answer(view, "limit=1000&fields=uuid,name");
	view_unref(view);
	sqlite3_close(db);
	return 0;
}
