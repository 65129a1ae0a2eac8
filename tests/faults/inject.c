/* SPDX-License-Identifier: Apache-2.0 */
/* See inject.h. The program's own definitions come before those of the libraries, for these too. */
#include "tests/faults/inject.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/faults/mode_argument.h"

static _Atomic(enum inject_kind) armed;
static atomic_bool paused_now;
static atomic_long calls;
static _Atomic(const char *) failed;
static struct inject_plan plan; /* immutable while armed */
static _Thread_local bool exempt_thread;

static const char *const names[] = {
	[INJECT_NOTHING] = "nothing", [INJECT_MEMORY] = "memory",   [INJECT_WRITE] = "write",
	[INJECT_SPACE] = "space",     [INJECT_SYNC] = "sync",	    [INJECT_OPEN] = "open",
	[INJECT_NAME] = "name",	      [INJECT_LIBVIRT] = "libvirt", [INJECT_THREAD] = "thread",
	[INJECT_CURL] = "curl",	      [INJECT_DRIVER] = "driver",
};

enum inject_kind inject_kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return (enum inject_kind)i;
	return INJECT_NOTHING;
}

void inject_arm(const struct inject_plan *which)
{
	plan = *which;
	way_count_anew(plan.n > 0 ? plan.way : 0);
	atomic_store(&calls, 0);
	atomic_store(&failed, NULL);
	atomic_store(&armed, plan.kind);
}

long inject_disarm(const char **ret_name)
{
	atomic_store(&armed, INJECT_NOTHING);
	*ret_name = atomic_exchange(&failed, NULL);
	return atomic_load(&calls);
}

void inject_pause(bool paused)
{
	atomic_store(&paused_now, paused);
}

void inject_exempt_thread(bool exempt)
{
	exempt_thread = exempt;
}

bool inject_has_failed(void)
{
	return atomic_load(&failed) != NULL;
}

/* Is this the call that fails? Its way is that of the function that asks inject_fails(). */
static __attribute__((noinline)) bool is_the_one(const char *name)
{
	long number = atomic_fetch_add(&calls, 1) + 1;

	if (plan.by_way && !inject_has_failed())
		return way_of_call(name, 2, &number) == plan.way && number == plan.n;
	return number == plan.n && !plan.by_way;
}

bool inject_fails(enum inject_kind kind, const char *name)
{
	if (atomic_load_explicit(&armed, memory_order_relaxed) != kind || exempt_thread ||
	    atomic_load(&paused_now))
		return false;
	if (plan.name && strcmp(plan.name, name) != 0)
		return false;
	if (!is_the_one(name))
		return false;
	atomic_store(&failed, name);
	return true;
}

/* ----------------------------------------------------------------------- memory */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
int __real_vasprintf(char **ret, const char *format, va_list args);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_asprintf(char **ret, const char *format, ...);
int __wrap_vasprintf(char **ret, const char *format, va_list args);

static bool no_memory(const char *name)
{
	if (!inject_fails(INJECT_MEMORY, name))
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return no_memory("malloc") ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return no_memory("calloc") ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return no_memory("realloc") ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t count, size_t size)
{
	return no_memory("reallocarray") ? NULL : __real_reallocarray(p, count, size);
}

char *__wrap_strdup(const char *s)
{
	return no_memory("strdup") ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return no_memory("strndup") ? NULL : __real_strndup(s, n);
}

int __wrap_vasprintf(char **ret, const char *format, va_list args)
{
	return no_memory("vasprintf") ? -1 : __real_vasprintf(ret, format, args);
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = no_memory("asprintf") ? -1 : __real_vasprintf(ret, format, args);
	va_end(args);
	return len;
}

static sqlite3_mem_methods sqlite_memory;

static void *sqlite_malloc_fails(int size)
{
	return no_memory("sqlite") ? NULL : sqlite_memory.xMalloc(size);
}

static void *sqlite_realloc_fails(void *p, int size)
{
	return no_memory("sqlite") ? NULL : sqlite_memory.xRealloc(p, size);
}

void inject_begin(void)
{
	sqlite3_mem_methods methods;

	way_begin();
	json_set_alloc_funcs(__wrap_malloc, free);
	(void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory);
	methods = sqlite_memory;
	methods.xMalloc = sqlite_malloc_fails;
	methods.xRealloc = sqlite_realloc_fails;
	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

/*
 * jansson does not look whether it gets memory for the text of a value that it reads: bytes of it are lost then, and it
 * writes past the end of its own buffers when the last quotation mark is one of them (README.md, known defects). So
 * the reading of a document fails as a whole.
 */
json_t *__real_json_loads(const char *text, size_t flags, json_error_t *ret);
json_t *__real_json_loadb(const char *text, size_t size, size_t flags, json_error_t *ret);
json_t *__wrap_json_loads(const char *text, size_t flags, json_error_t *ret);
json_t *__wrap_json_loadb(const char *text, size_t size, size_t flags, json_error_t *ret);

static bool read_fails(const char *name, json_error_t *ret)
{
	if (!no_memory(name))
		return false;
	if (ret)
		*ret = (json_error_t){.text = "out of memory"};
	return true;
}

json_t *__wrap_json_loads(const char *text, size_t flags, json_error_t *ret)
{
	bool exempt = exempt_thread;
	json_t *json;

	if (read_fails("json_loads", ret))
		return NULL;
	exempt_thread = true;
	json = __real_json_loads(text, flags, ret);
	exempt_thread = exempt;
	return json;
}

json_t *__wrap_json_loadb(const char *text, size_t size, size_t flags, json_error_t *ret)
{
	bool exempt = exempt_thread;
	json_t *json;

	if (read_fails("json_loadb", ret))
		return NULL;
	exempt_thread = true;
	json = __real_json_loadb(text, size, flags, ret);
	exempt_thread = exempt;
	return json;
}

#define REAL(name)                                                                                           \
	({                                                                                                   \
		static typeof(&(name)) real;                                                                 \
		if (!real)                                                                                   \
			*(void **)&real = dlsym(RTLD_NEXT, #name);                                           \
		real;                                                                                        \
	})

/* ------------------------------------------------------------------- passwords */

/* The hash of a password takes long, as it should; each opening of a pool makes one. Here it is a quick one. */
int crypto_pwhash_str(char ret_hash[crypto_pwhash_STRBYTES], const char *const password,
		      unsigned long long length, unsigned long long operations, size_t memory)
{
	(void)operations;
	(void)memory;
	return REAL(crypto_pwhash_str)(ret_hash, password, length, crypto_pwhash_OPSLIMIT_MIN,
				       crypto_pwhash_MEMLIMIT_MIN);
}

/* ---------------------------------------------------------------------- threads */

int __real_pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*run)(void *), void *arg);

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*run)(void *), void *arg)
{
	return inject_fails(INJECT_THREAD, "pthread_create")
		       ? EAGAIN
		       : __real_pthread_create(ret, attributes, run, arg);
}

/* ------------------------------------------------------------------------ files */

static bool is_file(int fd)
{
	struct stat st;

	return atomic_load_explicit(&armed, memory_order_relaxed) != INJECT_NOTHING && fstat(fd, &st) == 0 &&
	       S_ISREG(st.st_mode);
}

static bool write_fails(int fd, const char *name)
{
	if (!is_file(fd))
		return false;
	if (inject_fails(INJECT_WRITE, name))
		errno = EIO;
	else if (inject_fails(INJECT_SPACE, name))
		errno = ENOSPC;
	else
		return false;
	return true;
}

ssize_t write(int fd, const void *data, size_t size)
{
	return write_fails(fd, "write") ? -1 : REAL(write)(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	return write_fails(fd, "pwrite") ? -1 : REAL(pwrite)(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	return pwrite(fd, data, size, offset);
}

int ftruncate(int fd, off_t size)
{
	return write_fails(fd, "ftruncate") ? -1 : REAL(ftruncate)(fd, size);
}

int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

static bool fails_as(enum inject_kind kind, const char *name, int errnum)
{
	if (!inject_fails(kind, name))
		return false;
	errno = errnum;
	return true;
}

int fsync(int fd)
{
	return fails_as(INJECT_SYNC, "fsync", EIO) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	return fails_as(INJECT_SYNC, "fdatasync", EIO) ? -1 : REAL(fdatasync)(fd);
}

static int open_or_fail(int dir, const char *path, int flags, mode_t mode)
{
	/* What our own code asks of the kernel about itself is not a file. */
	if (strncmp(path, "/proc", 5) != 0 && strncmp(path, "/dev", 4) != 0 &&
	    fails_as(INJECT_OPEN, "open", EMFILE))
		return -1;
	return REAL(openat)(dir, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	MODE_ARGUMENT(flags, mode)
	return open_or_fail(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	MODE_ARGUMENT(flags, mode)
	return open_or_fail(AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	MODE_ARGUMENT(flags, mode)
	return open_or_fail(dir, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...)
{
	MODE_ARGUMENT(flags, mode)
	return open_or_fail(dir, path, flags, mode);
}

int rename(const char *from, const char *to)
{
	return fails_as(INJECT_NAME, "rename", EIO) ? -1 : REAL(rename)(from, to);
}

int unlink(const char *path)
{
	return fails_as(INJECT_NAME, "unlink", EIO) ? -1 : REAL(unlink)(path);
}

int mkdir(const char *path, mode_t mode)
{
	return fails_as(INJECT_NAME, "mkdir", EIO) ? -1 : REAL(mkdir)(path, mode);
}
