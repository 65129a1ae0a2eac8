/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on accounts, sessions, and the management node itself, behaviour.md 1.11 and 5.4. See
 * operation.h for what to do to add one.
 */
#include "actions/handlers.h"
#include "actions/operation.h"
#include "actions/op_tables.h"

static const struct operation log_in = {
	.section = "1.11",
	.name = "LogInByAccount",
	.message = "org.zstack.header.identity.APILogInByAccountMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/accounts/login", NULL},
	.key = "logInByAccount",
	.key_aliases = (const char *const[]){"loginByAccount", NULL},
	.params = (const struct param[]){{.name = "accountName",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .max_length = 255},
					 {.name = "password",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_SECRET,
					  .max_length = 255},
					 {0}},
	.results = (const char *const[]){"inventory:SessionInventory", NULL},
	.place = PLACE_CALL,
	.kind = KIND_SESSION,
	.flags = OP_SYNC | OP_NEEDS_HOST | OP_NO_SESSION | OP_LOGIN,
	.help = "begins a session; the password is the SHA-512 of the real one in hex digits",
	.get = session_login_get,
};

static const struct operation log_out = {
	.section = "1.11",
	.name = "LogOut",
	.message = "org.zstack.header.identity.APILogOutMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/accounts/sessions/{sessionUuid}", NULL},
	.params = (const struct param[]){{.name = "sessionUuid",
					  .type = PARAM_STRING,
					  .in = IN_PATH,
					  .flags = PARAM_REQUIRED | PARAM_SECRET},
					 {0}},
	.place = PLACE_CALL,
	.kind = KIND_SESSION,
	.flags = OP_SYNC | OP_NEEDS_HOST | OP_NO_SESSION,
	.help = "ends a session",
	.get = session_logout_get,
};

static const struct operation validate_session = {
	.section = "1.11",
	.name = "ValidateSession",
	.message = "org.zstack.header.identity.APIValidateSessionMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/accounts/sessions/{sessionUuid}/valid", NULL},
	.params = (const struct param[]){{.name = "sessionUuid",
					  .type = PARAM_STRING,
					  .in = IN_PATH,
					  .flags = PARAM_REQUIRED | PARAM_SECRET},
					 {0}},
	.results = (const char *const[]){"valid:boolean", NULL},
	.place = PLACE_CALL,
	.kind = KIND_SESSION,
	.flags = OP_SYNC | OP_NO_SESSION,
	.help = "tells whether a session has not ended",
	.get = session_validate_get,
};

static const struct operation renew_session = {
	.section = "1.11",
	.name = "RenewSession",
	.message = "org.zstack.header.identity.APIRenewSessionMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/accounts/sessions/{sessionUuid}/renew", NULL},
	.key = "renewSession",
	.params =
		(const struct param[]){
			{.name = "sessionUuid",
			 .type = PARAM_STRING,
			 .in = IN_PATH,
			 .flags = PARAM_REQUIRED | PARAM_SECRET},
			{.name = "duration", .type = PARAM_LONG, .in = IN_BODY, .min = 60, .max = 31536000},
			{0}},
	.results = (const char *const[]){"inventory:SessionInventory", NULL},
	.place = PLACE_CALL,
	.kind = KIND_ACCOUNT,
	.help = "lets a session live longer, by seconds",
	.apply = session_renew_apply,
};

static const struct operation create_account = {
	.section = "5.4",
	.name = "CreateAccount",
	.message = "org.zstack.header.identity.APICreateAccountMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/accounts", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			{.name = "name",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .max_length = 255},
			{.name = "password",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED | PARAM_SECRET,
			 .max_length = 255},
			{.name = "type",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .values = (const char *const[]){"SystemAdmin", "Normal", NULL},
			 .default_value = "Normal"},
			{.name = "description", .type = PARAM_STRING, .in = IN_BODY, .max_length = 2048},
			{.name = "resourceUuid", .type = PARAM_STRING, .in = IN_BODY},
			{0}},
	.results = (const char *const[]){"inventory:AccountInventory", NULL},
	.place = PLACE_CREATE,
	.kind = KIND_ACCOUNT,
	.where = "accounts",
	.flags = OP_ADMIN,
	.error_code = "SYS.1002",
	.help = "makes an account; the password is the SHA-512 of the real one in hex digits",
	.check = account_create_check,
	.run = account_create_run,
	.recover = account_change_recover,
};

static const struct operation delete_account = {
	.section = "5.4",
	.name = "DeleteAccount",
	.message = "org.zstack.header.identity.APIDeleteAccountMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/accounts/{uuid}", NULL},
	.params = (const struct param[]){{.name = "uuid",
					  .type = PARAM_STRING,
					  .in = IN_PATH,
					  .flags = PARAM_REQUIRED | PARAM_SINE,
					  .resource = KIND_ACCOUNT},
					 {.name = "deleteMode",
					  .type = PARAM_STRING,
					  .in = IN_QUERY,
					  .values = (const char *const[]){"Permissive", "Enforcing", NULL},
					  .default_value = "Permissive"},
					 {0}},
	.place = PLACE_VERB,
	.kind = KIND_ACCOUNT,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS | OP_ADMIN,
	.error_code = "SYS.1004",
	.help = "removes the account and ends its sessions; what it owns becomes the administrator's",
	.check = account_delete_check,
	.apply = account_delete_apply,
};

static const struct operation query_account = {
	.section = "5.4",
	.name = "QueryAccount",
	.message = "org.zstack.header.identity.APIQueryAccountMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/accounts", "/accounts/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.place = PLACE_QUERY,
	.kind = KIND_ACCOUNT,
	.flags = OP_SYNC,
	.help = "lists accounts",
};

static const struct operation update_account = {
	.section = "5.4",
	.name = "UpdateAccount",
	.message = "org.zstack.header.identity.APIUpdateAccountMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/accounts/{uuid}", "/accounts/{uuid}/actions", NULL},
	.key = "updateAccount",
	.params =
		(const struct param[]){
			{.name = "uuid",
			 .type = PARAM_STRING,
			 .in = IN_PATH,
			 .flags = PARAM_REQUIRED,
			 .resource = KIND_ACCOUNT},
			{.name = "password",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_SECRET,
			 .max_length = 255},
			{.name = "name", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			{.name = "description", .type = PARAM_STRING, .in = IN_BODY, .max_length = 2048},
			{0}},
	.results = (const char *const[]){"inventory:AccountInventory", NULL},
	.place = PLACE_VERB,
	.kind = KIND_ACCOUNT,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the account's name, description or password (the SHA-512 of the real one in hex digits)",
	.check = account_update_check,
	.apply = account_update_apply,
	.run = account_update_run,
	.recover = account_change_recover,
};

static const struct operation get_api_job = {
	.section = "1.5",
	.name = "GetApiJob",
	.message = "org.zstack.poolfs.APIGetApiJobMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/api-jobs/{uuid}", NULL},
	.params =
		(const struct param[]){
			{.name = "uuid", .type = PARAM_STRING, .in = IN_PATH, .flags = PARAM_REQUIRED}, {0}},
	.place = PLACE_CALL,
	.kind = KIND_JOB,
	.flags = OP_SYNC | OP_NO_SESSION,
	.help = "the result of a job",
	.get = job_result_get,
};

static const struct operation query_api_job = {
	.section = "1.5",
	.name = "QueryApiJob",
	.message = "org.zstack.poolfs.APIQueryApiJobMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/api-jobs", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.place = PLACE_QUERY,
	.kind = KIND_JOB,
	.flags = OP_SYNC,
	.help = "lists jobs",
};

static const struct operation get_version = {
	.section = "5.4",
	.name = "GetVersion",
	.message = "org.zstack.header.managementnode.APIGetVersionMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/management-nodes/actions", NULL},
	.key = "getVersion",
	.results = (const char *const[]){"version:String", NULL},
	.place = PLACE_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NO_SESSION,
	.help = "the version of the interface",
	.get = node_version_get,
};

static const struct operation get_current_time = {
	.section = "5.4",
	.name = "GetCurrentTime",
	.message = "org.zstack.header.managementnode.APIGetCurrentTimeMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/management-nodes/actions", NULL},
	.key = "getCurrentTime",
	.results = (const char *const[]){"currentTime:Map", NULL},
	.place = PLACE_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NO_SESSION,
	.help = "the time, in seconds and milliseconds since 1970",
	.get = node_time_get,
};

static const struct operation query_management_node = {
	.section = "5.4",
	.name = "QueryManagementNode",
	.message = "org.zstack.header.managementnode.APIQueryManagementNodeMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/management-nodes", NULL},
	.results = (const char *const[]){"inventories:List", NULL},
	.place = PLACE_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC,
	.help = "this machine, the only one that manages the pool",
	.get = node_query_get,
};

static const struct operation is_ready_to_go = {
	.section = "5.4",
	.name = "IsReadyToGo",
	.message = "org.zstack.header.apimediator.APIIsReadyToGoMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/management-nodes/ready", NULL},
	.results = (const char *const[]){"managementNodeId:String", NULL},
	.place = PLACE_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NO_SESSION,
	.help = "succeeds when the pool takes requests",
	.get = node_ready_get,
};

const struct operation *const operations_account[] = {
	&log_in,	 &log_out,	    &validate_session,	    &renew_session,  &create_account,
	&delete_account, &query_account,    &update_account,	    &get_api_job,    &query_api_job,
	&get_version,	 &get_current_time, &query_management_node, &is_ready_to_go, NULL,
};
