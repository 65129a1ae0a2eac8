/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in the place of uuids: `imageUuid=@debian`.
 *
 * Wherever a request names an object by its uuid (a parameter whose row has a
 * resource, the value of such a system tag, a member of a spec), `@name` stands
 * for the object of this kind with exactly this name. Only objects that the
 * account may see count. A name that several have is refused with their uuids, so
 * a request never depends on the order of creation. Names are replaced once, when
 * the request is accepted: its job has uuids, which a later renaming does not change.
 */
#ifndef POOLFS_ENGINE_REQUEST_NAMES_H
#define POOLFS_ENGINE_REQUEST_NAMES_H

#include "actions/engine/request.h"

/** What a name in the place of a uuid begins with. */
#define NAME_SIGN '@'

/* Who names an object, and where; for the functions below. Everything is borrowed. */
struct name_place {
	const struct view *view;
	const char *account; /* uuid of the account that asks; "" = the pool, which sees everything */
	enum kind_id kind;   /* KIND_NONE: any kind */
	const char *field;   /* name of the parameter or member, for the sentence */
};

/**
 * The uuid that @text stands for: @text itself unless it begins with '@'. *ret is borrowed from the view, or @text.
 * -ENOENT if no object has the name, -EINVAL if several have it; *ret is untouched then.
 */
int request_name_find(const struct name_place *place, const char *text, const char **ret, struct error *e);
/**
 * The same for a JSON string, or a list of strings: names in *@value, which is owned by the caller, are replaced by
 * uuids; in a list, in the list itself. Other values stay.
 */
int request_name_replace(const struct name_place *place, json_t **value, struct error *e);
/** The same for system tags whose values begin with a uuid: `staticIp::@net::10.0.0.5`. */
int request_name_replace_tags(const struct name_place *place, json_t **value, struct error *e);

/** Replaces the names in the target, the parameters and the system tags of @req. Does nothing the second time. */
int request_names_resolve(const struct view *view, struct request *req, struct error *e);

#endif
