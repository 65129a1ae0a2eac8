/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words in the fields `state` and `status`, so that a misspelt one does not
 * compile. Use the constant wherever such a field is set or compared:
 *
 *	object_set_str(host, HOST_STATUS, STATUS_CONNECTED);
 *	if (object_str_is(image, IMAGE_STATUS, STATUS_READY))
 *
 * Which of them a kind uses is in the help of its field (fields.h); a unit test
 * holds both lists to each other. The states of a VM are an enumeration of the
 * operation table, since operations name sets of them: vm_state_name().
 */
#ifndef POOLFS_STATES_H
#define POOLFS_STATES_H

/* `state`: what an administrator wants of the object. */
#define STATE_ENABLED	      "Enabled"
#define STATE_DISABLED	      "Disabled"
#define STATE_COMPLETED	      "Completed"
#define STATE_SUSPENDED	      "Suspended"
#define STATE_PRE_MAINTENANCE "PreMaintenance" /* VMs are leaving the host */
#define STATE_MAINTENANCE     "Maintenance"
#define STATE_DELETING	      "Deleting"

/* `state` of a job. */
#define JOB_STATE_QUEUED     "Queued"
#define JOB_STATE_PROCESSING "Processing"
#define JOB_STATE_DONE	     "Done"
#define JOB_STATE_FAILED     "Failed"
#define JOB_STATE_CANCELLED  "Cancelled"
/* The same of a long job, in the words of the manual's server; one that has failed is the same. */
#define LONG_JOB_WAITING   "Waiting"
#define LONG_JOB_RUNNING   "Running"
#define LONG_JOB_CANCELING "Canceling"
#define LONG_JOB_SUCCEEDED "Succeeded"
#define LONG_JOB_CANCELED  "Canceled"

/* `status` of hosts and storage: whether they can be reached. */
#define STATUS_CONNECTING   "Connecting"
#define STATUS_CONNECTED    "Connected"
#define STATUS_DISCONNECTED "Disconnected"

/* `fenceStatus` of hosts: what is known of the power of one that is silent. */
#define FENCE_FENCING	"Fencing"   /* the fence command runs */
#define FENCE_FAILED	"Failed"    /* it could not prove that the power is off */
#define FENCE_OFF	"Off"	    /* it has */
#define FENCE_CONFIRMED "Confirmed" /* an administrator says that it is off */

/* `status` of images, volumes, snapshots and their copies: what has become of the file. */
#define STATUS_NOT_INSTANTIATED "NotInstantiated" /* there is none yet */
#define STATUS_CREATING		"Creating"
#define STATUS_DOWNLOADING	"Downloading"
#define STATUS_READY		"Ready"
#define STATUS_MIGRATING	"Migrating"
#define STATUS_STALE		"Stale"	   /* to be removed once nothing uses it */
#define STATUS_DELETED		"Deleted"  /* until it is expunged or recovered */
#define STATUS_DELETING		"Deleting" /* being removed */

#endif
