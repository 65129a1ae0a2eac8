/* SPDX-License-Identifier: Apache-2.0 */
/* See unix_users.h. */
#include "actions/account/unix_users.h"

#include <ctype.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Buffer for an entry of the user or group database, bytes; a group lists its members. */
#define ENTRY_SIZE (1 << 20)
/* More groups of one user than the kernel takes. */
#define GROUPS_MAX     65536
#define NAME_MAX_BYTES 255

/* A user or group of a list. */
struct member {
	bool group;
	bool known; /* the number is */
	uint32_t number;
	char name[NAME_MAX_BYTES + 16]; /* "" = none */
};

static bool parse_number(const char *text, uint32_t *ret)
{
	unsigned long long n = 0;
	const char *c = text;

	for (; isdigit((unsigned char)*c) && c - text <= 10; c++)
		n = n * 10 + (unsigned)(*c - '0');
	/* The largest number means "none" to the kernel. */
	if (c == text || *c || n >= UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* Parses `name`, `1000` or `1000(name)`, each perhaps after an `@`. */
static int parse_member(const char *word, size_t len, struct member *ret, struct error *e)
{
	char text[NAME_MAX_BYTES + 16], *name;

	*ret = (struct member){.group = *word == '@'};
	if (len - ret->group == 0 || len >= sizeof(text))
		return error_set(e, EINVAL, "'%.*s' is not a user, nor a group with an @ before it", (int)len,
				 word);
	snprintf(text, sizeof(text), "%.*s", (int)(len - ret->group), word + ret->group);
	name = strchr(text, '(');
	if (name && text[strlen(text) - 1] == ')') {
		text[strlen(text) - 1] = '\0';
		*name++ = '\0';
	} else {
		name = text;
	}
	ret->known = parse_number(text, &ret->number);
	if ((name != text && !ret->known) || strlen(name) > NAME_MAX_BYTES || strpbrk(name, "()@:"))
		return error_set(e, EINVAL, "'%.*s' is not a user, nor a group with an @ before it", (int)len,
				 word);
	if (name != text || !ret->known)
		snprintf(ret->name, sizeof(ret->name), "%s", name);
	return 0;
}

static const char separators[] = ", \t\n";

/* The next member of the list at *text, which is moved behind it. 1; 0 at the end. */
static int next_member(const char **text, struct member *ret, struct error *e)
{
	const char *word = *text + strspn(*text, separators);
	size_t len = strcspn(word, separators);
	int r;

	if (!len)
		return 0;
	r = parse_member(word, len, ret, e);
	*text = word + len;
	return r < 0 ? r : 1;
}

int unix_users_check(const char *text, struct error *e)
{
	struct member m;
	int groups = 0, users = 0, r;

	if (strlen(text) >= UNIX_USERS_SIZE / 2)
		return error_set(e, EINVAL, "a list of users has at most %d bytes", UNIX_USERS_SIZE / 2 - 1);
	while ((r = next_member(&text, &m, e)) > 0) {
		groups += m.group;
		users += !m.group;
	}
	if (r < 0)
		return r;
	if (groups > 1)
		return error_set(e, EINVAL, "an account has at most one group, since a file has one");
	if (users > 1 && !groups)
		return error_set(e, EINVAL,
				 "an account with more than one user needs a group that they are members of "
				 "(@name), since a file has one owner");
	return 0;
}

/* ------------------------------------------------------------- name service */

static int find_user(struct member *m, char *buffer, struct error *e)
{
	struct passwd entry, *found = NULL;
	int r = m->known ? getpwuid_r(m->number, &entry, buffer, ENTRY_SIZE, &found)
			 : getpwnam_r(m->name, &entry, buffer, ENTRY_SIZE, &found);

	if (!found && !m->known)
		return r && r != ENOENT && r != ESRCH
			       ? error_set(e, EIO, "cannot look up the user '%s': %s", m->name, strerror(r))
			       : error_set(e, ENOENT, "there is no user '%s' on this machine", m->name);
	if (found) {
		m->number = found->pw_uid;
		snprintf(m->name, sizeof(m->name), "%.255s", found->pw_name);
	}
	return 0;
}

static int find_group(struct member *m, char *buffer, struct error *e)
{
	struct group entry, *found = NULL;
	int r = m->known ? getgrgid_r(m->number, &entry, buffer, ENTRY_SIZE, &found)
			 : getgrnam_r(m->name, &entry, buffer, ENTRY_SIZE, &found);

	if (!found && !m->known)
		return r && r != ENOENT && r != ESRCH
			       ? error_set(e, EIO, "cannot look up the group '%s': %s", m->name, strerror(r))
			       : error_set(e, ENOENT, "there is no group '%s' on this machine", m->name);
	if (found) {
		m->number = found->gr_gid;
		snprintf(m->name, sizeof(m->name), "%.255s", found->gr_name);
	}
	return 0;
}

/* Is the user, whose entry is looked up here, a member of the group? */
static bool is_in_group(const struct member *user, uint32_t gid, char *buffer)
{
	struct passwd entry, *found = NULL;
	_cleanup_free_ gid_t *groups = calloc(GROUPS_MAX, sizeof(*groups));
	int count = GROUPS_MAX;

	(void)getpwuid_r(user->number, &entry, buffer, ENTRY_SIZE, &found);
	if (!found || !groups || getgrouplist(found->pw_name, found->pw_gid, groups, &count) < 0)
		return false;
	for (int i = 0; i < count; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static int find_member(struct member *m, char *buffer, struct error *e)
{
	return m->group ? find_group(m, buffer, e) : find_user(m, buffer, e);
}

static int show(struct unix_users *users, const struct member *m, struct error *e)
{
	size_t len = strlen(users->shown), room = sizeof(users->shown) - len;
	int n = snprintf(users->shown + len, room, "%s%s%" PRIu32, len ? " " : "", m->group ? "@" : "",
			 m->number);

	if ((size_t)n < room && *m->name)
		n += snprintf(users->shown + len + n, room - (size_t)n, "(%s)", m->name);
	return (size_t)n < room ? 0 : error_set(e, EINVAL, "the list of users is too long");
}

/* The group of the list with its number; false if it has none. */
static int resolve_group(const char *text, struct unix_users *users, char *buffer, struct error *e)
{
	struct member m;
	int r;

	while ((r = next_member(&text, &m, e)) > 0) {
		if (!m.group)
			continue;
		r = find_group(&m, buffer, e);
		if (r < 0)
			return r;
		if (m.number == 0)
			return error_set(e, EINVAL, "the group 0 is the administrator's");
		snprintf(users->gid, sizeof(users->gid), "%" PRIu32, m.number);
	}
	return r;
}

static int resolve_member(struct member *m, struct unix_users *users, char *buffer, struct error *e)
{
	int r = find_member(m, buffer, e);

	if (r < 0)
		return r;
	if (!m->group && (m->number == 0 || m->number == geteuid()))
		return error_set(e, EINVAL, "the user %" PRIu32 " is the administrator of the mount",
				 m->number);
	if (!m->group && !*users->uid)
		snprintf(users->uid, sizeof(users->uid), "%" PRIu32, m->number);
	else if (!m->group && !is_in_group(m, (uint32_t)strtoul(users->gid, NULL, 10), buffer))
		return error_set(e, EINVAL,
				 "the user %" PRIu32
				 " is not a member of the account's group; only the first user "
				 "need not be one",
				 m->number);
	return show(users, m, e);
}

int unix_users_resolve(const char *text, struct unix_users *ret, struct error *e)
{
	_cleanup_free_ char *buffer = malloc(ENTRY_SIZE);
	struct unix_users users = {0};
	struct member m;
	int r = unix_users_check(text, e);

	if (r == 0 && !buffer)
		r = error_oom(e);
	if (r == 0)
		r = resolve_group(text, &users, buffer, e);
	if (r < 0)
		return r;
	while ((r = next_member(&text, &m, e)) > 0) {
		r = resolve_member(&m, &users, buffer, e);
		if (r < 0)
			return r;
	}
	if (r == 0)
		*ret = users;
	return r;
}

/* ------------------------------------------------------------------ accounts */

/* True if the resolved list @shown has this user or group. */
static bool lists(const char *shown, bool group, uint32_t number)
{
	struct member m;

	while (next_member(&shown, &m, NULL) > 0)
		if (m.group == group && m.number == number)
			return true;
	return false;
}

int unix_users_check_free(const struct view *view, const char *account, const struct unix_users *users,
			  struct error *e)
{
	const char *text = users->shown;
	struct member m;

	while (next_member(&text, &m, e) > 0)
		view_for_each (o, view, KIND_ACCOUNT)
			if (strcmp(object_uuid(o), account) != 0 &&
			    lists(object_text(o, ACCOUNT_UNIX_USERS), m.group, m.number))
				return error_set(e, EEXIST, "the %s %" PRIu32 " is the account '%s' already",
						 m.group ? "group" : "user", m.number, object_name(o));
	return 0;
}

/* An empty text is no value. */
static void set_text(struct object *account, int field, const char *text)
{
	object_set_str(account, field, *text ? text : NULL);
}

void unix_users_set(struct object *account, const struct unix_users *users)
{
	set_text(account, ACCOUNT_UNIX_USERS, users->shown);
	set_text(account, ACCOUNT_UNIX_UID, users->uid);
	set_text(account, ACCOUNT_UNIX_GID, users->gid);
}
