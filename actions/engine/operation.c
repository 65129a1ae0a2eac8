/* SPDX-License-Identifier: Apache-2.0 */
/* Lookup in the operation table. See operation.h. */
#include "actions/engine/operation.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "actions/operations/table.h"

/* More do not fit into the number of a node (NODE_INDEX_MAX); a test finds rows that are left out. */
#define OPERATIONS_MAX 511

/* Immutable after collect(). */
static const struct operation *all[OPERATIONS_MAX + 1];
static const struct operation *updating[OPERATIONS_MAX + 1];	/* those with OP_UPDATES */
static const struct operation *named[2 * (OPERATIONS_MAX + 1)]; /* by the hash of the name, or behind it */
static pthread_once_t all_once = PTHREAD_ONCE_INIT;

/* Sections are numbers separated by dots, "4.1.10", or the word "tree", which sorts last. */
static int compare_sections(const char *a, const char *b)
{
	while (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
		char *end_a, *end_b;
		long number_a = strtol(a, &end_a, 10), number_b = strtol(b, &end_b, 10);

		if (number_a != number_b)
			return number_a < number_b ? -1 : 1;
		a = end_a + (*end_a == '.');
		b = end_b + (*end_b == '.');
	}
	return strcmp(a, b);
}

/* Rows of one section keep the order of their file: of several with the same route, REST takes the first. */
static void insert(const struct operation *op, size_t count)
{
	size_t at = count;

	for (; at > 0 && compare_sections(all[at - 1]->section, op->section) > 0; at--)
		all[at] = all[at - 1];
	all[at] = op;
}

/* Where the operation of this name is in `named`, or belongs. A start looks for that of each job. */
static size_t place_of_name(const char *name)
{
	uint32_t hash = 2166136261; /* FNV-1a */
	size_t at;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619;
	for (at = hash % ARRAY_SIZE(named); named[at] && strcmp(named[at]->name, name) != 0;)
		at = (at + 1) % ARRAY_SIZE(named);
	return at;
}

static void collect(void)
{
	static const struct operation *const *const tables[] = {
		operations_access_key,
		operations_account,
		operations_affinity_group,
		operations_backup_storage,
		operations_cluster,
		operations_global_config,
		operations_host,
		operations_host_fence,
		operations_host_state,
		operations_image_add,
		operations_image_export,
		operations_image_qga,
		operations_image_remove,
		operations_image_template,
		operations_image_update,
		operations_ip_range,
		operations_job,
		operations_l2_network,
		operations_l3_network,
		operations_network_service,
		operations_metrics,
		operations_node,
		operations_offering,
		operations_primary_storage,
		operations_primary_storage_attach,
		operations_quota,
		operations_scheduler,
		operations_scheduler_job,
		operations_scheduler_trigger,
		operations_session,
		operations_sharing,
		operations_snapshot_create,
		operations_snapshot_delete,
		operations_snapshot_revert,
		operations_spec,
		operations_tag,
		operations_tag_pattern,
		operations_vm_adopt,
		operations_vm_candidates,
		operations_vm_clone,
		operations_vm_console,
		operations_vm_create,
		operations_vm_guest,
		operations_vm_ha,
		operations_vm_image,
		operations_vm_iso,
		operations_vm_life,
		operations_vm_migrate,
		operations_vm_nic,
		operations_vm_nic_qos,
		operations_vm_placement,
		operations_vm_remove,
		operations_vm_update,
		operations_volume_attach,
		operations_volume_create,
		operations_volume_delete,
		operations_volume_resize,
		operations_volume_update,
		operations_zone,
		operations_zql,
		/* further ones stand at the end: see fs/numbering.h */
		operations_vm_watch,
		operations_event,
		operations_long_job,
		operations_console,
		operations_zwatch,
	};
	size_t n = 0;

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (size_t i = 0; tables[t][i] && n < OPERATIONS_MAX; i++)
			insert(tables[t][i], n++);
	for (size_t i = 0, count = 0; i < n; i++)
		if (all[i]->flags & OP_UPDATES)
			updating[count++] = all[i];
	for (size_t i = n; i > 0; i--) /* of several with one name, the first */
		named[place_of_name(all[i - 1]->name)] = all[i - 1];
}

const struct operation *const *operations(void)
{
	pthread_once(&all_once, collect);
	return all;
}

const struct system_tag *operations_tags(void)
{
	return tag_table;
}

const struct operation *operation_by_name(const char *name)
{
	(void)operations();
	return named[place_of_name(name)];
}

static bool in_list(const char *const *list, const char *text)
{
	for (; list && *list; list++)
		if (strcasecmp(*list, text) == 0)
			return true;
	return false;
}

/*
 * True when @text is an action key of the operation. The key of one that has none on the wire (POST, DELETE) is
 * its name in lower camel case.
 */
static bool is_action_key(const struct operation *op, const char *text)
{
	/* "params" holds the parameters of many operations and identifies none. */
	if (strcmp(text, "params") == 0)
		return false;
	if (op->key && strcmp(op->key, text) == 0)
		return true;
	return in_list(op->key_aliases, text) || strcasecmp(op->name, text) == 0;
}

const struct operation *operation_by_verb(enum kind_id kind, const char *verb)
{
	for (const struct operation *const *op = operations(); *op; op++)
		if ((*op)->form == FORM_VERB && (*op)->kind == kind &&
		    (strcmp((*op)->verb, verb) == 0 || is_action_key(*op, verb)))
			return *op;
	return NULL;
}

bool operation_needs_parameters(const struct operation *op)
{
	for (const struct param *p = op->params; p && p->name; p++)
		if ((p->flags & PARAM_REQUIRED) && (!op->target || strcmp(p->name, op->target) != 0))
			return true;
	return false;
}

bool operation_answers_target(const struct operation *op)
{
	return op->target && op->results && strncmp(op->results[0], "inventory:", strlen("inventory:")) == 0;
}

const struct param *operation_param(const struct operation *op, const char *name)
{
	for (const struct param *p = op->params; p && p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

const struct operation *operation_by_field(enum kind_id kind, const char *field)
{
	/* Each open and each stat of a value asks, so this does not look at all of them. */
	(void)operations();
	for (const struct operation *const *op = updating; *op; op++)
		if ((*op)->kind == kind) {
			const struct param *p = operation_param(*op, field);

			if (p && p->in == IN_BODY)
				return *op;
		}
	return NULL;
}

const struct operation *operation_by_spec(enum kind_id kind)
{
	for (const struct operation *const *op = operations(); *op; op++)
		if (((*op)->flags & OP_SPEC) && (*op)->kind == kind)
			return *op;
	return NULL;
}

/* ------------------------------------------------------------- VM states */

static const char *const state_names[VM_STATE_COUNT] = {
	[VM_STATE_CREATED] = "Created",
	[VM_STATE_STARTING] = "Starting",
	[VM_STATE_RUNNING] = "Running",
	[VM_STATE_STOPPING] = "Stopping",
	[VM_STATE_STOPPED] = "Stopped",
	[VM_STATE_REBOOTING] = "Rebooting",
	[VM_STATE_PAUSING] = "Pausing",
	[VM_STATE_PAUSED] = "Paused",
	[VM_STATE_RESUMING] = "Resuming",
	[VM_STATE_MIGRATING] = "Migrating",
	[VM_STATE_VOLUME_MIGRATING] = "VolumeMigrating",
	[VM_STATE_UNKNOWN] = "Unknown",
	[VM_STATE_DESTROYING] = "Destroying",
	[VM_STATE_DESTROYED] = "Destroyed",
	[VM_STATE_EXPUNGING] = "Expunging",
};

const char *vm_state_name(enum vm_state state)
{
	return state_names[state];
}

int vm_state_parse(const char *name)
{
	for (int i = 0; name && i < VM_STATE_COUNT; i++)
		if (strcmp(state_names[i], name) == 0)
			return i;
	return -1;
}

bool vm_state_is_in(const char *name, unsigned states)
{
	int state = vm_state_parse(name);

	return state >= 0 && (states & 1u << state);
}
