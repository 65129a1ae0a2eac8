/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes on Ceph without a cluster: their paths, how they are described to libvirt
 * and QEMU, and the programs that work on them, with scripts in place of rbd and
 * qemu-img. tests/real/40-ceph.sh uses a cluster.
 */
#include "tests/unit/test.h"

#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "hypervisor/domain/domain_xml.h"
#include "hypervisor/storage/ceph.h"
#include "hypervisor/storage/ceph_path.h"
#include "hypervisor/storage/ceph_source.h"
#include "hypervisor/storage/command.h"
#include "hypervisor/storage/volume.h"

#define STORAGE "ceph://pool@mon1,[fd00::7]:6790/vms"

/* ------------------------------------------------------------------------ paths */

static void paths_are_parsed(void **state)
{
	struct ceph_path p;

	(void)state;
	assert_int_equal(ceph_path_parse(STORAGE "/disk.raw@before", &p, NULL), 0);
	assert_string_equal(p.user, "pool");
	assert_int_equal(p.monitor_count, 2);
	assert_string_equal(p.monitors[0].host, "mon1");
	assert_string_equal(p.monitors[0].port, "6789");
	assert_string_equal(p.monitors[1].host, "fd00::7");
	assert_string_equal(p.monitors[1].port, "6790");
	assert_string_equal(p.pool, "vms");
	assert_string_equal(p.image, "disk.raw");
	assert_string_equal(p.snapshot, "before");
	ceph_path_done(&p);
	assert_int_equal(ceph_path_parse("ceph://10.0.0.1/vms", &p, NULL), 0);
	assert_null(p.user);
	assert_null(p.image);
	assert_null(p.snapshot);
	ceph_path_done(&p);
}

static void invalid_paths_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"vms",
		"/vms",
		"rbd://mon1/vms",
		"ceph://",
		"ceph://mon1",
		"ceph:///vms",
		"ceph://mon1/",
		"ceph://mon1:/vms",
		"ceph://mon1:0/vms",
		"ceph://mon1:65536/vms",
		"ceph://mon1:6789x/vms",
		"ceph://mon1,/vms",
		"ceph://,mon1/vms",
		"ceph://[fd00::7/vms",
		"ceph://[fd00::7]x/vms",
		"ceph://@mon1/vms",
		"ceph://a@b@mon1/vms",
		"ceph://-m/vms",
		"ceph://mon1/--help",
		"ceph://mon1/v ms",
		"ceph://mon1/vms/",
		"ceph://mon1/vms/-x",
		"ceph://mon1/vms/a/b",
		"ceph://mon1/vms/a@",
		"ceph://mon1/vms/a@b@c",
		"ceph://mon1/vms/a;b",
		"ceph://a,b,c,d,e,f,g,h,i,j/vms",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error e = ERROR_INIT;
		struct ceph_path p;

		if (ceph_path_parse(bad[i], &p, &e) != -EINVAL)
			fail_msg("'%s' was accepted", bad[i]);
		assert_non_null(strstr(error_sentence(&e), "ceph://[user@]"));
		error_done(&e);
		ceph_path_done(&p);
	}
	/* a storage is a pool, not an image in it */
	assert_int_equal(hv_ceph_url_check("ceph://mon1/vms", NULL), 0);
	assert_int_equal(hv_ceph_url_check("ceph://mon1/vms/a", NULL), -EINVAL);
}

/* The <source> of a disk, and the path that is read back from it. */
static void paths_round_trip_through_the_domain_xml(void **state)
{
	static const char *const paths[] = {
		"ceph://mon1:6789/vms/disk.raw",
		"ceph://pool@mon1:6789,[fd00::7]:6790/vms/disk.raw@before",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const struct hv_disk disk = {.path = paths[i], .format = "raw", .serial = "s"};
		_cleanup_free_ char *text = hv_disk_xml(&disk), *path = NULL;
		_cleanup_xml_ xmlDocPtr doc = xml_parse(text);

		assert_non_null(doc);
		assert_true(xml_has(
			doc, "/disk[@type='network']/source[@protocol='rbd' and @name='vms/disk.raw']"));
		assert_int_equal(xml_has(doc, "/disk/source/snapshot[@name='before']"), i == 1);
		assert_int_equal(xml_has(doc, "/disk/source/auth[@username='pool']/secret[@type='ceph']"),
				 i == 1);
		path = ceph_path_of_source(doc, xml_find(doc, "/disk/source"));
		assert_string_equal(path, paths[i]);
	}
}

static void image_options_of_qemu(void **state)
{
	_cleanup_free_ char *file = hv_image_options("/a,b", "qcow2"),
			    *image = hv_image_options("ceph://u@m,n:1/vms/i@s", "raw"),
			    *open = hv_image_options("ceph://m/vms/i", "raw"),
			    *none = hv_image_options("ceph://", "raw");

	(void)state;
	assert_string_equal(file, "driver=qcow2,file.driver=file,file.filename=/a,,b");
	assert_string_equal(
		image, "driver=raw,file.driver=rbd,file.pool=vms,file.image=i,file.snapshot=s,file.user=u,"
		       "file.server.0.host=m,file.server.0.port=6789,file.server.1.host=n,"
		       "file.server.1.port=1");
	assert_string_equal(open,
			    "driver=raw,file.driver=rbd,file.pool=vms,file.image=i,"
			    "file.auth-client-required.0=none,file.server.0.host=m,file.server.0.port=6789");
	assert_null(none);
}

/* --------------------------------------------------------------------- programs */

/* A folder that is first in PATH, for the scripts. */
struct fixture {
	char folder[64];
	char *path; /* the original PATH; owned */
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char *path;

	(void)snprintf(f->folder, sizeof(f->folder), "/tmp/test_hv_ceph.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->path = strdup(getenv("PATH"));
	assert_true(asprintf(&path, "%s:%s", f->folder, f->path) > 0);
	assert_int_equal(setenv("PATH", path, 1), 0);
	free(path);
	*state = f;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)setenv("PATH", f->path, 1);
	(void)nftw(f->folder, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
	free(f->path);
	free(f);
	return 0;
}

/* Creates the program @name from the shell script @body. */
static void program(const struct fixture *f, const char *name, const char *body)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", f->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\n%s\n", body) > 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

struct listener {
	int last, calls, most; /* most: number of calls after which to cancel; 0 = never */
};

static int on_progress(void *ctx, int percent)
{
	struct listener *l = ctx;

	assert_true(percent >= l->last && percent <= 100);
	l->last = percent;
	l->calls++;
	return l->most && percent >= l->most;
}

static void progress_of_a_program_is_reported(void **state)
{
	const struct fixture *f = *state;
	static const char *const argv[] = {"talks", "an argument", NULL};
	struct listener l = {0};
	struct command_end end;

	program(f, "talks",
		"printf 'Copy: 1%% complete...\\rCopy: 42%% complete...\\r' >&2\n"
		"echo \"$1\"; ls /proc/self/fd | wc -l; echo 'last words' >&2; exit 17");
	assert_int_equal(command_run(argv, 0, on_progress, &l, &end, NULL), 0);
	assert_int_equal(end.status, 17);
	assert_int_equal(l.last, 42);
	assert_string_equal(end.message, "last words");
	/* no other descriptor is inherited: the three, and the folder that is listed */
	assert_string_equal(end.output, "an argument\n4\n");
	command_end_done(&end);
	program(f, "talks", "printf '    (12.34/100%%)\\r'; kill -9 $$");
	l = (struct listener){0};
	assert_int_equal(command_run(argv, 0, on_progress, &l, &end, NULL), 0);
	assert_int_equal(end.status, 128 + 9);
	assert_int_equal(l.last, 12);
	command_end_done(&end);
}

static void a_program_is_cancelled_or_runs_out_of_time(void **state)
{
	const struct fixture *f = *state;
	static const char *const argv[] = {"hangs", NULL}, *const none[] = {"no-such-program", NULL};
	struct listener l = {.most = 7};
	struct error e = ERROR_INIT;
	struct command_end end;

	/* exec: a child of the shell would survive it, and keep the pipes open */
	program(f, "hangs", "echo 7% >&2; exec sleep 60");
	assert_int_equal(command_run(argv, 0, on_progress, &l, &end, &e), -ECANCELED);
	assert_int_equal(end.status, 128 + 9);
	command_end_done(&end);
	error_done(&e);
	assert_int_equal(command_run(argv, 1, NULL, NULL, &end, &e), -ETIMEDOUT);
	assert_string_equal(error_sentence(&e), "hangs did not end within 1 seconds");
	assert_int_equal(end.status, 128 + 9);
	command_end_done(&end);
	error_done(&e);
	assert_int_equal(command_run(none, 0, NULL, NULL, &end, &e), -EOPNOTSUPP);
	assert_string_equal(error_sentence(&e),
			    "the program no-such-program is not installed on this machine");
	command_end_done(&end);
	error_done(&e);
}

/* The exit status of rbd is the errno, its last line the reason. */
static void errors_of_rbd_are_mapped(void **state)
{
	const struct fixture *f = *state;
	static const struct {
		const char *body;
		int error;
		const char *words;
	} cases[] = {
		{"echo 'rbd: error opening image' >&2; exit 2", -ENOENT, "error opening image"},
		{"echo 'rbd: no room' >&2; exit 28", -ENOSPC, "no room"},
		{"echo 'rbd: no answer' >&2; exit 110", -ETIMEDOUT, "no answer"},
		{"exit 200", -EIO, "cannot"},
		{"echo nonsense", -EIO, "unexpected output of rbd"},
		{"echo '{\"images\":[]}'", -EIO, "unexpected output of rbd"},
	};
	struct hv_volume_info info;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;

		program(f, "rbd", cases[i].body);
		assert_int_equal(ceph_info(STORAGE "/disk", &info, &e), cases[i].error);
		if (!strstr(error_sentence(&e), cases[i].words))
			fail_msg("'%s' without '%s'", error_sentence(&e), cases[i].words);
		error_done(&e);
	}
}

/* The recorded calls, one per line. */
static char *calls(const struct fixture *f)
{
	static char text[8192];
	char path[128];
	size_t len = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/calls", f->folder);
	file = fopen(path, "r");
	if (file) {
		len = fread(text, 1, sizeof(text) - 1, file);
		(void)fclose(file);
		(void)unlink(path);
	}
	text[len] = '\0';
	return text;
}

/* An rbd that records its arguments, without the options that are the same in each call. */
#define RBD                                                                                                  \
	"while [ \"${1#--}\" != \"$1\" ] && [ \"$1\" != --rbd-default-clone-format ]; do shift 2; done\n"    \
	"echo \"$*\" >>\"${0%/*}/calls\"\n"

/* A query is repeated when rbd crashes. */
static void a_query_is_repeated(void **state)
{
	const struct fixture *f = *state;
	struct hv_volume_info info;

	program(f, "rbd",
		RBD "[ $(wc -l <\"${0%/*}/calls\") -gt 2 ] || kill -ABRT $$\n"
		    "echo '{\"images\":[{\"name\":\"x\",\"provisioned_size\":7,\"used_size\":5}]}'");
	assert_int_equal(ceph_info(STORAGE "/x", &info, NULL), 0);
	assert_int_equal(info.size, 7);
	assert_string_equal(calls(f),
			    "du --format json vms/x\ndu --format json vms/x\ndu --format json vms/x\n");
}

static void rbd_gets_its_arguments(void **state)
{
	const struct fixture *f = *state;
	_cleanup_free_ char *path = NULL, *clone = NULL;
	struct error e = ERROR_INIT;

	program(f, "rbd", RBD "case $1 in info) echo '{\"name\":\"x\",\"size\":1048576}';; esac");
	assert_int_equal(ceph_create(STORAGE, "new", 1048576, NULL, &path, NULL), 0);
	assert_string_equal(path, STORAGE "/new");
	assert_string_equal(calls(f), "create vms/new --size 1048576B\n");
	/* a clone of an image without snapshot creates one as its parent, and grows to the requested size */
	assert_int_equal(ceph_create(STORAGE, "clone", 2097152, STORAGE "/image", &clone, NULL), 0);
	assert_string_equal(calls(f), "snap create vms/image@base\n"
				      "--rbd-default-clone-format 2 clone vms/image@base vms/clone\n"
				      "info --format json vms/clone\n"
				      "resize vms/clone --size 2097152B\n");
	assert_int_equal(ceph_resize(STORAGE "/new", 1024, &e), -EINVAL);
	error_done(&e);
	assert_string_equal(calls(f), "info --format json vms/new\n");
	assert_int_equal(ceph_snapshot(STORAGE "/new@then", NULL), 0);
	assert_string_equal(calls(f), "snap create vms/new@then\n");
	assert_int_equal(ceph_delete(STORAGE, "new@then", NULL), 0);
	assert_string_equal(calls(f), "snap rm vms/new@then\n");
}

static void an_image_with_foreign_snapshots_is_kept(void **state)
{
	const struct fixture *f = *state;
	struct error e = ERROR_INIT;

	program(f, "rbd", RBD "case $2 in ls) echo '[{\"name\":\"base\"},{\"name\":\"5f\"}]';; esac");
	assert_int_equal(ceph_delete(STORAGE, "new", &e), -EBUSY);
	error_done(&e);
	assert_string_equal(calls(f), "snap ls --format json vms/new\n");
	program(f, "rbd", RBD "case $2 in ls) echo '[{\"name\":\"base\"},{\"name\":\"copy-x\"}]';; esac");
	assert_int_equal(ceph_delete(STORAGE, "new", NULL), 0);
	assert_string_equal(calls(f), "snap ls --format json vms/new\nsnap rm vms/new@base\n"
				      "snap rm vms/new@copy-x\nrm vms/new\n");
	/* what a removal that was interrupted has left in the trash is removed too */
	program(f, "rbd", RBD "exit 2");
	assert_int_equal(ceph_delete(STORAGE, "gone", NULL), 0);
	assert_string_equal(calls(f), "snap ls --format json vms/gone\nrm vms/gone\n");
	/* snapshots that copies have left can be removed alone, too; no others are */
	program(f, "rbd",
		RBD
		"case $2 in ls) echo '[{\"name\":\"base\"},{\"name\":\"5f\"},{\"name\":\"copy-x\"}]';; esac");
	assert_int_equal(ceph_end_copies(STORAGE "/new", NULL), 0);
	assert_string_equal(calls(f), "snap ls --format json vms/new\nsnap rm vms/new@copy-x\n");
	program(f, "rbd", RBD "case $1 in rm) exit 39;; snap) echo '[]';; esac");
	assert_int_equal(ceph_delete(STORAGE, "stood-on", &e), -EBUSY);
	error_done(&e);
}

/* Flattening is needed only when the image has another parent. */
static void images_are_flattened_when_necessary(void **state)
{
	const struct fixture *f = *state;
	static const char info[] = "info --format json vms/head\n", merged[] = "flatten vms/head\n";
	static const struct {
		const char *base;
		bool flattened;
	} cases[] = {
		{STORAGE "/image", false}, /* its snapshot "base" is the parent already */
		{STORAGE "/image@base", false}, {STORAGE "/head@earlier", false}, /* its own snapshot */
		{STORAGE "/image@other", true}, {STORAGE "/old@then", true},	  {NULL, true},
	};

	program(f, "rbd",
		RBD "case $1 in info) echo "
		    "'{\"name\":\"head\",\"parent\":{\"image\":\"image\",\"snapshot\":\"base\"}}';; esac");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *called;

		assert_int_equal(ceph_pull(STORAGE "/head", cases[i].base, NULL, NULL, NULL), 0);
		called = calls(f);
		assert_int_equal(strncmp(called, info, strlen(info)), 0);
		assert_string_equal(called + strlen(info), cases[i].flattened ? merged : "");
	}
	program(f, "rbd", RBD "case $1 in info) echo '{\"name\":\"head\"}';; esac");
	assert_int_equal(ceph_pull(STORAGE "/head", NULL, NULL, NULL, NULL), 0);
	assert_string_equal(calls(f), info);
}

/* A copy that fails or is cancelled leaves no image. */
static void a_failed_copy_leaves_no_image(void **state)
{
	const struct fixture *f = *state;
	struct listener l = {.most = 50};
	struct error e = ERROR_INIT;
	char *path = NULL;

	program(f, "rbd", RBD "case $2 in ls) echo '[]';; esac");
	program(f, "qemu-img",
		"case $1 in info) echo '{\"virtual-size\":1048576}';;\n"
		"convert) printf '    (50.00/100%%)\\r'; exec sleep 60;; esac");
	assert_int_equal(ceph_copy(STORAGE "/a@b", STORAGE, "new", on_progress, &l, &path, &e), -ECANCELED);
	assert_null(path);
	error_done(&e);
	assert_string_equal(calls(f),
			    "create vms/new --size 1048576B\nsnap ls --format json vms/new\nrm vms/new\n");
	program(f, "qemu-img",
		"case $1 in info) echo '{\"virtual-size\":1048576}';;\n"
		"convert) echo 'error while writing: No space left on device' >&2; exit 1;; esac");
	assert_int_equal(ceph_upload(STORAGE, "new", "qcow2", "/dev/null", NULL, NULL, &path, &e), -ENOSPC);
	assert_null(path);
	error_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_parsed),
		cmocka_unit_test(invalid_paths_are_refused),
		cmocka_unit_test(paths_round_trip_through_the_domain_xml),
		cmocka_unit_test(image_options_of_qemu),
		cmocka_unit_test_setup_teardown(progress_of_a_program_is_reported, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_program_is_cancelled_or_runs_out_of_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(errors_of_rbd_are_mapped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_query_is_repeated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rbd_gets_its_arguments, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_image_with_foreign_snapshots_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(images_are_flattened_when_necessary, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_failed_copy_leaves_no_image, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("hv_ceph", tests, NULL, NULL);
}
