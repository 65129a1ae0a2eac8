/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a VM, and how it is written. (How it follows what its host reports: observed.h.)
 *
 * Every write of a VM's host, state, CPUs or memory goes through vm_write(), so
 * that the capacities of the hosts are right after each change. What takes a
 * transaction is part of a change: it runs in the writer thread, never blocks,
 * and fails with -ENOENT when the VM is gone, -ENOMEM, or a database error.
 */
#ifndef POOLFS_VM_STATE_H
#define POOLFS_VM_STATE_H

#include "actions/engine/job.h"

/** The VM as it is now, a reference for the caller; NULL when it is gone. */
const struct object *vm_now(struct pool *pool, const char *uuid);
/**
 * The host that has the VM's guest, or had it until its state became unknown; NULL for a VM that never started, whose
 * `hostUuid` is only the host that its creation asked for. Borrowed.
 */
const char *vm_host(const struct object *vm);
/**
 * Sets the cluster and the host of @vm, which has not started yet, to what the parameters of its creation request ask
 * for. The cluster of a given host is known, too.
 */
void vm_set_wanted_place(const struct view *view, struct object *vm, const json_t *params);
/** The host of a VM that is Running or Paused, so that it can be changed live; NULL for others. Borrowed. */
const char *vm_active_host(const struct object *vm);

/**
 * Sets what of a changed VM's row follows from the rest. One that would be up on a Disconnected host becomes Unknown:
 * nobody can see it. A new state without a new reason clears the reason. @before is NULL for a new VM.
 */
void vm_settle(const struct view *view, const struct object *before, struct object *vm);
/**
 * Writes a changed VM in place of @before (NULL: a new one), settled (vm_settle()), together with the capacities of
 * its hosts. @vm is taken over, also on failure; NULL is -ENOMEM, so that an object_copy() needs no check. For change
 * functions.
 */
int vm_write(struct txn *t, const struct object *before, struct object *vm, struct error *e);
/** vm_write() of a new VM, with the internal id that its row gives it. For change functions. */
int vm_put_new(struct txn *t, struct object *vm, struct error *e);
/** Writes a VM's state. For change functions. */
int vm_put_state(struct txn *t, const char *uuid, enum vm_state state, struct error *e);
/** vm_put_state() in a change of its own. Blocking. */
int vm_set_state(struct pool *pool, const char *uuid, enum vm_state state, struct error *e);
/**
 * True when the guest of an Unknown VM was, or was to be, up before its host was lost, so that HA has something to
 * restore.
 */
bool vm_was_up(const struct object *vm);
/**
 * True when the guest may run on another host than the VM's, to which it was migrated when both went silent, and
 * which still is.
 */
bool vm_may_be_at_target(const struct view *view, const struct object *vm);
/** True in the two states in which most changes of a VM are allowed. */
bool vm_is_running_or_stopped(const struct object *vm);

/**
 * Writes @state (Stopped, or one that follows it) and takes the VM off its host, whose capacity is
 * released. For change functions.
 */
int vm_put_stopped(struct txn *t, const char *uuid, enum vm_state state, struct error *e);
/** vm_put_stopped() with Stopped; @for_good: HA leaves the VM Stopped until a request starts it. */
int vm_put_off(struct txn *t, const char *uuid, bool for_good, struct error *e);
/** True when the request says that HA is not to start the VM after it has stopped. */
bool vm_stop_is_for_good(const struct request *req);

#endif
