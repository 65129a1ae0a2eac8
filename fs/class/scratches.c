/* SPDX-License-Identifier: Apache-2.0 */
/* See scratches.h. There are few names, so the lists are searched linearly. */
#include "fs/class/scratches.h"

#include <string.h>

#include "fs/tree/family.h"
#include "model/clock.h"
#include "model/keep.h"

struct file {
	struct file *next;
	int64_t number; /* never used again */
	uid_t uid;
	mode_t mode;	 /* type and permissions */
	int64_t changed; /* ns: the mtime in stat(2) */
	int64_t used;	 /* CLOCK_MONOTONIC, ns: last use */
	char *data;	 /* owned */
	size_t len, room;
	unsigned names, opens;
	size_t saved; /* bytes at the start that the keep has; it has no others */
	bool unsaved; /* the keep has not all of them, since there was no room */
	bool lost;    /* so it was in the process before this one: nothing is known of the bytes */
};

struct entry {
	struct entry *next; /* with a larger number */
	int64_t number;	    /* position in listings; never used again */
	uint64_t dir;	    /* node number */
	struct file *file;
	char name[NAME_SIZE];
};

/* What is kept of a file besides its bytes, and of an entry before its name. */
struct kept_file {
	int64_t changed, unused;
	uint32_t uid, mode; /* with KEPT_LOST */
};
#define KEPT_LOST (UINT32_C(1) << 31) /* in no mode: its bytes are not kept */
_Static_assert(sizeof(struct kept_file) == 24 && KEEP_LAYOUT == 2, KEEP_LAYOUT_CHANGED);

struct kept_entry {
	uint64_t dir;
	int64_t file;
};
_Static_assert(sizeof(struct kept_entry) == 16 && KEEP_LAYOUT == 2, KEEP_LAYOUT_CHANGED);

struct scratches {
	struct keep *keep; /* immutable; or NULL */
	pthread_mutex_t lock;
	struct file *files;	       /* lock; owned */
	struct entry *entries, **tail; /* lock; owned; in the order of their numbers */
	int64_t last_number;	       /* lock */
	size_t total;		       /* lock; bytes of all files */
};

/* ------------------------------------------- files and names, under the lock */

static struct file *find_file(const struct scratches *s, int64_t number)
{
	for (struct file *f = s->files; f; f = f->next)
		if (f->number == number)
			return f;
	return NULL;
}

/* -------------------------------------------------------------- keep, under the lock */

/* The values of a file; loading it counts as a use. -ENOSPC, -ENOMEM: the next process does not know the file. */
static int save_file(struct scratches *s, struct file *file)
{
	const struct kept_file kept = {.changed = file->changed,
				       .uid = file->uid,
				       .mode = file->mode | (file->unsaved || file->lost ? KEPT_LOST : 0)};
	int r = keep_set(s->keep, KEEP_SCRATCH, (uint64_t)file->number, &kept, sizeof(kept));

	if (r < 0) {
		keep_remove(s->keep, KEEP_SCRATCH, (uint64_t)file->number);
		file->saved = 0;
		file->unsaved = file->len != 0;
	}
	return r;
}

/*
 * The bytes from @offset on have changed, or the length. The keep has all of them, or none: without those that there was
 * no room for, the file would be another one.
 */
static void save_data(struct scratches *s, struct file *file, size_t offset)
{
	uint64_t id = (uint64_t)file->number;
	bool appends = file->saved && offset == file->saved && file->len > offset;
	int r = appends ? keep_add(s->keep, KEEP_SCRATCH_DATA, id, file->data + offset, file->len - offset)
			: keep_set(s->keep, KEEP_SCRATCH_DATA, id, file->data, file->len);

	if (r < 0)
		keep_remove(s->keep, KEEP_SCRATCH_DATA, id);
	file->saved = r < 0 ? 0 : file->len;
	file->unsaved = r < 0;
	(void)save_file(s, file);
}

/* An entry by the name @name. -ENOSPC, -ENOMEM: what was kept of it stays. */
static int save_entry(struct scratches *s, const struct entry *e, uint64_t dir, const char *name)
{
	struct {
		struct kept_entry head;
		char name[NAME_SIZE];
	} kept = {.head = {.dir = dir, .file = e->file->number}};

	snprintf(kept.name, sizeof(kept.name), "%s", name);
	return keep_set(s->keep, KEEP_SCRATCH_NAME, (uint64_t)e->number, &kept,
			sizeof(kept.head) + strlen(kept.name));
}

static int64_t next_number(struct scratches *s)
{
	s->last_number++;
	(void)keep_set(s->keep, KEEP_SCRATCH_LAST, 0, &s->last_number, sizeof(s->last_number));
	return s->last_number;
}

static void forget_file(struct scratches *s, const struct file *file)
{
	keep_remove(s->keep, KEEP_SCRATCH, (uint64_t)file->number);
	keep_remove(s->keep, KEEP_SCRATCH_DATA, (uint64_t)file->number);
}

static int load_file(struct scratches *s, uint64_t number)
{
	struct kept_file kept;
	struct file *file;

	if (!keep_read(s->keep, KEEP_SCRATCH, number, &kept, sizeof(kept)))
		return 0;
	file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->number = (int64_t)number;
	file->uid = kept.uid;
	file->mode = kept.mode & ~KEPT_LOST;
	file->lost = kept.mode & KEPT_LOST;
	file->changed = kept.changed;
	file->used = clock_monotonic();
	file->data = keep_get(s->keep, KEEP_SCRATCH_DATA, number, &file->len);
	if (!file->data && keep_has(s->keep, KEEP_SCRATCH_DATA, number)) {
		free(file);
		return -ENOMEM;
	}
	file->room = file->saved = file->len;
	s->total += file->len;
	file->next = s->files;
	s->files = file;
	return 0;
}

static int load_entry(struct scratches *s, uint64_t number)
{
	size_t len = 0;
	_cleanup_free_ char *text = keep_get(s->keep, KEEP_SCRATCH_NAME, number, &len);
	struct kept_entry kept;
	struct entry *entry;
	struct file *file;

	if (!text || len < sizeof(kept))
		return 0;
	memcpy(&kept, text, sizeof(kept));
	file = find_file(s, kept.file);
	if (!file)
		return 0;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->number = (int64_t)number;
	entry->dir = kept.dir;
	entry->file = file;
	snprintf(entry->name, sizeof(entry->name), "%s", text + sizeof(kept));
	*s->tail = entry;
	s->tail = &entry->next;
	file->names++;
	return 0;
}

/* Takes the files of the process before this one. Those without a name are open: see scratch_open(). */
static int load(struct scratches *s)
{
	size_t count, names;
	_cleanup_free_ uint64_t *files = keep_list(s->keep, KEEP_SCRATCH, &count);
	_cleanup_free_ uint64_t *entries = keep_list(s->keep, KEEP_SCRATCH_NAME, &names);
	int r = 0;

	(void)keep_read(s->keep, KEEP_SCRATCH_LAST, 0, &s->last_number, sizeof(s->last_number));
	for (size_t i = 0; r == 0 && i < count; i++)
		r = load_file(s, files[i]);
	for (size_t i = 0; r == 0 && i < names; i++)
		r = load_entry(s, entries[i]);
	return r;
}

struct scratches *scratches_new(struct keep *keep)
{
	struct scratches *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	s->tail = &s->entries;
	s->keep = keep;
	if (load(s) == 0)
		return s;
	scratches_free(s);
	return NULL;
}

/* Finds a file and records its use. */
static struct file *use_file(struct scratches *s, int64_t number)
{
	struct file *file = find_file(s, number);

	if (file)
		file->used = clock_monotonic();
	return file;
}

static void drop_file(struct scratches *s, struct file *file)
{
	struct file **p = &s->files;

	if (file->names || file->opens)
		return;
	while (*p != file)
		p = &(*p)->next;
	*p = file->next;
	forget_file(s, file);
	s->total -= file->len;
	free(file->data);
	free(file);
}

static struct entry *get_entry(const struct scratches *s, uint64_t dir, uid_t uid, const char *name)
{
	for (struct entry *e = s->entries; e; e = e->next)
		if (e->dir == dir && e->file->uid == uid && strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

static struct node scratch_node(const struct file *file)
{
	return (struct node){.class = S_ISDIR(file->mode) ? N_SCRATCH_DIR : N_SCRATCH, .row = file->number};
}

/* A directory with entries. */
static bool is_full(const struct scratches *s, const struct file *file)
{
	for (const struct entry *e = s->entries; e && S_ISDIR(file->mode); e = e->next)
		if (e->dir == node_pack(scratch_node(file)))
			return true;
	return false;
}

static void drop_entry(struct scratches *s, struct entry *entry)
{
	struct entry **p = &s->entries;

	while (*p != entry)
		p = &(*p)->next;
	*p = entry->next;
	if (!*p)
		s->tail = p;
	entry->file->names--;
	keep_remove(s->keep, KEEP_SCRATCH_NAME, (uint64_t)entry->number);
	drop_file(s, entry->file);
	free(entry);
}

static int add_entry(struct scratches *s, struct file *file, uint64_t dir, const char *name)
{
	size_t all = 0, of_user = 0;
	struct entry *entry;
	int r;

	if (strlen(name) >= NAME_SIZE)
		return -ENAMETOOLONG;
	for (const struct entry *e = s->entries; e; e = e->next) {
		all++;
		of_user += e->file->uid == file->uid;
	}
	if (all >= SCRATCH_NAMES || of_user >= SCRATCH_NAMES_OF_USER)
		return -ENOSPC;
	if (get_entry(s, dir, file->uid, name))
		return -EEXIST;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->number = next_number(s);
	entry->dir = dir;
	entry->file = file;
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	r = save_entry(s, entry, dir, name);
	if (r < 0) {
		free(entry);
		return r;
	}
	*s->tail = entry;
	s->tail = &entry->next;
	file->names++;
	return 0;
}

static void expire(struct scratches *s)
{
	int64_t now = clock_monotonic();

	for (struct entry *e = s->entries, *next; e; e = next) {
		next = e->next;
		if (!e->file->opens && now - e->file->used > SCRATCH_IDLE_S * NS_PER_S &&
		    !is_full(s, e->file))
			drop_entry(s, e);
	}
}

void scratches_free(struct scratches *s)
{
	if (!s)
		return;
	s->keep = NULL; /* for who comes next */
	while (s->entries)
		drop_entry(s, s->entries);
	while (s->files) { /* open, without a name */
		s->files->opens = 0;
		drop_file(s, s->files);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* -------------------------------------------------------------------- names */

int scratch_create(struct scratches *s, struct node dir, uid_t uid, const char *name, mode_t mode,
		   int64_t *ret_number)
{
	struct file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	scoped_lock(&s->lock);
	expire(s);
	file->number = next_number(s);
	file->uid = uid;
	file->mode = mode & (S_IFMT | 07777);
	file->changed = store_now();
	file->used = clock_monotonic();
	file->next = s->files;
	s->files = file;
	r = save_file(s, file);
	if (r == 0)
		r = add_entry(s, file, node_pack(dir), name);
	if (r < 0)
		drop_file(s, file);
	else
		*ret_number = file->number;
	return r;
}

int scratch_link(struct scratches *s, int64_t number, struct node dir, const char *name)
{
	struct file *file;

	scoped_lock(&s->lock);
	file = use_file(s, number);
	return file ? add_entry(s, file, node_pack(dir), name) : -ESTALE;
}

int scratch_unlink(struct scratches *s, struct node dir, uid_t uid, const char *name)
{
	struct entry *entry;

	scoped_lock(&s->lock);
	entry = get_entry(s, node_pack(dir), uid, name);
	if (!entry)
		return -ENOENT;
	if (is_full(s, entry->file))
		return -ENOTEMPTY;
	drop_entry(s, entry);
	return 0;
}

/* May a file take the name of another one? */
static int check_replaced(const struct scratches *s, const struct file *file, const struct file *replaced)
{
	if (S_ISDIR(file->mode) != S_ISDIR(replaced->mode))
		return S_ISDIR(file->mode) ? -ENOTDIR : -EISDIR;
	return is_full(s, replaced) ? -ENOTEMPTY : 0;
}

int scratch_rename(struct scratches *s, uid_t uid, struct node from, const char *name, struct node to,
		   const char *to_name)
{
	struct entry *entry, *target;
	int r;

	scoped_lock(&s->lock);
	entry = get_entry(s, node_pack(from), uid, name);
	if (!entry)
		return -ENOENT;
	if (strlen(to_name) >= NAME_SIZE)
		return -ENAMETOOLONG;
	target = get_entry(s, node_pack(to), uid, to_name);
	if (target && target->file == entry->file)
		return 0; /* two names of one file: rename(2) does nothing then */
	r = target ? check_replaced(s, entry->file, target->file) : 0;
	if (r == 0)
		r = save_entry(s, entry, node_pack(to), to_name);
	if (r < 0)
		return r;
	if (target)
		drop_entry(s, target);
	entry->file->used = clock_monotonic();
	entry->dir = node_pack(to);
	snprintf(entry->name, sizeof(entry->name), "%s", to_name);
	return 0;
}

/* ------------------------------------------------------------------ content */

int scratch_open(struct scratches *s, int64_t number)
{
	struct file *file;

	scoped_lock(&s->lock);
	file = use_file(s, number);
	if (!file)
		return -ESTALE;
	file->opens++;
	return 0;
}

void scratch_close(struct scratches *s, int64_t number)
{
	struct file *file;

	scoped_lock(&s->lock);
	file = use_file(s, number);
	if (file && file->opens) {
		file->opens--;
		drop_file(s, file);
	}
}

int scratch_read(struct scratches *s, int64_t number, size_t size, off_t offset, struct document **ret)
{
	struct file *file;
	size_t start;

	scoped_lock(&s->lock);
	file = use_file(s, number);
	if (!file || file->lost)
		return file ? -EIO : -ESTALE;
	start = offset < 0 || (size_t)offset > file->len ? file->len : (size_t)offset;
	if (size > file->len - start)
		size = file->len - start;
	*ret = document_new(size ? file->data + start : "", size, file->changed);
	return *ret ? 0 : -ENOMEM;
}

/* Makes the file @len bytes long. Under the lock. */
static int resize(struct scratches *s, struct file *file, size_t len)
{
	if (len > file->len && len - file->len > SCRATCH_TOTAL - s->total)
		return -ENOSPC;
	if (len > file->room) {
		size_t room = 2 * file->room > len ? 2 * file->room : len;
		char *grown = realloc(file->data, room);

		if (!grown)
			return -ENOMEM;
		file->data = grown;
		file->room = room;
	}
	if (len > file->len)
		memset(file->data + file->len, 0, len - file->len);
	s->total += len - file->len;
	file->len = len;
	file->changed = store_now();
	return 0;
}

int scratch_write(struct scratches *s, int64_t number, const char *data, size_t len, off_t offset)
{
	struct file *file;
	size_t former;
	int r = 0;

	if (offset < 0 || offset > SCRATCH_LENGTH || len > SCRATCH_LENGTH - (size_t)offset)
		return -EFBIG;
	scoped_lock(&s->lock);
	file = use_file(s, number);
	if (!file || file->lost)
		return file ? -EIO : -ESTALE;
	former = file->len;
	if ((size_t)offset + len > file->len)
		r = resize(s, file, (size_t)offset + len);
	if (r == 0 && len) {
		memcpy(file->data + offset, data, len);
		file->changed = store_now();
		save_data(s, file, (size_t)offset < former ? (size_t)offset : former);
	}
	return r;
}

off_t scratch_size(struct scratches *s, int64_t number)
{
	const struct file *file;

	scoped_lock(&s->lock);
	file = find_file(s, number);
	return file ? (off_t)file->len : -ESTALE;
}

int scratch_truncate(struct scratches *s, int64_t number, off_t size)
{
	struct file *file;
	int r;

	if (size < 0 || size > SCRATCH_LENGTH)
		return -EFBIG;
	scoped_lock(&s->lock);
	file = use_file(s, number);
	if (!file || (file->lost && size))
		return file ? -EIO : -ESTALE;
	r = resize(s, file, (size_t)size);
	if (r == 0) {
		file->lost = false;
		save_data(s, file, 0);
	}
	return r;
}

/* --------------------------------------------------------------- attributes */

int scratch_set_mode(struct scratches *s, int64_t number, mode_t mode)
{
	struct file *file;

	scoped_lock(&s->lock);
	file = use_file(s, number);
	if (!file)
		return -ESTALE;
	file->mode = (file->mode & S_IFMT) | (mode & 07777);
	(void)save_file(s, file);
	return 0;
}

int scratch_set_time(struct scratches *s, int64_t number, int64_t changed)
{
	struct file *file;

	scoped_lock(&s->lock);
	file = use_file(s, number);
	if (!file)
		return -ESTALE;
	file->changed = changed;
	(void)save_file(s, file);
	return 0;
}

int scratch_stat(const struct place *p, struct stat *ret)
{
	struct scratches *s = p->fs->scratches;
	const struct file *file;

	scoped_lock(&s->lock);
	file = find_file(s, p->node.row);
	if (!file)
		return -ESTALE;
	stat_fill(p->fs, p->node, file->mode, file->len, file->changed, ret);
	ret->st_uid = file->uid;
	ret->st_nlink = S_ISDIR(file->mode) ? 2 : file->names;
	return 0;
}

bool scratch_is_here(struct scratches *s, int64_t number)
{
	scoped_lock(&s->lock);
	return find_file(s, number) != NULL;
}

/* ----------------------------------------------------- columns of the table */

bool scratch_here(const struct place *dir)
{
	if (dir->node.class == N_SCRATCH_DIR)
		return dir->node.row; /* README shows one level */
	return dir->node.class == N_FOLDER ? folder_here_create(dir) : object_here_verbs(dir);
}

static bool find(const struct place *dir, const char *name, enum node_class class, struct node *ret)
{
	struct scratches *s = dir->fs->scratches;
	const struct entry *entry;

	scoped_lock(&s->lock);
	expire(s);
	entry = get_entry(s, node_pack(dir->node), dir->caller.uid, name);
	if (!entry || scratch_node(entry->file).class != class)
		return false;
	*ret = scratch_node(entry->file);
	return true;
}

bool scratch_find(const struct place *dir, const char *name, struct node *ret)
{
	return find(dir, name, N_SCRATCH, ret);
}

bool scratch_directory_find(const struct place *dir, const char *name, struct node *ret)
{
	return find(dir, name, N_SCRATCH_DIR, ret);
}

bool scratch_directory_parent(const struct place *p, struct node *ret)
{
	struct scratches *s = p->fs->scratches;

	scoped_lock(&s->lock);
	for (const struct entry *e = s->entries; e; e = e->next)
		if (e->file->number == p->node.row)
			return node_unpack(e->dir, ret);
	return false;
}

static int64_t next(const struct place *dir, int64_t after, enum node_class class, char ret_name[NAME_SIZE],
		    struct node *ret)
{
	struct scratches *s = dir->fs->scratches;

	scoped_lock(&s->lock);
	expire(s);
	for (const struct entry *e = s->entries; e; e = e->next)
		if (e->number > after && e->dir == node_pack(dir->node) && e->file->uid == dir->caller.uid &&
		    scratch_node(e->file).class == class) {
			snprintf(ret_name, NAME_SIZE, "%s", e->name);
			*ret = scratch_node(e->file);
			return e->number;
		}
	return 0;
}

int64_t scratch_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	return next(dir, after, N_SCRATCH, ret_name, ret);
}

int64_t scratch_directory_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE],
			       struct node *ret)
{
	return next(dir, after, N_SCRATCH_DIR, ret_name, ret);
}

mode_t scratch_permissions(const struct place *p)
{
	struct stat st;

	return p->node.row && scratch_stat(p, &st) == 0 ? st.st_mode & 07777 : p->entry->mode & 07777;
}

struct document *scratch_render(const struct place *p)
{
	struct document *d = NULL;

	(void)scratch_read(p->fs->scratches, p->node.row, SIZE_MAX, 0, &d);
	return d;
}
