/* SPDX-License-Identifier: Apache-2.0 */
/* The node table and the walks over it, in a pool of many objects. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "fs/table.h"
#include "fs/tree/class.h"
#include "fs/tree/by_name.h"
#include "fs/tree/permissions.h"
#include "fs/tree/place.h"
#include "fs/tree/queries.h"
#include "fs/class/scratches.h"
#include "actions/image/upload.h"
#include "actions/image/upload_list.h"
#include "model/event.h"

/* Enough to cross every power of two on the way, few enough for the sanitizers. */
#define MANY 2000

static struct fs fs = {.nodes = node_table};

static struct object *make(enum kind_id kind, unsigned number, const char *name)
{
	struct object *o = object_new(kind_get(kind));
	char uuid[33];

	snprintf(uuid, sizeof(uuid), "%08x%024x", (unsigned)kind, number);
	object_set_str(o, FIELD_UUID, uuid);
	if (name)
		object_set_str(o, o->kind->name_field, name);
	o->id = number;
	return o;
}

static void put(struct view *view, struct object *o)
{
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
}

/*
 * MANY zones of 7 names, a VM with a NIC, a volume and a zone, a cluster with a storage, a job, tags, one
 * setting.
 */
static struct view *make_view(void)
{
	struct view *view = view_new();
	struct object *vm = make(KIND_VM, 1, "web01"), *nic = make(KIND_NIC, 1, NULL), *o;
	char name[16];

	for (unsigned i = 1; i <= MANY; i++) {
		snprintf(name, sizeof(name), "name%u", i % 7);
		put(view, make(KIND_ZONE, i, name));
	}
	object_set_str(vm, VM_ZONE_UUID, object_uuid(view_get_id(view, KIND_ZONE, 1)));
	object_set_str(vm, VM_HOST_UUID, "00000000000000000000000000000000");
	object_set_str(nic, NIC_VM_UUID, object_uuid(vm));
	o = make(KIND_VOLUME, 1, "root");
	object_set_str(o, VOLUME_VM_UUID, object_uuid(vm));
	put(view, o);
	o = make(KIND_JOB, 1, NULL);
	object_set_str(o, JOB_RESOURCE_UUID, object_uuid(vm));
	put(view, o);
	o = make(KIND_SYSTEM_TAG, 1, NULL);
	object_set_str(o, SYSTEM_TAG_RESOURCE_UUID, object_uuid(vm));
	object_set_str(o, SYSTEM_TAG_TAG, "consolePassword::secret");
	put(view, o);
	o = make(KIND_USER_TAG, 1, NULL);
	object_set_str(o, USER_TAG_RESOURCE_UUID, object_uuid(vm));
	object_set_str(o, USER_TAG_TAG, "mine");
	put(view, o);
	put(view, vm);
	put(view, nic);
	o = make(KIND_GLOBAL_CONFIG, 1, "deletionPolicy");
	object_set_str(o, GLOBAL_CONFIG_CATEGORY, "vm");
	put(view, o);
	put(view, make(KIND_CLUSTER, 1, "c"));
	put(view, make(KIND_PRIMARY_STORAGE, 1, "ps"));
	o = make(KIND_CLUSTER_PRIMARY_STORAGE, 1, NULL);
	object_set_str(o, CLUSTER_PS_CLUSTER_UUID, object_uuid(view_get_id(view, KIND_CLUSTER, 1)));
	object_set_str(o, CLUSTER_PS_PRIMARY_STORAGE_UUID,
		       object_uuid(view_get_id(view, KIND_PRIMARY_STORAGE, 1)));
	put(view, o);
	return view;
}

/* Walks down @path; false when a component does not exist. */
static bool find(const struct view *view, const char *path, struct place *ret)
{
	_cleanup_free_ char *copy = strdup(path);
	char *save = NULL;

	place_init(&fs, view, NODE_ROOT, ret);
	for (char *name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
		struct place dir = *ret;

		if (place_lookup(&dir, name, ret) < 0)
			return false;
	}
	return true;
}

static void test_node_numbers(void **state)
{
	struct node n = {.kind = KIND_SCHEDULER,
			 .class = N_QUERY,
			 .index = NODE_INDEX_MAX,
			 .row = NODE_ROW_MAX},
		    back;

	(void)state;
	assert_int_equal(node_pack(NODE_ROOT), 1);
	assert_true(node_unpack(node_pack(n), &back));
	assert_int_equal(node_pack(back), node_pack(n));
	assert_false(node_unpack(UINT64_MAX, &back));
	assert_false(node_unpack((uint64_t)KIND_COUNT << 15, &back));
	assert_false(node_unpack((uint64_t)NODE_CLASS_COUNT << 9, &back));
}

/* Numbers fit into their bits, and every `create` and collection Get has its folder. */
static void test_tables_fit(void **state)
{
	unsigned count = 0;

	(void)state;
	for (const struct operation *const *op = operations(); *op; op++, count++) {
		struct place p;
		_cleanup_view_ struct view *view = view_new();
		char path[256];

		if ((*op)->form == FORM_CREATE) {
			snprintf(path, sizeof(path), "%s/create", (*op)->where);
			assert_true(find(view, path, &p));
			assert_ptr_equal(p.op, *op);
		} else if ((*op)->form == FORM_COLLECTION_GET) {
			assert_true(find(view, (*op)->where, &p));
			assert_ptr_equal(p.op, *op);
		}
	}
	assert_true(count < NODE_INDEX_MAX); /* with that many, the table may have been cut off */
	for (int k = 0; k < KIND_COUNT; k++)
		assert_true(kind_get((enum kind_id)k)->field_count <= NODE_INDEX_MAX);
}

/* Each row has the class of its files, and the source of their content. */
static void test_rows_have_their_class(void **state)
{
	(void)state;
	for (int c = 0; c < NODE_CLASS_COUNT; c++) {
		const struct node_entry *entry = &node_table[c];
		const struct file_class *io = entry->io;

		assert_non_null(io);
		if (S_ISREG(entry->mode)) {
			assert_non_null(io->open);
			assert_non_null(io->read);
			assert_true(entry->render || io->start || io->stat || io->measure);
			assert_true(!(io->flush || io->fsync || io->replace) || io->write);
			assert_true(!io->by_handle || io->fsync);
		} else if (S_ISDIR(entry->mode)) {
			assert_true(io->rewind || io->walk);
		} else {
			assert_non_null(entry->link);
		}
	}
}

/* A listing, which remembers where it is (place_walk), gives the same as @p: the entry after *at. */
static void assert_listed(const struct place *dir, int64_t *at, const char *name, const struct place *p)
{
	char listed_name[NAME_SIZE];
	struct place listed;

	assert_true(place_next(dir, *at, at, listed_name, &listed));
	assert_string_equal(listed_name, name);
	assert_int_equal(node_pack(listed.node), node_pack(p->node));
	assert_ptr_equal(listed.object, p->object);
}

/* Each entry of a directory is found under its name, once, and its number leads back to it. */
static void check_directory(const struct view *view, const struct place *dir, int depth)
{
	char(*names)[NAME_SIZE] = calloc(MANY + 200, NAME_SIZE);
	char name[NAME_SIZE];
	struct place_walk walk = {.last = NULL};
	struct place p, found, listed = *dir;
	int64_t listed_at = 0;
	size_t count = 0;

	listed.walk = &walk;
	for (int64_t at = 0; place_next(dir, at, &at, name, &p);) {
		assert_listed(&listed, &listed_at, name, &p);
		assert_int_equal(place_lookup(dir, name, &found), 0);
		assert_int_equal(node_pack(found.node), node_pack(p.node));
		assert_int_equal(place_find(&fs, view, node_pack(p.node), NULL, &found), 0);
		assert_ptr_equal(found.object, p.object);
		assert_non_null(place_meaning(&p));
		if (S_ISDIR(place_mode(&p))) {
			assert_int_equal(place_parent(&p, &found), 0);
			assert_int_equal(node_pack(found.node), node_pack(dir->node));
		}
		for (size_t i = count > 300 ? count - 300 : 0; i < count; i++)
			assert_string_not_equal(names[i], name);
		memcpy(names[count++], name, NAME_SIZE);
		assert_true(count < MANY + 200);
		if (S_ISLNK(place_mode(&p)))
			assert_true(place_readlink(&p, (char[PATH_SIZE]){0}));
		if (S_ISDIR(place_mode(&p)) && depth < 6 &&
		    !(p.node.class == N_OBJECT && p.kind->id == KIND_ZONE && p.node.row > 2))
			check_directory(view, &p, depth + 1);
	}
	assert_false(place_next(&listed, listed_at, &listed_at, name, &p));
	listed_at = 0;
	if (place_next(dir, 0, &(int64_t){0}, name, &p))
		assert_listed(&listed, &listed_at, name, &p); /* from the start again */
	free(names);
}

static void test_walk(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	struct place root;

	(void)state;
	place_init(&fs, view, NODE_ROOT, &root);
	check_directory(view, &root, 0);
}

static void test_links(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	const char *vm = object_uuid(view_get_id(view, KIND_VM, 1)),
		   *nic = object_uuid(view_get_id(view, KIND_NIC, 1)),
		   *volume = object_uuid(view_get_id(view, KIND_VOLUME, 1));
	char path[PATH_SIZE], want[PATH_SIZE], target[PATH_SIZE];
	struct place p, q;

	(void)state;
	assert_true(find(view, "vm-instances/by-name/web01", &p));
	assert_true(place_readlink(&p, target));
	snprintf(want, sizeof(want), "../%s", vm);
	assert_string_equal(target, want);

	snprintf(path, sizeof(path), "vm-instances/%s/zone", vm);
	assert_true(find(view, path, &p));
	assert_true(place_readlink(&p, target));
	snprintf(want, sizeof(want), "../../zones/%s", object_uuid(view_get_id(view, KIND_ZONE, 1)));
	assert_string_equal(target, want);
	/* a reference to an object that does not exist has no link */
	snprintf(path, sizeof(path), "vm-instances/%s/host", vm);
	assert_false(find(view, path, &p));

	snprintf(path, sizeof(path), "vm-instances/nics/%s", nic);
	assert_true(find(view, path, &p));
	assert_true(place_readlink(&p, target));
	snprintf(want, sizeof(want), "../%s/nics/%s", vm, nic);
	assert_string_equal(target, want);
	snprintf(path, sizeof(path), "vm-instances/%s/nics/%s/mac", vm, nic);
	assert_true(find(view, path, &p));

	snprintf(path, sizeof(path), "vm-instances/%s/volumes/%s", vm, volume);
	assert_true(find(view, path, &p));
	assert_true(place_readlink(&p, target));
	snprintf(want, sizeof(want), "../../../volumes/%s", volume);
	assert_string_equal(target, want);

	snprintf(path, sizeof(path), "primary-storage/%s/clusters/%s",
		 object_uuid(view_get_id(view, KIND_PRIMARY_STORAGE, 1)),
		 object_uuid(view_get_id(view, KIND_CLUSTER, 1)));
	assert_true(find(view, path, &p));
	assert_true(place_readlink(&p, target));
	snprintf(want, sizeof(want), "../../../clusters/%s", object_uuid(view_get_id(view, KIND_CLUSTER, 1)));
	assert_string_equal(target, want);

	snprintf(path, sizeof(path), "vm-instances/%s/jobs/%s", vm,
		 object_uuid(view_get_id(view, KIND_JOB, 1)));
	assert_true(find(view, path, &p));
	assert_true(S_ISDIR(place_mode(&p)));
	snprintf(path, sizeof(path), "vm-instances/%s/jobs/%s/result", vm,
		 object_uuid(view_get_id(view, KIND_JOB, 1)));
	snprintf(want, sizeof(want), "api-jobs/%s/result", object_uuid(view_get_id(view, KIND_JOB, 1)));
	assert_true(find(view, path, &p) && find(view, want, &q));
	assert_int_equal(node_pack(p.node), node_pack(q.node));

	assert_true(find(view, "global-configurations/vm/deletionPolicy/value", &p));
	assert_false(find(view, "global-configurations/host/deletionPolicy", &p));
}

static mode_t mode_of(const struct view *view, const char *path)
{
	struct place p;

	assert_true(find(view, path, &p));
	return place_mode(&p) & 07777;
}

static void test_modes(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	const char *tag = object_uuid(view_get_id(view, KIND_SYSTEM_TAG, 1)),
		   *user_tag = object_uuid(view_get_id(view, KIND_USER_TAG, 1)),
		   *vm = object_uuid(view_get_id(view, KIND_VM, 1));
	char path[PATH_SIZE];

	(void)state;
	assert_int_equal(mode_of(view, "zones"), 0755);
	assert_int_equal(mode_of(view, "README"), 0444);
	assert_int_equal(mode_of(view, "zones/create"), 0644);
	snprintf(path, sizeof(path), "zones/%s/name", object_uuid(view_get_id(view, KIND_ZONE, 1)));
	assert_int_equal(mode_of(view, path), 0644);
	assert_int_equal(mode_of(view, "system-tags/inventories"), 0444); /* secrets are masked in them */
	snprintf(path, sizeof(path), "system-tags/%s/tag", tag);
	assert_int_equal(mode_of(view, path), 0600);
	snprintf(path, sizeof(path), "system-tags/%s/inventory", tag);
	assert_int_equal(mode_of(view, path), 0444);
	snprintf(path, sizeof(path), "vm-instances/%s/tags/%s", vm, tag);
	assert_int_equal(mode_of(view, path), 0400);
	snprintf(path, sizeof(path), "vm-instances/%s/tags/%s", vm, user_tag);
	assert_int_equal(mode_of(view, path), 0444);
	snprintf(path, sizeof(path), "vm-instances/%s/state", vm);
	assert_int_equal(mode_of(view, path), 0444);
	snprintf(path, sizeof(path), "vm-instances/%s/memorySize", vm);
	assert_int_equal(mode_of(view, path), 0644);
	snprintf(path, sizeof(path), "vm-instances/%s/console-passwords", vm);
	assert_int_equal(mode_of(view, path), 0400);
}

/* Names are the same with and without cached ranks, also after a seek. */
static void test_ranks(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	struct ranks *ranks = ranks_new();
	char with[NAME_SIZE], without[NAME_SIZE];
	struct place dir, p;
	int64_t at, middle = 0;
	int count = 0;

	(void)state;
	assert_true(find(view, "zones/by-name", &dir));
	for (at = 0;; count++) {
		int64_t before = at;
		bool more;

		dir.ranks = NULL;
		more = place_next(&dir, before, &at, without, &p);
		dir.ranks = ranks;
		assert_int_equal(place_next(&dir, before, &at, with, &p), more);
		if (!more)
			break;
		assert_string_equal(with, without);
		if (count == MANY / 2)
			middle = before;
	}
	assert_int_equal(count, MANY);
	assert_true(place_next(&dir, middle, &at, with, &p));
	dir.ranks = NULL;
	assert_true(place_next(&dir, middle, &at, without, &p));
	assert_string_equal(with, without);
	ranks_free(ranks);
	assert_true(find(view, "zones/by-name/name1", &p));
	assert_int_equal(p.node.row, 1);
	assert_true(find(view, "zones/by-name/name1~2", &p));
	assert_int_equal(p.node.row, 8);
	assert_false(find(view, "zones/by-name/name1~1", &p));
	assert_false(find(view, "zones/by-name/name1~9999", &p));
}

/* Entries before and after the position of a walk may appear and vanish. */
static void test_walk_over_changes(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	struct place dir, p;
	char name[NAME_SIZE], next[NAME_SIZE];
	int64_t at = 0;

	(void)state;
	assert_true(find(view, "zones", &dir));
	do
		assert_true(place_next(&dir, at, &at, name, &p));
	while (p.node.row != 100);
	for (int i = 1; i <= 101; i++)
		assert_int_equal(view_remove(view, view_get_id(view, KIND_ZONE, i)), 0);
	assert_true(place_next(&dir, at, &at, next, &p));
	assert_int_equal(p.node.row, 102);
	assert_true(place_find(&fs, view,
			       node_pack((struct node){.kind = KIND_ZONE, .row = 100, .class = N_OBJECT}), 0,
			       &p) == -ESTALE);
}

static void test_queries(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	char path[PATH_SIZE];
	struct place p, again;

	(void)state;
	snprintf(path, sizeof(path), "vm-instances/%s/starting-target-hosts?zoneUuid=x",
		 object_uuid(view_get_id(view, KIND_VM, 1)));
	assert_true(find(view, path, &p));
	assert_int_equal(p.node.class, N_QUERY);
	assert_string_equal(p.op->name, "GetVmStartingCandidateClustersHosts");
	assert_non_null(p.object);
	assert_int_equal(place_find(&fs, view, node_pack(p.node), NULL, &again), 0);
	assert_ptr_equal(again.object, p.object);
	assert_false(find(view, "README?x=1", &p));
	assert_false(find(view, "nothing?x=1", &p));
}

static void assert_parent(const struct view *view, const char *path, const char *parent)
{
	struct place p, want, got;

	assert_true(find(view, path, &p));
	assert_true(find(view, parent, &want));
	assert_int_equal(place_parent(&p, &got), 0);
	assert_int_equal(node_pack(got.node), node_pack(want.node));
}

/* Directories that no listing shows have parents, too. */
static void test_parents(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	struct place root, dir;
	int64_t number;

	(void)state;
	assert_parent(view, "zones/where/name=name1", "zones/where");
	assert_parent(view, "zones/where/name=name1/uuid=x", "zones/where/name=name1");
	assert_parent(view, "zones/where/name=a&b/name=name1/uuid=x", "zones/where/name=a&b/name=name1");
	assert_parent(view, "sessions/exports", "sessions");
	assert_parent(view, "images/upload", "images");
	place_init(&fs, view, NODE_ROOT, &root);
	assert_int_equal(place_parent(&root, &dir), -ENOENT);

	assert_true(find(view, "zones", &dir));
	assert_int_equal(scratch_create(fs.scratches, dir.node, 0, "lock", S_IFDIR | 0700, &number), 0);
	assert_true(find(view, "zones/lock", &dir));
	assert_int_equal(scratch_create(fs.scratches, dir.node, 0, "inner", S_IFDIR | 0700, &number), 0);
	assert_parent(view, "zones/lock", "zones");
	assert_parent(view, "zones/lock/inner", "zones/lock");
	assert_int_equal(scratch_unlink(fs.scratches, dir.node, 0, "inner"), 0);
	assert_true(find(view, "zones", &dir));
	assert_int_equal(scratch_unlink(fs.scratches, dir.node, 0, "lock"), 0);
}

/*
 * What is protected by a secret name is not reached by its number: of the objects of such kinds there are only the nodes
 * with the flag, and all that is below one of these has it.
 */
static void test_secret_names(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	struct place p;
	int found = 0;

	(void)state;
	for (int class = 0; class < NODE_CLASS_COUNT; class ++)
		for (int dir = 0; dir < NODE_CLASS_COUNT; dir++)
			if ((node_table[class].in & IN(dir)) && (node_table[dir].flags & E_SECRET))
				assert_true(node_table[class].flags & E_SECRET);
	assert_true(node_table[N_SESSION].flags & E_SECRET);
	assert_true(node_table[N_EXPORT].flags & E_SECRET);
	assert_true(node_table[N_SENT_IMAGE].flags & E_SECRET);
	put(view, make(KIND_SESSION, 1, NULL));
	put(view, make(KIND_IMAGE_EXPORT, 1, NULL));
	for (int class = 0; class < NODE_CLASS_COUNT; class ++)
		for (unsigned index = 0; index <= NODE_INDEX_MAX; index++)
			for (int i = 0; i < 2; i++) {
				struct node n = {.kind = i ? KIND_SESSION : KIND_IMAGE_EXPORT,
						 .class = (enum node_class) class,
						 .index = index,
						 .row = 1};

				if (place_find(&fs, view, node_pack(n), NULL, &p) < 0 ||
				    S_ISLNK(p.entry->mode))
					continue;
				assert_true(p.entry->flags & E_SECRET);
				found++;
			}
	assert_true(found >= 3);
}

/* No invalid inode number does harm. */
static void test_invalid_numbers(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	struct place p, entry;
	char name[NAME_SIZE];
	int64_t at;

	(void)state;
	srandom(1);
	for (int i = 0; i < 200000; i++) {
		struct node n = {.kind = (enum kind_id)((unsigned)random() % KIND_COUNT),
				 .class = (enum node_class)((unsigned)random() % NODE_CLASS_COUNT),
				 .index = (unsigned)random() % (NODE_INDEX_MAX + 1),
				 .row = random() % 3};

		if (place_find(&fs, view, node_pack(n), NULL, &p) < 0)
			continue;
		if (S_ISDIR(p.entry->mode))
			(void)place_next(&p, 0, &at, name, &entry);
		(void)place_readlink(&p, (char[PATH_SIZE]){0});
		(void)place_mode(&p);
	}
}

static int set_up(void **state)
{
	(void)state;
	fs.queries = queries_new(NULL);
	fs.scratches = scratches_new(NULL);
	fs.uploads = uploads_new(NULL);
	fs.events = event_log_new();
	fs.ranks = ranks_new();
	return fs.queries && fs.scratches && fs.uploads && fs.events && fs.ranks ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	queries_free(fs.queries);
	scratches_free(fs.scratches);
	uploads_free(fs.uploads);
	event_log_free(fs.events);
	ranks_free(fs.ranks);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node_numbers),
		cmocka_unit_test(test_tables_fit),
		cmocka_unit_test(test_rows_have_their_class),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_ranks),
		cmocka_unit_test(test_walk_over_changes),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_parents),
		cmocka_unit_test(test_secret_names),
		cmocka_unit_test(test_invalid_numbers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
