/* SPDX-License-Identifier: Apache-2.0 */
/* See upgrade.h. */
#include "fs/upgrade.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/link.h"
#include "fs/mount_table.h"
#include "fs/numbering.h"
#include "fs/session.h"
#include "model/keep.h"
#include "model/log.h"
#include "model/store.h"

struct upgrade {
	int listener; /* -1: none */
	int asking;   /* has not said yet what it wants; -1: nobody */
	int caller;   /* waits for the trial */
	int program;  /* that is tried */
	int said;     /* what the trial prints */
	pid_t trial;  /* 0: it has ended, with `status` */
	int status;
	int64_t until; /* ns since 1970: when the trial is killed */
	char text[LINK_TEXT];
	size_t len;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(steal_fd(fd));
}

/* ----------------------------------------------------------------- the socket */

/* An abstract one, named after the mount: no file is left of it. */
static socklen_t address_of(dev_t mount, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1,
					    "poolfs/upgrade/%u:%u", major(mount), minor(mount)));
}

/* Anybody can take the name of an abstract socket, and connect. */
static bool is_trusted(int end, uid_t other)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(end, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == other);
}

static int listen_at(dev_t mount)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	socklen_t len = address_of(mount, &address);

	if (fd >= 0 && (bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 4) < 0))
		close_fd(&fd);
	return fd;
}

/* ------------------------------------------------------------------- asking */

static int connect_to(dev_t mount, const char *mountpoint, struct error *e)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	socklen_t len = address_of(mount, &address);

	if (fd < 0)
		return error_set(e, errno, "cannot create a socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, len) < 0) {
		error_set(
			e, errno,
			"the mount on '%s' has no supervisor that could become another program (%s): unmount it, "
			"and mount it again",
			mountpoint, strerror(errno));
	} else if (!is_trusted(fd, geteuid())) {
		error_set(e, EPERM, "the mount on '%s' is another user's", mountpoint);
	} else {
		return fd;
	}
	(void)close(fd);
	return -e->errnum;
}

int upgrade_ask(const char *mountpoint, struct error *e)
{
	_cleanup_free_ char *path = realpath(mountpoint, NULL);
	_cleanup_free_ struct link_message *answer = malloc(sizeof(*answer));
	_cleanup_close_ int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), link = -1;
	dev_t mount;
	int r;

	if (!answer)
		return error_oom(e);
	if (program < 0)
		return error_set(e, errno, "cannot open this program: %s", strerror(errno));
	if (!path || !mount_table_find_pool(path, &mount))
		return error_set(e, EINVAL, "no pool is mounted on '%s'", mountpoint);
	link = connect_to(mount, path, e);
	if (link < 0)
		return link;
	(void)link_send(link, LINK_UPGRADE, program, NULL); /* it may have refused already */
	r = link_receive(link, answer);
	if (r > 0 && answer->what == LINK_UPGRADED)
		return 0;
	if (r > 0)
		return error_set(e, EIO, "the mount on '%s' stays with the present program: %s", path,
				 answer->text);
	return error_set(e, r < 0 ? -r : EIO, "the supervisor of the mount on '%s' is gone", path);
}

int upgrade_try(const char *state_dir, int keep_fd, struct error *e)
{
	struct keep *keep = NULL;
	int r = keep_open(keep_fd, &keep, e);

	if (r == 0)
		r = numbering_check(keep, e);
	keep_free(keep);
	return r < 0 ? r : store_check(state_dir, e);
}

/* ----------------------------------------------------------- the supervisor's part */

struct upgrade *upgrade_new(const char *mountpoint)
{
	struct upgrade *u = calloc(1, sizeof(*u));
	dev_t mount;

	if (!u)
		return NULL;
	u->asking = u->caller = u->program = u->said = u->listener = -1;
	if (mount_table_find_pool(mountpoint, &mount))
		u->listener = listen_at(mount);
	if (u->listener < 0)
		log_warning("mount", mountpoint, "cannot be upgraded while it is mounted: %s",
			    strerror(errno));
	return u;
}

void upgrade_close(struct upgrade *u)
{
	if (!u)
		return;
	close_fd(&u->listener);
	close_fd(&u->asking);
	close_fd(&u->caller);
	close_fd(&u->program);
	close_fd(&u->said);
}

void upgrade_free(struct upgrade *u)
{
	if (u && u->trial > 0)
		(void)kill(u->trial, SIGKILL);
	upgrade_close(u);
	free(u);
}

void upgrade_tell(int caller, const struct error *e)
{
	(void)link_send(caller, e ? LINK_ERROR : LINK_UPGRADED, -1, e ? error_sentence(e) : NULL);
	(void)close(caller);
}

int upgrade_polls(const struct upgrade *u, struct pollfd ret[UPGRADE_POLLS])
{
	int64_t left = u->until - store_now();

	ret[0] = (struct pollfd){.fd = u->asking < 0 ? u->listener : -1, .events = POLLIN};
	ret[1] = (struct pollfd){.fd = u->asking, .events = POLLIN};
	ret[2] = (struct pollfd){.fd = u->said, .events = POLLIN};
	if (u->program < 0)
		return -1;
	return left < 0 ? 0 : (int)(left / 1000000) + 1;
}

static void refuse(int *caller, int errnum, const char *sentence)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	(void)error_set(&e, errnum, "%s", sentence);
	upgrade_tell(steal_fd(caller), &e);
}

/* The program says by its exit status and a sentence whether it could go on. */
static void __attribute__((noreturn))
try_program(int program, int out, const struct session_options *options, int keep_fd)
{
	const struct handover h = {.device = -1,
				   .keep = keep_fd,
				   .link = -1,
				   .former = -1,
				   .caller = -1,
				   .background = options->background,
				   .tries = true,
				   .why = ERROR_INIT};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	(void)handover_execute(program, options->argv, &h, &e);
	dprintf(STDERR_FILENO, "%s", error_sentence(&e));
	_exit(EXIT_FAILURE);
}

/* Has @program (owned) tried. */
static void start_trial(struct upgrade *u, int program, const struct session_options *options, int keep_fd)
{
	int fds[2];

	u->program = program;
	u->caller = steal_fd(&u->asking);
	u->len = 0;
	u->status = 0;
	u->until = store_now() + UPGRADE_TRY_S * NS_PER_S;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		u->status = W_EXITCODE(1, 0);
		return;
	}
	u->trial = fork();
	if (u->trial == 0)
		try_program(program, fds[1], options, keep_fd);
	(void)close(fds[1]);
	u->said = fds[0];
	if (u->trial < 0) {
		u->trial = 0;
		u->status = W_EXITCODE(1, 0);
	}
}

static void on_question(struct upgrade *u, const struct session_options *options, int keep_fd)
{
	_cleanup_free_ struct link_message *m = malloc(sizeof(*m));
	int r = m ? link_receive(u->asking, m) : 0;

	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		close_fd(&u->asking);
		return;
	}
	if (m->what == LINK_UPGRADE && m->fd >= 0 && u->program < 0 && is_trusted(u->asking, geteuid())) {
		start_trial(u, m->fd, options, keep_fd);
		return;
	}
	close_fd(&m->fd);
	if (u->program >= 0)
		refuse(&u->asking, EBUSY, "another program is being tried");
	else
		refuse(&u->asking, EPERM, "only root and the user who mounted it may replace its program");
}

static void on_text(struct upgrade *u)
{
	ssize_t n = read(u->said, u->text + u->len, sizeof(u->text) - 1 - u->len);

	if (n > 0)
		u->len += (size_t)n;
	if (n == 0 || (n < 0 && errno != EINTR) || u->len == sizeof(u->text) - 1)
		close_fd(&u->said);
}

/* The trial has ended. */
static void judge(struct upgrade *u, int *ret_program, int *ret_caller)
{
	const char *said = u->text;

	u->text[u->len] = '\0';
	u->text[strcspn(u->text, "\n")] = '\0';
	if (strncmp(said, "poolfs: ", strlen("poolfs: ")) == 0)
		said += strlen("poolfs: ");
	if (WIFEXITED(u->status) && WEXITSTATUS(u->status) == 0) {
		*ret_program = steal_fd(&u->program);
		*ret_caller = steal_fd(&u->caller);
		return;
	}
	close_fd(&u->program);
	refuse(&u->caller, EIO, *said ? said : "the new program ended without a message when it was tried");
}

void upgrade_go_on(struct upgrade *u, const struct pollfd polls[UPGRADE_POLLS],
		   const struct session_options *options, int keep_fd, int *ret_program, int *ret_caller)
{
	*ret_program = *ret_caller = -1;
	if (polls[0].revents)
		u->asking = accept4(u->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (polls[1].revents && u->asking >= 0)
		on_question(u, options, keep_fd);
	if (polls[2].revents && u->said >= 0)
		on_text(u);
	if (u->program < 0)
		return;
	if (u->trial > 0 && store_now() > u->until)
		(void)kill(u->trial, SIGKILL);
	if (u->trial == 0 && u->said < 0)
		judge(u, ret_program, ret_caller);
}

bool upgrade_reaped(struct upgrade *u, pid_t pid, int status)
{
	if (!u || pid != u->trial)
		return false;
	u->trial = 0;
	u->status = status;
	return true;
}
