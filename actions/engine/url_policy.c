/* SPDX-License-Identifier: Apache-2.0 */
/* See url_policy.h. */
#include "actions/engine/url_policy.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "actions/engine/config.h"
#include "actions/engine/ip_network.h"
#include "actions/engine/path_list.h"
#include "model/access.h"

/* What decides. The settings are text that was checked when they were set. */
struct limits {
	bool admin;
	const char *local_paths, *allowed, *forbidden;
};

struct url_policy {
	struct limits limits;			 /* its text is that of the members below */
	char *state_dir;			 /* owned; without symbolic links */
	char *local_paths, *allowed, *forbidden; /* owned */
};

void url_policy_free(struct url_policy *policy)
{
	if (!policy)
		return;
	free(policy->state_dir);
	free(policy->local_paths);
	free(policy->allowed);
	free(policy->forbidden);
	free(policy);
}

/* The text is borrowed from the view. */
static struct limits limits_of(const struct view *view, const char *account)
{
	return (struct limits){
		.admin = !account || !*account || access_is_admin(view, account),
		.local_paths = config_str(view, "image.localPaths"),
		.allowed = config_str(view, "url.allowedNetworks"),
		.forbidden = config_str(view, "url.forbiddenNetworks"),
	};
}

int url_policy_new(const struct view *view, const char *state_dir, const char *account,
		   struct url_policy **ret_policy, struct error *e)
{
	_cleanup_(url_policy_free_p) struct url_policy *policy = calloc(1, sizeof(*policy));
	struct limits limits = limits_of(view, account);

	if (!policy)
		return error_oom(e);
	policy->state_dir = realpath(state_dir, NULL);
	if (!policy->state_dir)
		return error_set(e, errno, "cannot look at the state folder '%s': %s", state_dir,
				 strerror(errno));
	policy->local_paths = strdup(limits.local_paths);
	policy->allowed = strdup(limits.allowed);
	policy->forbidden = strdup(limits.forbidden);
	if (!policy->local_paths || !policy->allowed || !policy->forbidden)
		return error_oom(e);
	policy->limits =
		(struct limits){limits.admin, policy->local_paths, policy->allowed, policy->forbidden};
	*ret_policy = steal(&policy);
	return 0;
}

/* -------------------------------------------------------------------- files */

/* The first folder of image.localPaths that the path is below. False if it is below none. */
static bool find_folder(const struct limits *limits, const char *path, char ret_folder[static PATH_MAX])
{
	const char *rest = limits->local_paths;

	while (path_is_plain(path) && path_list_next(&rest, ret_folder, NULL) > 0)
		if (path_below(path, ret_folder))
			return true;
	return false;
}

static int refuse_path(const char *path, struct error *e)
{
	return error_set_code(
		e, EACCES, "ID.1002",
		"the file '%s' is not below a folder that the administrator has opened to accounts (image.localPaths)",
		path);
}

/* Opens a path without following links that lead out of the folder. O_PATH; -1 with errno. */
static int open_below(const char *path, const char *folder)
{
	const struct open_how how = {.flags = O_PATH | O_CLOEXEC,
				     .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	_cleanup_close_ int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -1 : (int)syscall(SYS_openat2, dir, path_below(path, folder), &how, sizeof(how));
}

static int open_path(const struct url_policy *policy, const char *path, int *ret_fd, struct error *e)
{
	char folder[PATH_MAX];
	int fd;

	if (!policy->limits.admin && !find_folder(&policy->limits, path, folder))
		return refuse_path(path, e);
	fd = policy->limits.admin ? open(path, O_PATH | O_CLOEXEC) : open_below(path, folder);
	if (fd < 0 && errno == EXDEV)
		return error_set_code(
			e, EACCES, "ID.1002",
			"'%s' leads through a symbolic link that is absolute or leaves the folder '%s'", path,
			folder);
	if (fd < 0)
		return error_set(e, errno, "cannot open '%s': %s", path, strerror(errno));
	*ret_fd = fd;
	return 0;
}

/* True for file systems whose files are the kernel's and not data that somebody has stored. */
static bool is_of_kernel(int fd)
{
	static const unsigned long types[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC,	      DEBUGFS_MAGIC,	   TRACEFS_MAGIC,
		SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC,
		PSTOREFS_MAGIC,	  EFIVARFS_MAGIC,     SELINUX_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if ((unsigned long)fs.f_type == types[i])
			return true;
	return false;
}

/* Checks what was opened; @fd_path names it in /proc. */
static int check_opened(const struct url_policy *policy, const char *path, int fd, const char *fd_path,
			struct error *e)
{
	char real[PATH_MAX];
	ssize_t len = readlink(fd_path, real, sizeof(real) - 1);
	struct stat st;

	if (len < 0 || fstat(fd, &st) < 0)
		return error_set(e, errno, "cannot look at '%s': %s", path, strerror(errno));
	real[len] = '\0';
	if (path_below(real, policy->state_dir))
		return error_set_code(
			e, EACCES, "ID.1002",
			"'%s' is in the state folder of the pool, whose files cannot become images", path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, EINVAL, "'%s' is not a regular file", path);
	if (is_of_kernel(fd))
		return error_set(e, EINVAL, "'%s' is a file of the kernel, not of a disk", path);
	return 0;
}

static int open_own(const char *path, int *ret_fd, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return error_set(e, errno, "cannot open '%s': %s", path, strerror(errno));
	*ret_fd = fd;
	return 0;
}

int url_policy_open(const struct url_policy *policy, const char *path, int *ret_fd, struct error *e)
{
	_cleanup_close_ int found = -1;
	char fd_path[64];
	int fd, r;

	if (!policy) /* a file of the pool's own */
		return open_own(path, ret_fd, e);
	r = open_path(policy, path, &found, e);
	if (r < 0)
		return r;
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", found);
	r = check_opened(policy, path, found, fd_path, e);
	if (r < 0)
		return r;
	fd = open(fd_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* the same file, not the path */
	if (fd < 0)
		return error_set(e, errno, "cannot open '%s': %s", path, strerror(errno));
	*ret_fd = fd;
	return 0;
}

/* ----------------------------------------------------------------- networks */

static bool is_listed(const char *networks, const struct ip_address *address)
{
	struct ip_network network;

	while (ip_network_next(&networks, &network, NULL) > 0)
		if (ip_network_has(&network, address))
			return true;
	return false;
}

/* What the address is that the account may not reach, static; NULL if it may. */
static const char *find_refusal(const struct limits *limits, const struct ip_address *address)
{
	if (is_listed(limits->forbidden, address))
		return "an address of a forbidden network";
	if (limits->admin || is_listed(limits->allowed, address))
		return NULL;
	return ip_address_special(address);
}

static int refuse_address(const char *url, const char *what, struct error *e)
{
	return error_set_code(
		e, EACCES, "ID.1002",
		"the URL '%s' leads to %s, which the account may not reach (url.allowedNetworks, url.forbiddenNetworks)",
		url, what);
}

/* A name that always means this machine, whatever a name server says (RFC 6761). */
static bool is_localhost(const char *host)
{
	static const char name[] = "localhost";
	size_t len = strlen(host);

	if (len < sizeof(name) - 1 ||
	    strncasecmp(host + len - (sizeof(name) - 1), name, sizeof(name) - 1) != 0)
		return false;
	return len == sizeof(name) - 1 || host[len - sizeof(name)] == '.';
}

static int check_remote(const struct limits *limits, const char *url, struct error *e)
{
	_cleanup_free_ char *host = NULL;
	struct ip_address address;
	const char *what = NULL;
	int r = url_host(url, &host, e);

	if (r < 0)
		return r;
	for (size_t len = strlen(host); len && host[len - 1] == '.'; len--)
		host[len - 1] = '\0';
	if (is_localhost(host))
		(void)ip_address_parse("127.0.0.1", &address);
	else if (!ip_address_parse(host, &address))
		return 0; /* a name; its addresses are checked when they are connected to */
	what = find_refusal(limits, &address);
	return what ? refuse_address(host, what, e) : 0;
}

int url_policy_check(const struct view *view, const char *account, const char *url, enum url_use use,
		     struct error *e)
{
	_cleanup_free_ char *path = NULL;
	struct limits limits = limits_of(view, account);
	char folder[PATH_MAX];
	int r = url_check(url, use, e);

	if (r < 0)
		return r;
	r = url_local_path(url, &path, e);
	if (r < 0)
		return r;
	if (!path)
		return check_remote(&limits, url, e);
	return limits.admin || find_folder(&limits, path, folder) ? 0 : refuse_path(path, e);
}

/* libcurl's CURLOPT_OPENSOCKETFUNCTION: called for every connection, with the address that it goes to. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct url_guard *guard = ctx;
	struct ip_address address;
	const char *what;

	(void)purpose;
	if (!ip_address_of_socket(&to->addr, &address)) {
		guard->refused = "an address that is not of the internet";
		return CURL_SOCKET_BAD;
	}
	what = find_refusal(&guard->policy->limits, &address);
	if (what) {
		guard->refused = what;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

CURLcode url_policy_guard(const struct url_policy *policy, CURL *curl, struct url_guard *ret_guard)
{
	bool allows_all = policy->limits.admin && !*policy->limits.forbidden;
	CURLcode code;

	*ret_guard = (struct url_guard){.policy = policy};
	code = curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, ret_guard);
	if (code == CURLE_OK && !allows_all)
		code = curl_easy_setopt(curl, CURLOPT_PROXY, "");
	/* a connection of one account must not serve another */
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	return code;
}

int url_guard_result(const struct url_guard *guard, const char *url, struct error *e)
{
	return guard->refused ? refuse_address(url, guard->refused, e) : 0;
}
