/* SPDX-License-Identifier: Apache-2.0 */
/* Lookup in the operation table. See operation.h. */
#include "actions/operation.h"

#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "actions/op_tables.h"

#define OPERATIONS_MAX 256

/* Immutable after collect(). */
static const struct operation *all[OPERATIONS_MAX + 1];
static pthread_once_t all_once = PTHREAD_ONCE_INIT;

static void collect(void)
{
	static const struct operation *const *const tables[] = {
		operations_vm_life,	operations_vm_place, operations_vm_disks, operations_vm_network,
		operations_vm_settings, operations_volume,   operations_image,	  operations_offering,
		operations_host,	operations_storage,  operations_network,  operations_scheduler,
		operations_system,	operations_account,  operations_spec,
	};
	size_t n = 0;

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (size_t i = 0; tables[t][i] && n < OPERATIONS_MAX; i++)
			all[n++] = tables[t][i];
}

const struct operation *const *operations(void)
{
	pthread_once(&all_once, collect);
	return all;
}

bool operation_is_built(const struct operation *op)
{
	return op->place == PLACE_QUERY || op->apply || op->run || op->get;
}

const struct operation *operation_by_name(const char *name)
{
	for (const struct operation *const *op = operations(); *op; op++)
		if (strcmp((*op)->name, name) == 0)
			return *op;
	return NULL;
}

static bool in_list(const char *const *list, const char *text)
{
	for (; list && *list; list++)
		if (strcasecmp(*list, text) == 0)
			return true;
	return false;
}

/* The action key of an operation that has none on the wire (POST, DELETE): its name in lower camel case. */
static bool is_action_key(const struct operation *op, const char *text)
{
	/* "params" wraps the parameters of many operations and names none. */
	if (strcmp(text, "params") == 0)
		return false;
	if (op->key && strcmp(op->key, text) == 0)
		return true;
	return in_list(op->key_aliases, text) || strcasecmp(op->name, text) == 0;
}

const struct operation *operation_by_verb(enum kind_id kind, const char *verb)
{
	for (const struct operation *const *op = operations(); *op; op++)
		if ((*op)->place == PLACE_VERB && (*op)->kind == kind &&
		    (strcmp((*op)->verb, verb) == 0 || is_action_key(*op, verb)))
			return *op;
	return NULL;
}

static const struct operation *by_where(enum op_place place, enum kind_id kind, const char *where)
{
	for (const struct operation *const *op = operations(); *op; op++)
		if ((*op)->place == place && (kind == KIND_NONE || (*op)->kind == kind) &&
		    strcmp((*op)->where, where) == 0)
			return *op;
	return NULL;
}

const struct operation *operation_by_create(const char *where)
{
	return by_where(PLACE_CREATE, KIND_NONE, where);
}

const struct operation *operation_by_file(enum kind_id kind, const char *file)
{
	return by_where(PLACE_GET, kind, file);
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
	for (const struct operation *const *op = operations(); *op; op++)
		if (((*op)->flags & OP_UPDATES) && (*op)->kind == kind) {
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
