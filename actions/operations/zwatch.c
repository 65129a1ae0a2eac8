/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metric data as clients of later servers ask for it (zwatch): from the statistics of VMs and hosts
 * (actions/host/statistics.h), of which no history is kept. So each series has one point, that of the last sample; how fast
 * something grows is known when there is a sample before it, from the one to the other.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "actions/engine/access.h"
#include "actions/host/statistics.h"
#include "actions/operations/table.h"
#include "model/json.h"

/* Times above this are in ms, which some clients send. */
#define LARGEST_S	 INT64_C(100000000000)
#define CONDITIONS_MAX	 64
#define NAMESPACE_LENGTH 64

/* What a metric is made of, beside a row of statistics. */
enum metric_form {
	METRIC_VALUE,	   /* the value */
	METRIC_PER_SECOND, /* how fast it grows */
	METRIC_CPU_ALL,	   /* CPU time that passes in a second, in percent of one CPU */
	METRIC_CPU,	   /* ... of all CPUs of the VM or host */
	METRIC_PERCENT,	   /* of the memory */
	METRIC_REST,	   /* the rest of the memory */
	METRIC_REST_PERCENT,
};

/* A namespace: what its metrics are of. */
static const struct metric_namespace {
	const char *name;
	enum kind_id kind;
	const char *label; /* that has the uuid */
	int cpus, memory;  /* fields */
} namespaces[] = {
	{"ZStack/VM", KIND_VM, "VMUuid", VM_CPU_NUM, VM_MEMORY_SIZE},
	{"ZStack/Host", KIND_HOST, "HostUuid", HOST_CPU_NUM, HOST_TOTAL_MEMORY},
};

static const struct metric {
	const char *name, *statistic; /* a row of both kinds, or of VMs alone */
	enum metric_form form;
	const char *help;
} metrics[] = {
	{"CPUUsedUtilization", "cpuSeconds", METRIC_CPU, "percent of its CPUs in use"},
	{"CPUAverageUsedUtilization", "cpuSeconds", METRIC_CPU, "percent of its CPUs in use"},
	{"CPUAllUsedUtilization", "cpuSeconds", METRIC_CPU_ALL, "the same, summed up over its CPUs"},
	{"MemoryUsedBytes", "memoryBytes", METRIC_VALUE, "bytes of memory in use"},
	{"MemoryUsedInPercent", "memoryBytes", METRIC_PERCENT, "percent of the memory in use"},
	{"MemoryFreeBytes", "memoryBytes", METRIC_REST, "bytes of memory not in use"},
	{"MemoryFreeInPercent", "memoryBytes", METRIC_REST_PERCENT, "percent of the memory not in use"},
	{"DiskAllReadBytes", "diskReadBytes", METRIC_PER_SECOND, "bytes read from all disks, each second"},
	{"DiskReadBytes", "diskReadBytes", METRIC_PER_SECOND, "bytes read from all disks, each second"},
	{"DiskAllWriteBytes", "diskWrittenBytes", METRIC_PER_SECOND,
	 "bytes written to all disks, each second"},
	{"DiskWriteBytes", "diskWrittenBytes", METRIC_PER_SECOND, "bytes written to all disks, each second"},
	{"DiskAllReadOps", "diskReads", METRIC_PER_SECOND, "reads from all disks, each second"},
	{"DiskReadOps", "diskReads", METRIC_PER_SECOND, "reads from all disks, each second"},
	{"DiskAllWriteOps", "diskWrites", METRIC_PER_SECOND, "writes to all disks, each second"},
	{"DiskWriteOps", "diskWrites", METRIC_PER_SECOND, "writes to all disks, each second"},
	{"NetworkAllInBytes", "networkReceivedBytes", METRIC_PER_SECOND,
	 "bytes received by all NICs, each second"},
	{"NetworkInBytes", "networkReceivedBytes", METRIC_PER_SECOND,
	 "bytes received by all NICs, each second"},
	{"NetworkAllOutBytes", "networkSentBytes", METRIC_PER_SECOND, "bytes sent by all NICs, each second"},
	{"NetworkOutBytes", "networkSentBytes", METRIC_PER_SECOND, "bytes sent by all NICs, each second"},
	{"NetworkAllInPackets", "networkReceivedPackets", METRIC_PER_SECOND,
	 "packets received by all NICs, each second"},
	{"NetworkInPackets", "networkReceivedPackets", METRIC_PER_SECOND,
	 "packets received by all NICs, each second"},
	{"NetworkAllOutPackets", "networkSentPackets", METRIC_PER_SECOND,
	 "packets sent by all NICs, each second"},
	{"NetworkOutPackets", "networkSentPackets", METRIC_PER_SECOND,
	 "packets sent by all NICs, each second"},
};

/* The row of statistics that a metric of the namespace is made of; NULL: it has no such metric. */
static const struct statistic *statistic_of(const struct metric_namespace *n, const struct metric *m)
{
	size_t count;
	const struct statistic *rows = statistics_all(&count);

	for (size_t i = 0; i < count; i++)
		if (rows[i].kind == n->kind && strcmp(rows[i].name, m->statistic) == 0)
			return &rows[i];
	return NULL;
}

/* ------------------------------------------------------------------ conditions */

enum label_op { LABEL_IS, LABEL_IS_NOT, LABEL_IS_ONE_OF };

/* "VMUuid=..." of a request; borrowed from it. */
struct label {
	char name[NAMESPACE_LENGTH];
	enum label_op op;
	const char *value;
};

static int label_parse(const char *text, struct label *ret, struct error *e)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
	const char *at = text + len;
	bool is_negative = *at == '!';

	if (is_negative)
		at++;
	if (!len || len >= sizeof(ret->name) || *at != '=')
		return error_set_code(e, EINVAL, "SYS.1007",
				      "'%.64s' is no condition on a label, such as VMUuid=UUID", text);
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)len, text);
	ret->op = is_negative ? LABEL_IS_NOT : at[1] == '~' ? LABEL_IS_ONE_OF : LABEL_IS;
	ret->value = at + 1 + (ret->op == LABEL_IS_ONE_OF);
	for (const char *p = ret->value; ret->op == LABEL_IS_ONE_OF && *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '|')
			return error_set_code(
				e, EINVAL, "SYS.1007",
				"'%.64s': what follows =~ can only be texts with | between them", text);
	return 0;
}

/* Whether @value is one of the texts in @list. */
static bool is_one_of(const char *value, const char *list)
{
	size_t len = strlen(value);

	for (const char *at = list;; at++) {
		if (strcspn(at, "|") == len && strncmp(at, value, len) == 0)
			return true;
		at += strcspn(at, "|");
		if (!*at)
			return false;
	}
}

/* A label that a series does not have is empty. */
static bool label_fits(const struct label *label, const json_t *labels)
{
	const char *value = json_string_value(json_object_get(labels, label->name));

	value = value ? value : "";
	switch (label->op) {
	case LABEL_IS:
		return strcmp(value, label->value) == 0;
	case LABEL_IS_NOT:
		return strcmp(value, label->value) != 0;
	case LABEL_IS_ONE_OF:
		return is_one_of(value, label->value);
	}
	return false;
}

/* --------------------------------------------------------------------- series */

/* What is asked for. */
struct question {
	const struct request *req;
	const struct metric_namespace *namespace;
	const struct metric *metric;
	const struct statistic *statistic;
	struct label labels[CONDITIONS_MAX];
	size_t label_count;
	int64_t from, to; /* s */
};

static const struct metric_namespace *namespace_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		if (strcmp(namespaces[i].name, name) == 0)
			return &namespaces[i];
	return NULL;
}

static const struct metric *metric_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		if (strcmp(metrics[i].name, name) == 0)
			return &metrics[i];
	return NULL;
}

static int64_t seconds(const struct request *req, const char *name, int64_t missing)
{
	int64_t given = request_int(req, name, missing);

	return given > LARGEST_S ? given / 1000 : given;
}

/* @labels: the name of the parameter with the conditions. */
static int question_read(const struct request *req, const char *labels, struct question *ret, struct error *e)
{
	const char *namespace = request_str(req, "namespace"), *name = request_str(req, "metricName");
	int64_t offset = request_int(req, "offsetAheadOfCurrentTime", 0), now = store_now() / NS_PER_S;
	const json_t *list = request_list(req, labels), *item;
	size_t i;

	*ret = (struct question){
		.req = req, .namespace = namespace_find(namespace), .metric = metric_find(name)};
	if (ret->namespace && ret->metric)
		ret->statistic = statistic_of(ret->namespace, ret->metric);
	if (!ret->statistic)
		return error_set_code(
			e, EINVAL, "SYS.1007",
			"there is no metric '%.64s' in the namespace '%.64s', see GetAllMetricMetadata", name,
			namespace);
	ret->from = seconds(req, "startTime", offset ? now - offset : 0);
	ret->to = seconds(req, "endTime", INT64_MAX);
	if (json_array_size(list) > CONDITIONS_MAX)
		return error_set_code(e, EINVAL, "SYS.1007", "there can be at most %d conditions on labels",
				      CONDITIONS_MAX);
	json_array_foreach (list, i, item) {
		int r = label_parse(json_string_value(item), &ret->labels[ret->label_count++], e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* False when the value is not known. */
static bool point_value(const struct question *q, const struct statistics_sample *sample,
			const struct object *o, double *ret)
{
	int64_t memory = object_int(o, q->namespace->memory), cpus = object_int(o, q->namespace->cpus), value;
	double used;

	switch (q->metric->form) {
	case METRIC_PER_SECOND:
		return statistics_rate(sample, q->statistic, object_uuid(o), ret);
	case METRIC_CPU_ALL:
	case METRIC_CPU:
		if (cpus <= 0 || !statistics_rate(sample, q->statistic, object_uuid(o), ret))
			return false;
		*ret *= 100.0 / NS_PER_S / (q->metric->form == METRIC_CPU ? (double)cpus : 1);
		return true;
	case METRIC_VALUE:
	case METRIC_PERCENT:
	case METRIC_REST:
	case METRIC_REST_PERCENT:
		break;
	}
	if (memory <= 0 || !statistics_value(sample, q->statistic, object_uuid(o), &value))
		return false;
	/* What a VM takes on its host may be a little more than what the guest has. */
	used = fmin((double)value, (double)memory);
	*ret = q->metric->form == METRIC_VALUE	   ? (double)value
	       : q->metric->form == METRIC_PERCENT ? 100 * used / (double)memory
	       : q->metric->form == METRIC_REST	   ? (double)memory - used
						   : 100 - 100 * used / (double)memory;
	return true;
}

static json_t *labels_of(const struct question *q, const struct object *o)
{
	json_t *labels = json_pack("{s:s}", q->namespace->label, object_uuid(o));

	if (q->namespace->kind == KIND_VM)
		json_add_member(&labels, "HostUuid", json_string(object_text(o, VM_HOST_UUID)));
	return labels;
}

/* Appends the point of an object to @list, if it has one that fits. -ENOMEM. */
static int add_point(const struct question *q, const struct view *view,
		     const struct statistics_sample *sample, const struct object *o, json_t *list)
{
	_cleanup_json_ json_t *labels = NULL;
	int64_t time = statistics_sample_time(sample) / NS_PER_S;
	double value;

	if (!access_shows(view, &q->req->actor, o) || time < q->from || time > q->to)
		return 0;
	labels = labels_of(q, o);
	if (!labels)
		return -ENOMEM;
	for (size_t i = 0; i < q->label_count; i++)
		if (!label_fits(&q->labels[i], labels))
			return 0;
	if (!point_value(q, sample, o, &value))
		return 0;
	return json_array_append_new(list, json_pack("{s:f, s:I, s:O}", "value", value, "time",
						     (json_int_t)time, "labels", labels)) < 0
		       ? -ENOMEM
		       : 0;
}

static int add_of_host(const struct question *q, const struct view *view,
		       const struct statistics_sample *sample, const struct object *host, json_t *list)
{
	int r = 0;

	if (q->namespace->kind == KIND_HOST)
		return add_point(q, view, sample, host, list);
	view_for_each_where (vm, view, KIND_VM, VM_HOST_UUID, object_uuid(host))
		r = r < 0 ? r : add_point(q, view, sample, vm, list);
	return r;
}

/* All points, owned; NULL without memory. Asks the hosts: blocks. */
static json_t *points(const struct question *q, struct pool *pool, const struct view *view)
{
	_cleanup_samples_ struct statistics_samples samples = {0};
	json_t *list = json_array();
	int r = statistics_take(pool, view, STATISTICS_WAIT_MS, &samples);
	size_t i = 0;

	view_for_each (host, view, KIND_HOST) {
		const struct statistics_sample *sample = i < samples.count ? samples.list[i++] : NULL;

		if (r == 0 && sample)
			r = add_of_host(q, view, sample, host, list);
	}
	if (r < 0) {
		json_decref(list);
		return NULL;
	}
	return list;
}

/* -------------------------------------------------------------------- answers */

static int data_check(const struct view *view, const struct request *req, struct error *e)
{
	static const char *const unsupported[] = {"functions", "valueConditions"};
	struct question q;

	(void)view;
	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++)
		if (json_array_size(request_list(req, unsupported[i])))
			return error_set_code(e, EINVAL, "SYS.1007",
					      "'%s' is not supported: the points are answered as they are",
					      unsupported[i]);
	return question_read(req, "labels", &q, e);
}

static int data_get(struct pool *pool, const struct view *view, const struct request *req,
		    json_t **ret_result, struct error *e)
{
	struct question q;
	json_t *list;
	int r = question_read(req, "labels", &q, e);

	if (r < 0)
		return r;
	list = points(&q, pool, view);
	*ret_result = list ? json_pack("{s:o}", "data", list) : NULL;
	return *ret_result ? 0 : error_oom(e);
}

static int label_values_check(const struct view *view, const struct request *req, struct error *e)
{
	struct question q;

	(void)view;
	return question_read(req, "filterLabels", &q, e);
}

/* The labels of a point of which the values are asked for. */
static json_t *chosen_labels(const struct request *req, const json_t *labels)
{
	json_t *chosen = json_object();
	const json_t *name;
	size_t i;

	json_array_foreach (request_list(req, "labelNames"), i, name) {
		const json_t *value = json_object_get(labels, json_string_value(name));

		if (value)
			json_add_member(&chosen, json_string_value(name), json_incref_const(value));
	}
	return chosen;
}

/* Each combination once: they come in the order of the points, hosts one after the other. */
static int label_values_get(struct pool *pool, const struct view *view, const struct request *req,
			    json_t **ret_result, struct error *e)
{
	_cleanup_json_ json_t *list = NULL, *seen = json_object();
	json_t *labels = json_array(), *point;
	struct question q;
	size_t i;
	int r = question_read(req, "filterLabels", &q, e);

	if (r == 0)
		list = points(&q, pool, view);
	json_array_foreach (list, i, point) {
		json_t *chosen = chosen_labels(req, json_object_get(point, "labels"));
		_cleanup_free_ char *key = json_text(chosen, JSON_SORT_KEYS | JSON_COMPACT);

		if (!key) {
			json_decref(steal(&labels));
		} else if (json_object_size(chosen) && !json_object_get(seen, key)) {
			json_add_item(&labels, json_object_set_new(seen, key, json_true()) == 0
						       ? json_incref(chosen)
						       : NULL);
		}
		json_decref(chosen);
	}
	*ret_result = list && labels ? json_pack("{s:O}", "labels", labels) : NULL;
	json_decref(labels);
	if (r < 0)
		return r;
	return *ret_result ? 0 : error_oom(e);
}

/* True when the parameter is missing, or this text. */
static bool is_asked(const struct request *req, const char *param, const char *text)
{
	const char *given = request_str(req, param);

	return !given || strcmp(given, text) == 0;
}

static int metadata_get(struct pool *pool, const struct view *view, const struct request *req,
			json_t **ret_result, struct error *e)
{
	json_t *list = json_array();

	(void)pool, (void)view;
	for (const struct metric_namespace *n = namespaces; n < namespaces + ARRAY_SIZE(namespaces); n++)
		for (const struct metric *m = metrics; m < metrics + ARRAY_SIZE(metrics); m++) {
			bool vm = n->kind == KIND_VM;

			if (!statistic_of(n, m) || !is_asked(req, "namespace", n->name) ||
			    !is_asked(req, "name", m->name))
				continue;
			json_add_item(&list, json_pack("{s:s, s:s, s:s, s:o, s:s}", "namespace", n->name,
						       "name", m->name, "description", m->help, "labelNames",
						       vm ? json_pack("[s, s]", n->label, "HostUuid")
							  : json_pack("[s]", n->label),
						       "driver", "poolfs"));
		}
	*ret_result = json_pack("{s:o}", "metrics", list);
	return *ret_result ? 0 : error_oom(e);
}

/* ------------------------------------------------------------------- the rows */

#define P_METRIC(pname)                                                                                      \
	{                                                                                                    \
		.name = (pname), .type = PARAM_STRING, .in = IN_QUERY, .flags = PARAM_REQUIRED,              \
		.max_length = NAMESPACE_LENGTH                                                               \
	}
#define P_TIME(pname)                                                                                        \
	{                                                                                                    \
		.name = (pname), .type = PARAM_LONG, .in = IN_QUERY, .min = 0, .max = INT64_MAX              \
	}
#define P_TEXTS(pname, pflags)                                                                               \
	{                                                                                                    \
		.name = (pname), .type = PARAM_LIST, .in = IN_QUERY, .flags = (pflags)                       \
	}

static const struct operation get_metric_data = {
	.section = "5.4",
	.name = "GetMetricData",
	.message = "org.zstack.zwatch.api.APIGetMetricDataMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/zwatch/metrics", NULL},
	.params =
		(const struct param[]){
			P_METRIC("namespace"),
			P_METRIC("metricName"),
			P_TIME("startTime"),
			P_TIME("endTime"),
			P_TIME("offsetAheadOfCurrentTime"),
			{.name = "period", .type = PARAM_INT, .in = IN_QUERY, .min = 0, .max = INT32_MAX},
			P_TEXTS("labels", 0),
			P_TEXTS("valueConditions", 0),
			P_TEXTS("functions", 0),
			{0}},
	.results = (const char *const[]){"data:[Datapoint]", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NEEDS_HOST | OP_TURNS,
	.help = "the last value of a metric for each VM or host that labels (VMUuid=UUID) choose, if it is from startTime to endTime; no history is kept, period is ignored",
	.check = data_check,
	.get = data_get,
};

static const struct operation get_metric_label_value = {
	.section = "5.4",
	.name = "GetMetricLabelValue",
	.message = "org.zstack.zwatch.api.APIGetMetricLabelValueMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/zwatch/metrics/label-values", NULL},
	.params = (const struct param[]){P_METRIC("namespace"),
					 P_METRIC("metricName"),
					 P_TIME("startTime"),
					 P_TIME("endTime"),
					 P_TEXTS("labelNames", PARAM_REQUIRED | PARAM_NONEMPTY),
					 P_TEXTS("filterLabels", 0),
					 {0}},
	.results = (const char *const[]){"labels:[map]", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NEEDS_HOST | OP_TURNS,
	.help = "the values of labels of a metric",
	.check = label_values_check,
	.get = label_values_get,
};

static const struct operation get_all_metric_metadata = {
	.section = "5.4",
	.name = "GetAllMetricMetadata",
	.message = "org.zstack.zwatch.api.APIGetAllMetricMetadataMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/zwatch/metrics/meta-data", NULL},
	.params = (const struct param[]){{.name = "namespace", .type = PARAM_STRING, .in = IN_QUERY},
					 {.name = "name", .type = PARAM_STRING, .in = IN_QUERY},
					 {0}},
	.results = (const char *const[]){"metrics:[MetricStruct]", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC,
	.help = "the metrics that GetMetricData knows",
	.get = metadata_get,
};

const struct operation *const operations_zwatch[] = {
	&get_metric_data,
	&get_metric_label_value,
	&get_all_metric_metadata,
	NULL,
};
