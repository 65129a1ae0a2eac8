/* SPDX-License-Identifier: Apache-2.0 */
/* See family.h. */
#include "fs/tree/family.h"

#include <string.h>

#include "actions/engine/request_check.h"
#include "fs/tree/links.h"
#include "fs/tree/permissions.h"

/* Immutable after find_verbs(). */
static bool has_verbs[KIND_COUNT];
static pthread_once_t verbs_once = PTHREAD_ONCE_INIT;

static void find_verbs(void)
{
	for (const struct operation *const *op = operations(); *op; op++)
		if ((*op)->form == FORM_VERB)
			has_verbs[(*op)->kind] = true;
}

static bool kind_has_verbs(const struct kind *kind)
{
	pthread_once(&verbs_once, find_verbs);
	return has_verbs[kind->id];
}

bool folder_here_kind(const struct place *dir)
{
	return dir->folder->kind != NULL;
}

bool folder_here_create(const struct place *dir)
{
	return dir->folder->create != NULL;
}

bool folder_here_names(const struct place *dir)
{
	/* The directories of settings are named already. */
	return dir->folder->kind && dir->folder->kind->name_field >= 0 &&
	       dir->folder->kind->id != KIND_GLOBAL_CONFIG;
}

bool object_here_verbs(const struct place *dir)
{
	return kind_has_verbs(dir->kind);
}

bool object_here_spec(const struct place *dir)
{
	return operation_by_spec(dir->kind->id) != NULL;
}

bool object_here_jobs(const struct place *dir)
{
	return dir->kind->id != KIND_JOB && kind_has_verbs(dir->kind);
}

bool object_here_tags(const struct place *dir)
{
	enum kind_id id = dir->kind->id;

	return id != KIND_JOB && id != KIND_SYSTEM_TAG && id != KIND_USER_TAG && id != KIND_GLOBAL_CONFIG;
}

static int64_t give_name(int64_t position, const char *name, char ret_name[NAME_SIZE])
{
	snprintf(ret_name, NAME_SIZE, "%s", name);
	return position;
}

/* --------------------------------------------------------- folders and Gets */

static struct node folder_node(const struct folder *f)
{
	return (struct node){.class = N_FOLDER, .index = f->number};
}

bool folders_find(const struct place *dir, const char *name, struct node *ret)
{
	const struct folder *f = folder_find(dir->folder, name);

	if (f)
		*ret = folder_node(f);
	return f != NULL;
}

bool folder_parent(const struct place *p, struct node *ret)
{
	*ret = p->folder->parent ? folder_node(p->folder->parent) : NODE_ROOT;
	return true;
}

int64_t folders_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	const struct folder *f = folder_next(dir->folder, (unsigned)after);

	if (!f)
		return 0;
	*ret = folder_node(f);
	return give_name(f->number, f->name, ret_name);
}

static bool is_of_object(const struct place *dir)
{
	return dir->kind && dir->entry->kinds;
}

/* The number, from @from on, of the next operation whose Get file is in @dir; -1 if there is none. */
static int next_get(const struct place *dir, int from)
{
	for (int i = 0; operations()[i]; i++) {
		const struct operation *op = operations()[i];

		if (i >= from && (is_of_object(dir) ? op->form == FORM_GET && op->kind == dir->kind->id
						    : folder_has_get(dir->folder, op)))
			return i;
	}
	return -1;
}

static const char *get_name(int number)
{
	const struct operation *op = operations()[number];

	return op->form == FORM_GET ? op->where : folder_get_name(op);
}

static struct node get_node(const struct place *dir, int number)
{
	if (!is_of_object(dir))
		return (struct node){.class = N_FOLDER_GET, .index = (unsigned)number};
	return (struct node){
		.kind = dir->node.kind, .row = dir->node.row, .class = N_GET, .index = (unsigned)number};
}

bool gets_find(const struct place *dir, const char *name, struct node *ret)
{
	for (int i = next_get(dir, 0); i >= 0; i = next_get(dir, i + 1))
		if (strcmp(get_name(i), name) == 0) {
			*ret = get_node(dir, i);
			return true;
		}
	return false;
}

int64_t gets_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	int i = next_get(dir, (int)after);

	if (i < 0)
		return 0;
	*ret = get_node(dir, i);
	return give_name(i + 1, get_name(i), ret_name);
}

bool get_is_answered(const struct place *p)
{
	const struct actor actor = place_actor(p);
	_cleanup_(request_free_p) struct request *req = NULL;

	return request_new(p->op, p->object ? object_uuid(p->object) : NULL, NULL, &actor, &req, NULL) == 0 &&
	       request_check(p->view, req, false, NULL) == 0;
}

/* ------------------------------------------------------------------- fields */

/* The name of a field in the directory of an object; false if it does not appear there. */
typedef bool field_name_fn(const struct place *dir, const struct field *f, char ret_name[NAME_SIZE]);

static bool value_name(const struct place *dir, const struct field *f, char ret_name[NAME_SIZE])
{
	(void)dir;
	return give_name(true, f->name, ret_name);
}

static bool sub_name(const struct place *dir, const struct field *f, char ret_name[NAME_SIZE])
{
	(void)dir;
	return field_is_sub(f) && give_name(true, field_sub_name(f), ret_name);
}

/* "image" for "imageUuid", if it is set and its target exists. */
static bool reference_name(const struct place *dir, const struct field *f, char ret_name[NAME_SIZE])
{
	static const char suffix[] = "Uuid";
	size_t len = strlen(f->name);

	if (f->type != FIELD_STRING || f->target == KIND_NONE || !kind_get(f->target)->directory ||
	    len < sizeof(suffix) || strcmp(f->name + len + 1 - sizeof(suffix), suffix) != 0)
		return false;
	if (dir->object &&
	    !view_get(dir->view, f->target, object_str(dir->object, (int)(f - dir->kind->fields))))
		return false;
	snprintf(ret_name, NAME_SIZE, "%.*s", (int)(len + 1 - sizeof(suffix)), f->name);
	return true;
}

static int64_t fields_next(const struct place *dir, enum node_class class, field_name_fn *field_name,
			   int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	for (int i = (int)after; i < dir->kind->field_count; i++) {
		const struct field *f = &dir->kind->fields[i];

		if (!(f->flags & F_HIDDEN) && field_name(dir, f, ret_name)) {
			*ret = (struct node){.kind = dir->node.kind,
					     .row = dir->node.row,
					     .class = class,
					     .index = (unsigned)i};
			return i + 1;
		}
	}
	return 0;
}

static bool fields_find(const struct place *dir, enum node_class class, field_name_fn *field_name,
			const char *name, struct node *ret)
{
	char found[NAME_SIZE];

	for (int64_t i = 0; (i = fields_next(dir, class, field_name, i, found, ret));)
		if (strcmp(found, name) == 0)
			return true;
	return false;
}

bool values_find(const struct place *dir, const char *name, struct node *ret)
{
	return fields_find(dir, N_VALUE, value_name, name, ret);
}

int64_t values_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	return fields_next(dir, N_VALUE, value_name, after, ret_name, ret);
}

bool references_find(const struct place *dir, const char *name, struct node *ret)
{
	return fields_find(dir, N_REFERENCE, reference_name, name, ret);
}

int64_t references_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	return fields_next(dir, N_REFERENCE, reference_name, after, ret_name, ret);
}

bool subs_find(const struct place *dir, const char *name, struct node *ret)
{
	return fields_find(dir, N_SUB, sub_name, name, ret);
}

int64_t subs_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	return fields_next(dir, N_SUB, sub_name, after, ret_name, ret);
}
