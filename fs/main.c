/* SPDX-License-Identifier: Apache-2.0 */
/* The program: options, the background, one sentence when something is wrong. */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/daemon.h"

#define DEFAULT_STATE "/var/lib/poolfs"
#define DEFAULT_URI   "qemu:///system"

struct options {
	char *state, *uri, *admin_password_file; /* owned */
	char *mountpoint;			 /* owned */
	int foreground, help, version, read_only, inotify;
};

enum { KEY_READ_ONLY, KEY_DEBUG };

#define OPTION(template, member, value)                                                                      \
	{                                                                                                    \
		template, offsetof(struct options, member), value                                            \
	}
static const struct fuse_opt option_table[] = {
	OPTION("state=%s", state, 0),
	OPTION("uri=%s", uri, 0),
	OPTION("admin-password-file=%s", admin_password_file, 0),
	OPTION("inotify", inotify, 1),
	OPTION("-f", foreground, 1),
	OPTION("-h", help, 1),
	OPTION("--help", help, 1),
	OPTION("-V", version, 1),
	OPTION("--version", version, 1),
	FUSE_OPT_KEY("ro", KEY_READ_ONLY),
	FUSE_OPT_KEY("-d", KEY_DEBUG),
	FUSE_OPT_KEY("debug", KEY_DEBUG),
	FUSE_OPT_END,
};

static const char usage[] =
	"usage: poolfs [options] MOUNTPOINT\n"
	"\n"
	"Mounts a pool of virtual machines as a file system.\n"
	"\n"
	"    -o state=DIR      folder of the pool's database and images (" DEFAULT_STATE ")\n"
	"    -o uri=URI        libvirt URI of the first host of a new pool (" DEFAULT_URI ")\n"
	"    -o admin-password-file=FILE  first password of a new pool's administrator (the one in the manual)\n"
	"    -o ro             accept no requests\n"
	"    -o inotify        tell who watches with inotify(7) of what was changed elsewhere, too\n"
	"    -o allow_other    let other users in\n"
	"    -o OPTION,...     further options of fuse(8)\n"
	"    -f                stay in the foreground\n"
	"    -d                in the foreground, and print every request of the kernel\n"
	"    -h, --help        print this\n"
	"    -V, --version     print the version\n"
	"\n"
	"Returns when the mount can be used. Ended by umount, fusermount3 -u or SIGTERM.\n";

static int take_argument(void *data, const char *arg, int key, struct fuse_args *out)
{
	struct options *options = data;

	(void)out;
	switch (key) {
	case KEY_READ_ONLY:
		options->read_only = 1;
		return 1;
	case KEY_DEBUG:
		options->foreground = 1;
		return 1;
	case FUSE_OPT_KEY_NONOPT:
		if (options->mountpoint) {
			fprintf(stderr, "poolfs: more than one mount point: '%s' and '%s'\n",
				options->mountpoint, arg);
			return -1;
		}
		options->mountpoint = strdup(arg);
		return options->mountpoint ? 0 : -1;
	default:
		return 1;
	}
}

static void options_done(struct options *options)
{
	free(options->state);
	free(options->uri);
	free(options->admin_password_file);
	free(options->mountpoint);
}

/* Replaces *path by its absolute form. */
static int make_absolute(char **path, const char *what, struct error *e)
{
	char *absolute = realpath(*path, NULL);

	if (!absolute)
		return error_set(e, errno, "cannot use the %s '%s': %s", what, *path, strerror(errno));
	free(*path);
	*path = absolute;
	return 0;
}

/* Looks at everything that can be known before the program goes into the background. */
static int check(struct options *options, struct error *e)
{
	struct stat st;
	mode_t old;
	int fd, r;

	if (!options->mountpoint)
		return error_set(e, EINVAL, "no mount point given, see 'poolfs --help'");
	if (options->inotify && options->read_only)
		return error_set(e, EINVAL,
				 "the options 'inotify' and 'ro' exclude each other: watchers are told by "
				 "writing through the mount");
	if (!options->state)
		options->state = strdup(DEFAULT_STATE);
	if (!options->uri)
		options->uri = strdup(DEFAULT_URI);
	if (!options->state || !options->uri)
		return error_set(e, ENOMEM, "out of memory");
	r = make_absolute(&options->mountpoint, "mount point", e);
	if (r == 0 && options->admin_password_file)
		r = make_absolute(&options->admin_password_file, "password file", e);
	if (r < 0)
		return r;
	if (stat(options->mountpoint, &st) < 0 || !S_ISDIR(st.st_mode))
		return error_set(e, ENOTDIR, "cannot use the mount point '%s': not a directory",
				 options->mountpoint);
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return error_set(e, errno, "cannot open '/dev/fuse': %s", strerror(errno));
	(void)close(fd);
	/* Others may pass through, whatever the umask: guests of another user open their images below it. */
	old = umask(0);
	r = mkdir(options->state, 0711) < 0 && errno != EEXIST ? -errno : 0;
	(void)umask(old);
	if (r < 0)
		return error_set(e, -r, "cannot make the state folder '%s': %s", options->state,
				 strerror(-r));
	r = make_absolute(&options->state, "state folder", e);
	if (r == 0 && (stat(options->state, &st) < 0 || !S_ISDIR(st.st_mode)))
		r = error_set(e, ENOTDIR, "cannot use the state folder '%s': not a directory",
			      options->state);
	return r;
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	_cleanup_(options_done) struct options options = {0};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct session_options session = {.args = &args};
	int r;

	if (fuse_opt_parse(&args, &options, option_table, take_argument) < 0)
		return EXIT_FAILURE;
	if (options.help || options.version) {
		fputs(options.help ? usage : "poolfs " POOLFS_VERSION "\n", stdout);
		fuse_opt_free_args(&args);
		return EXIT_SUCCESS;
	}
	r = check(&options, &e);
	if (r == 0 && fuse_opt_add_arg(&args, "-odefault_permissions,fsname=poolfs,subtype=poolfs") < 0)
		r = error_set(&e, ENOMEM, "out of memory");
	if (r == 0) {
		session.mountpoint = options.mountpoint;
		session.inotify = options.inotify;
		session.pool = (struct pool_options){.state_dir = options.state,
						     .uri = options.uri,
						     .admin_password_file = options.admin_password_file,
						     .read_only = options.read_only};
		r = options.foreground ? session_run(&session, &e) : daemon_run(&session, &e);
	}
	fuse_opt_free_args(&args);
	if (r < 0)
		fprintf(stderr, "poolfs: %s\n", error_sentence(&e));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
