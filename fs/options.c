/* SPDX-License-Identifier: Apache-2.0 */
/* See options.h. */
#include "fs/options.h"

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "actions/engine/path_list.h"
#include "actions/pool_open.h"
#include "fs/option_file.h"
#include "fs/tree/fs.h"
#include "model/cleanup.h"
#include "model/durable.h"

#define DEFAULT_STATE "/var/lib/poolfs"
#define NAME	      "poolfs"
/* A pool with one host has about 30 open. */
#define FILES_MIN 64

enum { KEY_READ_ONLY, KEY_READ_WRITE, KEY_DEBUG, KEY_REMOUNT, KEY_MAX_READ, KEY_ALLOW_OTHER, KEY_ALLOW_ROOT };

#define OPTION(template, member, value)                                                                      \
	{                                                                                                    \
		template, offsetof(struct options, member), value                                            \
	}
#define IGNORED(template) FUSE_OPT_KEY(template, FUSE_OPT_KEY_DISCARD)
static const struct fuse_opt option_table[] = {
	OPTION("state=%s", state, 0),
	OPTION("uri=%s", uri, 0),
	OPTION("admin-password-file=%s", admin_password_file, 0),
	OPTION("rest-user=%s", rest_user, 0),
	OPTION("log-level=%s", log_level, 0),
	OPTION("--log-level=%s", log_level, 0),
	OPTION("inotify", inotify, 1),
	FUSE_OPT_KEY("max_read=", KEY_MAX_READ),
	OPTION("-f", foreground, 1),
	OPTION("-h", help, 1),
	OPTION("--help", help, 1),
	OPTION("-V", version, 1),
	OPTION("--version", version, 1),
	OPTION("--upgrade", upgrade, 1),
	FUSE_OPT_KEY("ro", KEY_READ_ONLY),
	FUSE_OPT_KEY("rw", KEY_READ_WRITE),
	FUSE_OPT_KEY("remount", KEY_REMOUNT),
	FUSE_OPT_KEY("allow_other", KEY_ALLOW_OTHER),
	FUSE_OPT_KEY("allow_root", KEY_ALLOW_ROOT),
	FUSE_OPT_KEY("-d", KEY_DEBUG),
	FUSE_OPT_KEY("debug", KEY_DEBUG),
	/* fstab(5), mount(8): meant for who mounts, and handed on by some */
	IGNORED("defaults"),
	IGNORED("nofail"),
	IGNORED("_netdev"),
	IGNORED("auto"),
	IGNORED("noauto"),
	IGNORED("user"),
	IGNORED("user="),
	IGNORED("users"),
	IGNORED("nouser"),
	IGNORED("owner"),
	IGNORED("group"),
	IGNORED("comment="),
	FUSE_OPT_END,
};

const char options_usage[] =
	"usage: poolfs [options] [SOURCE] MOUNTPOINT\n"
	"       poolfs --upgrade MOUNTPOINT\n"
	"\n"
	"Mounts a pool of virtual machines as a file system. In fstab: SOURCE MOUNTPOINT fuse.poolfs OPTION,...\n"
	"\n"
	"    -o state=DIR        folder of the pool's database and images (" DEFAULT_STATE ")\n"
	"    -o uri=URI          libvirt URI of the first host of a new pool (" POOL_DEFAULT_URI ")\n"
	"    -o admin-password-file=FILE  first password of a new pool's administrator (a random one,\n"
	"                        in the file admin-password of the state folder)\n"
	"    -o ro               read-only: accept no requests\n"
	"    -o inotify          report changes from elsewhere through inotify(7), too\n"
	"    -o allow_other      allow access by other users, each as the account that it is bound to\n"
	"    -o rest-user=USER   the user who runs poolfs-rest, if that is not the mount's: its clients' addresses are believed\n"
	"    -o log-level=LEVEL  what the log tells: error, warning, info (the default) or debug\n"
	"    -o config=FILE      read options from FILE, one in a line; those given here override them\n"
	"    -o OPTION,...       further options of fuse(8); those that only fstab(5) needs are ignored\n"
	"    --upgrade           have this program serve the pool that is mounted there, which stays mounted\n"
	"    -f                  stay in the foreground\n"
	"    -d                  stay in the foreground and print every request of the kernel\n"
	"    -h, --help          print this help\n"
	"    -V, --version       print the version\n"
	"\n"
	"Returns when the mount can be used. Ends on umount, fusermount3 -u or SIGTERM. The log is poolfs.log in the\n"
	"state folder, which SIGHUP opens again; with -f the standard error, or the journal of systemd.\n";

/* What take_argument() fills. */
struct parsing {
	struct options options; /* must be the first member: option_table has offsets in it */
	bool remounts, allows_root, debugs;
	char *bad;   /* owned: a value that is not a number of bytes */
	char *extra; /* owned: a third path */
};

static int take_path(struct parsing *p, const char *path)
{
	struct options *o = &p->options;
	char **to = !o->mountpoint ? &o->mountpoint : !o->source ? &o->source : &p->extra;

	if (to == &o->source) { /* the first path was the source */
		o->source = o->mountpoint;
		o->mountpoint = NULL;
		to = &o->mountpoint;
	}
	free(*to);
	*to = strdup(path);
	return *to ? 0 : -1;
}

static int take_max_read(struct parsing *p, const char *text)
{
	char *end;
	unsigned long bytes = strtoul(text, &end, 10);

	if (*end || end == text || *text == '-' || !bytes || bytes > INT_MAX) {
		free(p->bad);
		p->bad = strdup(text);
	}
	p->options.max_read = (unsigned)bytes;
	return 0;
}

static int take_argument(void *data, const char *arg, int key, struct fuse_args *out)
{
	struct parsing *p = data;

	(void)out;
	switch (key) {
	case KEY_READ_ONLY:
	case KEY_READ_WRITE:
		p->options.read_only = key == KEY_READ_ONLY; /* the last one counts, as with mount(8) */
		return 1;
	case KEY_DEBUG:
		p->options.foreground = 1;
		p->debugs = true;
		return 1;
	case KEY_REMOUNT:
		p->remounts = true;
		return 0;
	case KEY_MAX_READ: /* read here, since the kernel's INIT is answered with it, too */
		return take_max_read(p, arg + strlen("max_read="));
	case KEY_ALLOW_OTHER:
		p->options.allow_other = 1;
		return 1;
	case KEY_ALLOW_ROOT:
		p->allows_root = true;
		return 1;
	case FUSE_OPT_KEY_NONOPT:
		return take_path(p, arg);
	default:
		/* comments of fstab: x-systemd.automount, X-mount.mkdir */
		return strncmp(arg, "x-", 2) == 0 || strncmp(arg, "X-", 2) == 0 ? 0 : 1;
	}
}

/* The arguments of mount(8) as those of poolfs; -f is "fake" there. */
static int translate(int argc, char **argv, struct fuse_args *args, bool *ret_fake, struct error *e)
{
	int c, r = fuse_opt_add_arg(args, argv[0]);

	*ret_fake = false;
	while (r == 0 && (c = getopt(argc, argv, "sfnvhVN:o:t:")) != -1) {
		switch (c) {
		case 'f':
			*ret_fake = true;
			break;
		case 'h':
		case 'V':
			r = fuse_opt_add_arg(args, c == 'h' ? "-h" : "-V");
			break;
		case 'o':
			r = fuse_opt_add_arg(args, "-o") < 0 ? -1 : fuse_opt_add_arg(args, optarg);
			break;
		case '?':
			return error_set(e, EINVAL, "see '" NAME " --help'");
		default: /* no mtab, sloppy, verbose; namespace and type, which are the present ones */
			break;
		}
	}
	for (int i = optind; r == 0 && i < argc; i++)
		r = fuse_opt_add_arg(args, argv[i]);
	return r < 0 ? error_oom(e) : 0;
}

static bool is_mount_helper(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strncmp(slash ? slash + 1 : program, "mount.", strlen("mount.")) == 0;
}

/* Hands to libfuse what it shall know besides the user's options, which may override this. */
static int add_defaults(const struct options *options, struct fuse_args *args)
{
	_cleanup_free_ char *list = strdup("-osubtype=" NAME), *source = NULL, *max_read = NULL;
	bool named = options->source && *options->source; /* "poolfs#" in fstab gives an empty one */

	if (asprintf(&source, "fsname=%s", named ? options->source : NAME) < 0 || !list ||
	    fuse_opt_add_opt_escaped(&list, source) < 0)
		return -ENOMEM;
	if (fuse_opt_insert_arg(args, 1, list) < 0 || fuse_opt_add_arg(args, "-odefault_permissions") < 0)
		return -ENOMEM;
	if (options->max_read && (asprintf(&max_read, "-omax_read=%u", options->max_read) < 0 ||
				  fuse_opt_add_arg(args, max_read) < 0))
		return -ENOMEM;
	return 0;
}

/* Refuses values, and options that contradict each other. */
static int check_together(struct parsing *p, struct error *e)
{
	struct options *o = &p->options;
	int r;

	o->level = p->debugs ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
	r = o->log_level ? log_level_from_name(o->log_level, &o->level, e) : 0;
	if (r < 0)
		return r;

	if (p->bad)
		return error_set(e, EINVAL, "the option 'max_read=%s' needs a number of bytes", p->bad);
	if (p->remounts)
		return error_set(e, EINVAL,
				 "the options of a mounted pool cannot be changed: unmount it, then mount it "
				 "with the new ones");
	if (p->extra)
		return error_set(e, EINVAL, "too many paths: '%s', '%s', '%s'; give [SOURCE] MOUNTPOINT",
				 o->source, o->mountpoint, p->extra);
	if (!o->mountpoint)
		return error_set(e, EINVAL, "no mount point given, see '" NAME " --help'");
	if (o->upgrade &&
	    (o->state || o->uri || o->admin_password_file || o->rest_user || o->log_level || o->source ||
	     o->foreground || o->read_only || o->inotify || o->allow_other || o->max_read))
		return error_set(
			e, EINVAL,
			"'--upgrade' takes only a mount point: the pool stays mounted with its options");
	if (p->options.allow_other && p->allows_root)
		return error_set(e, EINVAL, "the options 'allow_other' and 'allow_root' exclude each other");
	if (o->inotify && o->read_only)
		return error_set(e, EINVAL,
				 "the options 'inotify' and 'ro' exclude each other: inotify events are "
				 "generated by writing through the mount");
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret, struct fuse_args *ret_args, struct error *e)
{
	struct parsing p = {.options = {0}};
	bool fake = false;
	int r;

	if (argc > 0 && is_mount_helper(argv[0])) {
		*ret_args = (struct fuse_args)FUSE_ARGS_INIT(0, NULL);
		r = translate(argc, argv, ret_args, &fake, e);
	} else {
		*ret_args = (struct fuse_args)FUSE_ARGS_INIT(argc, argv);
		r = 0;
	}
	if (r == 0)
		r = option_file_insert(ret_args, e);
	if (r == 0 && fuse_opt_parse(ret_args, &p, option_table, take_argument) < 0)
		r = -EINVAL;
	if (r == 0 && !p.options.help && !p.options.version)
		r = check_together(&p, e);
	if (r == 0 && add_defaults(&p.options, ret_args) < 0)
		r = error_oom(e);
	free(p.extra);
	free(p.bad);
	if (r < 0) {
		options_done(&p.options);
		return r;
	}
	p.options.fake = fake;
	*ret = p.options;
	return 0;
}

void options_done(struct options *options)
{
	free(options->state);
	free(options->uri);
	free(options->admin_password_file);
	free(options->rest_user);
	free(options->log_level);
	free(options->source);
	free(options->mountpoint);
	*options = (struct options){0};
}

/* ------------------------------------------------------------------ checking */

/* Replaces *path by its absolute form. */
static int make_absolute(char **path, const char *what, struct error *e)
{
	char *absolute = realpath(*path, NULL);

	if (!absolute)
		return error_set(e, errno, "cannot use the %s '%s': %s%s", what, *path, strerror(errno),
				 errno == ENOTCONN ? "; unmount it first" : "");
	free(*path);
	*path = absolute;
	return 0;
}

/*
 * The type of the file. What the kernel remembers of a mount does not count: ENOTCONN if the program behind it was killed. 0
 * or -1 with errno.
 */
static int ask_type(const char *path, mode_t *ret)
{
	struct statx st;

	if (statx(AT_FDCWD, path, AT_STATX_FORCE_SYNC, STATX_TYPE, &st) < 0)
		return -1;
	*ret = st.stx_mode & S_IFMT;
	return 0;
}

/* Makes *path absolute; it must be a directory. */
static int check_directory(char **path, const char *what, struct error *e)
{
	mode_t type;
	int r = make_absolute(path, what, e);

	if (r < 0)
		return r;
	if (ask_type(*path, &type) < 0)
		return error_set(e, errno, "cannot use the %s '%s': %s%s", what, *path, strerror(errno),
				 errno == ENOTCONN ? "; unmount it first" : "");
	if (!S_ISDIR(type))
		return error_set(e, ENOTDIR, "cannot use the %s '%s': not a directory", what, *path);
	return 0;
}

/* As a service, nobody else would remove what a killed program has left. */
static void remove_dead_mount(const char *path)
{
	mode_t type;

	if (getenv("NOTIFY_SOCKET") && ask_type(path, &type) < 0 && errno == ENOTCONN)
		(void)umount2(path, MNT_DETACH);
}

/* Creates the state folder if there is none, unless the mount would hide it. */
static int prepare_state(struct options *options, struct error *e)
{
	mode_t old;
	bool created;
	int r;

	/* Others can traverse it, whatever the umask: guests run as another user open their images below it. */
	old = umask(0);
	created = mkdir(options->state, 0711) == 0;
	r = created || errno == EEXIST ? 0 : -errno;
	(void)umask(old);
	if (r < 0)
		return error_set(e, -r, "cannot create the state folder '%s': %s", options->state,
				 strerror(-r));
	r = check_directory(&options->state, "state folder", e);
	if (r == 0 && (strcmp(options->state, options->mountpoint) == 0 ||
		       path_below(options->state, options->mountpoint))) {
		if (created)
			(void)rmdir(options->state);
		return error_set(e, EINVAL,
				 "the state folder '%s' must not be in the mount point '%s', which hides it",
				 options->state, options->mountpoint);
	}
	return r == 0 && created ? durable_name(options->state, e) : r;
}

/* Programs with many threads and hosts fail in odd ways when they cannot open files. */
static int check_descriptors(struct error *e)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return error_set(e, errno, "cannot read the limit of open files: %s", strerror(errno));
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max < FILES_MIN)
		return error_set(e, EMFILE,
				 "at most %lu files may be open ('ulimit -n'), at least %d are needed",
				 (unsigned long)limit.rlim_max, FILES_MIN);
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	return 0;
}

/* The number of the user @name, a name or number itself. */
static int find_user(const char *name, uid_t *ret, struct error *e)
{
	const struct passwd *entry = getpwnam(name);
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (!entry && (*end || end == name || number >= UINT32_MAX))
		return error_set(e, ENOENT, "there is no user '%s', as 'rest-user' says", name);
	*ret = entry ? entry->pw_uid : (uid_t)number;
	return 0;
}

int options_check(struct options *options, bool mounted, struct error *e)
{
	int fd, r;

	if (!options->state)
		options->state = strdup(DEFAULT_STATE);
	if (!options->state)
		return error_oom(e);
	options->rest_uid = UID_NONE;
	if (!mounted)
		remove_dead_mount(options->mountpoint);
	r = check_descriptors(e);
	if (r == 0 && options->rest_user)
		r = find_user(options->rest_user, &options->rest_uid, e);
	if (r == 0)
		r = mounted ? make_absolute(&options->mountpoint, "mount point", e)
			    : check_directory(&options->mountpoint, "mount point", e);
	if (r == 0 && options->admin_password_file)
		r = make_absolute(&options->admin_password_file, "password file", e);
	if (r < 0)
		return r;
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return error_set(e, errno, "cannot open '/dev/fuse': %s", strerror(errno));
	(void)close(fd);
	return prepare_state(options, e);
}
