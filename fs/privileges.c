/* SPDX-License-Identifier: Apache-2.0 */
/* See privileges.h. */
#include "fs/privileges.h"

#include <cap-ng.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const unsigned needed[] = {
	CAP_SYS_ADMIN,	     /* to mount, and to unmount at the end */
	CAP_DAC_READ_SEARCH, /* images to import, in folders of others */
	CAP_DAC_OVERRIDE,    /* images on storage, which belong to the hypervisor's user */
	CAP_SYS_PTRACE,	     /* the exit status of others in /proc: actions/image/writer.c */
};

/* A container may have taken some of them before. */
static int drop_capabilities(struct error *e)
{
	bool have[ARRAY_SIZE(needed)], can_bound;

	if (capng_get_caps_process() < 0)
		return error_set(e, EPERM, "cannot read the capabilities of the process");
	can_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		have[i] = capng_have_capability(CAPNG_PERMITTED, needed[i]);
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (have[i] && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
					    needed[i]) < 0)
			return error_set(e, EPERM, "cannot choose the capabilities of the process");
	if (capng_apply(can_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) < 0)
		return error_set(e, EPERM, "cannot drop the capabilities of the process");
	return 0;
}

int privileges_drop(struct error *e)
{
	int r;

	if (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) < 0)
		return error_set(e, errno, "cannot forbid core dumps: %s", strerror(errno));
	if (geteuid() != 0)
		return 0; /* fusermount3 must gain privileges to mount, and to unmount */
	r = drop_capabilities(e);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_set(e, errno, "cannot give up privileges: %s", strerror(errno));
	return 0;
}
