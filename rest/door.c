/* SPDX-License-Identifier: Apache-2.0 */
/* See door.h. */
#include "rest/door.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* First guess of an answer's length. */
#define ANSWER_ROOM 16384
/* Longest answer. */
#define ANSWER_MAX (256 << 20)

struct door {
	char *path; /* owned */
	/* Of the pool that is mounted there; others take their numbers when it is mounted anew. */
	int root, stamp;
};

bool door_uuid_is_valid(const char *text)
{
	return strlen(text) == DOOR_UUID_SIZE - 1 && strspn(text, "0123456789abcdef") == DOOR_UUID_SIZE - 1;
}

void line_close(struct line *line)
{
	if (line->fd >= 0)
		(void)close(line->fd);
	*line = LINE_INIT;
}

void answer_done(struct answer *answer)
{
	free(answer->text);
	*answer = (struct answer){0};
}

int door_open(const char *mountpoint, struct door **ret_door, json_t **ret_operations, struct error *e)
{
	struct door *door = calloc(1, sizeof(*door));
	_cleanup_fclose_ FILE *table = NULL;
	_cleanup_close_ int fd = -1;
	json_error_t why;

	if (!door)
		return error_oom(e);
	door->stamp = -1;
	door->path = realpath(mountpoint, NULL);
	door->root = door->path ? open(door->path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	*ret_door = door;
	if (door->root < 0)
		return error_set(e, errno, "cannot open '%s': %s", mountpoint, strerror(errno));
	fd = openat(door->root, "operations.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(e, EINVAL, "no pool is mounted on '%s': %s", mountpoint, strerror(errno));
	table = fdopen(fd, "r");
	if (!table)
		return error_set(e, errno, "cannot read '%s/operations.json': %s", mountpoint,
				 strerror(errno));
	(void)steal_fd(&fd);
	door->stamp = openat(door->root, "sessions/stamp", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (door->stamp < 0)
		return error_set(e, errno, "cannot open '%s/sessions/stamp': %s", mountpoint,
				 strerror(errno));
	*ret_operations = json_loadf(table, 0, &why);
	if (!json_is_array(json_object_get(*ret_operations, "operations")))
		return error_set(e, EINVAL, "'%s/operations.json' is not what it should be", mountpoint);
	return 0;
}

void door_close(struct door *door)
{
	if (!door)
		return;
	if (door->root >= 0)
		(void)close(door->root);
	if (door->stamp >= 0)
		(void)close(door->stamp);
	free(door->path);
	free(door);
}

int64_t door_stamp(const struct door *door)
{
	struct stat st;

	return fstat(door->stamp, &st) < 0 ? 0 : st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
}

/* -------------------------------------------------------------------- calls */

/* -ENOTCONN when @root is no pool. */
static int open_below(int root, const char *path)
{
	int fd = openat(root, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd;

	return r == -ENOENT && faccessat(root, "operations.json", F_OK, 0) < 0 ? -ENOTCONN : r;
}

/* Goes over to the pool that is mounted now, while other threads use the descriptors. */
static int find_pool(const struct door *door)
{
	_cleanup_close_ int root = open(door->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int stamp = -1;

	if (root < 0)
		return -errno;
	stamp = openat(root, "sessions/stamp", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (stamp < 0)
		return -ENOTCONN;
	return dup3(root, door->root, O_CLOEXEC) < 0 || dup3(stamp, door->stamp, O_CLOEXEC) < 0 ? -errno : 0;
}

/* The pool may have been mounted anew since we began, so what lies under the path counts, too. */
static int open_path(const struct door *door, const char *path)
{
	int r = open_below(door->root, path);

	if (r != -ENOTCONN)
		return r;
	r = find_pool(door);
	return r < 0 ? r : open_below(door->root, path);
}

static int line_open(const struct door *door, struct line *line, const char *session)
{
	char path[64] = "sessions/call";

	if (line->fd >= 0 && strcmp(line->session, session) == 0)
		return 0;
	line_close(line);
	if (*session && !door_uuid_is_valid(session))
		return -ENOENT;
	if (*session)
		snprintf(path, sizeof(path), "sessions/%s/call", session);
	line->fd = open_path(door, path);
	if (line->fd < 0)
		return line->fd;
	snprintf(line->session, sizeof(line->session), "%s", session);
	return 0;
}

static int write_call(const struct line *line, const char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(line->fd, text + done, len - done, (off_t)done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int read_answer(const struct line *line, struct answer *ret)
{
	size_t len = 0, room = ANSWER_ROOM;
	char *text = malloc(room + 1);

	while (text) {
		ssize_t n = pread(line->fd, text + len, room - len, (off_t)len);

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
	text[len] = '\0';
	*ret = (struct answer){.text = text, .body = text, .len = len};
	return 0;
}

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
	};
	char *end = strchr(answer->text, '\n'), *number;

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

static int try_call(struct door *door, struct line *line, const char *session, const char *text, size_t len,
		    struct answer *ret)
{
	int r = line_open(door, line, session);

	if (r < 0)
		return r;
	r = write_call(line, text, len);
	if (r < 0)
		return r;
	r = read_answer(line, ret);
	return r < 0 ? r : parse_answer(ret);
}

int door_call(struct door *door, struct line *line, const char *session, const char *text, size_t len,
	      struct answer *ret_answer, struct error *e)
{
	bool was_open = line->fd >= 0;
	int r = try_call(door, line, session, text, len, ret_answer);

	/* The session has ended, or the pool was mounted anew. Nothing was accepted, so asking again is safe.
	 */
	if (was_open && (r == -ESTALE || r == -ENOTCONN || r == -EBADF)) {
		line_close(line);
		r = try_call(door, line, session, text, len, ret_answer);
	}
	if (r == 0)
		return 0;
	line_close(line);
	answer_done(ret_answer);
	if (*session && (r == -ENOENT || r == -ESTALE)) {
		*ret_answer = (struct answer){.word = ANSWER_SESSION};
		return 0;
	}
	return error_set(e, -r, "%s", strerror(-r));
}
