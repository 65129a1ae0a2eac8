/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What HA does about a host that is silent, and then about its VMs. Pure: all that
 * the decision depends on is in the arguments.
 *
 * The rule behind it: a guest is started elsewhere only when it is known not to run
 * any more. Silence is not knowledge.
 */
#ifndef POOLFS_VM_HA_DECISION_H
#define POOLFS_VM_HA_DECISION_H

#include <stdbool.h>
#include <stdint.h>

struct ha_host {
	bool disconnected;   /* its status is Disconnected */
	bool dead;	     /* the fence command or an administrator says that its power is off */
	bool needed;	     /* HA has VMs of it to start elsewhere */
	bool answers;	     /* something answers at its address */
	bool has_command;    /* it has a fence command */
	bool pending;	     /* a job is working on it or waits to, perhaps the fence command */
	int64_t silent_ns;   /* since it became Disconnected */
	int64_t patience_ns; /* host.ping.interval times host.ping.maxFailure */
	int64_t next_try_ns; /* until the fence command may be tried again; 0 or less: now */
};

enum ha_host_step {
	HA_HOST_WAIT,	 /* nothing to do, or not yet */
	HA_HOST_LIVES,	 /* only its libvirt has failed: its guests run */
	HA_HOST_ASK,	 /* nobody can say whether it is off but the administrator */
	HA_HOST_FENCE,	 /* run the fence command */
	HA_HOST_RELEASE, /* its VMs do not run any more */
};

enum ha_host_step ha_decide_host(const struct ha_host *host);

struct ha_vm {
	bool unknown;	/* its state is Unknown */
	bool pending;	/* a job is working on it or waits to */
	bool elsewhere; /* its guest may run on another host, which is silent, too */
	bool shared;	/* all of its volumes can be reached from other hosts */
	bool available; /* it was up and has an HA level, and HA is enabled */
};

enum ha_vm_step {
	HA_VM_KEEP,    /* stays as it is until its host answers or the job has ended */
	HA_VM_STOP,    /* becomes Stopped, for whoever wants to start it */
	HA_VM_RESTART, /* becomes Stopped, and HA starts it */
};

/** For a VM whose host is dead. */
enum ha_vm_step ha_decide_vm(const struct ha_vm *vm);

#endif
