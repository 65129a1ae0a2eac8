/* SPDX-License-Identifier: Apache-2.0 */
/* See sandbox.h. */
#include "model/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "model/cleanup.h"

int sandbox_limit(__rlimit_resource_t resource, rlim_t value)
{
	return setrlimit(resource, &(struct rlimit){value, value}) < 0 ? -errno : 0;
}

int sandbox_close(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return sandbox_limit(RLIMIT_CORE, 0);
}

#ifdef SANITIZED

int sandbox_allow_calls(const int *calls, size_t count)
{
	(void)calls, (void)count;
	return 0;
}

int sandbox_refuse_calls(bool network, const char *program)
{
	(void)network, (void)program;
	return 0;
}

#else

/* Loads the filter unless @r is an error, and releases it. */
static int load(scmp_filter_ctx filter, int r)
{
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	/* the kernel has no seccomp */
	return r == -EINVAL || r == -ENOSYS ? 0 : r;
}

int sandbox_allow_calls(const int *calls, size_t count)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = 0;

	if (!filter)
		return -ENOMEM;
	for (size_t i = 0; i < count && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return load(filter, r);
}

/* Not those of 32 bits or of other architectures, which a filter for this one does not let pass at all. */
static const int refused[] = {
	/* other processes */
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(execveat),
	/* namespaces and mounts */
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(open_tree),
	SCMP_SYS(move_mount),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(open_by_handle_at),
	/* the kernel */
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(syslog),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
};

/* Processes other than threads, and another program than the one at @program. */
static int refuse_processes(scmp_filter_ctx filter, const char *program)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));

	/* its flags cannot be seen; libraries use clone(2) instead */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r < 0 ? r
		     : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execve), 1,
					SCMP_A0(SCMP_CMP_NE, (uintptr_t)program));
}

int sandbox_refuse_calls(bool network, const char *program)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = 0;

	if (!filter)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(refused) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	if (r == 0)
		r = refuse_processes(filter, program);
	if (r == 0 && !network)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_NE, AF_UNIX));
	return load(filter, r);
}

#endif
