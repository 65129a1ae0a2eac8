/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One simulated machine: its domains and the folders that it has opened as storage pools, in memory.
 *
 * A domain is its definition, the XML as it was given, and a state; nothing runs, so each change is complete when
 * its call returns. What changes is told in the order in which it happens, with libvirt's numbers for events of
 * domains, so that states.c needs no second language. There are only domains of the pool, named by their uuids.
 *
 * The machine lives until simulator_free(); over connections it keeps what it has. It is described by a file: when
 * that is gone or broken at a connection, the machine is off and has lost all.
 *
 * Thread-safe. The one lock is held for short times, while who listens is told, too; nothing here waits but
 * for the file. Errors: a negative errno, with a sentence. -ENOENT: no such domain, -EBUSY: its state is another.
 */
#ifndef POOLFS_HYPERVISOR_SIMULATOR_SIMULATOR_H
#define POOLFS_HYPERVISOR_SIMULATOR_SIMULATOR_H

#include "hypervisor/hypervisor.h"

struct simulator;

/* What has happened to the domain @uuid: VIR_DOMAIN_EVENT_* and its detail. Called under the lock. */
typedef void simulator_tell(void *ctx, const char *uuid, int type, int detail);

/*
 * True for a URI that stands for such a machine: "test:///FOLDER/UUID.xml", with the uuid of the host itself. Any
 * other file is the business of libvirt's test driver.
 */
bool simulator_has_uri(const char *host_uuid, const char *uri);
/* The machine that the file of the URI describes; NULL when memory is short. */
struct simulator *simulator_new(const char *uri);
/* Accepts NULL. */
void simulator_free(struct simulator *s);

/*
 * Reads the file, and tells @tell with @ctx from now on what happens. At most one listens: a former one hears nothing
 * more. Fills in memory and processors of *@ret_info. Blocks.
 */
int simulator_connect(struct simulator *s, simulator_tell *tell, void *ctx, struct hv_host_info *ret_info,
		      struct error *e);
/* Ends that; @ctx is not used once this has returned. Nothing for one that does not listen. */
void simulator_disconnect(struct simulator *s, const void *ctx);

/* ------------------------------------------------------------------- domains */

struct simulated_domain {
	char uuid[33];
	enum hv_domain_state state; /* HV_DOMAIN_ABSENT: there is none */
	enum hv_domain_reason reason;
	int id; /* of this run, not 0; 0: off */
	int cpus;
	int64_t memory; /* bytes */
	int64_t cpu_ns; /* a guest uses one processor all the time */
};

void simulator_find(struct simulator *s, const char *uuid, struct simulated_domain *ret);
/* All, or only those that are active; for the caller to free. */
int simulator_list(struct simulator *s, bool active, struct simulated_domain **ret, size_t *ret_count,
		   struct error *e);
/* The definition, allocated, and the number of the run. */
int simulator_get_xml(struct simulator *s, const char *uuid, char **ret_xml, int *ret_id, struct error *e);
/* Defines the domain, or changes its definition, for one that is active as well. */
int simulator_define(struct simulator *s, const char *uuid, const char *xml, int cpus, int64_t memory,
		     struct error *e);
/* Of one that is off. */
int simulator_undefine(struct simulator *s, const char *uuid, struct error *e);
int simulator_start(struct simulator *s, const char *uuid, bool paused, struct error *e);
int simulator_suspend(struct simulator *s, const char *uuid, struct error *e);
int simulator_resume(struct simulator *s, const char *uuid, struct error *e);
/* The guest does as it is told, at once; one that is paused hears nothing: -EBUSY. */
int simulator_shutdown(struct simulator *s, const char *uuid, struct error *e);
int simulator_destroy(struct simulator *s, const char *uuid, struct error *e);

/* ------------------------------------------------------------- storage pools */

/* The pool @uuid, new or not, is of this type (libvirt's word) from now on, and its volumes are at @root. -ENOMEM. */
int simulator_open_pool(struct simulator *s, const char *uuid, const char *type, const char *root,
			struct error *e);
/* Both allocated. */
int simulator_find_pool(struct simulator *s, const char *uuid, char **ret_type, char **ret_root,
			struct error *e);
/* Success when there is none. */
void simulator_close_pool(struct simulator *s, const char *uuid);

#endif
