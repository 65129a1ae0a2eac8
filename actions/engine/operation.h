/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operation table: everything the pool can be asked to do, one row per
 * operation.
 *
 * The rows are in operations/, each beside its functions. Lookup, validation,
 * the `actions` menu, `create` files, Get files, writable value files, REST
 * routes, help and the test that tries every operation in every state all walk
 * this table. There is no second list of operations.
 *
 * To add an operation: a row with its functions in a file of operations/ (a new
 * file needs a line in operations/table.h and one in operation.c), and a test; the
 * test of the table fails while an operation of the manual is missing.
 *
 * Source of names, parameters and limits: operations.json (sections 4.1-4.6) and
 * behaviour.md 5 (the neighbouring resources).
 */
#ifndef POOLFS_ENGINE_OPERATION_H
#define POOLFS_ENGINE_OPERATION_H

#include <jansson.h>

#include "model/store.h"

struct pool;
struct system_tag;
struct request;
struct job;

enum param_type { PARAM_STRING, PARAM_INT, PARAM_LONG, PARAM_BOOL, PARAM_LIST, PARAM_MAP };
enum param_place { IN_BODY, IN_PATH, IN_QUERY };

enum param_flags {
	PARAM_REQUIRED = 1 << 0,
	PARAM_NONEMPTY = 1 << 1, /* a list must not be empty */
	PARAM_SINE = 1 << 2,	 /* "success if not existing": an unknown uuid is a success at once */
	PARAM_NOTRIM = 1 << 3,	 /* leading and trailing white space is kept */
	PARAM_SECRET = 1 << 4,	 /* masked wherever the request is shown */
	PARAM_NOFILE = 1 << 5,	 /* does not make the value file of its name writable */
	PARAM_MAYBE = 1 << 6,	 /* the object need not exist; the operation decides what to do then */
	PARAM_CHANGES = 1 << 7,	 /* the operation changes the object: it must be the account's own */
	PARAM_ANY_KIND = 1 << 8, /* names an object of any kind */
	PARAM_NEW_UUID = 1 << 9, /* a uuid that no object has yet */
	PARAM_TAG = 1 << 10,	 /* is a system tag */
	PARAM_ADDRESS = 1 << 11, /* anybody may name the object, of which nothing is told, used or changed */
	PARAM_LINES = 1 << 12,	 /* a text of several lines; others are one line */
	PARAM_URL = 1 << 13,	 /* shown as by url_shown() */
	PARAM_ADMIN = 1 << 14,	 /* only administrators may give it */
	PARAM_BASE = 1 << 15, /* the URL of the interface as the client sees it, which poolfs-rest fills in */
};

/* The most characters of a text whose row says no other limit: what a column TEXT of the manual's server holds. */
#define PARAM_LENGTH 65535

struct param {
	const char *name;
	enum param_type type;
	enum param_place in;
	unsigned flags;
	const char *unless;    /* another parameter: with a value for that, a required one may be missing */
	enum kind_id resource; /* kind of the object, or of the objects of a list, that it names */
	int max_length;	       /* characters; 0 = PARAM_LENGTH */
	int64_t min, max;      /* range of a number; both 0 = no limit */
	const char *const *values; /* NULL-terminated list of the allowed texts, or NULL */
	const char *default_value; /* used when the parameter is missing, or NULL */
};

/* Parameters that many operations share. */

/* An object named in the path. */
#define P_PATH(pname, pkind)                                                                                 \
	{                                                                                                    \
		.name = (pname), .type = PARAM_STRING, .in = IN_PATH, .flags = PARAM_REQUIRED,               \
		.resource = (pkind)                                                                          \
	}
#define P_UUID(pkind) P_PATH("uuid", pkind)
/* The same, for one that is changed besides the target. */
#define P_PATH_CHANGED(pname, pkind)                                                                         \
	{                                                                                                    \
		.name = (pname), .type = PARAM_STRING, .in = IN_PATH,                                        \
		.flags = PARAM_REQUIRED | PARAM_CHANGES, .resource = (pkind)                                 \
	}
/* As P_UUID(), for deletions, which succeed when the object is already gone. */
#define P_UUID_IF_ANY(pkind)                                                                                 \
	{                                                                                                    \
		.name = "uuid", .type = PARAM_STRING, .in = IN_PATH, .flags = PARAM_REQUIRED | PARAM_SINE,   \
		.resource = (pkind)                                                                          \
	}
/** Characters of a name, and the bytes of a buffer for one. */
#define NAME_LENGTH_MAX 255
#define NAME_BYTES_MAX	(4 * NAME_LENGTH_MAX + 1)
/* Creations: the name, and the uuid if the client chooses it. */
#define P_NAME                                                                                               \
	{                                                                                                    \
		.name = "name", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED,                \
		.max_length = NAME_LENGTH_MAX                                                                \
	}
#define P_RESOURCE_UUID                                                                                      \
	{                                                                                                    \
		.name = "resourceUuid", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_NEW_UUID         \
	}
/* Updates. */
#define P_NEW_NAME                                                                                           \
	{                                                                                                    \
		.name = "name", .type = PARAM_STRING, .in = IN_BODY, .max_length = NAME_LENGTH_MAX           \
	}
#define P_DESCRIPTION                                                                                        \
	{                                                                                                    \
		.name = "description", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_LINES,            \
		.max_length = 2048                                                                           \
	}
/* Of hosts and clusters: see host/fence_command.h. */
#define P_FENCE_COMMAND                                                                                      \
	{                                                                                                    \
		.name = "fenceCommand", .type = PARAM_STRING, .in = IN_BODY, .max_length = 1024              \
	}
/* The interface as the client sees it, where the operation makes a URL of poolfs-rest: see url_check_base(). */
#define P_BASE_URL                                                                                           \
	{                                                                                                    \
		.name = "baseUrl", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_BASE,                 \
		.max_length = 512                                                                            \
	}
#define P_DELETE_MODE                                                                                        \
	{                                                                                                    \
		.name = "deleteMode", .type = PARAM_STRING, .in = IN_QUERY,                                  \
		.values = (const char *const[]){"Permissive", "Enforcing", NULL},                            \
		.default_value = "Permissive"                                                                \
	}
#define P_STATE_EVENT                                                                                        \
	{                                                                                                    \
		.name = "stateEvent", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED,          \
		.values = (const char *const[])                                                              \
		{                                                                                            \
			"enable", "disable", NULL                                                            \
		}                                                                                            \
	}
#define P_PLATFORM                                                                                           \
	{                                                                                                    \
		.name = "platform", .type = PARAM_STRING, .in = IN_BODY, .values = (const char *const[])     \
		{                                                                                            \
			"Linux", "Windows", "Other", "Paravirtualization", "WindowsVirtio", NULL             \
		}                                                                                            \
	}

/* Where an operation appears in the tree. */
enum op_form {
	FORM_QUERY,	     /* `inventories` of the kind */
	FORM_CREATE,	     /* `create` in the directory `where` */
	FORM_VERB,	     /* a verb in `actions` of an object of `kind` */
	FORM_GET,	     /* a file `where` in the directory of an object of `kind` */
	FORM_COLLECTION_GET, /* a file, path `where`, whose name ends with its parameters as a query string */
	FORM_CALL,	     /* in no directory: only through `call` (actions/call.h) */
};

enum method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_DELETE };

/* States of a VM (behaviour.md 3.1.1), and as bits for the legal states of an operation. */
enum vm_state {
	VM_STATE_CREATED,
	VM_STATE_STARTING,
	VM_STATE_RUNNING,
	VM_STATE_STOPPING,
	VM_STATE_STOPPED,
	VM_STATE_REBOOTING,
	VM_STATE_PAUSING,
	VM_STATE_PAUSED,
	VM_STATE_RESUMING,
	VM_STATE_MIGRATING,
	VM_STATE_VOLUME_MIGRATING,
	VM_STATE_UNKNOWN,
	VM_STATE_DESTROYING,
	VM_STATE_DESTROYED,
	VM_STATE_EXPUNGING,
	VM_STATE_COUNT
};
#define S_CREATED	   (1u << VM_STATE_CREATED)
#define S_STARTING	   (1u << VM_STATE_STARTING)
#define S_RUNNING	   (1u << VM_STATE_RUNNING)
#define S_STOPPING	   (1u << VM_STATE_STOPPING)
#define S_STOPPED	   (1u << VM_STATE_STOPPED)
#define S_REBOOTING	   (1u << VM_STATE_REBOOTING)
#define S_PAUSING	   (1u << VM_STATE_PAUSING)
#define S_PAUSED	   (1u << VM_STATE_PAUSED)
#define S_RESUMING	   (1u << VM_STATE_RESUMING)
#define S_MIGRATING	   (1u << VM_STATE_MIGRATING)
#define S_VOLUME_MIGRATING (1u << VM_STATE_VOLUME_MIGRATING)
#define S_UNKNOWN	   (1u << VM_STATE_UNKNOWN)
#define S_DESTROYING	   (1u << VM_STATE_DESTROYING)
#define S_DESTROYED	   (1u << VM_STATE_DESTROYED)
#define S_EXPUNGING	   (1u << VM_STATE_EXPUNGING)

enum op_flags {
	OP_SYNC = 1 << 0,     /* answered at once (queries, Get*, login) */
	OP_UPDATES = 1 << 1,  /* its parameters that are fields of the kind make those value files writable */
	OP_DESTROYS = 1 << 2, /* removes something; marked in the menu */
	OP_NEEDS_HOST = 1 << 4, /* a Get that asks a host, takes long or writes: runs in a worker */
	OP_ADMIN = 1 << 5,	/* only for accounts of type SystemAdmin */
	OP_SECRET = 1 << 6,	/* a Get whose answer is a secret: its file has mode 0600 */
	OP_NO_SESSION = 1 << 7, /* may be called without a session (login, and Gets that reveal nothing) */
	OP_SPEC = 1 << 8,	/* its parameter `spec` is the whole content of the file `spec` */
	OP_LOGIN =
		1
		<< 9, /* a Get that checks the password of `accountName` or `accountUuid`: see login_limit.h */
	OP_JOB_RESULT = 1 << 10, /* the Get whose answer is the result of the job `uuid` */
	OP_TURNS =
		1 << 11, /* with OP_NEEDS_HOST: a query, which takes turns with those of the other accounts */
	OP_USES_TARGET =
		1
		<< 12, /* does not change its target, which may thus be one that is shared with the account */
	OP_READS_TEXTS =
		1
		<< 13, /* a Get that reads long texts of its object `uuid`: in a turn, if these have left memory */
};

/* What checking or applying a request returns besides 0 and negative errors. */
enum op_outcome {
	OP_NEEDS_RUN = 1, /* the operation must be done by `run` */
	OP_MISSING_OK,	  /* the object is gone, which is a success */
	OP_NOTHING,	  /* there is nothing to do: a new request gets no job */
};

/**
 * Refuses requests that cannot succeed; only reads @view. Called when the request arrives, so that write(2)
 * returns the error, and again when the job starts, since the pool may have changed meanwhile.
 */
typedef int op_check_fn(const struct view *view, const struct request *req, struct error *e);
/** The uuid of an object in whose queue the job must wait (the volume of a snapshot, its VM); borrowed. */
typedef const char *op_queue_fn(const struct view *view, const struct request *req);
/** Further such objects: a JSON object whose keys are their uuids, owned by the caller; NULL when memory is short. */
typedef json_t *op_queues_fn(const struct view *view, const struct request *req);
/**
 * Does the whole operation in one database change. 0, an error, OP_NEEDS_RUN or OP_NOTHING. *ret_result (owned by the
 * caller) is the REST result; NULL is the inventory of the target, if `results` has it (operation_answers_target()), else {}.
 */
typedef int op_apply_fn(struct txn *t, const struct request *req, json_t **ret_result, struct error *e);
/**
 * The changes with which `run` begins, in the commit in which the job begins: fewer commits, and a job that fails here
 * leaves nothing to undo. Of operations without `apply`.
 */
typedef int op_begin_fn(struct txn *t, struct job *job, struct error *e);
/**
 * Does the operation on hosts, in a worker thread. *ret_result (owned by the caller) is the REST result; NULL
 * is {}.
 */
typedef int op_run_fn(struct job *job, json_t **ret_result, struct error *e);
/**
 * After a crash in `run`: completes or rolls back what it left, and never repeats it. 0 = done; error_undone() when it was
 * rolled back, so that the job can begin anew; else the reason of the failure.
 */
typedef int op_recover_fn(struct job *job, json_t **ret_result, struct error *e);
/**
 * A copy of the view with the objects of a kind that are not stored: those that @account may see, NULL = all; others than
 * that with @uuid can be left out, unless it is NULL. Owned by the caller; NULL when memory is short.
 */
typedef struct view *op_derive_fn(const struct view *view, const char *account, const char *uuid);
/** Whether the job of this request goes on in another process, so that the end of this one need not wait for it. */
typedef bool op_goes_on_fn(const struct request *req);
/** A Get operation. */
typedef int op_get_fn(struct pool *pool, const struct view *view, const struct request *req,
		      json_t **ret_result, struct error *e);

struct operation {
	const char *section; /* of the manual, "4.1.6"; of behaviour.md, "5.1"; "tree": in neither */
	const char *name;    /* "StartVmInstance" */
	const char *message; /* class name in error texts: "org.zstack.header.vm.APIStartVmInstanceMsg" */
	enum method method;
	const char *const *paths;	  /* below the base URL, NULL-terminated */
	const char *const *route_aliases; /* further paths, NULL-terminated, or NULL */
	const char *key;		  /* body member that holds the parameters, or NULL */
	const char *const *key_aliases;	  /* NULL-terminated, or NULL */
	const struct param *params;	  /* terminated by a row without a name; NULL = none */
	/*
	 * The members that results have on the manual's server, "inventory:VmInstanceInventory", NULL-terminated,
	 * or NULL. Results here may have more: those that only the manual shows.
	 */
	const char *const *results;
	const char *const *own_results; /* in the same form: the further ones that they have here, or NULL */
	/* Gets: the type of what is in the list `inventories`, of one of two kinds "A|B", of a list without members "nothing" */
	const char *item;

	enum op_form form;
	enum kind_id kind;  /* kind of the object it acts on, creates or lists */
	const char *target; /* parameter that names that object; NULL for creations and lists */
	const char *verb;   /* FORM_VERB: its name in `actions` */
	const char *where;  /* FORM_CREATE: directory; FORM_GET: file; FORM_COLLECTION_GET: path */
	unsigned flags;
	unsigned states;	/* legal states of the VM; 0 = any */
	const char *state_code; /* code around VM.1010 when the state is wrong, NULL = SYS.1006 */
	const char *error_code; /* code around any failure while it runs, or NULL */
	unsigned deadline_s;	/* stopped after so many seconds; 0 = the default of 600 */
	const char *help;	/* one sentence for menu and README */
	const void
		*data; /* for functions that serve several rows; they define its type. Queries: a condition */

	/*
	 * What forbids the operation whatever its parameters are: looks at the target only, so that menus can ask
	 * it, too. Before `check`; operations without required parameters can say it there.
	 */
	op_check_fn *allows;
	op_check_fn *check;
	op_queue_fn *queue;   /* whose queue the job waits in, when not that of its target; or NULL */
	op_queue_fn *queue2;  /* a second queue, mostly that of the VM of a volume; or NULL */
	op_queues_fn *queues; /* further queues, or NULL */
	op_apply_fn *apply;
	op_begin_fn *begin; /* or NULL */
	op_run_fn *run;
	op_recover_fn *recover;
	op_goes_on_fn *goes_on; /* NULL: no */
	op_get_fn *get;
	op_derive_fn *derive; /* FORM_QUERY: of a kind whose objects are made for each query; or NULL */
};

/** The rows of system tags, which stand with those of operations; for system_tags(). Ended by one without a prefix. */
const struct system_tag *operations_tags(void);
/** All operations by section, within a section in the order of their rows; NULL-terminated. */
const struct operation *const *operations(void);
/** By name; NULL when unknown. */
const struct operation *operation_by_name(const char *name);
/**
 * A FORM_VERB operation of the kind: by its verb ("start"), its action key ("startVmInstance") or an alias of
 * the key; NULL when unknown.
 */
const struct operation *operation_by_verb(enum kind_id kind, const char *verb);
/** The operation that changes this field when its value file is written; NULL when the file is read-only. */
const struct operation *operation_by_field(enum kind_id kind, const char *field);
/** The operation behind the file `spec` of the objects of @kind; NULL when they have none. */
const struct operation *operation_by_spec(enum kind_id kind);
/** True when a request has required parameters besides the object that it acts on. */
bool operation_needs_parameters(const struct operation *op);
/** True when its result begins with the inventory of the object that it acts on. */
bool operation_answers_target(const struct operation *op);
/** A parameter's row; NULL when the operation has none of this name. */
const struct param *operation_param(const struct operation *op, const char *name);

/** Name of a VM state ("Running"); static. */
const char *vm_state_name(enum vm_state state);
/** The state of this name; -1 when unknown. */
int vm_state_parse(const char *name);
/** True if the state with this name (NULL: none) is one of @states, bits S_*. */
bool vm_state_is_in(const char *name, unsigned states);

#endif
