/* SPDX-License-Identifier: Apache-2.0 */
/* See metrics.h. */
#include "actions/metrics/metrics.h"

#include <string.h>

#include "actions/engine/job_stats.h"
#include "actions/host/statistics.h"
#include "actions/metrics/exposition.h"
#include "actions/metrics/program.h"

/* More states than any kind has. */
#define STATES_MAX 32
/* More bytes than the text of any has. */
#define STATE_SIZE 64

static void print_counts(const struct exposition *x, const struct view *view)
{
	exposition_family(x, "poolfs_objects", "gauge", NULL, "Objects of each kind.");
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);

		if (kind->directory)
			exposition_sample(x, "poolfs_objects", LABELS("kind", kind->name), "%zu",
					  view_count(view, kind->id));
	}
}

/* The number of objects of a kind for each text in a field. */
static void print_texts(const struct exposition *x, const struct view *view, const struct kind *kind,
			int field, const char *metric, const char *label)
{
	char texts[STATES_MAX][STATE_SIZE];
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
			snprintf(texts[n], STATE_SIZE, "%s", object_text(o, field));
			counts[n++] = 0;
		}
		counts[i]++;
	}
	for (i = 0; i < n; i++)
		exposition_sample(x, metric, LABELS("kind", kind->name, label, texts[i]), "%zu", counts[i]);
}

static void print_states(const struct exposition *x, const struct view *view, const char *name,
			 const char *help)
{
	char metric[32];

	snprintf(metric, sizeof(metric), "poolfs_%s", name);
	exposition_family(x, metric, "gauge", NULL, help);
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);
		int field = kind_field(kind, name);

		if (kind->directory && field >= 0 && kind->fields[field].type == FIELD_STRING)
			print_texts(x, view, kind, field, metric, name);
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

static void print_number(const struct exposition *x, const struct view *view, const struct number *n)
{
	exposition_family(x, n->name, "gauge", n->unit, n->help);
	view_for_each (o, view, n->kind) {
		if (object_is_null(o, n->field))
			continue;
		exposition_sample(x, n->name, LABELS("uuid", object_uuid(o), "name", object_name(o)),
				  "%" PRId64, object_int(o, n->field));
	}
}

static void print_statistic(const struct exposition *x, const struct statistic *row,
			    const struct statistics_sample *sample, const struct object *o)
{
	char text[STATISTIC_SIZE];
	int64_t value;

	if (!sample || !statistics_value(sample, row, object_uuid(o), &value))
		return;
	statistic_print(row, value, text);
	exposition_sample(x, row->metric, LABELS("uuid", object_uuid(o), "name", object_name(o)), "%s", text);
}

static void print_statistics(const struct exposition *x, const struct view *view,
			     const struct statistics_samples *samples)
{
	static const char *const units[] = {
		[STATISTIC_SECONDS] = "seconds", [STATISTIC_BYTES] = "bytes", [STATISTIC_NUMBER] = NULL};
	size_t count, i;
	const struct statistic *rows = statistics_all(&count);

	for (const struct statistic *row = rows; row < rows + count; row++) {
		exposition_family(x, row->metric, row->counts ? "counter" : "gauge", units[row->unit],
				  row->help);
		i = 0;
		view_for_each (host, view, KIND_HOST) {
			if (i == samples->count)
				break;
			if (row->kind == KIND_HOST)
				print_statistic(x, row, samples->list[i], host);
			else
				for (const struct object *vm = NULL;
				     (vm = view_next_where(view, KIND_VM, VM_HOST_UUID, object_uuid(host),
							   vm ? vm->id : 0));)
					print_statistic(x, row, samples->list[i], vm);
			i++;
		}
	}
}

static void print_durations(const struct exposition *x, const struct job_stats_row *row)
{
	static const double bounds[] = JOB_STATS_BOUNDS;
	uint64_t count = 0;
	char bound[32];

	for (size_t i = 0; i < JOB_STATS_BUCKETS; i++) {
		count += row->buckets[i];
		snprintf(bound, sizeof(bound), "%.1f", i < ARRAY_SIZE(bounds) ? bounds[i] : 0);
		exposition_sample(
			x, "poolfs_job_duration_seconds_bucket",
			LABELS("operation", row->operation, "le", i < ARRAY_SIZE(bounds) ? bound : "+Inf"),
			"%" PRIu64, count);
	}
	exposition_sample(x, "poolfs_job_duration_seconds_sum", LABELS("operation", row->operation), "%.3f",
			  row->seconds);
	exposition_sample(x, "poolfs_job_duration_seconds_count", LABELS("operation", row->operation),
			  "%" PRIu64, count);
}

static void print_jobs(const struct exposition *x, struct job_stats *stats)
{
	_cleanup_free_ struct job_stats_row *rows = NULL;
	size_t count = 0;

	if (job_stats_get(stats, &rows, &count) < 0)
		return;
	exposition_family(x, "poolfs_jobs_ended_total", "counter", NULL,
			  "Jobs that have ended since the start, by operation and how.");
	for (size_t i = 0; i < count; i++)
		for (int end = 0; end < JOB_END_COUNT; end++)
			exposition_sample(x, "poolfs_jobs_ended_total",
					  LABELS("operation", rows[i].operation, "state",
						 job_end_name((enum job_end)end)),
					  "%" PRIu64, rows[i].ends[end]);
	exposition_family(x, "poolfs_job_duration_seconds", "histogram", NULL,
			  "How long the jobs that have ended since the start took.");
	for (size_t i = 0; i < count; i++)
		print_durations(x, &rows[i]);
}

int metrics_render(struct pool *pool, const struct view *view, bool open, char **ret_text, size_t *ret_len)
{
	_cleanup_samples_ struct statistics_samples samples = {0};
	char *text = NULL;
	size_t len = 0;
	struct exposition x = {.f = open_memstream(&text, &len), .open = open};

	if (!x.f)
		return -ENOMEM;
	metrics_print_program(&x);
	print_counts(&x, view);
	print_states(&x, view, "state", "Objects of each kind by state.");
	print_states(&x, view, "status", "Objects of each kind by status.");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		print_number(&x, view, &numbers[i]);
	if (statistics_take(pool, view, STATISTICS_WAIT_MS, &samples) == 0)
		print_statistics(&x, view, &samples);
	print_jobs(&x, pool_job_stats(pool));
	exposition_family(&x, "poolfs_store_commits_total", "counter", NULL,
			  "Commits to the database since the start.");
	exposition_sample(&x, "poolfs_store_commits_total", NULL, "%" PRIu64, view_version(view));
	exposition_family(&x, "poolfs_events_total", "counter", NULL,
			  "Events recorded since the pool was created.");
	exposition_sample(&x, "poolfs_events_total", NULL, "%" PRId64,
			  event_log_last(store_events(pool_store(pool))));
	exposition_end(&x);
	if (fclose(x.f) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}
