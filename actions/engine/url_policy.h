/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the URLs of an account may reach, in one place for all that the pool fetches or posts.
 *
 *                     administrators                  other accounts
 *   files             regular ones outside of the     only below the folders of image.localPaths
 *                     state folder and of /proc etc.
 *   networks          all but url.forbiddenNetworks   of these the public ones, and url.allowedNetworks
 *
 * A URL is checked twice: by its text when it is requested (url_policy_check()), and when it is used, by the
 * descriptor of the file that is read and by the address that is connected to. So neither symbolic links and
 * renames nor redirects and changing answers of a name server lead elsewhere.
 */
#ifndef POOLFS_ENGINE_URL_POLICY_H
#define POOLFS_ENGINE_URL_POLICY_H

#include <curl/curl.h>

#include "actions/engine/url.h"
#include "model/view.h"

struct url_policy;

/**
 * The policy for an account ("" or NULL: the pool's own administrator) with the present settings. Blocks for
 * a look at the folder @state_dir. Free with url_policy_free(). -ENOMEM.
 */
int url_policy_new(const struct view *view, const char *state_dir, const char *account,
		   struct url_policy **ret_policy, struct error *e);
/** Accepts NULL. */
void url_policy_free(struct url_policy *policy);
DEFINE_CLEANUP(struct url_policy *, url_policy_free)

/**
 * Checks a URL as url_check() does, and refuses what its text shows that the account may not reach: -EACCES
 * (ID.1002). Does not block.
 */
int url_policy_check(const struct view *view, const char *account, const char *url, enum url_use use,
		     struct error *e);

/**
 * Opens a regular file for reading; with NULL for a policy, a file that the pool itself has made. -EACCES if the policy forbids it, -EINVAL for what is no regular file,
 * and the errors of open(2). Blocking, but never for a pipe or device.
 */
int url_policy_open(const struct url_policy *policy, const char *path, int *ret_fd, struct error *e);

/* Watches the connections of one libcurl handle; belongs to the caller, and outlives the handle. */
struct url_guard {
	const struct url_policy *policy; /* borrowed */
	const char *refused;		 /* what an address was that has been refused, static; else NULL */
};

/**
 * Lets the handle connect only where the policy allows. A proxy of the environment, which would connect
 * instead, is used only if the policy allows everything.
 */
CURLcode url_policy_guard(const struct url_policy *policy, CURL *curl, struct url_guard *ret_guard);
/** -EACCES with the reason if the guard has refused an address, else 0. @url: as it may be shown. */
int url_guard_result(const struct url_guard *guard, const char *url, struct error *e);

#endif
