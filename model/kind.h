/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of objects and their fields: one table that defines the SQL schema,
 * the inventories, the value files, the field names of the query language and
 * the README of the mount. There is no second list of these names.
 *
 * To add a field: add one line to the kind's list in fields.h (at the end of
 * the list if existing databases must keep their per-field times), nothing else.
 * The column is added to existing databases at start.
 * To add a kind: a list in fields.h, an entry in enum kind_id and a row in
 * kind.c, which must say who may see its objects. If it has a directory, its
 * files appear by themselves. Relations that queries may follow from it are
 * rows of relation.c.
 */
#ifndef POOLFS_KIND_H
#define POOLFS_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/clock.h"
#include "model/error.h"

enum kind_id {
	KIND_NONE,
	KIND_ZONE,
	KIND_CLUSTER,
	KIND_HOST,
	KIND_PRIMARY_STORAGE,
	KIND_BACKUP_STORAGE,
	KIND_L2_NETWORK,
	KIND_L3_NETWORK,
	KIND_IP_RANGE,
	KIND_L3_DNS,
	KIND_IMAGE,
	KIND_IMAGE_REF,
	KIND_IMAGE_CACHE,
	KIND_INSTANCE_OFFERING,
	KIND_DISK_OFFERING,
	KIND_VM,
	KIND_NIC,
	KIND_VOLUME,
	KIND_JOB,
	KIND_ACCOUNT,
	KIND_SESSION,
	KIND_SYSTEM_TAG,
	KIND_USER_TAG,
	KIND_GLOBAL_CONFIG,
	KIND_CLUSTER_PRIMARY_STORAGE,
	KIND_CLUSTER_L2_NETWORK,
	KIND_ZONE_BACKUP_STORAGE,
	KIND_SNAPSHOT,
	KIND_SNAPSHOT_TREE,
	KIND_SHAREABLE_REF,
	KIND_AFFINITY_GROUP,
	KIND_AFFINITY_USAGE,
	KIND_SCHEDULER,
	KIND_ORPHAN_FILE,
	KIND_SPEC,
	KIND_QUEUE_REF,
	KIND_SHARED_RESOURCE,
	KIND_QUOTA,
	KIND_RESOURCE_REF,
	KIND_ACCESS_KEY,
	KIND_IMAGE_EXPORT,
	KIND_TAG_PATTERN,
	KIND_SCHEDULER_JOB,
	KIND_SCHEDULER_TRIGGER,
	KIND_LONG_JOB,
	KIND_CONSOLE_ACCESS,
	KIND_COUNT
};

enum field_type {
	FIELD_STRING,
	FIELD_INT,  /* 32 bit */
	FIELD_LONG, /* 64 bit */
	FIELD_BOOL,
	FIELD_DATE, /* nanoseconds since 1970 in the model, the manual's date format in documents */
	/* Not stored, computed from other kinds' rows: */
	FIELD_CHILDREN, /* inventories of all objects of kind `target` whose field `target_field` is this uuid
			 */
	FIELD_VALUES,	/* the field `value_field` of all such objects */
	FIELD_TREE, /* all such objects as nested leaves {inventory, parentUuid, children}; `value_field` is
		       the uuid of an object's parent, null for the one root */
	FIELD_NOTHING, /* a list that is always empty: of what the manual's server has, and this one has not */
};

enum field_flags {
	F_INDEX = 1 << 0,   /* kept in an in-memory index (view.h) */
	F_HIDDEN = 1 << 1,  /* neither in the inventory nor a file */
	F_FILE = 1 << 2,    /* a file, but not in the inventory */
	F_SECRET = 1 << 3,  /* file mode 0600; never in inventories, events, logs */
	F_OWNER = 1 << 4,   /* names the object whose inventory contains this one */
	F_FOREIGN = 1 << 5, /* with F_INDEX: a foreign key in SQL, which txn.c checks: `target` must exist */
	F_NOWRITE = 1 << 6, /* a change does not count as a change of the object (lastOpDate stays) */
	F_SHARED = 1 << 7,  /* a string that many objects have: in memory once (shared_text.h) */
	F_COMPRESSED =
		1 << 8, /* a long text that is rarely read: compressed, see object_long_text(), schema.h */
	F_LEAVES =
		1
		<< 9, /* with F_COMPRESSED: leaves memory when the object has ended, or, of a kind whose objects do not
			    end, at once (then with F_HIDDEN), see left_text.h */
};

struct field {
	const char *name; /* the inventory's JSON key, the file name, the SQL column */
	enum field_type type;
	unsigned flags;
	enum kind_id target; /* referenced kind, or KIND_NONE */
	int target_field;    /* computed fields only */
	int value_field;     /* FIELD_VALUES and FIELD_TREE only */
	const char *help;
};

enum kind_flags {
	K_DIRECTORY = 1 << 0, /* has a collection directory in the mount */
	K_LASTOP = 1 << 1,    /* has lastOpDate, kept by the store */
	K_NO_EVENTS = 1 << 2, /* changes are not reported as events: secret, or internal to the pool */
};

/* Who may see an object of a kind, besides administrators (access.h). */
enum owner {
	OWNER_UNSPECIFIED, /* nobody; no row of the table may say this */
	OWNER_ADMIN,	   /* nobody */
	OWNER_PUBLIC,	   /* every account */
	OWNER_ACCOUNT,	   /* the account whose uuid is in `owner_field`; nobody when that is null */
	OWNER_SHAREABLE,   /* that account, and those that it shares the object with (KIND_SHARED_RESOURCE) */
	OWNER_PARENT,	   /* who owns the object whose uuid is in `owner_field`; nobody when that is null */
};

struct kind {
	enum kind_id id;
	const char *name;      /* "VmInstance": operations.json's resource, the inventory's stem */
	const char *vo;	       /* "VmInstanceVO": resource type in tags and error texts */
	const char *table;     /* SQL table */
	const char *directory; /* REST path and directory: "vm-instances"; NULL without K_DIRECTORY */
	const char *noun;      /* its name in messages: "VM" */
	const char *class;     /* Java class of its inventories on the manual's server; NULL without one */
	unsigned flags;
	enum owner owner;
	int owner_field; /* OWNER_ACCOUNT, OWNER_SHAREABLE and OWNER_PARENT only */
	const struct field *fields;
	int field_count;
	int name_field;	       /* index of "name", -1 without */
	int create_date_field; /* index of "createDate", -1 without */
	int last_op_field;     /* index of "lastOpDate", -1 without */
	int end_field; /* index of the field that is set when an object has ended, -1: objects do not end */
};

/* The uuid is the first field of every kind. */
#define FIELD_UUID 0
/* Maximum number of fields of a kind, and three (OBJECT_FLAGS): null flags are one 64-bit word. */
#define FIELDS_MAX 64

#include "model/fields.h"

/** The kind's row; never NULL for a valid id. */
const struct kind *kind_get(enum kind_id id);
/** By REST path segment / directory ("vm-instances"); NULL when unknown. */
const struct kind *kind_by_directory(const char *directory);
/** By name ("VmInstance") or VO name ("VmInstanceVO"); NULL when unknown. */
const struct kind *kind_by_name(const char *name);
/** "VM '<uuid>' is gone", ENOENT: for an object that an earlier lookup found. Returns -ENOENT. */
int error_gone(struct error *e, enum kind_id kind, const char *uuid);
/** Index of a field by its JSON key, -1 when unknown. */
int kind_field(const struct kind *kind, const char *name);
/** True for fields with a column of their own. */
static inline bool field_is_stored(const struct field *f)
{
	return f->type != FIELD_CHILDREN && f->type != FIELD_VALUES && f->type != FIELD_TREE &&
	       f->type != FIELD_NOTHING;
}
/** True for fields held as 64-bit integers. */
static inline bool field_is_integer(const struct field *f)
{
	return f->type == FIELD_INT || f->type == FIELD_LONG || f->type == FIELD_BOOL ||
	       f->type == FIELD_DATE;
}

#endif
