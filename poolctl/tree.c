/* SPDX-License-Identifier: Apache-2.0 */
/* See tree.h. */
#include "poolctl/tree.h"

#include <fcntl.h>
#include <mntent.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/tree/names.h"
#include "model/json.h"

/* The largest file that is read, bytes. */
#define FILE_MAX (256 << 20)

/* What people call kinds, besides the names of the directories. */
static const struct {
	const char *word, *directory;
} short_names[] = {
	{"vm", "vm-instances"},
	{"vms", "vm-instances"},
	{"network", "l3-networks"},
	{"networks", "l3-networks"},
	{"offering", "instance-offerings"},
	{"offerings", "instance-offerings"},
	{"snapshot", "volume-snapshots"},
	{"snapshots", "volume-snapshots"},
	{"job", "api-jobs"},
	{"jobs", "api-jobs"},
	{"settings", "global-configurations"},
};

const char *member_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

bool tree_is_uuid(const char *text)
{
	return strlen(text) == TREE_UUID_SIZE - 1 && strspn(text, "0123456789abcdef") == TREE_UUID_SIZE - 1;
}

/* -------------------------------------------------------------------- files */

static char *find_mount(void)
{
	const char *given = getenv("POOLCTL_MOUNT");
	struct mntent *m;
	char *found = NULL;
	FILE *f;

	if (given && *given)
		return strdup(given);
	f = setmntent("/proc/self/mounts", "re");
	while (f && !found && (m = getmntent(f)))
		if (strcmp(m->mnt_type, "fuse.poolfs") == 0)
			found = strdup(m->mnt_dir);
	if (f)
		(void)endmntent(f);
	return found;
}

int tree_open(const char *mount, struct tree *ret, struct error *e)
{
	_cleanup_free_ char *found = mount ? strdup(mount) : find_mount();
	int r;

	*ret = (struct tree){.root = -1};
	if (!found)
		return error_set(e, ENOENT, "no pool is mounted; name the mount with -m or POOLCTL_MOUNT");
	ret->root = open(found, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->root < 0)
		return error_set(e, errno, "cannot open '%s': %s", found, strerror(errno));
	r = tree_read_json(ret, "operations.json", &ret->catalog, NULL);
	ret->kinds = json_object_get(ret->catalog, "kinds");
	ret->operations = json_object_get(ret->catalog, "operations");
	if (r < 0 || !ret->kinds)
		return error_set(e, EINVAL, "no pool is mounted on '%s'", found);
	ret->mount = steal(&found);
	return 0;
}

void tree_close(struct tree *t)
{
	if (t->root >= 0)
		(void)close(t->root);
	free((char *)t->mount);
	json_decref(t->catalog);
}

/* Everything that the descriptor gives, with a final NUL. */
static int read_all(int fd, char **ret, size_t *ret_len)
{
	size_t len = 0, room = 8192;
	_cleanup_free_ char *text = malloc(room);
	ssize_t n = 1;

	while (text && n > 0) {
		if (len + 1 == room) {
			char *grown = room < FILE_MAX ? realloc(text, 2 * room) : NULL;

			if (!grown)
				return -ENOMEM;
			text = grown;
			room *= 2;
		}
		n = read(fd, text + len, room - len - 1);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	if (!text)
		return -ENOMEM;
	text[len] = '\0';
	*ret = steal(&text);
	*ret_len = len;
	return 0;
}

int tree_read(const struct tree *t, const char *path, char **ret, struct error *e)
{
	_cleanup_close_ int fd = openat(t->root, path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	int r = fd < 0 ? -errno : read_all(fd, ret, &len);

	if (r < 0)
		return error_set(e, -r, "cannot read '%s': %s", path, strerror(-r));
	if (len && (*ret)[len - 1] == '\n')
		(*ret)[len - 1] = '\0';
	return 0;
}

int tree_read_json(const struct tree *t, const char *path, json_t **ret, struct error *e)
{
	_cleanup_free_ char *text = NULL;
	json_error_t why;
	int r = tree_read(t, path, &text, e);

	if (r < 0)
		return r;
	*ret = json_loads(text, JSON_DECODE_ANY, &why);
	return *ret ? 0 : error_set(e, EPROTO, "'%s' is no JSON: %s", path, why.text);
}

int tree_read_list(const struct tree *t, const char *path, json_t **ret, struct error *e)
{
	_cleanup_json_ json_t *document = NULL;
	int r = tree_read_json(t, path, &document, e);

	if (r < 0)
		return r;
	*ret = json_incref(json_object_get(document, "inventories"));
	return *ret ? 0 : error_set(e, EPROTO, "'%s' has no inventories", path);
}

static bool tree_exists(const struct tree *t, const char *path)
{
	return faccessat(t->root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int refused(const struct tree *t, const char *path, int r, struct error *e)
{
	_cleanup_free_ char *why = NULL;

	/* What the kernel refuses by itself, last-error does not know of. */
	if (r != -EACCES && tree_read(t, "last-error", &why, NULL) == 0 && strcmp(why, "ok") != 0)
		return error_set(e, -r, "%s", why);
	return error_set(e, -r, "cannot write '%s': %s", path, strerror(-r));
}

int tree_write(const struct tree *t, const char *path, const char *text, char ret_job[TREE_UUID_SIZE],
	       struct error *e)
{
	_cleanup_close_ int fd = openat(t->root, path, O_RDWR | O_CLOEXEC);
	_cleanup_free_ char *line = NULL, *answer = NULL;
	_cleanup_json_ json_t *json = NULL;
	size_t answer_len;
	ssize_t n;
	int len = asprintf(&line, "%s\n", text);

	if (len < 0)
		return error_oom(e);
	if (fd < 0)
		return refused(t, path, -errno, e);
	n = write(fd, line, (size_t)len);
	if (n < 0)
		return refused(t, path, -errno, e);
	if (read_all(fd, &answer, &answer_len) == 0)
		json = json_loads(answer, 0, NULL);
	snprintf(ret_job, TREE_UUID_SIZE, "%s", member_text(json, "job"));
	if (close(steal_fd(&fd)) < 0)
		return refused(t, path, -errno, e);
	return 0;
}

/* -------------------------------------------------------------------- kinds */

const json_t *tree_kind_by_name(const struct tree *t, const char *name)
{
	const json_t *kind;
	size_t i;

	json_array_foreach (t->kinds, i, kind)
		if (strcmp(member_text(kind, "name"), name) == 0)
			return kind;
	return NULL;
}

const json_t *tree_kind(const struct tree *t, const char *word)
{
	const json_t *kind, *inner = NULL;
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(short_names); i++)
		if (strcmp(short_names[i].word, word) == 0)
			word = short_names[i].directory;
	len = strlen(word);
	json_array_foreach (t->kinds, i, kind) {
		const char *directory = member_text(kind, "directory");

		if (strcmp(directory, word) == 0)
			return kind;
		/* the singular */
		if (strncmp(directory, word, len) == 0 && strcmp(directory + len, "s") == 0)
			return kind;
		/* the last part, of the first that has it */
		if (!inner && strrchr(directory, '/') && strcmp(strrchr(directory, '/') + 1, word) == 0)
			inner = kind;
	}
	return inner;
}

const json_t *tree_operation(const struct tree *t, const json_t *kind, const char *verb)
{
	const json_t *op;
	size_t i;

	json_array_foreach (t->operations, i, op)
		if (strcmp(member_text(op, "kind"), member_text(kind, "name")) == 0 &&
		    (verb ? strcmp(member_text(op, "verb"), verb) == 0
			  : json_object_get(op, "create") != NULL))
			return op;
	return NULL;
}

const json_t *tree_param(const json_t *operation, const char *name)
{
	const json_t *param;
	size_t i;

	json_array_foreach (json_object_get(operation, "params"), i, param)
		if (strcmp(member_text(param, "name"), name) == 0)
			return param;
	return NULL;
}

/* ------------------------------------------------------------------ objects */

/* What a search has found so far. */
struct search {
	const struct tree *t;
	int count;
	char path[TREE_PATH_SIZE]; /* of the first */
	const json_t *kind;
	char list[1024];
};

static void found(struct search *s, const json_t *kind, const char *uuid)
{
	size_t len = strlen(s->list);

	if (!s->count++) {
		s->kind = kind;
		snprintf(s->path, sizeof(s->path), "%s/%s", member_text(kind, "directory"), uuid);
	}
	snprintf(s->list + len, sizeof(s->list) - len, "%s%s/%s", len ? ", " : "",
		 member_text(kind, "directory"), uuid);
}

static void search_uuid(struct search *s, const json_t *kind, const char *uuid)
{
	char path[TREE_PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s/inventory", member_text(kind, "directory"), uuid);
	if (tree_exists(s->t, path))
		found(s, kind, uuid);
}

/* The object of the name, the second of it, ... */
static void search_name(struct search *s, const json_t *kind, const char *encoded)
{
	char path[TREE_PATH_SIZE], target[TREE_PATH_SIZE];

	for (int rank = 1;; rank++) {
		const char *slash;
		ssize_t n;

		snprintf(path, sizeof(path), rank == 1 ? "%s/by-name/%s" : "%s/by-name/%s~%d",
			 member_text(kind, "directory"), encoded, rank);
		n = readlinkat(s->t->root, path, target, sizeof(target) - 1);
		if (n <= 0)
			return;
		target[n] = '\0';
		slash = strrchr(target, '/');
		found(s, kind, slash ? slash + 1 : target);
	}
}

int tree_find(const struct tree *t, const char *word, tree_kind_fn *may, const void *arg,
	      char ret_path[TREE_PATH_SIZE], const json_t **ret_kind, struct error *e)
{
	struct search s = {.t = t};
	const char *slash = strrchr(word, '/');
	_cleanup_free_ char *prefix = slash ? strndup(word, (size_t)(slash - word)) : NULL;
	const json_t *only = prefix ? tree_kind(t, prefix) : NULL, *kind;
	const char *name = only ? slash + 1 : word;
	char encoded[NAME_SIZE];
	bool is_name = name_encode(name, "", encoded);
	size_t i;

	json_array_foreach (t->kinds, i, kind) {
		if ((only && kind != only) || (may && !may(t, kind, arg)))
			continue;
		if (tree_is_uuid(name))
			search_uuid(&s, kind, name);
		else if (is_name)
			search_name(&s, kind, encoded);
	}
	if (!s.count)
		return error_set(e, ENOENT, "there is no %s '%s'%s",
				 only ? member_text(only, "noun") : "object", name,
				 may ? " that can do this" : "");
	if (s.count > 1)
		return error_set(e, EINVAL, "'%s' is ambiguous, give one of: %s", word, s.list);
	snprintf(ret_path, TREE_PATH_SIZE, "%s", s.path);
	if (ret_kind)
		*ret_kind = s.kind;
	return 0;
}
