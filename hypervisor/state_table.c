/* SPDX-License-Identifier: Apache-2.0 */
/* See state_table.h. The comments say why where libvirt's word and ours differ. */
#include "hypervisor/state_table.h"

#include <libvirt/libvirt.h>

#define STATES	16
#define DETAILS 16

#define MEANS(s, r)                                                                                          \
	{                                                                                                    \
		true,                                                                                        \
		{                                                                                            \
			HV_DOMAIN_##s, HV_REASON_##r                                                         \
		}                                                                                            \
	}

struct state_row {
	bool known;
	struct state_meaning meaning;
};

static const struct state_row states[STATES][DETAILS] =
	{
		[VIR_DOMAIN_NOSTATE] = {[VIR_DOMAIN_NOSTATE_UNKNOWN] = MEANS(RUNNING, OTHER)},
		[VIR_DOMAIN_RUNNING] =
			{
				[VIR_DOMAIN_RUNNING_UNKNOWN] = MEANS(RUNNING, OTHER),
				[VIR_DOMAIN_RUNNING_BOOTED] = MEANS(RUNNING, OTHER),
				[VIR_DOMAIN_RUNNING_MIGRATED] = MEANS(RUNNING, OTHER),
				[VIR_DOMAIN_RUNNING_RESTORED] = MEANS(RUNNING, OTHER),
				[VIR_DOMAIN_RUNNING_FROM_SNAPSHOT] = MEANS(RUNNING, OTHER),
				[VIR_DOMAIN_RUNNING_UNPAUSED] = MEANS(RUNNING, OTHER),
				[VIR_DOMAIN_RUNNING_MIGRATION_CANCELED] = MEANS(RUNNING, OTHER),
				[VIR_DOMAIN_RUNNING_SAVE_CANCELED] = MEANS(RUNNING, OTHER),
				[VIR_DOMAIN_RUNNING_WAKEUP] = MEANS(RUNNING, OTHER),
				[VIR_DOMAIN_RUNNING_CRASHED] =
					MEANS(RUNNING, OTHER), /* it goes on with its crash kernel */
				[VIR_DOMAIN_RUNNING_POSTCOPY] = MEANS(RUNNING, OTHER),
				[VIR_DOMAIN_RUNNING_POSTCOPY_FAILED] = MEANS(RUNNING, OTHER),
			},
		/* waits for a resource of the host */
		[VIR_DOMAIN_BLOCKED] = {[VIR_DOMAIN_BLOCKED_UNKNOWN] = MEANS(RUNNING, OTHER)},
		[VIR_DOMAIN_PAUSED] =
			{
				[VIR_DOMAIN_PAUSED_UNKNOWN] = MEANS(PAUSED, OTHER),
				[VIR_DOMAIN_PAUSED_USER] = MEANS(PAUSED, OTHER),
				[VIR_DOMAIN_PAUSED_MIGRATION] = MEANS(PAUSED, OTHER),
				[VIR_DOMAIN_PAUSED_SAVE] = MEANS(PAUSED, OTHER),
				[VIR_DOMAIN_PAUSED_DUMP] = MEANS(PAUSED, OTHER),
				[VIR_DOMAIN_PAUSED_IOERROR] =
					MEANS(PAUSED, IO_ERROR), /* the host is asked which */
				[VIR_DOMAIN_PAUSED_WATCHDOG] = MEANS(PAUSED, WATCHDOG),
				[VIR_DOMAIN_PAUSED_FROM_SNAPSHOT] = MEANS(PAUSED, OTHER),
				/* on its way down, still there */
				[VIR_DOMAIN_PAUSED_SHUTTING_DOWN] = MEANS(RUNNING, OTHER),
				[VIR_DOMAIN_PAUSED_SNAPSHOT] = MEANS(PAUSED, OTHER),
				[VIR_DOMAIN_PAUSED_CRASHED] = MEANS(PAUSED, CRASHED),
				[VIR_DOMAIN_PAUSED_STARTING_UP] = MEANS(PAUSED, STARTING),
				[VIR_DOMAIN_PAUSED_POSTCOPY] = MEANS(PAUSED, OTHER),
				[VIR_DOMAIN_PAUSED_POSTCOPY_FAILED] = MEANS(PAUSED, OTHER),
#if LIBVIR_CHECK_VERSION(9, 2, 0)
				[VIR_DOMAIN_PAUSED_API_ERROR] = MEANS(PAUSED, OTHER),
#endif
			},
		/* on its way down, still there: its disks are in use */
		[VIR_DOMAIN_SHUTDOWN] =
			{
				[VIR_DOMAIN_SHUTDOWN_UNKNOWN] = MEANS(RUNNING, OTHER),
				[VIR_DOMAIN_SHUTDOWN_USER] = MEANS(RUNNING, OTHER),
			},
		[VIR_DOMAIN_SHUTOFF] =
			{
				[VIR_DOMAIN_SHUTOFF_UNKNOWN] = MEANS(OFF, OTHER),
				[VIR_DOMAIN_SHUTOFF_SHUTDOWN] = MEANS(OFF, GUEST),
				[VIR_DOMAIN_SHUTOFF_DESTROYED] = MEANS(OFF, OTHER),
				[VIR_DOMAIN_SHUTOFF_CRASHED] = MEANS(OFF, CRASHED),
				[VIR_DOMAIN_SHUTOFF_MIGRATED] = MEANS(OFF, OTHER),
				[VIR_DOMAIN_SHUTOFF_SAVED] = MEANS(OFF, SAVED),
				[VIR_DOMAIN_SHUTOFF_FAILED] = MEANS(OFF, OTHER), /* it did not start */
				[VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT] = MEANS(OFF, OTHER),
				/* a libvirtd that started again could not take it over, and ended it */
				[VIR_DOMAIN_SHUTOFF_DAEMON] = MEANS(OFF, CRASHED),
			},
		/* kept for inspection: QEMU is still there */
		[VIR_DOMAIN_CRASHED] =
			{
				[VIR_DOMAIN_CRASHED_UNKNOWN] = MEANS(PAUSED, CRASHED),
				[VIR_DOMAIN_CRASHED_PANICKED] = MEANS(PAUSED, CRASHED),
			},
		[VIR_DOMAIN_PMSUSPENDED] = {[VIR_DOMAIN_PMSUSPENDED_UNKNOWN] = MEANS(PAUSED, ASLEEP)},
};

#undef MEANS
#define NOTHING                                                                                              \
	{                                                                                                    \
		true,                                                                                        \
		{                                                                                            \
			EFFECT_NONE, HV_REASON_OTHER                                                         \
		}                                                                                            \
	}
#define MEANS(e, r)                                                                                          \
	{                                                                                                    \
		true,                                                                                        \
		{                                                                                            \
			EFFECT_##e, HV_REASON_##r                                                            \
		}                                                                                            \
	}

struct event_row {
	bool known;
	struct event_meaning meaning;
};

static const struct event_row events[STATES][DETAILS] =
	{
		[VIR_DOMAIN_EVENT_DEFINED] =
			{
				[VIR_DOMAIN_EVENT_DEFINED_ADDED] = MEANS(DEFINES, OTHER),
				[VIR_DOMAIN_EVENT_DEFINED_UPDATED] = MEANS(DEFINES, OTHER),
				[VIR_DOMAIN_EVENT_DEFINED_RENAMED] = MEANS(DEFINES, OTHER),
				[VIR_DOMAIN_EVENT_DEFINED_FROM_SNAPSHOT] = MEANS(DEFINES, OTHER),
			},
		[VIR_DOMAIN_EVENT_UNDEFINED] =
			{
				[VIR_DOMAIN_EVENT_UNDEFINED_REMOVED] = MEANS(UNDEFINES, OTHER),
				[VIR_DOMAIN_EVENT_UNDEFINED_RENAMED] = MEANS(UNDEFINES, OTHER),
			},
		[VIR_DOMAIN_EVENT_STARTED] =
			{
				[VIR_DOMAIN_EVENT_STARTED_BOOTED] = MEANS(RUNS, OTHER),
				[VIR_DOMAIN_EVENT_STARTED_MIGRATED] = MEANS(RUNS, OTHER),
				[VIR_DOMAIN_EVENT_STARTED_RESTORED] = MEANS(RUNS, OTHER),
				[VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT] = MEANS(RUNS, OTHER),
				[VIR_DOMAIN_EVENT_STARTED_WAKEUP] = MEANS(RUNS, OTHER),
			},
		[VIR_DOMAIN_EVENT_SUSPENDED] =
			{
				[VIR_DOMAIN_EVENT_SUSPENDED_PAUSED] = MEANS(PAUSES, OTHER),
				[VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED] = MEANS(PAUSES, OTHER),
				/* an event before it says whether the disk was full */
				[VIR_DOMAIN_EVENT_SUSPENDED_IOERROR] = MEANS(PAUSES, IO_ERROR),
				[VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG] = MEANS(PAUSES, WATCHDOG),
				[VIR_DOMAIN_EVENT_SUSPENDED_RESTORED] = MEANS(PAUSES, OTHER),
				[VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT] = MEANS(PAUSES, OTHER),
				[VIR_DOMAIN_EVENT_SUSPENDED_API_ERROR] = MEANS(PAUSES, OTHER),
				[VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY] = MEANS(PAUSES, OTHER),
				[VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED] = MEANS(PAUSES, OTHER),
			},
		[VIR_DOMAIN_EVENT_RESUMED] =
			{
				[VIR_DOMAIN_EVENT_RESUMED_UNPAUSED] = MEANS(RUNS, OTHER),
				[VIR_DOMAIN_EVENT_RESUMED_MIGRATED] = MEANS(RUNS, OTHER),
				[VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT] = MEANS(RUNS, OTHER),
				[VIR_DOMAIN_EVENT_RESUMED_POSTCOPY] = MEANS(RUNS, OTHER),
				[VIR_DOMAIN_EVENT_RESUMED_POSTCOPY_FAILED] = MEANS(RUNS, OTHER),
			},
		[VIR_DOMAIN_EVENT_STOPPED] =
			{
				/* by the guest, unless the event before it says that the host ended it */
				[VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN] = MEANS(STOPS, GUEST),
				[VIR_DOMAIN_EVENT_STOPPED_DESTROYED] = MEANS(STOPS, OTHER),
				[VIR_DOMAIN_EVENT_STOPPED_CRASHED] = MEANS(STOPS, CRASHED),
				[VIR_DOMAIN_EVENT_STOPPED_MIGRATED] = MEANS(STOPS, OTHER),
				[VIR_DOMAIN_EVENT_STOPPED_SAVED] = MEANS(STOPS, SAVED),
				[VIR_DOMAIN_EVENT_STOPPED_FAILED] =
					MEANS(STOPS, CRASHED), /* QEMU went away by itself */
				[VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT] = MEANS(STOPS, OTHER),
			},
		/* it still runs; the next event is that it has stopped */
		[VIR_DOMAIN_EVENT_SHUTDOWN] =
			{
				[VIR_DOMAIN_EVENT_SHUTDOWN_FINISHED] = MEANS(GUEST_ENDS, OTHER),
				[VIR_DOMAIN_EVENT_SHUTDOWN_GUEST] = MEANS(GUEST_ENDS, OTHER),
				[VIR_DOMAIN_EVENT_SHUTDOWN_HOST] = MEANS(HOST_ENDS, OTHER),
			},
		/* when it sleeps on its disk, the next event is that it has stopped */
		[VIR_DOMAIN_EVENT_PMSUSPENDED] =
			{
				[VIR_DOMAIN_EVENT_PMSUSPENDED_MEMORY] = MEANS(PAUSES, ASLEEP),
				[VIR_DOMAIN_EVENT_PMSUSPENDED_DISK] = MEANS(PAUSES, ASLEEP),
			},
		/* on_crash decides what happens next, and an event for that follows */
		[VIR_DOMAIN_EVENT_CRASHED] =
			{
				[VIR_DOMAIN_EVENT_CRASHED_PANICKED] = NOTHING,
				[VIR_DOMAIN_EVENT_CRASHED_CRASHLOADED] = NOTHING,
			},
};

const struct state_meaning *state_meaning(int state, int reason)
{
	if (state < 0 || state >= STATES || reason < 0 || reason >= DETAILS || !states[state][reason].known)
		return NULL;
	return &states[state][reason].meaning;
}

const struct event_meaning *event_meaning(int type, int detail)
{
	if (type < 0 || type >= STATES || detail < 0 || detail >= DETAILS || !events[type][detail].known)
		return NULL;
	return &events[type][detail].meaning;
}
