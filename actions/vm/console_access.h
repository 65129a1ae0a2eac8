/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access to the consoles of VMs through poolfs-rest, which stands as a websocket in front of them.
 *
 * A token lets whoever has it connect to the console of one VM, as the account that requested it, for an hour; what is
 * connected then may stay for a day. It ends with the account's right to the VM. An account has one token for each VM.
 */
#ifndef POOLFS_VM_CONSOLE_ACCESS_H
#define POOLFS_VM_CONSOLE_ACCESS_H

#include "actions/engine/pool.h"
#include "model/store.h"

/* States of a VM that has a console: bits S_* of operation.h. */
#define CONSOLE_STATES (S_RUNNING | S_PAUSED)

/* Where a console is reached from this machine. */
struct console_address {
	const char *protocol; /* "vnc" or "spice", static */
	char host[64];	      /* address or name */
	int port;
};

/** Asks the host of @vm where its console is. Blocks. -EBUSY when it is on no host, or has none yet. */
int console_address_find(struct pool *pool, const struct view *view, const struct object *vm,
			 struct console_address *ret, struct error *e);

/**
 * Whether what this machine connects to at @address of console_address_find() is the host of @vm. The loopback address of
 * another host would be this machine's own here, with the consoles of others. -EHOSTUNREACH.
 */
int console_address_check(const struct view *view, const struct object *vm,
			  const struct console_address *address, struct error *e);

/**
 * Gives the account ("" = the administrator's) access to the VM for an hour from now on; *ret_access is borrowed from
 * the view of the transaction. For change functions. Errors of txn_put().
 */
int console_access_grant(struct txn *t, const char *vm_uuid, const char *account,
			 const struct object **ret_access, struct error *e);
/** When the access ends for new connections, ns. */
int64_t console_access_end(const struct object *access);
/**
 * The VM that @token gives access to at @now, for a new connection or one that is there (@connected); borrowed.
 * -EACCES when it gives none, or none any more, which is not told apart; for a new one, -EBUSY when the VM does not run.
 */
int console_access_vm(const struct view *view, const char *token, bool connected, int64_t now,
		      const struct object **ret_vm, struct error *e);
/** The account that requested the token, borrowed; "": there is no such token any more. */
const char *console_access_account(const struct view *view, const char *token);
/** Removes rows that give no access any more. A timer; as store_run(). */
int console_access_remove_ended(struct pool *pool, struct error *e);

#endif
