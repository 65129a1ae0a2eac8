/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on schedulers that exist, behaviour.md 3.9; those that make them stand with VMs and volumes. See
 * operation.h for what to do to add one. */
#include "handlers.h"
#include "op_tables.h"
#include "operation.h"

static const struct operation query_scheduler = {
	.section = "3.9",
	.name = "QueryScheduler",
	.message = "org.zstack.header.core.scheduler.APIQuerySchedulerMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/schedulers", "/schedulers/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.place = PLACE_QUERY,
	.kind = KIND_SCHEDULER,
	.flags = OP_SYNC,
	.help = "lists schedulers",
};

static const struct operation update_scheduler = {
	.section = "3.9",
	.name = "UpdateScheduler",
	.message = "org.zstack.header.core.scheduler.APIUpdateSchedulerMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/schedulers/{uuid}/actions", NULL},
	.key = "updateScheduler",
	.params =
		(const struct param[]){
			{.name = "uuid",
			 .type = PARAM_STRING,
			 .in = IN_PATH,
			 .flags = PARAM_REQUIRED,
			 .resource = KIND_SCHEDULER},
			{.name = "schedulerName", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			{.name = "schedulerDescription",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .max_length = 2048},
			{.name = "snapshotMaxNumber",
			 .type = PARAM_INT,
			 .in = IN_BODY,
			 .min = 0,
			 .max = 1000000},
			{0}},
	.results = (const char *const[]){"inventory:SchedulerInventory", NULL},
	.place = PLACE_VERB,
	.kind = KIND_SCHEDULER,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes name, description or how many of its snapshots are kept",
	.check = scheduler_update_check,
	.apply = object_update_apply,
};

static const struct operation change_scheduler_state = {
	.section = "3.9",
	.name = "ChangeSchedulerState",
	.message = "org.zstack.header.core.scheduler.APIChangeSchedulerStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/schedulers/{uuid}", "/schedulers/{uuid}/actions", NULL},
	.key = "changeSchedulerState",
	.params = (const struct param[]){{.name = "uuid",
					  .type = PARAM_STRING,
					  .in = IN_PATH,
					  .flags = PARAM_REQUIRED,
					  .resource = KIND_SCHEDULER},
					 {.name = "stateEvent",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .values = (const char *const[]){"enable", "disable", NULL}},
					 {0}},
	.results = (const char *const[]){"inventory:SchedulerInventory", NULL},
	.place = PLACE_VERB,
	.kind = KIND_SCHEDULER,
	.target = "uuid",
	.verb = "change-state",
	.help = "enables or disables the scheduler",
	.check = scheduler_change_state_check,
	.apply = scheduler_change_state_apply,
};

static const struct operation delete_scheduler = {
	.section = "3.9",
	.name = "DeleteScheduler",
	.message = "org.zstack.header.core.scheduler.APIDeleteSchedulerMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/schedulers/{uuid}", NULL},
	.params = (const struct param[]){{.name = "uuid",
					  .type = PARAM_STRING,
					  .in = IN_PATH,
					  .flags = PARAM_REQUIRED | PARAM_SINE,
					  .resource = KIND_SCHEDULER},
					 {.name = "deleteMode",
					  .type = PARAM_STRING,
					  .in = IN_QUERY,
					  .values = (const char *const[]){"Permissive", "Enforcing", NULL},
					  .default_value = "Permissive"},
					 {0}},
	.place = PLACE_VERB,
	.kind = KIND_SCHEDULER,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS | OP_REMOVES_ROW,
	.error_code = "SYS.1004",
	.help = "deletes the scheduler; what it has started goes on",
	.apply = scheduler_delete_apply,
};

const struct operation *const operations_scheduler[] = {
	&query_scheduler, &update_scheduler, &change_scheduler_state, &delete_scheduler, NULL,
};
