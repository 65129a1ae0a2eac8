/* SPDX-License-Identifier: Apache-2.0 */
/* Open files go on in the next process with what their readers see, or without: memory may be short, and a start may fail. */
#include "tests/unit/fixture.h"

#include <fuse_lowlevel.h>
#include <sys/socket.h>

#include "fs/session.h"
#include "fs/table.h"
#include "fs/tree/handle.h"
#include "fs/tree/handle_load.h"
#include "fs/tree/paged.h"
#include "tests/unit/failing_memory.h"

/* Of all long contents: long parts, as their letters say, and a short one. */
#define PART   8192
#define SHORT  100
#define LENGTH (3 * PART + SHORT)

static bool lists_fail; /* the list of documents is one that there is no memory for */

uint64_t *__real_keep_list(struct keep *keep, enum keep_type type, size_t *ret_count);
uint64_t *__wrap_keep_list(struct keep *keep, enum keep_type type, size_t *ret_count);
uint64_t *__wrap_keep_list(struct keep *keep, enum keep_type type, size_t *ret_count)
{
	if (!lists_fail || type != KEEP_DOCUMENT)
		return __real_keep_list(keep, type, ret_count);
	*ret_count = 0;
	return NULL;
}

/* ------------------------------------------------------------------- processes */

/* One that serves the mount. */
struct process {
	struct fs fs;
};

static void begin(struct process *p, const struct fixture *f, int fd)
{
	*p = (struct process){.fs = {.nodes = node_table, .store = f->store}};
	assert_int_equal(keep_open(fd, &p->fs.keep, NULL), 0);
	p->fs.handles = handles_new(p->fs.keep);
	assert_non_null(p->fs.handles);
}

static void end(struct process *p)
{
	keep_end(p->fs.keep);
	handles_free(p->fs.handles);
	keep_free(p->fs.keep);
}

static struct passage *part(struct keep *keep, char letter, size_t len)
{
	char bytes[PART];

	memset(bytes, letter, len);
	return passage_new(keep, bytes, len);
}

/* A content with these parts. */
static struct document *content(struct keep *keep, const char letters[4])
{
	struct piece pieces[4];
	struct document *d;

	for (int i = 0; i < 4; i++) {
		pieces[i] = (struct piece){part(keep, letters[i], i < 3 ? PART : SHORT), 0};
		assert_non_null(pieces[i].text);
	}
	d = document_join(pieces, 4, 1);
	for (int i = 0; i < 4; i++)
		passage_unref(pieces[i].text);
	return d;
}

static bool shows(const struct document *d, const char letters[4])
{
	_cleanup_free_ char *bytes = malloc(d->len);

	if (!bytes || d->len != LENGTH)
		return false;
	document_copy(d, bytes);
	for (size_t i = 0; i < LENGTH; i++)
		if (bytes[i] != letters[i / PART])
			return false;
	return true;
}

/* A file that shows @d, whose reader is in the middle of it. */
static uint64_t open_file(struct process *p, struct document *d)
{
	_cleanup_handle_ struct handle *h =
		handle_new((struct node){.class = N_README}, S_IFREG | 0444, NULL, &(struct caller){0});

	assert_non_null(h);
	assert_non_null(d);
	handle_set_content(h, document_ref(d));
	assert_int_equal(handles_add(p->fs.handles, h), 0);
	handle_note_read(h, d, 10);
	assert_true(h->shown.kept);
	return h->number;
}

/* ----------------------------------------------------------------------- files */

/* What the first process leaves: files with two contents that share no part, two of them with one, and a text. */
struct files {
	uint64_t first, second, same, text;
};

static struct files leave_files(const struct fixture *f, int fd)
{
	struct process p;
	struct document *a, *b, *closed;
	struct handle *h;
	struct files files;

	begin(&p, f, fd);
	keep_texts_settle(p.fs.keep);
	a = content(p.fs.keep, "abcd");
	b = content(p.fs.keep, "efgh");
	closed = content(p.fs.keep, "ijkl");
	files.first = open_file(&p, a);
	handles_remove(p.fs.handles, open_file(&p, closed)); /* it may be shown to others soon */
	files.second = open_file(&p, b);
	files.same = open_file(&p, a);
	files.text = open_file(&p, a);
	assert_true(keep_begin(p.fs.keep));
	h = handles_get(p.fs.handles, files.text);
	assert_int_equal(gather_append(&h->gather, "half", 4, 100), 0);
	handle_unref(h);
	keep_commit(p.fs.keep);
	keep_end(p.fs.keep);
	document_unref(a);
	document_unref(b);
	document_unref(closed);
	end(&p);
	return files;
}

/* Shows the file this content? @may_lack: or none. */
static void check_file(struct process *p, uint64_t number, const char letters[4], bool may_lack)
{
	_cleanup_handle_ struct handle *h = handles_get(p->fs.handles, number);

	assert_non_null(h);
	if (h->content) {
		assert_true(shows(h->content, letters));
		return;
	}
	assert_true(may_lack);
	assert_true(atomic_load(&h->lost));
	assert_true(h->shown.known); /* so nobody reads on in another one */
}

static void check_files(struct process *p, const struct files *files, bool may_lack)
{
	_cleanup_handle_ struct handle *text = handles_get(p->fs.handles, files->text);

	check_file(p, files->first, "abcd", may_lack);
	check_file(p, files->second, "efgh", may_lack);
	check_file(p, files->same, "abcd", may_lack);
	assert_non_null(text);
	assert_int_equal(text->gather.len, 4);
	assert_memory_equal(text->gather.data, "half", 4);
}

/* As many as take all memory that is free, if any is by mistake, and the same numbers. */
#define OTHERS 5

/* Whatever allocation fails when files are loaded, neither this process nor the next shows other bytes than their own. */
static void check_failure(const struct fixture *f, int which, bool *ret_all)
{
	struct process p;
	struct files files;
	uint64_t others[OTHERS];
	struct document *d;
	int fd, r;

	assert_int_equal(keep_new(&fd, NULL), 0);
	files = leave_files(f, fd);
	begin(&p, f, fd);
	fail_after = which;
	r = handles_load(&p.fs);
	*ret_all = fail_after > 0;
	fail_after = -1;
	lists_fail = false;
	if (r == 0) {
		check_files(&p, &files, true);
		for (int i = 0; i < OTHERS; i++) {
			d = content(p.fs.keep, "wxyz");
			others[i] = open_file(&p, d);
			document_unref(d);
		}
	} else {
		assert_int_equal(r, -ENOMEM);
	}
	end(&p);

	begin(&p, f, fd);
	assert_int_equal(handles_load(&p.fs), 0);
	check_files(&p, &files, r == 0);
	for (int i = 0; i < OTHERS && r == 0; i++)
		check_file(&p, others[i], "wxyz", false);
	end(&p);
	(void)close(fd);
}

static void test_memory_short(void **state)
{
	for (int also = 0; also < 3; also++) {
		bool all = false;
		int which = 0;

		fail_once = also != 1;
		for (; !all; which++) {
			lists_fail = also == 2;
			check_failure(*state, which, &all);
		}
		assert_true(which >= 20);
	}
}

/* A worker that ends after it has loaded the files, since the supervisor is gone or has no device, leaves them as they were. */
static void test_failed_start(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {(char[]){"poolfs"}, NULL};
	struct fuse_args args = {.argc = 1, .argv = argv};
	const struct session_options options = {.args = &args,
						.mountpoint = f->dir,
						.pool = {.state_dir = f->dir, .uri = "test:///default"},
						.rest_uid = UID_NONE};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct files files;
	struct process p;
	int fd, link[2];

	assert_int_equal(keep_new(&fd, NULL), 0);
	files = leave_files(f, fd);
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link), 0);
	(void)close(link[1]);
	assert_int_equal(session_serve(&options, link[0], fd, &e), -EPIPE);
	assert_non_null(strstr(error_sentence(&e), "no '/dev/fuse' from the supervisor"));
	(void)close(link[0]);

	fixture_open(f);
	begin(&p, f, fd);
	assert_int_equal(handles_load(&p.fs), 0);
	check_files(&p, &files, false);
	end(&p);
	(void)close(fd);
}

static uint64_t open_of(struct process *p, enum node_class class, mode_t mode, const struct object *o)
{
	_cleanup_view_ struct view *view = store_view(p->fs.store);
	struct node node = {.kind = o->kind->id, .row = o->id, .class = class};
	_cleanup_handle_ struct handle *h = handle_new(node, mode, view, &(struct caller){0});

	assert_non_null(h);
	assert_int_equal(handles_add(p->fs.handles, h), 0);
	return h->number;
}

/* Of a file whose object is deleted each process knows which one that was, since somebody may wait for its end. */
static void test_deleted_object(void **state)
{
	struct fixture *f = *state;
	const char *uuid = test_uuid(1);
	_cleanup_object_ const struct object *zone = NULL;
	uint64_t file, directory;
	struct process p;
	int fd;

	put(f, make(KIND_ZONE, uuid));
	zone = get(f, KIND_ZONE, uuid);
	assert_int_equal(keep_new(&fd, NULL), 0);
	begin(&p, f, fd);
	file = open_of(&p, N_ACTIONS, S_IFREG | 0644, zone);
	directory = open_of(&p, N_OBJECT, S_IFDIR | 0755, zone);
	end(&p);
	for (int which = 0; which < 3; which++) {
		struct handle *h;

		begin(&p, f, fd);
		assert_int_equal(handles_load(&p.fs), 0);
		h = handles_get(p.fs.handles, file);
		assert_non_null(h);
		assert_string_equal(object_uuid(h->object), uuid);
		assert_int_equal(h->object->id, zone->id);
		assert_ptr_equal(h->object->kind, zone->kind);
		assert_string_equal(object_text(h->object, zone->kind->name_field), which ? "" : "unnamed");
		handle_unref(h);
		h = handles_get(p.fs.handles, directory);
		assert_non_null(h);
		assert_int_equal(h->object != NULL, which == 0);
		handle_unref(h);
		if (which == 2) { /* with the handle goes what is kept of it */
			handles_remove(p.fs.handles, file);
			assert_int_equal(keep_bytes(p.fs.keep, KEEP_OBJECT), 0);
		}
		end(&p);
		if (which == 0)
			assert_int_equal(try_remove(f, uuid, NULL), 0);
	}
	(void)close(fd);
}

/* ----------------------------------------------------------------------- pages */

#define INVENTORY "what its readers show\n"
#define CHANGED	  12345 /* when it changed, ns */

static struct node inventory_of(int64_t row)
{
	return (struct node){.kind = KIND_VM, .row = row, .class = N_INVENTORY};
}

/* The inventory of a VM, open for reading, at its end. */
static uint64_t open_inventory(struct process *p, int64_t row, bool paged)
{
	_cleanup_handle_ struct handle *h =
		handle_new(inventory_of(row), S_IFREG | 0444, NULL, &(struct caller){0});
	struct document *d = document_new(INVENTORY, strlen(INVENTORY), CHANGED);

	assert_non_null(h);
	assert_non_null(d);
	h->reads = true;
	h->paged = paged;
	handle_set_content(h, d);
	assert_int_equal(handles_add(p->fs.handles, h), 0);
	handle_note_read(h, d, d->len);
	return h->number;
}

/* What the inode is, if its present content changed at @changed. *@ret: what its readers show. */
static enum paged_inode inode_of(const struct process *p, int64_t row, int64_t changed, struct stat *ret)
{
	struct stat present;

	stat_fill(&p->fs, inventory_of(row), S_IFREG | 0444, strlen(INVENTORY), changed, &present);
	return paged_inode(p->fs.paged, inventory_of(row), &present, ret);
}

static void check_readers(const struct process *p, int64_t row, enum paged_inode is)
{
	struct stat shown;

	assert_int_equal(inode_of(p, row, CHANGED + 1, &shown), is);
	assert_int_equal(shown.st_ino, node_pack(inventory_of(row)));
	assert_int_equal(shown.st_mode, S_IFREG | 0444);
	assert_int_equal(shown.st_size, strlen(INVENTORY));
	assert_int_equal(shown.st_mtim.tv_sec * NS_PER_S + shown.st_mtim.tv_nsec, CHANGED);
}

static bool note_number(void *arg, struct node node, uint64_t number)
{
	uint64_t *ret = arg;

	ret[node.row] = number;
	return true;
}

static void begin_with_pages(struct process *p, const struct fixture *f, int fd)
{
	begin(p, f, fd);
	p->fs.paged = paged_new();
	assert_non_null(p->fs.paged);
}

static void end_with_pages(struct process *p)
{
	end(p);
	paged_free(p->fs.paged);
}

/* The kernel has their contents in its pages still: their inodes are theirs in each further process, until they close. */
static void test_pages(void **state)
{
	const struct fixture *f = *state;
	uint64_t first, second, past, numbers[4];
	struct stat shown;
	struct process p;
	int fd;

	assert_int_equal(keep_new(&fd, NULL), 0);
	begin(&p, f, fd);
	first = open_inventory(&p, 1, true);
	second = open_inventory(&p, 1, true);
	past = open_inventory(&p, 2, false);
	end(&p);
	for (int which = 0; which < 2; which++) {
		struct handle *h, *other;

		begin_with_pages(&p, f, fd);
		assert_int_equal(handles_load(&p.fs), 0);
		h = handles_get(p.fs.handles, first);
		other = handles_get(p.fs.handles, past);
		assert_non_null(h);
		assert_non_null(other);
		assert_true(h->paged);
		assert_false(other->paged);
		assert_non_null(h->content);
		assert_string_equal(h->content->data, INVENTORY);
		check_readers(&p, 1, PAGED_LATE);
		assert_int_equal(inode_of(&p, 2, CHANGED + 1, &shown), PAGED_OF_NAME);
		memset(numbers, 0, sizeof(numbers));
		paged_start(p.fs.paged, note_number, numbers);
		assert_true(numbers[1] > 0);
		assert_true(numbers[2] == 0);
		paged_forgotten(p.fs.paged, inventory_of(1), numbers[1]);
		check_readers(&p, 1, PAGED_LATE); /* for a moment */
		assert_true(paged_note(p.fs.paged, h));
		if (which == 0) {
			struct handle *closed = handles_get(p.fs.handles, second);

			assert_non_null(closed);
			handles_remove(p.fs.handles, second);
			assert_false(paged_end(p.fs.paged, closed));
			handle_unref(closed);
			check_readers(&p, 1, PAGED_LATE);
		} else {
			handles_remove(p.fs.handles, first);
			assert_true(paged_end(p.fs.paged, h));
			assert_int_equal(inode_of(&p, 1, CHANGED + 1, &shown), PAGED_OF_NAME);
		}
		handle_unref(h);
		handle_unref(other);
		end_with_pages(&p);
	}
	(void)close(fd);
}

/* The inode is that of its readers, or the content of this one is lost: then it shows no other. */
static void check_reader(struct process *p, uint64_t number, int64_t row)
{
	_cleanup_handle_ struct handle *h = handles_get(p->fs.handles, number);

	assert_non_null(h);
	assert_true(h->paged);
	assert_int_equal(paged_note(p->fs.paged, h), h->content != NULL);
	check_readers(p, row, PAGED_LATE);
	if (h->content)
		return;
	assert_true(atomic_load(&h->lost));
	assert_true(h->shown.known);
}

/* Whatever allocation fails, no reader that has its content goes on without its inode. */
static void test_pages_memory_short(void **state)
{
	const struct fixture *f = *state;
	bool all = false;
	int which = 0;

	for (; !all; which++) {
		struct process p;
		uint64_t first, second;
		int fd, r;

		assert_int_equal(keep_new(&fd, NULL), 0);
		begin(&p, f, fd);
		first = open_inventory(&p, 1, true);
		second = open_inventory(&p, 2, true);
		end(&p);
		begin_with_pages(&p, f, fd);
		fail_once = true;
		fail_after = which;
		r = handles_load(&p.fs);
		all = fail_after > 0;
		fail_after = -1;
		if (r == 0) {
			check_reader(&p, first, 1);
			check_reader(&p, second, 2);
		} else {
			assert_int_equal(r, -ENOMEM);
		}
		end_with_pages(&p);

		begin_with_pages(&p, f, fd);
		assert_int_equal(handles_load(&p.fs), 0);
		check_readers(&p, 1, PAGED_LATE);
		check_readers(&p, 2, PAGED_LATE);
		end_with_pages(&p);
		(void)close(fd);
	}
	assert_true(which >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_memory_short, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_failed_start, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_deleted_object, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_pages, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_pages_memory_short, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
