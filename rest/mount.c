/* SPDX-License-Identifier: Apache-2.0 */
/* See mount.h. */
#include "rest/mount.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* First guess of an answer's length: this, or somewhat more than the last one had, up to the most that one read(2) gets. */
#define ANSWER_ROOM	16384
#define ANSWER_ROOM_MAX (1 << 20)
/* So often a call is made whose answer is lost with the process that had it. */
#define CALL_TRIES 4
/* Longest answer. */
#define ANSWER_MAX (256 << 20)

struct mount {
	char *path; /* owned */
	/* Descriptors of the pool that is mounted there; after another mount they are replaced in place. */
	int root, stamp;
};

bool mount_uuid_is_valid(const char *text)
{
	return strlen(text) == MOUNT_UUID_SIZE - 1 && strspn(text, "0123456789abcdef") == MOUNT_UUID_SIZE - 1;
}

void call_file_close(struct call_file *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	*file = CALL_FILE_INIT;
}

void answer_done(struct answer *answer)
{
	free(answer->text);
	*answer = (struct answer){0};
}

int mount_open(const char *mountpoint, struct mount **ret_mount, json_t **ret_operations, struct error *e)
{
	struct mount *mount = calloc(1, sizeof(*mount));
	_cleanup_fclose_ FILE *table = NULL;
	_cleanup_close_ int fd = -1;
	json_error_t why;

	if (!mount)
		return error_oom(e);
	mount->stamp = -1;
	mount->path = realpath(mountpoint, NULL);
	mount->root = mount->path ? open(mount->path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	*ret_mount = mount;
	if (mount->root < 0)
		return error_set(e, errno, "cannot open '%s': %s", mountpoint, strerror(errno));
	fd = openat(mount->root, "operations.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(e, EINVAL, "no pool is mounted on '%s': %s", mountpoint, strerror(errno));
	table = fdopen(fd, "r");
	if (!table)
		return error_set(e, errno, "cannot read '%s/operations.json': %s", mountpoint,
				 strerror(errno));
	(void)steal_fd(&fd);
	mount->stamp = openat(mount->root, "sessions/stamp", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (mount->stamp < 0)
		return error_set(e, errno, "cannot open '%s/sessions/stamp': %s", mountpoint,
				 strerror(errno));
	*ret_operations = json_loadf(table, 0, &why);
	if (!json_is_array(json_object_get(*ret_operations, "operations")))
		return error_set(e, EINVAL, "'%s/operations.json' does not contain a list of operations",
				 mountpoint);
	return 0;
}

void mount_close(struct mount *mount)
{
	if (!mount)
		return;
	if (mount->root >= 0)
		(void)close(mount->root);
	if (mount->stamp >= 0)
		(void)close(mount->stamp);
	free(mount->path);
	free(mount);
}

int64_t mount_stamp(const struct mount *mount)
{
	struct stat st;

	return fstat(mount->stamp, &st) < 0 ? 0
					    : st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
}

/* -------------------------------------------------------------------- calls */

/* The pool answers nothing. */
static int set_error(int r, struct error *e)
{
	return r == -ENOTCONN
		       ? error_set_code(e, ENOTCONN, MOUNT_ERROR, "the pool is not mounted")
		       : error_set_code(e, -r, MOUNT_ERROR, "the pool cannot be reached: %s", strerror(-r));
}

/* -ENOTCONN when there is no pool at @root. */
static int open_below(int root, const char *path, int access)
{
	int fd = openat(root, path, access | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd;

	return r == -ENOENT && faccessat(root, "operations.json", F_OK, 0) < 0 ? -ENOTCONN : r;
}

/* Switches to the pool that is mounted now, while other threads use the descriptors. */
static int find_pool(const struct mount *mount)
{
	_cleanup_close_ int root = open(mount->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int stamp = -1;

	if (root < 0)
		return errno == ENOENT ? -ENOTCONN : -errno;
	stamp = openat(root, "sessions/stamp", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (stamp < 0)
		return -ENOTCONN;
	return dup3(root, mount->root, O_CLOEXEC) < 0 || dup3(stamp, mount->stamp, O_CLOEXEC) < 0 ? -errno
												  : 0;
}

/* The pool may have been remounted since the start, so a second attempt resolves the mount point again. */
static int open_path(const struct mount *mount, const char *path, int access)
{
	int r = open_below(mount->root, path, access);

	if (r != -ENOTCONN)
		return r;
	r = find_pool(mount);
	return r < 0 ? r : open_below(mount->root, path, access);
}

static int call_file_open(const struct mount *mount, struct call_file *file, const char *session)
{
	char path[64] = "sessions/call";

	if (file->fd >= 0 && strcmp(file->session, session) == 0)
		return 0;
	call_file_close(file);
	if (*session && !mount_uuid_is_valid(session))
		return -ENOENT;
	if (*session)
		snprintf(path, sizeof(path), "sessions/%s/call", session);
	file->fd = open_path(mount, path, O_RDWR);
	if (file->fd < 0)
		return file->fd;
	snprintf(file->session, sizeof(file->session), "%s", session);
	return 0;
}

/* Opens `sessions/DIRECTORY/SECRET`. */
static int open_secret(const struct mount *mount, const char *directory, const char *secret, int access,
		       char ret_path[64])
{
	if (!mount_uuid_is_valid(secret))
		return -ENOENT;
	snprintf(ret_path, 64, "sessions/%s/%s", directory, secret);
	return open_path(mount, ret_path, access);
}

int mount_open_upload(const struct mount *mount, const char *secret, struct error *e)
{
	char path[64];
	int fd = open_secret(mount, "uploads", secret, O_WRONLY, path);

	if (fd == -ENOENT || fd == -ESTALE)
		return error_set(e, ENOENT, "no image is uploaded here");
	if (fd == -EBUSY)
		return error_set(e, EBUSY, "the image is being uploaded already");
	return fd < 0 ? set_error(fd, e) : fd;
}

int mount_open_export(const struct mount *mount, const char *secret, struct error *e)
{
	char path[64] = "";
	int fd = open_secret(mount, "exports", secret, O_RDONLY, path);

	if (fd >= 0)
		return fd;
	if (!*path)
		return error_set(e, ENOENT, "this is no secret of an export");
	/* there may be the export, but not its file */
	if (fd != -ENOTCONN && faccessat(mount->root, path, F_OK, 0) == 0)
		return error_set(e, EIO, "the image cannot be read: %s", strerror(-fd));
	return fd == -ESTALE ? error_set(e, ENOENT, "the export has ended") : set_error(fd, e);
}

static int write_call(const struct call_file *file, const char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(file->fd, text + done, len - done, (off_t)done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static size_t guess_room(const struct call_file *file)
{
	size_t room = file->last + file->last / 8;

	return room < ANSWER_ROOM ? ANSWER_ROOM : room > ANSWER_ROOM_MAX ? ANSWER_ROOM_MAX : room;
}

static int read_answer(struct call_file *file, struct answer *ret)
{
	size_t len = 0, room = guess_room(file);
	char *text = malloc(room + 1);

	while (text) {
		ssize_t n = pread(file->fd, text + len, room - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || len > ANSWER_MAX) {
			int r = n < 0 ? -errno : -EFBIG;

			free(text);
			return r;
		}
		len += (size_t)n;
		/* A short read is the end: answers do not grow. */
		if (len < room)
			break;
		room *= 4;
		char *grown = realloc(text, room + 1);

		if (!grown)
			free(text);
		text = grown;
	}
	if (!text)
		return -ENOMEM;
	if (room - len > ANSWER_ROOM) {
		char *fit = realloc(text, len + 1);

		text = fit ? fit : text;
	}
	text[len] = '\0';
	file->last = len;
	*ret = (struct answer){.text = text, .body = text, .len = len};
	return 0;
}

/* -ENODATA: it is not there, or not all of it; each ends with a newline. */
static int parse_answer(struct answer *answer)
{
	static const char *const words[] = {
		[ANSWER_OK] = "ok",
		[ANSWER_JOB] = "job",
		[ANSWER_ERROR] = "error",
		[ANSWER_INVALID] = "invalid",
		[ANSWER_WAIT] = "wait",
		[ANSWER_GONE] = "gone",
		[ANSWER_CONFLICT] = "conflict",
		[ANSWER_SESSION] = "session",
		[ANSWER_FORBIDDEN] = "forbidden",
	};
	char *end = strchr(answer->text, '\n'), *number;

	if (!answer->len || answer->text[answer->len - 1] != '\n')
		return -ENODATA;
	if (!end)
		return -EPROTO;
	*end = '\0';
	number = strchr(answer->text, ' ');
	if (number) {
		*number++ = '\0';
		answer->stamp = strtoll(number, NULL, 10);
	}
	answer->body = end + 1;
	answer->len -= (size_t)(answer->body - answer->text);
	if (answer->len && answer->body[answer->len - 1] == '\n')
		answer->body[--answer->len] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], answer->text) == 0) {
			answer->word = (enum answer_word)i;
			return 0;
		}
	return -EPROTO;
}

static int try_call(struct mount *mount, struct call_file *file, const char *session, const char *text,
		    size_t len, struct answer *ret)
{
	int r = call_file_open(mount, file, session);

	if (r < 0)
		return r;
	r = write_call(file, text, len);
	if (r < 0)
		return r;
	r = read_answer(file, ret);
	return r < 0 ? r : parse_answer(ret);
}

int mount_call(struct mount *mount, struct call_file *file, const char *session, const char *text, size_t len,
	       struct answer *ret_answer, struct error *e)
{
	bool was_open = file->fd >= 0;
	int r = try_call(mount, file, session, text, len, ret_answer);

	/* The session has ended, or the pool was remounted. Nothing was accepted, so a retry is safe. */
	if (was_open && (r == -ESTALE || r == -ENOTCONN || r == -EBADF)) {
		call_file_close(file);
		r = try_call(mount, file, session, text, len, ret_answer);
	}
	/*
	 * The process that had the answer was killed, and could not keep it for the next one: it had too many. What the
	 * call starts is known by the uuid of its job, and is not started again.
	 */
	for (int tries = 1; r == -ENODATA && tries < CALL_TRIES; tries++) {
		answer_done(ret_answer);
		r = try_call(mount, file, session, text, len, ret_answer);
	}
	if (r == 0)
		return 0;
	call_file_close(file);
	answer_done(ret_answer);
	if (*session && (r == -ENOENT || r == -ESTALE)) {
		*ret_answer = (struct answer){.word = ANSWER_SESSION};
		return 0;
	}
	if (r == -EFBIG || r == -EINVAL)
		return error_set_code(e, -r, "SYS.1007", "the request is too long or nested too deep");
	return set_error(r, e);
}
