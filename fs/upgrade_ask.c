/* SPDX-License-Identifier: Apache-2.0 */
/* See upgrade_ask.h. */
#include "fs/upgrade_ask.h"

#include <fcntl.h>
#include <string.h>

#include "fs/link.h"
#include "fs/mount_table.h"
#include "fs/numbering.h"
#include "fs/upgrade_socket.h"
#include "model/cleanup.h"
#include "model/keep.h"
#include "model/store.h"

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
	link = upgrade_socket_connect(mount);
	if (link < 0)
		return error_set(e, -link,
				 "the mount on '%s' has no supervisor that could become another program "
				 "(%s): unmount it, and mount it again",
				 path, strerror(-link));
	if (!upgrade_socket_is_trusted(link))
		return error_set(e, EPERM, "the mount on '%s' is another user's", path);
	(void)link_send(link, LINK_UPGRADE, program, NULL); /* it may have refused already */
	r = link_receive(link, answer);
	if (r > 0)
		close_fd(&answer->fd);
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
