/* SPDX-License-Identifier: Apache-2.0 */
/* See way.h. */
#include "tests/faults/way.h"

#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "model/cleanup.h"

#define WAYS_MAX  (1 << 14)
#define SLOTS	  (2 * WAYS_MAX)
#define DEPTH_MAX 48
#define DESCRIBED 10 /* functions */
#define INNERMOST 3  /* functions, by which most calls on other ways are told apart */

struct way {
	const char *name;
	void *stack[DEPTH_MAX];
	int depth;
	way_id id;
	long calls, usual;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static struct way ways[WAYS_MAX];
static size_t way_count;
static _Atomic(const struct way *) counted; /* NULL: all */
static unsigned slots[SLOTS]; /* numbers of ways, from 1, by the hash of their stacks; 0 = free */

static uint64_t hash(uint64_t h, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		h = (h ^ bytes[i]) * 0x100000001b3;
	return h;
}

#define HASH_SEED 0xcbf29ce484222325

/* ---------------------------------------------------------------------- symbols */

/* The functions of this program, also static ones, by address; immutable after way_begin(). */
static struct symbol {
	uintptr_t from, to;
	const char *name;
} * symbols;
static size_t symbol_count;

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

static void add_symbols(const unsigned char *file, const ElfW(Shdr) * table, const ElfW(Shdr) * names,
			uintptr_t base)
{
	size_t count = table->sh_size / sizeof(ElfW(Sym));
	const ElfW(Sym) *all = (const ElfW(Sym) *)(file + table->sh_offset);

	symbols = calloc(count, sizeof(*symbols));
	for (size_t i = 0; symbols && i < count; i++)
		if (ELF64_ST_TYPE(all[i].st_info) == STT_FUNC && all[i].st_size)
			symbols[symbol_count++] = (struct symbol){
				.from = base + all[i].st_value,
				.to = base + all[i].st_value + all[i].st_size,
				.name = (const char *)file + names->sh_offset + all[i].st_name,
			};
	if (symbols)
		qsort(symbols, symbol_count, sizeof(*symbols), by_address);
}

void way_begin(void)
{
	_cleanup_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *first[1];
	const unsigned char *file;
	const ElfW(Ehdr) * header;
	const ElfW(Shdr) * sections;
	struct stat st;
	Dl_info own;

	(void)backtrace(first, 1); /* it loads a library at its first call */
	if (fd < 0 || fstat(fd, &st) < 0 || !dladdr(__extension__(const void *) way_begin, &own))
		return;
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		return;
	header = (const ElfW(Ehdr) *)file;
	sections = (const ElfW(Shdr) *)(file + header->e_shoff);
	for (int i = 0; i < header->e_shnum; i++)
		if (sections[i].sh_type == SHT_SYMTAB)
			add_symbols(file, &sections[i], &sections[sections[i].sh_link],
				    (uintptr_t)own.dli_fbase);
}

/* The function that the address is in; NULL if it is not one of this program. */
static const struct symbol *symbol_of(uintptr_t address)
{
	size_t low = 0, high = symbol_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (symbols[middle].to <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < symbol_count && symbols[low].from <= address ? &symbols[low] : NULL;
}

static way_id id_of(const struct way *way)
{
	way_id id = hash(HASH_SEED, way->name, strlen(way->name));

	for (int i = 0; i < way->depth; i++) {
		uintptr_t address = (uintptr_t)way->stack[i];
		const struct symbol *symbol = symbol_of(address - 1);
		const char *name = symbol ? symbol->name : "";
		Dl_info library;

		if (symbol) {
			address -= symbol->from;
		} else if (dladdr(way->stack[i], &library)) {
			address -= (uintptr_t)library.dli_fbase;
			name = strrchr(library.dli_fname, '/');
			name = name ? name : library.dli_fname;
		}
		id = hash(hash(id, name, strlen(name)), &address, sizeof(address));
	}
	return id ? id : 1;
}

/* ------------------------------------------------------------------------- ways */

void way_forget_all(void)
{
	(void)pthread_mutex_lock(&lock);
	way_count = 0;
	atomic_store(&counted, NULL);
	memset(slots, 0, sizeof(slots));
	(void)pthread_mutex_unlock(&lock);
}

void way_count_anew(way_id only)
{
	(void)pthread_mutex_lock(&lock);
	atomic_store(&counted, NULL);
	for (size_t i = 0; i < way_count; i++) {
		ways[i].calls = 0;
		if (only && ways[i].id == only)
			atomic_store(&counted, &ways[i]);
	}
	(void)pthread_mutex_unlock(&lock);
}

void way_keep_count(void)
{
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < way_count; i++)
		ways[i].usual = ways[i].usual ? ways[i].usual : ways[i].calls;
	(void)pthread_mutex_unlock(&lock);
}

static bool is_way(const struct way *way, const char *name, void *const *stack, int depth)
{
	return way->depth == depth && strcmp(way->name, name) == 0 &&
	       memcmp(way->stack, stack, (size_t)depth * sizeof(*stack)) == 0;
}

static struct way *find_or_add(const char *name, void *const *stack, int depth)
{
	size_t slot =
		hash(hash(HASH_SEED, name, strlen(name)), stack, (size_t)depth * sizeof(*stack)) % SLOTS;
	struct way *way;

	for (; slots[slot]; slot = (slot + 1) % SLOTS)
		if (is_way(&ways[slots[slot] - 1], name, stack, depth))
			return &ways[slots[slot] - 1];
	if (way_count == WAYS_MAX) {
		fprintf(stderr, "there are more than %d ways\n", WAYS_MAX);
		abort();
	}
	way = &ways[way_count++];
	slots[slot] = (unsigned)way_count;
	*way = (struct way){.name = name, .depth = depth};
	memcpy(way->stack, stack, (size_t)depth * sizeof(*stack));
	way->id = id_of(way);
	return way;
}

static __attribute__((noinline)) way_id count_call(const char *name, int skip, long *ret_number)
{
	void *stack[DEPTH_MAX + 8];
	int depth = backtrace(stack, DEPTH_MAX + 8) - skip - 1;
	struct way *way;
	way_id id;

	depth = depth > DEPTH_MAX ? DEPTH_MAX : depth;
	(void)pthread_mutex_lock(&lock);
	way = find_or_add(name, stack + skip + 1, depth);
	*ret_number = ++way->calls;
	id = way->id;
	(void)pthread_mutex_unlock(&lock);
	return id;
}

/* Does a call come from the same functions as those on the way, as far as a short look tells? */
static __attribute__((noinline)) bool may_be_on(const struct way *way, const char *name, int skip)
{
	void *stack[INNERMOST + 8];
	int count = way->depth < INNERMOST ? way->depth : INNERMOST;

	return strcmp(way->name, name) == 0 && backtrace(stack, skip + 1 + count) == skip + 1 + count &&
	       memcmp(way->stack, stack + skip + 1, (size_t)count * sizeof(*stack)) == 0;
}

way_id way_of_call(const char *name, int skip, long *ret_number)
{
	const struct way *only = atomic_load(&counted);

	if (only && !may_be_on(only, name, skip + 1))
		return 0;
	return count_call(name, skip + 1, ret_number);
}

way_id way_at(size_t i)
{
	way_id id;

	(void)pthread_mutex_lock(&lock);
	id = i < way_count ? ways[i].id : 0;
	(void)pthread_mutex_unlock(&lock);
	return id;
}

long way_usual(size_t i)
{
	long usual;

	(void)pthread_mutex_lock(&lock);
	usual = i < way_count && ways[i].usual > 1 ? ways[i].usual : 1;
	(void)pthread_mutex_unlock(&lock);
	return usual;
}

void way_describe(way_id id, char *ret, size_t size)
{
	const struct way *way = NULL;
	int described = 0;
	size_t length = 0;

	ret[0] = '\0';
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < way_count && !way; i++)
		if (ways[i].id == id)
			way = &ways[i];
	if (way)
		length = (size_t)snprintf(ret, size, "%s", way->name);
	for (int i = 0; way && i < way->depth && described < DESCRIBED && length < size; i++) {
		const struct symbol *symbol = symbol_of((uintptr_t)way->stack[i] - 1);

		if (!symbol)
			continue;
		length += (size_t)snprintf(ret + length, size - length, " < %s", symbol->name);
		described++;
	}
	(void)pthread_mutex_unlock(&lock);
}
