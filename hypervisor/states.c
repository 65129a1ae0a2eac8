/* SPDX-License-Identifier: Apache-2.0 */
/* See states.h. */
#include "hypervisor/states.h"

#include <search.h>
#include <string.h>

#include "hypervisor/adopted.h"
#include "hypervisor/state_table.h"

/* The state of one domain after the last events. */
struct record {
	char uuid[33]; /* first: the key */
	enum hv_domain_state state;
	enum hv_domain_reason reason;
	bool defined;	 /* stays on the host when it stops */
	bool host_ended; /* SHUTDOWN by the host, not by the guest: the STOPPED that follows does not say */
	bool disk_full;	 /* an I/O error for want of space; the pause that follows does not say */
};

void events_free(struct event *event)
{
	while (event) {
		struct event *next = event->next;

		free(event);
		event = next;
	}
}

bool domain_is_ours(const char *host, virDomainPtr domain, char ret_uuid[33])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char uuid[VIR_UUID_BUFLEN];
	const char *name = virDomainGetName(domain);

	ret_uuid[0] = '\0';
	if (!name || virDomainGetUUID(domain, uuid) < 0)
		return false;
	for (size_t i = 0; i < VIR_UUID_BUFLEN; i++) {
		ret_uuid[2 * i] = digits[uuid[i] >> 4];
		ret_uuid[2 * i + 1] = digits[uuid[i] & 15];
	}
	ret_uuid[32] = '\0';
	return strcmp(name, ret_uuid) == 0 || adopted_has(host, ret_uuid);
}

/* That domain uses nothing. */
#define TEST_URI  "test:///default"
#define TEST_NAME "test"

bool domain_is_nobodys(const char *uri, const char *name)
{
	static const char *const tools[] = {NAME_FOR(WORK_PROBE), NAME_FOR(WORK_COPY), NAME_FOR(WORK_MERGE),
					    NAME_FOR(WORK_FLUSH)};

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (strncmp(name, tools[i], strlen(tools[i])) == 0)
			return true;
	return strcmp(uri, TEST_URI) == 0 && strcmp(name, TEST_NAME) == 0;
}

enum hv_domain_state domain_state_of_virt(int state, int reason, enum hv_domain_reason *ret_reason,
					  bool *ret_ask)
{
	/* a number newer than this build: the safe assumption is that it uses its disks */
	static const struct state_meaning in_use = {HV_DOMAIN_RUNNING, HV_REASON_OTHER};
	const struct state_meaning *meaning = state_meaning(state, reason);

	if (!meaning)
		meaning = state_meaning(state, 0); /* of each state, the reason 0 is that there is none */
	if (!meaning)
		meaning = &in_use;
	*ret_reason = meaning->reason;
	*ret_ask = meaning->reason == HV_REASON_IO_ERROR;
	return meaning->state;
}

enum hv_domain_reason domain_io_reason(virDomainPtr domain)
{
	virDomainDiskError errors[32];
	enum hv_domain_reason reason = HV_REASON_IO_ERROR;
	int count = virDomainGetDiskErrors(domain, errors, ARRAY_SIZE(errors), 0);

	for (int i = 0; i < count; i++) {
		if (errors[i].error == VIR_DOMAIN_DISK_ERROR_NO_SPACE)
			reason = HV_REASON_ENOSPC;
		free(errors[i].disk);
	}
	return reason;
}

/* ------------------------------------------------------------------ records */

static int record_compare(const void *a, const void *b)
{
	return strcmp(a, b); /* both start with the uuid */
}

/* The record of @uuid, made when there is none; NULL when memory is short. */
static struct record *record_get(void **table, const char *uuid)
{
	struct record **found = tfind(uuid, table, record_compare);
	struct record *record;

	if (found)
		return *found;
	record = calloc(1, sizeof(*record));
	if (!record)
		return NULL;
	memcpy(record->uuid, uuid, sizeof(record->uuid));
	record->state = HV_DOMAIN_ABSENT;
	if (!tsearch(record, table, record_compare)) {
		free(record);
		return NULL;
	}
	return record;
}

static void record_drop(void **table, struct record *record)
{
	(void)tdelete(record, table, record_compare);
	free(record);
}

void states_free(void **table)
{
	tdestroy(*table, free);
	*table = NULL;
}

int states_load(void **table, const struct listed_domain *domains, size_t count)
{
	states_free(table);
	for (size_t i = 0; i < count; i++) {
		struct record *record = record_get(table, domains[i].status.uuid);

		if (!record)
			return -ENOMEM;
		record->state = domains[i].status.state;
		record->reason = domains[i].status.reason;
		record->defined = !domains[i].transient;
		record->disk_full = record->reason == HV_REASON_ENOSPC;
	}
	return 0;
}

/* ------------------------------------------------------------------ folding */

static void fold_pause(struct record *record, enum hv_domain_reason reason)
{
	record->state = HV_DOMAIN_PAUSED;
	record->reason = reason == HV_REASON_IO_ERROR && record->disk_full ? HV_REASON_ENOSPC : reason;
}

static void fold_stop(struct record *record, enum hv_domain_reason reason)
{
	if (hv_domain_is_up(record->state)) {
		record->reason = reason == HV_REASON_GUEST && record->host_ended ? HV_REASON_OTHER : reason;
		record->state = record->defined ? HV_DOMAIN_OFF : HV_DOMAIN_ABSENT;
	}
	record->host_ended = false;
	record->disk_full = false;
}

static void fold_lifecycle(struct record *record, const struct event_meaning *meaning)
{
	switch (meaning->effect) {
	case EFFECT_NONE:
		return;
	case EFFECT_DEFINES:
		record->defined = true;
		if (record->state == HV_DOMAIN_ABSENT) {
			record->state = HV_DOMAIN_OFF;
			record->reason = HV_REASON_OTHER;
		}
		return;
	case EFFECT_UNDEFINES:
		record->defined = false;
		if (!hv_domain_is_up(record->state)) {
			record->state = HV_DOMAIN_ABSENT;
			record->reason = HV_REASON_OTHER;
		}
		return;
	case EFFECT_RUNS:
		record->state = HV_DOMAIN_RUNNING;
		record->reason = HV_REASON_OTHER;
		record->host_ended = false;
		record->disk_full = false;
		return;
	case EFFECT_PAUSES:
		fold_pause(record, meaning->reason);
		return;
	case EFFECT_HOST_ENDS:
	case EFFECT_GUEST_ENDS:
		record->host_ended = meaning->effect == EFFECT_HOST_ENDS;
		return;
	case EFFECT_STOPS:
		fold_stop(record, meaning->reason);
		return;
	}
}

static void fold_io_error(struct record *record, bool full)
{
	record->disk_full = full;
	if (full && record->state == HV_DOMAIN_PAUSED && record->reason == HV_REASON_IO_ERROR)
		record->reason = HV_REASON_ENOSPC;
}

int states_fold(void **table, const struct event *event, struct state_change *ret_change)
{
	struct record *record = record_get(table, event->uuid);
	struct record before;

	if (!record)
		return -ENOMEM;
	before = *record;
	if (event->kind == EVENT_LIFECYCLE) {
		const struct event_meaning *meaning = event_meaning(event->type, event->detail);

		if (!meaning) /* newer than this build: as the type's first */
			meaning = event_meaning(event->type, 0);
		if (meaning)
			fold_lifecycle(record, meaning);
	} else {
		fold_io_error(record, event->detail != 0);
	}
	/*
	 * A new definition does not change what runs. Reported late, after the start that follows it, it
	 * would look like a stop.
	 */
	*ret_change = (struct state_change){
		.changed = (record->state != before.state || record->reason != before.reason) &&
			   !(before.state == HV_DOMAIN_ABSENT && record->state == HV_DOMAIN_OFF),
		.state = record->state,
		.reason = record->reason,
		.started = hv_domain_is_up(record->state) && !hv_domain_is_up(before.state),
	};
	if (record->state == HV_DOMAIN_ABSENT && !record->defined)
		record_drop(table, record);
	return 0;
}
