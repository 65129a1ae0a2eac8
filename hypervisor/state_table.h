/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libvirt's numbers for states, reasons and events mean here. Internal to
 * hypervisor/. Every number that this libvirt has is in a table on purpose, also
 * those that change nothing; a unit test holds that none is left out.
 */
#ifndef POOLFS_HYPERVISOR_STATE_TABLE_H
#define POOLFS_HYPERVISOR_STATE_TABLE_H

#include "hypervisor/hypervisor.h"

struct state_meaning {
	enum hv_domain_state state;
	enum hv_domain_reason reason;
};

/* Of a state and its reason as virDomainGetState() gives them; NULL when libvirt is newer than this build. */
const struct state_meaning *state_meaning(int state, int reason);

enum event_effect {
	EFFECT_NONE,
	EFFECT_DEFINES,	  /* the domain is defined, and stays when it stops */
	EFFECT_UNDEFINES, /* it is gone when it stops */
	EFFECT_RUNS,
	EFFECT_PAUSES,
	EFFECT_HOST_ENDS, /* it is on its way down by no wish of the guest */
	EFFECT_GUEST_ENDS,
	EFFECT_STOPS,
};

struct event_meaning {
	enum event_effect effect;
	enum hv_domain_reason reason; /* of EFFECT_PAUSES and EFFECT_STOPS */
};

/* Of a lifecycle event; NULL when libvirt is newer than this build. */
const struct event_meaning *event_meaning(int type, int detail);

#endif
