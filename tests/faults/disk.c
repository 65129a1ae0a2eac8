/* SPDX-License-Identifier: Apache-2.0 */
/* See disk.h. */
#include "tests/faults/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/cleanup.h"

#define PAGE   4096
#define SECTOR 512

struct file {
	uint64_t inode;
	int64_t size;
	unsigned char **pages; /* NULL = zeros */
	size_t page_count;
	bool grew; /* since its last sync: it is new, or its size was changed */
};

struct name {
	char *path;
	uint64_t inode;
	bool folder;
};

struct state {
	struct file *files;
	size_t file_count;
	struct name *names;
	size_t name_count;
};

struct disk {
	char *root;
	enum disk_rules rules;
	struct state certain;
	const struct disk_op **pending;
	size_t pending_count;
	struct file *all; /* only inode and grew: of the files as the program sees them */
	size_t all_count;
};

static void *check(void *p)
{
	if (!p) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

/* ---------------------------------------------------------------------- reading */

static char *text_of(const unsigned char *at, size_t length)
{
	return length ? check(strndup((const char *)at, length)) : NULL;
}

struct disk_op *disk_ops_read(const char *file, size_t *ret_count)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct disk_op *ops = NULL;
	unsigned char *text;
	struct stat st;
	size_t count = 0, size, at = 0;

	if (fd < 0 || fstat(fd, &st) < 0) {
		perror(file);
		return NULL;
	}
	size = (size_t)st.st_size;
	text = check(malloc(size + 1));
	for (size_t done = 0; done < size;) {
		ssize_t n = read(fd, text + done, size - done);

		if (n <= 0) {
			perror(file);
			return NULL;
		}
		done += (size_t)n;
	}
	while (at + sizeof(struct record) <= size) {
		struct record *head = check(malloc(sizeof(*head)));

		memcpy(head, text + at, sizeof(*head));
		if ((count & 1023) == 0)
			ops = check(realloc(ops, (count + 1024) * sizeof(*ops)));
		at += sizeof(*head);
		ops[count].head = head;
		ops[count].path = text_of(text + at, head->path);
		ops[count].second = text_of(text + at + head->path, head->second);
		at += head->path + head->second;
		ops[count++].data = text + at;
		at += head->op == RECORD_ZERO ? 0 : head->length;
	}
	*ret_count = count;
	return ops;
}

/* ----------------------------------------------------------------------- states */

static struct file *file_find(struct state *s, uint64_t inode)
{
	for (size_t i = s->file_count; i-- > 0;)
		if (s->files[i].inode == inode)
			return &s->files[i];
	return NULL;
}

static struct file *file_get(struct state *s, uint64_t inode)
{
	struct file *file = file_find(s, inode);

	if (file)
		return file;
	s->files = check(realloc(s->files, (s->file_count + 1) * sizeof(*s->files)));
	file = &s->files[s->file_count++];
	*file = (struct file){.inode = inode};
	return file;
}

static void file_done(struct file *file)
{
	for (size_t i = 0; i < file->page_count; i++)
		free(file->pages[i]);
	free(file->pages);
}

static struct name *name_find(const struct state *s, const char *path)
{
	for (size_t i = 0; i < s->name_count; i++)
		if (strcmp(s->names[i].path, path) == 0)
			return &s->names[i];
	return NULL;
}

static void name_remove(struct state *s, const char *path)
{
	struct name *name = name_find(s, path);

	if (!name)
		return;
	free(name->path);
	*name = s->names[--s->name_count];
}

static void name_add(struct state *s, const char *path, uint64_t inode, bool folder)
{
	name_remove(s, path);
	s->names = check(realloc(s->names, (s->name_count + 1) * sizeof(*s->names)));
	s->names[s->name_count++] = (struct name){check(strdup(path)), inode, folder};
}

static unsigned char *file_page(struct file *file, size_t page)
{
	if (page >= file->page_count) {
		file->pages = check(realloc(file->pages, (page + 1) * sizeof(*file->pages)));
		memset(file->pages + file->page_count, 0,
		       (page + 1 - file->page_count) * sizeof(*file->pages));
		file->page_count = page + 1;
	}
	if (!file->pages[page])
		file->pages[page] = check(calloc(1, PAGE));
	return file->pages[page];
}

/* @data: NULL = zeros. */
static void file_write(struct file *file, int64_t offset, const unsigned char *data, size_t length)
{
	size_t done = 0;

	while (done < length) {
		size_t at = (size_t)offset + done, page = at / PAGE, part = PAGE - at % PAGE;

		if (part > length - done)
			part = length - done;
		if (data)
			memcpy(file_page(file, page) + at % PAGE, data + done, part);
		else if (page < file->page_count && file->pages[page])
			memset(file->pages[page] + at % PAGE, 0, part);
		done += part;
	}
	if (length > 0 && offset + (int64_t)length > file->size)
		file->size = offset + (int64_t)length;
}

static void file_truncate(struct file *file, int64_t size)
{
	if (size < file->size)
		file_write(file, size, NULL, (size_t)(file->size - size));
	file->size = size;
}

/* Does all of an operation but that @sectors, if not NULL, says which sectors of a write are done. */
static void apply(struct state *s, const struct disk_op *op, const bool *sectors)
{
	const struct record *r = op->head;
	const struct name *name;

	switch ((enum record_op)r->op) {
	case RECORD_CREATE:
		(void)file_get(s, r->inode);
		name_add(s, op->path, r->inode, false);
		break;
	case RECORD_MKDIR:
		name_add(s, op->path, r->inode, true);
		break;
	case RECORD_RENAME:
		name = name_find(s, op->path);
		if (name && name->inode == r->inode) {
			bool folder = name->folder;

			name_remove(s, op->path);
			name_add(s, op->second, r->inode, folder);
		}
		break;
	case RECORD_UNLINK:
	case RECORD_RMDIR:
		name = name_find(s, op->path);
		if (name && name->inode == r->inode)
			name_remove(s, op->path);
		break;
	case RECORD_WRITE:
		for (size_t at = 0, next; at < r->length; at = next) {
			next = sectors ? at + SECTOR - ((size_t)r->offset + at) % SECTOR : r->length;
			if (next > r->length)
				next = r->length;
			if (!sectors || sectors[at / SECTOR])
				file_write(file_get(s, r->inode), r->offset + (int64_t)at, op->data + at,
					   next - at);
		}
		break;
	case RECORD_TRUNCATE:
		file_truncate(file_get(s, r->inode), r->offset);
		break;
	case RECORD_ZERO:
		file_write(file_get(s, r->inode), r->offset, NULL, (size_t)r->length);
		break;
	case RECORD_FSYNC:
	case RECORD_DATASYNC:
	case RECORD_MARK:
		break;
	}
}

/* ------------------------------------------------------------------------- disk */

struct disk *disk_new(const char *root, enum disk_rules rules)
{
	struct disk *disk = check(calloc(1, sizeof(*disk)));

	disk->root = check(strdup(root));
	disk->rules = rules;
	return disk;
}

static void state_done(struct state *s)
{
	for (size_t i = 0; i < s->file_count; i++)
		file_done(&s->files[i]);
	for (size_t i = 0; i < s->name_count; i++)
		free(s->names[i].path);
	free(s->files);
	free(s->names);
}

void disk_free(struct disk *disk)
{
	state_done(&disk->certain);
	free(disk->pending);
	free(disk->all);
	free(disk->root);
	free(disk);
}

static bool is_of_names(const struct disk_op *op)
{
	return op->path != NULL;
}

static struct file *disk_file(struct disk *disk, uint64_t inode)
{
	for (size_t i = disk->all_count; i-- > 0;)
		if (disk->all[i].inode == inode)
			return &disk->all[i];
	disk->all = check(realloc(disk->all, (disk->all_count + 1) * sizeof(*disk->all)));
	disk->all[disk->all_count] = (struct file){.inode = inode, .grew = true};
	return &disk->all[disk->all_count++];
}

/* Is the folder of @path the one with this inode? */
static bool is_in_folder(const struct disk *disk, const char *path, uint64_t folder, uint64_t root)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	if (folder == root)
		return length == strlen(disk->root);
	for (size_t i = 0; i < disk->certain.name_count; i++) {
		const struct name *name = &disk->certain.names[i];

		if (name->inode == folder && name->folder && strlen(name->path) == length &&
		    strncmp(name->path, path, length) == 0)
			return true;
	}
	for (size_t i = 0; i < disk->pending_count; i++) {
		const struct disk_op *op = disk->pending[i];

		if (op->head->op == RECORD_MKDIR && op->head->inode == folder && strlen(op->path) == length &&
		    strncmp(op->path, path, length) == 0)
			return true;
	}
	return false;
}

/* The inode of the root is that of no folder that was made. */
static uint64_t root_inode(const struct disk *disk)
{
	struct stat st;

	return stat(disk->root, &st) == 0 ? st.st_ino : 0;
}

/* Does the sync @by make @op certain? */
static bool is_synced(const struct disk *disk, const struct disk_op *op, const struct record *by,
		      bool journal)
{
	if (!is_of_names(op))
		return !by->folder && op->head->inode == by->inode;
	if (disk->rules == DISK_EXT4)
		return journal;
	return by->folder && is_in_folder(disk, op->head->op == RECORD_RENAME ? op->second : op->path,
					  by->inode, root_inode(disk));
}

static void sync_now(struct disk *disk, const struct record *by)
{
	struct file *file = disk_file(disk, by->inode);
	bool journal = by->op == RECORD_FSYNC || file->grew;
	size_t kept = 0;

	file->grew = false;
	for (size_t i = 0; i < disk->pending_count; i++) {
		if (is_synced(disk, disk->pending[i], by, journal))
			apply(&disk->certain, disk->pending[i], NULL);
		else
			disk->pending[kept++] = disk->pending[i];
	}
	disk->pending_count = kept;
}

void disk_do(struct disk *disk, const struct disk_op *op)
{
	const struct record *r = op->head;

	if (r->op == RECORD_MARK)
		return;
	if (r->op == RECORD_FSYNC || r->op == RECORD_DATASYNC) {
		sync_now(disk, r);
		return;
	}
	if (r->op == RECORD_WRITE || r->op == RECORD_TRUNCATE || r->op == RECORD_ZERO)
		disk_file(disk, r->inode)->grew = true;
	if ((disk->pending_count & 1023) == 0)
		disk->pending =
			check(realloc(disk->pending, (disk->pending_count + 1024) * sizeof(*disk->pending)));
	disk->pending[disk->pending_count++] = op;
}

size_t disk_pending(const struct disk *disk)
{
	return disk->pending_count;
}

/* ---------------------------------------------------------------------- crashing */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void state_copy(struct state *to, const struct state *from)
{
	*to = (struct state){.file_count = from->file_count, .name_count = from->name_count};
	to->files = check(calloc(from->file_count + 1, sizeof(*to->files)));
	to->names = check(calloc(from->name_count + 1, sizeof(*to->names)));
	for (size_t i = 0; i < from->name_count; i++) {
		to->names[i] = from->names[i];
		to->names[i].path = check(strdup(from->names[i].path));
	}
	for (size_t i = 0; i < from->file_count; i++) {
		const struct file *file = &from->files[i];

		to->files[i] = *file;
		to->files[i].pages = check(calloc(file->page_count + 1, sizeof(*file->pages)));
		for (size_t p = 0; p < file->page_count; p++) {
			if (!file->pages[p])
				continue;
			to->files[i].pages[p] = check(malloc(PAGE));
			memcpy(to->files[i].pages[p], file->pages[p], PAGE);
		}
	}
}

/* Does a part of a write. */
static void apply_torn(struct state *s, const struct disk_op *op, uint64_t *seed)
{
	size_t count = op->head->length / SECTOR + 2;
	bool *sectors = check(calloc(count, sizeof(*sectors)));
	bool prefix = next_random(seed) % 2;
	size_t limit = next_random(seed) % count;

	for (size_t i = 0; i < count; i++)
		sectors[i] = prefix ? i < limit : next_random(seed) % 2;
	apply(s, op, sectors);
	free(sectors);
}

static void apply_some(const struct disk *disk, struct state *s, enum disk_loss loss, uint64_t seed)
{
	unsigned kept_of_8 = (unsigned)(next_random(&seed) % 9);
	bool names_end = false; /* ext4: the later changes of names are lost, too */

	for (size_t i = 0; i < disk->pending_count; i++) {
		const struct disk_op *op = disk->pending[i];
		bool kept = next_random(&seed) % 8 < kept_of_8;

		switch (loss) {
		case DISK_KEEP_ALL:
			apply(s, op, NULL);
			break;
		case DISK_LOSE_ALL:
			break;
		case DISK_TEAR_LAST:
			if (i + 1 < disk->pending_count || op->head->op != RECORD_WRITE)
				apply(s, op, NULL);
			else
				apply_torn(s, op, &seed);
			break;
		case DISK_RANDOM:
			if (is_of_names(op) && disk->rules == DISK_EXT4) {
				names_end = names_end || !kept;
				kept = !names_end;
			}
			if (op->head->op == RECORD_WRITE && next_random(&seed) % 4 == 0)
				apply_torn(s, op, &seed);
			else if (kept)
				apply(s, op, NULL);
			break;
		}
	}
}

static int remove_below(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type;
	return ftw->level == 0 ? 0 : remove(path);
}

static int by_length(const void *a, const void *b)
{
	size_t la = strlen(((const struct name *)a)->path), lb = strlen(((const struct name *)b)->path);

	return la < lb ? -1 : la > lb;
}

static void file_make(const struct state *s, const struct name *name)
{
	_cleanup_close_ int fd = open(name->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const struct file *file = NULL;

	for (size_t i = 0; i < s->file_count; i++)
		if (s->files[i].inode == name->inode)
			file = &s->files[i];
	if (fd < 0 || !file)
		return; /* its folder was lost */
	for (size_t p = 0; p < file->page_count; p++) {
		int64_t left = file->size - (int64_t)p * PAGE;

		if (file->pages[p] && left > 0 &&
		    pwrite(fd, file->pages[p], left < PAGE ? (size_t)left : PAGE, (off_t)p * PAGE) < 0)
			perror(name->path);
	}
	if (ftruncate(fd, file->size) < 0)
		perror(name->path);
}

void disk_crash(const struct disk *disk, enum disk_loss loss, uint64_t seed)
{
	struct state s;

	state_copy(&s, &disk->certain);
	apply_some(disk, &s, loss, seed | 1);
	(void)nftw(disk->root, remove_below, 16, FTW_DEPTH | FTW_PHYS);
	qsort(s.names, s.name_count, sizeof(*s.names), by_length); /* folders before what is in them */
	for (size_t i = 0; i < s.name_count; i++) {
		if (s.names[i].folder)
			(void)mkdir(s.names[i].path, 0711);
		else
			file_make(&s, &s.names[i]);
	}
	state_done(&s);
}
