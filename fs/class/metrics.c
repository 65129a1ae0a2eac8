/* SPDX-License-Identifier: Apache-2.0 */
/* See metrics.h. The text format is OpenMetrics 1.0. */
#include "fs/class/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "fs/class/document.h"

/* More states than any kind has. */
#define STATES_MAX 32

static void family(FILE *f, const char *name, const char *type, const char *unit, const char *help)
{
	fprintf(f, "# TYPE %s %s\n", name, type);
	if (unit)
		fprintf(f, "# UNIT %s %s\n", name, unit);
	fprintf(f, "# HELP %s %s\n", name, help);
}

/* A label's value in quotes. */
static void print_label(FILE *f, const char *name, const char *value)
{
	fprintf(f, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", f);
		else
			fprintf(f, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
	}
	fputc('"', f);
}

static void print_counts(FILE *f, const struct view *view)
{
	family(f, "poolfs_objects", "gauge", NULL, "Objects of each kind.");
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);

		if (kind->directory)
			fprintf(f, "poolfs_objects{kind=\"%s\"} %zu\n", kind->name,
				view_count(view, kind->id));
	}
}

/* The number of objects of a kind for each text in a field. */
static void print_texts(FILE *f, const struct view *view, const struct kind *kind, int field,
			const char *name)
{
	const char *texts[STATES_MAX];
	size_t counts[STATES_MAX], n = 0, i;
	const struct object *o;
	struct view_walk walk;

	view_walk_init(&walk, view, kind->id, field);
	while ((o = view_walk_next(&walk))) {
		for (i = 0; i < n && strcmp(texts[i], object_text(o, field)) != 0; i++)
			;
		if (i == STATES_MAX)
			continue;
		if (i == n) {
			texts[n] = object_text(o, field);
			counts[n++] = 0;
		}
		counts[i]++;
	}
	for (i = 0; i < n; i++) {
		fprintf(f, "poolfs_%s{kind=\"%s\",", name, kind->name);
		print_label(f, name, texts[i]);
		fprintf(f, "} %zu\n", counts[i]);
	}
}

static void print_states(FILE *f, const struct view *view, const char *name, const char *help)
{
	char metric[32];

	snprintf(metric, sizeof(metric), "poolfs_%s", name);
	family(f, metric, "gauge", NULL, help);
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);
		int field = kind_field(kind, name);

		if (kind->directory && field >= 0 && kind->fields[field].type == FIELD_STRING)
			print_texts(f, view, kind, field, name);
	}
}

/* Numeric fields of objects. */
static const struct number {
	enum kind_id kind;
	int field;
	const char *name, *unit, *help;
} numbers[] = {
	{KIND_HOST, HOST_TOTAL_CPU, "poolfs_host_cpu_capacity", NULL, "CPUs that can be allocated to VMs."},
	{KIND_HOST, HOST_AVAILABLE_CPU, "poolfs_host_cpu_available", NULL, "CPUs not allocated yet."},
	{KIND_HOST, HOST_TOTAL_MEMORY, "poolfs_host_memory_capacity_bytes", "bytes", "Memory of the host."},
	{KIND_HOST, HOST_AVAILABLE_MEMORY, "poolfs_host_memory_available_bytes", "bytes",
	 "Memory not allocated yet."},
	{KIND_PRIMARY_STORAGE, PRIMARY_STORAGE_TOTAL, "poolfs_primary_storage_capacity_bytes", "bytes",
	 "Bytes that can be allocated to volumes."},
	{KIND_PRIMARY_STORAGE, PRIMARY_STORAGE_AVAILABLE, "poolfs_primary_storage_available_bytes", "bytes",
	 "Bytes not allocated yet."},
	{KIND_BACKUP_STORAGE, BACKUP_STORAGE_TOTAL, "poolfs_backup_storage_capacity_bytes", "bytes",
	 "Size of the backup storage."},
	{KIND_BACKUP_STORAGE, BACKUP_STORAGE_AVAILABLE, "poolfs_backup_storage_available_bytes", "bytes",
	 "Free bytes of the backup storage."},
};

static void print_number(FILE *f, const struct view *view, const struct number *n)
{
	family(f, n->name, "gauge", n->unit, n->help);
	view_for_each (o, view, n->kind) {
		if (object_is_null(o, n->field))
			continue;
		fprintf(f, "%s{uuid=\"%s\",", n->name, object_uuid(o));
		print_label(f, "name", object_name(o));
		fprintf(f, "} %" PRId64 "\n", object_int(o, n->field));
	}
}

/* Time of the last change of any object, ns. */
static int64_t last_change(const struct fs *fs, const struct view *view)
{
	int64_t last = fs->born;

	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		if (view_changed(view, (enum kind_id)k) > last)
			last = view_changed(view, (enum kind_id)k);
	return last;
}

/* All but the number of events comes from the view. Takes time linear in the number of objects. */
static struct document *metrics_render(const struct fs *fs, const struct view *view)
{
	struct document *d = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	print_counts(f, view);
	print_states(f, view, "state", "Objects of each kind by state.");
	print_states(f, view, "status", "Objects of each kind by status.");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		print_number(f, view, &numbers[i]);
	family(f, "poolfs_store_commits", "counter", NULL, "Commits to the database since the start.");
	fprintf(f, "poolfs_store_commits_total %" PRIu64 "\n", view_version(view));
	family(f, "poolfs_events", "counter", NULL, "Events recorded since the pool was created.");
	fprintf(f, "poolfs_events_total %" PRId64 "\n", event_log_last(fs->events));
	fputs("# EOF\n", f);
	if (fclose(f) == 0)
		d = document_new(text, len, last_change(fs, view));
	free(text);
	return d;
}

struct metrics_call {
	const struct fs *fs;
	struct view *view; /* owned */
	content_fn *done;
	void *arg;
};

static void metrics_run(void *arg)
{
	struct metrics_call *call = arg;
	struct document *d = metrics_render(call->fs, call->view);

	call->done(call->arg, d ? 0 : -ENOMEM, d, NULL);
	view_unref(call->view);
	free(call);
}

static void metrics_start(const struct place *p, content_fn *done, void *arg)
{
	struct metrics_call *call = malloc(sizeof(*call));
	int r = -ENOMEM;

	if (call) {
		*call = (struct metrics_call){.fs = p->fs, .done = done, .arg = arg};
		call->view = store_view(p->fs->store);
		r = pool_background(p->fs->pool, metrics_run, call);
		if (r == 0)
			return;
		view_unref(call->view);
		free(call);
	}
	done(arg, r, NULL, NULL);
}

const struct file_class class_metrics = {DOCUMENT_FILE, .start = metrics_start};
