/* SPDX-License-Identifier: Apache-2.0 */
/* See content.h. */
#include "fs/class/content.h"

#include <inttypes.h>
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/json_gather.h"
#include "actions/engine/request.h"
#include "actions/engine/shortform.h"
#include "actions/engine/tags.h"
#include "actions/image/running_sum.h"
#include "actions/image/upload.h"
#include "actions/spec/spec.h"
#include "fs/class/scratches.h"
#include "fs/class/value_text.h"
#include "fs/tell/last_error.h"
#include "fs/tree/aside.h"
#include "fs/tree/gathered.h"
#include "fs/tree/members.h"
#include "fs/tree/queries.h"
#include "model/query_parse.h"
#include "model/render.h"

/* -------------------------------------------------------------- small texts */

/* Closes a memory stream and makes a document of it. */
static struct document *stream_end(FILE *f, char **text, size_t *len, int64_t mtime)
{
	struct document *d;

	if (!f || fclose(f) != 0)
		return NULL;
	d = document_new(*text, *len, mtime);
	free(*text);
	return d;
}

struct document *render_version(const struct place *p)
{
	static const char text[] = "poolfs " POOLFS_VERSION "\ntree 1\n";

	return document_new(text, strlen(text), p->fs->born);
}

/* An answer that depends on nothing but the pool carries the number of its state. */
struct document *render_stamp(const struct place *p)
{
	const int64_t number = store_stamp(p->fs->store, p->view);
	char text[32];
	int len = snprintf(text, sizeof(text), "%020" PRId64 "\n", number);

	return document_new(text, (size_t)len, number);
}

struct document *render_limits(const struct place *p)
{
	int64_t changed = view_changed(p->view, KIND_GLOBAL_CONFIG);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fprintf(f, "request-bytes %d\n", REQUEST_LENGTH);
	fprintf(f, "request-items %d\n", REQUEST_ITEMS);
	fprintf(f, "object-tags %d\n", OBJECT_TAGS);
	fprintf(f, "unfinished-bytes-of-user %d\n", GATHERED_OF_USER);
	fprintf(f, "unfinished-bytes-total %d\n", GATHERED_TOTAL);
	fprintf(f, "request-nesting %d\n", JSON_GATHER_DEPTH);
	fprintf(f, "short-form-bytes %d\n", SHORTFORM_MAX);
	fprintf(f, "value-bytes %d\n", VALUE_LENGTH);
	fprintf(f, "spec-bytes %d\n", SPEC_LENGTH);
	fprintf(f, "by-name-bytes %d\n", NAME_LENGTH);
	fprintf(f, "query-bytes %d\n", QUERY_LENGTH_MAX);
	fprintf(f, "query-conditions %d\n", QUERY_CONDITIONS_MAX);
	fprintf(f, "query-relations %d\n", QUERY_DEPTH_MAX);
	fprintf(f, "query-seconds %" PRId64 "\n", config_int(p->view, "search.timeLimit"));
	fprintf(f, "query-names %d\n", QUERIES_CACHED);
	fprintf(f, "where-bytes %d\n", QUERIES_TEXT);
	fprintf(f, "events-bytes %d\n", EVENTS_BYTES);
	fprintf(f, "scratch-bytes %d\n", SCRATCH_LENGTH);
	fprintf(f, "scratch-bytes-total %d\n", SCRATCH_TOTAL);
	fprintf(f, "scratch-files-per-user %d\n", SCRATCH_NAMES_OF_USER);
	fprintf(f, "scratch-files-total %d\n", SCRATCH_NAMES);
	fprintf(f, "scratch-idle-seconds %d\n", SCRATCH_IDLE_S);
	fprintf(f, "aside-seconds %d\n", ASIDE_S);
	fprintf(f, "uploads %d\n", UPLOADS_MAX);
	fprintf(f, "upload-name-seconds %d\n", UPLOAD_KEEP_S);
	fprintf(f, "upload-idle-seconds %d\n", UPLOAD_IDLE_S);
	fprintf(f, "upload-holes-summed %" PRId64 "\n", RUNNING_SUM_HOLES);
	fprintf(f, "objects-per-kind %" PRId64 "\n", NODE_ROW_MAX);
	return stream_end(f, &text, &len, changed > p->fs->born ? changed : p->fs->born);
}

struct document *render_features(const struct place *p)
{
	int64_t changed = view_changed(p->view, KIND_HOST);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	view_for_each (host, p->view, KIND_HOST)
		fprintf(f, "host %s %s %s %s\n", object_uuid(host), object_text(host, HOST_HYPERVISOR_TYPE),
			object_text(host, HOST_VIRT_TYPE), object_text(host, HOST_STATUS));
	fprintf(f, "inotify %s\n", p->fs->watchers ? "everything" : "own writes");
	return stream_end(f, &text, &len, changed > p->fs->born ? changed : p->fs->born);
}

struct document *render_caller_error(const struct place *p)
{
	return last_error_of_user(p->fs->errors, p->caller.uid, p->fs->born);
}

struct document *render_object_error(const struct place *p)
{
	return last_error_of_object(p->fs->errors, p->object, changed_object(p));
}

struct document *render_object(const struct place *p)
{
	return render_inventory(p->view, p->object);
}

/* ------------------------------------------------------------------ meaning */

const char *meaning_folder(const struct place *p)
{
	return p->kind ? "a collection" : "a part of the tree";
}

const char *meaning_operation(const struct place *p)
{
	return p->op->help;
}

const char *meaning_field(const struct place *p)
{
	return p->field->help;
}
