/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image probe as a whole: the child in its sandbox, the parent's limits, and
 * a comparison with qemu-img on images of every kind that it can create (skipped,
 * with the reason, where qemu-img is not installed).
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "actions/image/probe.h"
#include "model/clock.h"

static char folder[] = "/tmp/poolfs-image-XXXXXX";

static bool have(const char *program)
{
	char command[200];

	(void)snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", program);
	return system(command) == 0;
}

/* Runs a shell command in the folder; false if it fails, as for a kind that this qemu-img cannot create. */
static _printf_(1, 2) bool run(const char *fmt, ...)
{
	char command[2000], what[1000];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	(void)snprintf(command, sizeof(command), "cd %s && { %s; } >out 2>&1", folder, what);
	return system(command) == 0;
}

static const char *in_folder(const char *name)
{
	static char path[200];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const void *bytes, size_t len, mode_t mode)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(close(fd), 0);
}

static int probe(const char *name, struct image_info *info, struct error *e)
{
	return image_probe(in_folder(name), 0, info, e);
}

static void accepts(const char *name, enum image_format format)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct image_info info;

	if (probe(name, &info, &e) < 0)
		fail_msg("%s: %s", name, error_sentence(&e));
	assert_int_equal(info.format, format);
}

static void refuses(const char *name, int errnum, const char *sentence)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct image_info info;
	int r = probe(name, &info, &e);

	if (r != -errnum || !strstr(error_sentence(&e), sentence))
		fail_msg("%s: %d '%s', not %d '%s'", name, -r, error_sentence(&e), errnum, sentence);
}

/* What qemu-img says about the image, as far as it can be compared. */
static void agrees_with_qemu(const char *name, const char *format)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char command[300];
	struct image_info info;
	json_int_t virtual_size, actual_size;
	const char *qemu_format;
	json_t *json;
	FILE *f;

	(void)snprintf(command, sizeof(command), "qemu-img info -U --output=json -f %s %s", format,
		       in_folder(name));
	f = popen(command, "re");
	assert_non_null(f);
	json = json_loadf(f, 0, NULL);
	assert_int_equal(pclose(f), 0);
	assert_int_equal(json_unpack(json, "{s:I, s:I, s:s}", "virtual-size", &virtual_size, "actual-size",
				     &actual_size, "format", &qemu_format),
			 0);
	if (probe(name, &info, &e) < 0)
		fail_msg("%s: qemu-img accepts it, the probe says '%s'", name, error_sentence(&e));
	assert_string_equal(image_format_name(info.format), qemu_format);
	if (info.virtual_size != virtual_size || info.actual_size != actual_size)
		fail_msg("%s: %lld in %lld bytes, qemu-img says %lld in %lld", name,
			 (long long)info.virtual_size, (long long)info.actual_size, (long long)virtual_size,
			 (long long)actual_size);
	json_decref(json);
}

static void qcow2_of_every_kind_agrees_with_qemu(void **state)
{
	static const char *const options[] = {
		"compat=0.10",
		"compat=1.1",
		"compat=1.1,lazy_refcounts=on",
		"compat=1.1,refcount_bits=1",
		"compat=1.1,refcount_bits=64",
		"compat=1.1,compression_type=zstd",
		"compat=1.1,preallocation=metadata",
		"compat=1.1,extended_l2=on,cluster_size=64k",
		"compat=1.1,extended_l2=on,cluster_size=16k",
		"compat=1.1,extended_l2=on,cluster_size=2M",
	};
	static const char *const sizes[] = {"512", "1000", "1M", "100M", "1073742336", "2T", "60T"};
	unsigned made = 0;

	(void)state;
	if (!have("qemu-img")) {
		print_message("skipped: qemu-img is not installed\n");
		skip();
	}
	for (unsigned bits = 9; bits <= 21; bits++) {
		for (int compat = 0; compat < 2; compat++) {
			for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
				if (!run("qemu-img create -q -f qcow2 -o compat=%s,cluster_size=%u x.qcow2 %s",
					 compat ? "1.1" : "0.10", 1u << bits, sizes[i]))
					continue; /* too large for such clusters */
				agrees_with_qemu("x.qcow2", "qcow2");
				made++;
			}
		}
	}
	assert_true(made > 150);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!run("qemu-img create -q -f qcow2 -o %s x.qcow2 64M", options[i])) {
			print_message("not made here: %s\n", options[i]);
			continue;
		}
		agrees_with_qemu("x.qcow2", "qcow2");
	}
	assert_true(run("qemu-img snapshot -c one x.qcow2 && qemu-img snapshot -c two x.qcow2"));
	agrees_with_qemu("x.qcow2", "qcow2");
	assert_true(run("head -c 3000000 /dev/urandom >x.raw && qemu-img convert -c -O qcow2 x.raw y.qcow2"));
	agrees_with_qemu("y.qcow2", "qcow2");
	assert_true(run("qemu-img resize -q y.qcow2 10G && qemu-img amend -o compat=0.10 y.qcow2"));
	agrees_with_qemu("y.qcow2", "qcow2");
	/* a guest was killed: refcounts are dirty */
	assert_true(run(
		"qemu-img create -q -f qcow2 -o lazy_refcounts=on x.qcow2 64M && printf '\\1' | dd of=x.qcow2 bs=1 seek=79 conv=notrunc"));
	agrees_with_qemu("x.qcow2", "qcow2");
}

static void references_to_other_files_are_refused(void **state)
{
	(void)state;
	if (!have("qemu-img")) {
		print_message("skipped: qemu-img is not installed\n");
		skip();
	}
	assert_true(run("qemu-img create -q -f qcow2 base.qcow2 64M"));
	assert_true(run("qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 x.qcow2"));
	refuses("x.qcow2", EOPNOTSUPP, "has a backing file");
	assert_true(run("qemu-img create -q -f qcow2 -o compat=0.10 -b base.qcow2 -F qcow2 x.qcow2"));
	refuses("x.qcow2", EOPNOTSUPP, "has a backing file");
	/* the classic attack: the disk of the guest names a file of the host */
	assert_true(run("qemu-img create -q -u -f qcow2 -b /etc/shadow -F raw x.qcow2 64M"));
	refuses("x.qcow2", EOPNOTSUPP, "has a backing file");
	assert_true(run("qemu-img create -q -f qcow2 -o data_file=data.raw x.qcow2 64M"));
	refuses("x.qcow2", EOPNOTSUPP, "has an external data file");
	assert_true(run("qemu-img create -q -f qcow2 -o data_file=data.raw,data_file_raw=on x.qcow2 64M"));
	refuses("x.qcow2", EOPNOTSUPP, "has an external data file");
	/* it measures the CPU first, and fails if the resolution of the kernel's CPU clock is too coarse */
	assert_true(run(
		"for i in 1 2 3 4 5 6 7 8 9; do qemu-img create -q -f qcow2 --object secret,id=s,data=x -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 x.qcow2 64M && break; done"));
	refuses("x.qcow2", EOPNOTSUPP, "is encrypted");
	assert_true(run(
		"qemu-img create -q -f qcow2 x.qcow2 64M && printf '\\2' | dd of=x.qcow2 bs=1 seek=79 conv=notrunc"));
	refuses("x.qcow2", EINVAL, "is marked as corrupt");
}

static void other_formats_of_qemu_are_refused_by_name(void **state)
{
	static const struct {
		const char *format, *options, *name;
	} cases[] = {
		{"qcow", "", "qcow"},
		{"vmdk", "", "vmdk"},
		{"vmdk", "-o subformat=streamOptimized", "vmdk"},
		{"vmdk", "-o subformat=monolithicFlat", "vmdk"},
		{"vmdk", "-o subformat=twoGbMaxExtentSparse", "vmdk"},
		{"vdi", "", "vdi"},
		{"vdi", "-o static=on", "vdi"},
		{"vhdx", "", "vhdx"},
		{"vhdx", "-o subformat=fixed", "vhdx"},
		{"vpc", "", "vhd"},
		{"vpc", "-o subformat=fixed", "vhd"},
		{"qed", "", "qed"},
		{"parallels", "", "parallels"},
		{"luks", "--object secret,id=s,data=x -o key-secret=s,iter-time=10", "luks"},
	};

	(void)state;
	if (!have("qemu-img")) {
		print_message("skipped: qemu-img is not installed\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char sentence[100];

		(void)snprintf(sentence, sizeof(sentence), "format '%s' is not supported", cases[i].name);
		if (!run("rm -f x.*; qemu-img create -q -f %s %s x.img 64M", cases[i].format,
			 cases[i].options)) {
			print_message("not made here: %s %s\n", cases[i].format, cases[i].options);
			continue;
		}
		refuses("x.img", EOPNOTSUPP, sentence);
	}
}

static void archives_are_refused_by_name(void **state)
{
	static const char *const cases[][2] = {
		{"gzip", "gzip -kc x.raw"},
		{"bzip2", "bzip2 -kc x.raw"},
		{"xz", "xz -kc x.raw"},
		{"zstd", "zstd -qc x.raw"},
		{"lz4", "lz4 -qc x.raw"},
		{"tar or ova", "tar -c x.raw"},
		{"zip",
		 "python3 -c 'import zipfile; zipfile.ZipFile(\"/dev/stdout\", \"w\").write(\"x.raw\")' | cat"},
		{"lzip", "lzip -kc x.raw"},
	};

	(void)state;
	assert_true(run("head -c 3000000 /dev/zero >x.raw"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char sentence[100];

		(void)snprintf(sentence, sizeof(sentence), "format '%s' is not supported", cases[i][0]);
		if (!run("{ %s; } 2>/dev/null >x.packed && test -s x.packed", cases[i][1])) {
			print_message("not made here: %s\n", cases[i][0]);
			continue;
		}
		refuses("x.packed", EOPNOTSUPP, sentence);
	}
}

static void iso_images_are_recognised(void **state)
{
	(void)state;
	if (!have("xorriso")) {
		print_message("skipped: xorriso is not installed\n");
		skip();
	}
	assert_true(run("mkdir -p tree && echo hello >tree/file && xorriso -as mkisofs -o x.iso tree"));
	accepts("x.iso", IMAGE_FORMAT_ISO);
	/* hybrid: starts with a partition table */
	assert_true(run("printf '\\125\\252' | dd of=x.iso bs=1 seek=510 conv=notrunc"));
	accepts("x.iso", IMAGE_FORMAT_ISO);
	if (have("qemu-img")) {
		assert_true(run("cp x.iso y.iso"));
		/* to QEMU an ISO is raw, with the same sizes */
		struct image_info info;
		struct stat st;

		assert_int_equal(probe("y.iso", &info, NULL), 0);
		assert_int_equal(stat(in_folder("y.iso"), &st), 0);
		assert_int_equal(info.virtual_size, st.st_size);
	}
}

static void raw_agrees_with_qemu(void **state)
{
	static const long sizes[] = {1, 511, 512, 513, 1000, 34816, 1048576, 1048577};

	(void)state;
	if (!have("qemu-img")) {
		print_message("skipped: qemu-img is not installed\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_true(run("rm -f x.raw; truncate -s %ld x.raw", sizes[i]));
		agrees_with_qemu("x.raw", "raw");
	}
	assert_true(run("rm -f x.raw; truncate -s 8T x.raw && echo boot | dd of=x.raw bs=1 conv=notrunc"));
	agrees_with_qemu("x.raw", "raw");
}

static void only_regular_files_are_opened(void **state)
{
	(void)state;
	assert_true(run(
		"truncate -s 1M file && ln -sf file link && rm -f fifo && mkfifo fifo && mkdir -p dir && : >empty"));
	accepts("file", IMAGE_FORMAT_RAW);
	assert_true(run("cp file ./'-- odd name'"));
	accepts("-- odd name", IMAGE_FORMAT_RAW);
	refuses("link", EINVAL, "symbolic link");
	refuses("fifo", EINVAL, "not a regular file");
	refuses("dir", EINVAL, "not a regular file");
	refuses("empty", EINVAL, "the image is empty");
	refuses("missing", ENOENT, "cannot open the image: No such file");
	refuses("file/x", ENOENT, "cannot open the image");
	refuses("../../dev/null", EINVAL, "not a regular file");
}

/* Runs a shell script in place of the child. */
static void misbehaves(const char *script, int timeout_ms, int errnum, const char *sentence)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char text[500], program[200];
	struct image_info info;
	int64_t start = clock_monotonic_ms();
	int r;

	(void)snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	write_file("child", text, strlen(text), 0700);
	(void)snprintf(program, sizeof(program), "%s", in_folder("child"));
	r = image_probe_with(program, "/dev/null", timeout_ms, &info, &e);
	if (r != -errnum || !strstr(error_sentence(&e), sentence))
		fail_msg("%s: %d '%s', not %d '%s'", script, -r, error_sentence(&e), errnum, sentence);
	assert_true(clock_monotonic_ms() - start < timeout_ms + 2000);
}

static void a_misbehaving_child_is_contained(void **state)
{
	(void)state;
	misbehaves("exec sleep 1000", 200, ETIMEDOUT, "took longer than 200 ms");
	misbehaves("exec >&-; exec sleep 1000", 5000, EIO, "was killed by signal 9");
	misbehaves("while :; do :; done", 200, ETIMEDOUT, "took longer than");
	misbehaves("exec yes", 5000, EIO, "answered more than 2048 bytes");
	misbehaves("head -c 2049 /dev/zero", 5000, EIO, "answered more than 2048 bytes");
	misbehaves("head -c 2048 /dev/zero", 5000, EIO, "unexpected output");
	misbehaves("kill -SEGV $$", 5000, EIO, "was killed by signal 11");
	misbehaves("exit 3", 5000, EIO, "failed with status 3 without a readable message");
	misbehaves("printf 'a\\033[2Jb\\n'; exit 69", 5000, EIO, "without a readable message");
	misbehaves("printf 'a\\377b\\n'; exit 69", 5000, EIO, "without a readable message");
	misbehaves("printf 'a\\000b\\n'; exit 69", 5000, EIO, "without a readable message");
	misbehaves("echo no; exit 69", 5000, EOPNOTSUPP, "no");
	misbehaves("echo no; exit 77", 5000, EACCES, "no");
	misbehaves("exit 0", 5000, EIO, "unexpected output");
	misbehaves("echo '{}'", 5000, EIO, "unexpected output");
	misbehaves(
		"echo '{\"format\":\"vmdk\",\"virtualSize\":512,\"actualSize\":0,\"mediaType\":\"ISO\",\"backingFile\":false,\"dataFile\":false,\"encrypted\":false,\"corrupt\":false}'",
		5000, EIO, "unexpected output");
	misbehaves(
		"echo '{\"format\":\"raw\",\"virtualSize\":-512,\"actualSize\":0,\"mediaType\":\"ISO\",\"backingFile\":false,\"dataFile\":false,\"encrypted\":false,\"corrupt\":false}'",
		5000, EINVAL, "virtual size");
	misbehaves(
		"echo '{\"format\":\"raw\",\"virtualSize\":512,\"actualSize\":0,\"mediaType\":\"ISO\",\"backingFile\":true,\"dataFile\":false,\"encrypted\":false,\"corrupt\":false}'",
		5000, EOPNOTSUPP, "backing file");
}

static void a_missing_program_is_reported(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct image_info info;

	(void)state;
	assert_int_equal(image_probe_with("/nowhere/probe", "/dev/null", 1000, &info, &e), -EIO);
	assert_non_null(strstr(error_sentence(&e), "cannot start '/nowhere/probe'"));
}

static void the_child_inherits_nothing(void **state)
{
	char script[200];
	int fd = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, as a careless library does */
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;

	(void)state;
	assert_true(fd >= 3);
	fd = dup2(fd, 20); /* above what a shell opens for its script */
	assert_int_equal(fd, 20);
	(void)snprintf(script, sizeof(script),
		       "test -e /proc/$$/fd/%d && echo leaked || echo closed; exit 69", fd);
	misbehaves(script, 5000, EOPNOTSUPP, "closed");
	misbehaves("env | grep -v ^PWD= | grep -v ^SHLVL= | grep -v ^_= | tr '\\n' ' '; exit 69", 5000,
		   EOPNOTSUPP, "LC_ALL=C");
	/* a parent that ignores SIGCHLD loses the status, but must not wait for it forever */
	assert_int_equal(sigaction(SIGCHLD, &ignore, &old), 0);
	misbehaves("exit 0", 5000, EIO, "image probe");
	assert_int_equal(sigaction(SIGCHLD, &old, NULL), 0);
	(void)close(fd);
}

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	char command[100];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qcow2_of_every_kind_agrees_with_qemu),
		cmocka_unit_test(references_to_other_files_are_refused),
		cmocka_unit_test(other_formats_of_qemu_are_refused_by_name),
		cmocka_unit_test(archives_are_refused_by_name),
		cmocka_unit_test(iso_images_are_recognised),
		cmocka_unit_test(raw_agrees_with_qemu),
		cmocka_unit_test(only_regular_files_are_opened),
		cmocka_unit_test(a_misbehaving_child_is_contained),
		cmocka_unit_test(a_missing_program_is_reported),
		cmocka_unit_test(the_child_inherits_nothing),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
