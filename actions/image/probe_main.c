/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poolfs-image-probe: prints what a disk image is, from within a sandbox.
 *
 *     $ poolfs-image-probe -- disk.qcow2
 *     {"format":"qcow2","virtualSize":10737418240,"actualSize":200704,"mediaType":"RootVolumeTemplate",
 *      "backingFile":false,"dataFile":false,"encrypted":false,"corrupt":false}        (one line)
 *
 * On failure it prints one message instead, and the exit status gives its class,
 * see image/probe.h. It reports what it finds and refuses only what it cannot
 * read; the caller decides whether the image is acceptable.
 *
 * The sandbox is entered before the first byte of the image is read: limits on
 * memory, CPU time and descriptors; no file can grow (so standard output must be a
 * pipe or a terminal); no core dump, no new privileges; it dies with its parent; a
 * seccomp filter allows only pread64, write, memory management and exit. The file
 * is opened read-only, must be regular, and its last component must not be a
 * symbolic link.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "actions/image/probe.h"
#include "model/sandbox.h"

/* Address space, bytes: the program and libc need about 10 MiB. */
#define MEMORY_MAX (64 << 20)
/* CPU time, seconds; a header takes microseconds. */
#define CPU_MAX 5

static int sandbox_set_limits(void)
{
	int r = sandbox_close();

	if (r == 0)
		r = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? -errno : 0;
	if (r == 0)
		r = sandbox_limit(RLIMIT_FSIZE, 0);
	if (r == 0)
		r = sandbox_limit(RLIMIT_CPU, CPU_MAX);
	if (r == 0)
		r = sandbox_limit(RLIMIT_NOFILE, 4);
#ifndef SANITIZED
	if (r == 0)
		r = sandbox_limit(RLIMIT_AS, MEMORY_MAX);
#endif
	return r;
}

static int sandbox_filter_calls(void)
{
	static const int calls[] = {
		SCMP_SYS(pread64),    SCMP_SYS(write),	      SCMP_SYS(brk), SCMP_SYS(mmap),
		SCMP_SYS(munmap),     SCMP_SYS(getrandom), /* the first malloc of glibc */
		SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),
	};

	return sandbox_allow_calls(calls, ARRAY_SIZE(calls));
}

static ssize_t file_read(void *ctx, void *buf, size_t len, int64_t offset)
{
	ssize_t n = pread(*(const int *)ctx, buf, len, offset);

	return n < 0 ? -errno : n;
}

static void print(const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static enum image_probe_exit exit_of_errno(int errnum)
{
	switch (errnum) {
	case EINVAL:
		return IMAGE_PROBE_EXIT_INVALID;
	case ENOENT:
	case ENOTDIR:
		return IMAGE_PROBE_EXIT_NO_INPUT;
	case EOPNOTSUPP:
		return IMAGE_PROBE_EXIT_UNSUPPORTED;
	case EACCES:
	case EPERM:
		return IMAGE_PROBE_EXIT_DENIED;
	default:
		return IMAGE_PROBE_EXIT_IO;
	}
}

static enum image_probe_exit print_error(const struct error *e)
{
	print(error_sentence(e));
	print("\n");
	return exit_of_errno(e->errnum);
}

/* Opens @path into *@fd, owned by the caller, and describes it as a source. */
static int source_open(const char *path, int *fd, struct image_source *ret, struct error *e)
{
	struct stat st;

	*fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0 && errno == ELOOP)
		return error_set(e, EINVAL, "the image is a symbolic link, or its path has too many of them");
	if (*fd < 0)
		return error_set(e, errno, "cannot open the image: %s", strerror(errno));
	if (fstat(*fd, &st) < 0)
		return error_set(e, errno, "cannot stat the image: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(e, EINVAL, "the image is not a regular file");
	*ret = (struct image_source){
		.read = file_read,
		.ctx = fd,
		.size = st.st_size,
		.actual_size = (int64_t)st.st_blocks * 512, /* the unit of st_blocks on every file system */
	};
	return 0;
}

static const char *bool_name(bool value)
{
	return value ? "true" : "false";
}

static void print_info(const struct image_info *i)
{
	char line[IMAGE_PROBE_ANSWER_MAX];

	(void)snprintf(
		line, sizeof(line),
		"{\"format\":\"%s\",\"virtualSize\":%" PRId64 ",\"actualSize\":%" PRId64
		",\"mediaType\":\"%s\",\"backingFile\":%s,\"dataFile\":%s,\"encrypted\":%s,\"corrupt\":%s}\n",
		image_format_name(i->format), i->virtual_size, i->actual_size,
		image_format_media_type(i->format), bool_name(i->backing_file), bool_name(i->data_file),
		bool_name(i->encrypted), bool_name(i->corrupt));
	print(line);
}

struct options {
	bool partial, any_raw;
	const char *path; /* NULL: the arguments are wrong */
};

static struct options options_read(int argc, char **argv)
{
	struct options o = {.path = NULL};
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		o.partial |= strcmp(argv[i], "--partial") == 0;
		o.any_raw |= strcmp(argv[i], "--any-raw") == 0;
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (strcmp(argv[i], "--partial") != 0 && strcmp(argv[i], "--any-raw") != 0)
			return o;
	}
	if (i == argc - 1)
		o.path = argv[i];
	return o;
}

int main(int argc, char **argv)
{
	const struct options options = options_read(argc, argv);
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_close_ int fd = -1;
	struct image_source source;
	struct image_info info;
	int r;

	if (!options.path) {
		print("usage: poolfs-image-probe [--partial] [--any-raw] [--] FILE\n");
		return IMAGE_PROBE_EXIT_USAGE;
	}
	r = sandbox_set_limits();
	if (r == 0 && source_open(options.path, &fd, &source, &e) < 0)
		return print_error(&e);
	if (r == 0)
		r = sandbox_filter_calls();
	if (r < 0) {
		(void)error_set(&e, EIO, "the image probe cannot enter its sandbox: %s", strerror(-r));
		return print_error(&e);
	}
	source.partial = options.partial;
	source.any_raw = options.any_raw;
	if (image_header_parse(&source, &info, &e) < 0)
		_exit((int)print_error(&e)); /* the sandbox does not allow close(2) of the descriptor */
	print_info(&info);
	_exit(IMAGE_PROBE_EXIT_OK);
}
