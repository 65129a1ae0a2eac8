/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Odd texts in every text that an operation takes, in a complete pool with a
 * simulated host: each is refused with one sentence of one line, or read back as
 * it was given; names also through libvirt.
 */
#include "tests/unit/pool_fixture.h"

#include <libvirt/libvirt.h>
#include <stdatomic.h>

#include "hypervisor/xml.h"
#include "model/json.h"
#include "model/text.h"

#define MIB (1024 * 1024)

/* What is tried, as it stands in a JSON string. */
enum fate {
	PLAIN,	 /* text: refused for its meaning alone */
	BREAK,	 /* for texts of several lines alone */
	CONTROL, /* never */
};

static const struct odd {
	const char *json, *text;
	size_t json_len; /* 0: up to the NUL */
	enum fate fate;
} odds[] = {
	{"a'b' c='d", "a'b' c='d", 0, PLAIN},
	{"a\\\"b\\\" c=\\\"d", "a\"b\" c=\"d", 0, PLAIN},
	{"a<b/>", "a<b/>", 0, PLAIN},
	{"a&amp;&#10;&b", "a&amp;&#10;&b", 0, PLAIN},
	{"a]]>b", "a]]>b", 0, PLAIN},
	{"a</title><devices/>", "a</title><devices/>", 0, PLAIN},
	{"-a $(b) `c` %s %n \\\\", "-a $(b) `c` %s %n \\", 0, PLAIN},
	{"a\\u202e\\u05d0b", "a\u202E\u05D0b", 0, PLAIN},
	{"a\\nb", "a\nb", 0, BREAK},
	{"a\\rb", "a\rb", 0, BREAK},
	{"a\\tb", "a\tb", 0, BREAK},
	{"a\\u001b[0mb", NULL, 0, CONTROL},
	{"a\\u007fb", NULL, 0, CONTROL},
	{"a\\u0085b", NULL, 0, CONTROL},
	{"a\\ufffeb", NULL, 0, CONTROL},
	{"a\\u0000b", NULL, 0, CONTROL},
	{"a\0b", NULL, 3, CONTROL},
	{"a\xFF"
	 "b",
	 NULL, 0, CONTROL},
	{"a\\ud800b", NULL, 0, CONTROL},
};

/* How to ask for each operation that takes texts: the other parameters, with $NAME for the uuid of an object. */
static const struct asked {
	const char *operation, *target, *params;
	const char *prefix; /* before the odd text of `url`, which must have some form */
} asked[] = {
	{"CreateZone", NULL, ""},
	{"UpdateZone", "ZONE", ""},
	{"CreateCluster", NULL, "\"zoneUuid\":\"$ZONE\",\"hypervisorType\":\"KVM\""},
	{"UpdateCluster", "CLUSTER", ""},
	{"AddHost", NULL, "\"clusterUuid\":\"$CLUSTER\",\"uri\":\"qemu+ssh://\""},
	{"AddKVMHost", NULL,
	 "\"clusterUuid\":\"$CLUSTER\",\"managementIp\":\"-\",\"username\":\"r\",\"password\":\"p\""},
	{"AddSimulatorHost", NULL, "\"clusterUuid\":\"$NONE\",\"managementIp\":\"10.1.1.1\""},
	{"UpdateHost", "HOST", ""},
	{"AdoptVmInstance", "HOST", ""},
	{"AddLocalPrimaryStorage", NULL, "\"zoneUuid\":\"$ZONE\"", "$DIR/"},
	{"AddNfsPrimaryStorage", NULL, "\"zoneUuid\":\"$ZONE\"", "server:/"},
	{"AddSharedMountPointPrimaryStorage", NULL, "\"zoneUuid\":\"$ZONE\"", "$DIR/shared"},
	{"AddCephPrimaryStorage", NULL, "\"zoneUuid\":\"$ZONE\"", "ceph://monitor/"},
	{"UpdatePrimaryStorage", "PS", "", "$DIR/"},
	{"ExportImageFromBackupStorage", "IMAGE", ""},
	{"CreateTag", NULL, ""},
	{"UpdateTag", "PATTERN", ""},
	{"AddSftpBackupStorage", NULL, "", "$DIR/b"},
	{"AddImageStoreBackupStorage", NULL, "", "$DIR/c"},
	{"UpdateBackupStorage", "BS", ""},
	{"CreateL2NoVlanNetwork", NULL, "\"zoneUuid\":\"$ZONE\",\"physicalInterface\":\"eth7\""},
	{"CreateL2VlanNetwork", NULL, "\"zoneUuid\":\"$ZONE\",\"physicalInterface\":\"eth7\",\"vlan\":7"},
	{"UpdateL2Network", "L2", ""},
	{"CreateL3Network", NULL, "\"l2NetworkUuid\":\"$L2\""},
	{"UpdateL3Network", "L3", ""},
	{"AddDnsToL3Network", "L3", ""},
	{"RemoveDnsFromL3Network", "L3", ""},
	{"AddIpRange", "L3",
	 "\"startIp\":\"10.77.0.2\",\"endIp\":\"10.77.0.9\",\"netmask\":\"255.255.255.0\",\"gateway\":\"10.77.0.1\""},
	{"AddIpRangeByNetworkCidr", "L3", "\"networkCidr\":\"10.78.0.0/24\""},
	{"UpdateIpRange", "RANGE", ""},
	{"CreateInstanceOffering", NULL, "\"cpuNum\":1,\"memorySize\":1048576"},
	{"UpdateInstanceOffering", "OFFERING", ""},
	{"CreateDiskOffering", NULL, "\"diskSize\":1048576"},
	{"UpdateDiskOffering", "DISK", ""},
	{"AddImage", NULL, "\"format\":\"raw\",\"url\":\"/nonexistent\",\"backupStorageUuids\":[\"$BS\"]",
	 "/"},
	{"UpdateImage", "IMAGE", ""},
	{"CreateRootVolumeTemplateFromRootVolume", NULL,
	 "\"rootVolumeUuid\":\"$NONE\",\"backupStorageUuids\":[\"$BS\"]"},
	{"CreateRootVolumeTemplateFromVolumeSnapshot", NULL,
	 "\"snapshotUuid\":\"$NONE\",\"backupStorageUuids\":[\"$BS\"]"},
	{"CreateDataVolumeTemplateFromVolume", NULL,
	 "\"volumeUuid\":\"$VOLUME\",\"backupStorageUuids\":[\"$BS\"]"},
	{"CreateVmInstance", NULL,
	 "\"instanceOfferingUuid\":\"$OFFERING\",\"imageUuid\":\"$IMAGE\",\"l3NetworkUuids\":[\"$L3\"],\"strategy\":\"JustCreate\""},
	{"UpdateVmInstance", "VM", ""},
	{"CloneVmInstance", "VM", ""},
	{"ChangeVmPassword", "VM", "\"account\":\"root\""},
	{"SetVmSshKey", "VM", ""},
	{"SetVmHostname", "VM", ""},
	{"SetVmConsolePassword", "VM", ""},
	{"SetVmBootOrder", "VM", ""},
	{"SetVmStaticIp", "VM", "\"l3NetworkUuid\":\"$L3\""},
	{"UpdateVmNicMac", "NIC", ""},
	{"AttachL3NetworkToVm", "VM", "\"l3NetworkUuid\":\"$L3\""},
	{"CreateDataVolume", NULL, "\"diskOfferingUuid\":\"$DISK\""},
	{"CreateDataVolumeFromVolumeTemplate", NULL,
	 "\"imageUuid\":\"$NONE\",\"primaryStorageUuid\":\"$PS\""},
	{"CreateDataVolumeFromVolumeSnapshot", NULL, "\"volumeSnapshotUuid\":\"$NONE\""},
	{"UpdateVolume", "VOLUME", ""},
	{"CreateVolumeSnapshot", NULL, "\"volumeUuid\":\"$NONE\""},
	{"UpdateVolumeSnapshot", "NONE", ""},
	{"CreateAffinityGroup", NULL, "\"policy\":\"antiSoft\""},
	{"UpdateAffinityGroup", "GROUP", ""},
	{"DeleteAffinityGroup", "NONE", ""},
	{"CreateStartVmInstanceScheduler", "VM",
	 "\"type\":\"simple\",\"startTime\":2000000000,\"interval\":100000,\"repeatCount\":1"},
	{"CreateStopVmInstanceScheduler", "VM",
	 "\"type\":\"simple\",\"startTime\":2000000000,\"interval\":100000,\"repeatCount\":1"},
	{"CreateRebootVmInstanceScheduler", "VM",
	 "\"type\":\"simple\",\"startTime\":2000000000,\"interval\":100000,\"repeatCount\":1"},
	{"CreateVolumeSnapshotScheduler", "VOLUME",
	 "\"snapShotName\":\"s\",\"type\":\"simple\",\"startTime\":2000000000,\"interval\":100000,\"repeatCount\":1"},
	{"UpdateScheduler", "SCHEDULER", ""},
	{"CreateSchedulerJob", NULL, "\"type\":\"stopVm\",\"targetResourceUuid\":\"$VM\""},
	{"UpdateSchedulerJob", "SCHEDJOB", ""},
	{"CreateSchedulerTrigger", NULL,
	 "\"schedulerType\":\"simple\",\"startTime\":2000000000,\"schedulerInterval\":100000"},
	{"UpdateSchedulerTrigger", "TRIGGER", ""},
	{"CreateAccount", NULL, "\"password\":\"p\""},
	{"UpdateAccount", "ACCOUNT", ""},
	{"UpdateQuota", "ACCOUNT", "\"value\":7"},
	{"UpdateGlobalConfig", "CONFIG", ""},
	{"CreateSystemTag", NULL, "\"resourceType\":\"VmInstanceVO\",\"resourceUuid\":\"$VM\""},
	{"UpdateSystemTag", "TAG", ""},
	{"CreateUserTag", NULL, "\"resourceType\":\"VmInstanceVO\",\"resourceUuid\":\"$VM\""},
	{"UpdateUserTag", "USERTAG", ""},
	{"DeleteTag", "NONE", ""},
	{"SubmitLongJob", NULL,
	 "\"jobName\":\"APIUpdateZoneMsg\",\"jobData\":\"{\\\"uuid\\\":\\\"$ZONE\\\"}\""},
	{"RerunLongJob", NULL, "\"uuid\":\"$NONE\""},
	{"UpdateLongJob", NULL, "\"uuid\":\"$NONE\""},
	{"RequestConsoleAccess", NULL, "\"vmInstanceUuid\":\"$VM\""},
};

/* System tags whose values reach a host or a guest; tried as they stand on a VM. */
static const char *const tags[] = {
	"hostname::",
	"consolePassword::",
	"userdata::",
	"sshkey::",
	"rootPassword::",
	"bootOrder::",
	"bootMode::",
	"vmCpuPinning::",
	"vmConsoleMode::",
	"usbRedirect::",
	"vmSystemSerialNumber::",
	"pciDevice::",
	"VDIMonitorNumber::",
	"staticIp::",
	"customMac::",
	"iso::",
	"ha::",
	"driver::",
	"affinityGroupUuid::",
	"x::",
};

/* -------------------------------------------------------------------- the pool */

static struct {
	const char *name;
	char uuid[UUID_SIZE];
} objects[32];
static size_t object_count;

static void name_object(const char *name, const char *uuid)
{
	assert_true(object_count < ARRAY_SIZE(objects));
	objects[object_count].name = name;
	snprintf(objects[object_count++].uuid, UUID_SIZE, "%s", uuid);
}

static const char *uuid_of(const char *name, size_t len)
{
	for (size_t i = 0; i < object_count; i++)
		if (strlen(objects[i].name) == len && strncmp(objects[i].name, name, len) == 0)
			return objects[i].uuid;
	fail_msg("no object '%s'", name);
	return NULL;
}

/* @text with the uuids of the objects that it names, and the test's folder; to be freed. */
static char *fill_in(const struct pool_fixture *f, const char *text)
{
	char *filled = NULL;
	size_t size, len;
	FILE *out = open_memstream(&filled, &size);

	assert_non_null(out);
	for (; *text; text += len) {
		if (*text != '$') {
			len = strcspn(text, "$");
			(void)fwrite(text, 1, len, out);
			continue;
		}
		len = 1 + strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ23");
		(void)fputs(strncmp(text, "$DIR", len) == 0 ? f->dir : uuid_of(text + 1, len - 1), out);
	}
	assert_int_equal(fclose(out), 0);
	return filled;
}

static void name_first(struct pool_fixture *f, const char *name, enum kind_id kind)
{
	_cleanup_view_ struct view *view = view_now(f);
	const struct object *o = view_next(view, kind, 0);

	if (!o)
		fail_msg("there is no %s", name);
	name_object(name, object_uuid(o));
}

static void make_one(struct pool_fixture *f, const char *name, const char *operation, const char *target,
		     json_t *params)
{
	char uuid[UUID_SIZE];

	must(f, operation, target, params, uuid);
	name_object(name, uuid);
}

#define UUID_OF(name) uuid_of(name, strlen(name))

static int setup(void **state)
{
	struct pool_fixture *f;
	char image[UUID_SIZE], vm[UUID_SIZE];
	int r = pool_fixture_setup(state);

	if (r < 0)
		return r;
	f = *state;
	object_count = 0;
	name_object("NONE", "000000000000000000000000000000ff");
	name_first(f, "ZONE", KIND_ZONE);
	name_first(f, "CLUSTER", KIND_CLUSTER);
	name_first(f, "HOST", KIND_HOST);
	name_first(f, "PS", KIND_PRIMARY_STORAGE);
	name_first(f, "BS", KIND_BACKUP_STORAGE);
	name_first(f, "L2", KIND_L2_NETWORK);
	name_first(f, "L3", KIND_L3_NETWORK);
	name_first(f, "RANGE", KIND_IP_RANGE);
	name_first(f, "OFFERING", KIND_INSTANCE_OFFERING);
	make_one(f, "DISK", "CreateDiskOffering", NULL,
		 json_pack("{s:s, s:i}", "name", "d", "diskSize", MIB));
	add_image(f, "image", "raw", NULL, image);
	name_object("IMAGE", image);
	create_vm(f, "vm", image, NULL, vm);
	name_object("VM", vm);
	must(f, "StopVmInstance", vm, json_pack("{s:s}", "type", "cold"), NULL);
	name_first(f, "NIC", KIND_NIC);
	make_one(f, "VOLUME", "CreateDataVolume", NULL,
		 json_pack("{s:s, s:s}", "name", "volume", "diskOfferingUuid", UUID_OF("DISK")));
	make_one(f, "GROUP", "CreateAffinityGroup", NULL,
		 json_pack("{s:s, s:s}", "name", "group", "policy", "antiSoft"));
	make_one(f, "ACCOUNT", "CreateAccount", NULL, json_pack("{s:s, s:s}", "name", "a", "password", "p"));
	must(f, "CreateStartVmInstanceScheduler", UUID_OF("VM"),
	     json_pack("{s:s, s:s, s:i, s:i, s:I}", "schedulerName", "s", "type", "simple", "interval",
		       100000, "repeatCount", 1, "startTime", (json_int_t)2000000000),
	     NULL);
	name_first(f, "SCHEDULER", KIND_SCHEDULER);
	make_one(f, "SCHEDJOB", "CreateSchedulerJob", NULL,
		 json_pack("{s:s, s:s, s:s}", "name", "j", "type", "stopVm", "targetResourceUuid",
			   UUID_OF("VM")));
	make_one(f, "TRIGGER", "CreateSchedulerTrigger", NULL,
		 json_pack("{s:s, s:s, s:s}", "name", "t", "schedulerType", "cron", "cron", "0 0 3 * * ?"));
	for (int user = 0; user < 2; user++) {
		must(f, user ? "CreateUserTag" : "CreateSystemTag", NULL,
		     json_pack("{s:s, s:s, s:s}", "resourceType", "VolumeVO", "resourceUuid",
			       UUID_OF("VOLUME"), "tag", "tag::0"),
		     NULL);
		name_first(f, user ? "USERTAG" : "TAG", user ? KIND_USER_TAG : KIND_SYSTEM_TAG);
	}
	make_one(f, "PATTERN", "CreateTag", NULL, json_pack("{s:s, s:s}", "name", "t", "value", "v"));
	name_first(f, "CONFIG", KIND_GLOBAL_CONFIG);
	return 0;
}

/* ------------------------------------------------------------------- asking */

static size_t refused, kept;

static bool is_text(const struct param *p)
{
	return (p->type == PARAM_STRING || p->type == PARAM_LIST) && p->resource == KIND_NONE && !p->values &&
	       !(p->flags & (PARAM_ANY_KIND | PARAM_NEW_UUID)) && p->in == IN_BODY;
}

/* Sends the document; 0 with the request's target, or the error of the request or of its job. */
static int ask(struct pool_fixture *f, const struct operation *op, const char *target, const char *document,
	       size_t len, char ret_target[UUID_SIZE], struct error *e)
{
	const struct actor actor = {.source = "rest"};
	char job[UUID_SIZE] = "";
	struct request *req;
	int r = request_parse(op, op->kind, target, document, len, &actor, &req, e);

	if (r < 0)
		return r;
	snprintf(ret_target, UUID_SIZE, "%s", req->target);
	r = pool_submit_wait(f->pool, req, job, e);
	return r < 0 || !*job ? r : job_end(f, job, e);
}

static void sentence_is_one_line(const char *what, const struct error *e)
{
	const char *sentence = error_sentence(e);

	if (!*sentence || !text_is_utf8(sentence, strlen(sentence)) || text_find_control(sentence, false))
		fail_msg("%s: the sentence is '%s'", what, sentence);
}

/* The object's field of the parameter's name is what was given. */
static bool is_kept(struct pool_fixture *f, const struct operation *op, const struct param *p,
		    const char *target, const char *text)
{
	_cleanup_view_ struct view *view = view_now(f);
	const struct object *o = view_get(view, op->kind, target);
	const struct kind *kind = kind_get(op->kind);

	for (int i = 0; o && p->type == PARAM_STRING && i < kind->field_count; i++)
		if (strcmp(kind->fields[i].name, p->name) == 0 && kind->fields[i].type == FIELD_STRING) {
			kept++;
			return object_str_is(o, i, text);
		}
	return true;
}

/* The document with the odd text behind @before as the parameter @p, and the other parameters; to be freed. */
static char *document_of(const struct pool_fixture *f, const struct asked *a, const struct operation *op,
			 const struct param *p, const char *before, const struct odd *odd, size_t *ret_len)
{
	const struct param *name = operation_param(op, "name");
	_cleanup_free_ char *rest = fill_in(f, a->params), *all = NULL, *others = NULL;
	_cleanup_json_ json_t *json = NULL;
	bool list = p->type == PARAM_LIST;
	char *document = NULL;
	FILE *out = open_memstream(&document, ret_len);

	assert_non_null(out);
	assert_true(asprintf(&all, "{%s}", rest) > 0);
	json = json_loads(all, 0, NULL);
	assert_non_null(json);
	if (name && (name->flags & PARAM_REQUIRED))
		(void)json_object_set_new(json, "name", json_string("n"));
	(void)json_object_del(json, p->name);
	others = json_dumps(json, JSON_COMPACT);
	(void)fprintf(out, "{\"%s\":%s\"%s", p->name, list ? "[" : "", before);
	(void)fwrite(odd->json, 1, odd->json_len ? odd->json_len : strlen(odd->json), out);
	(void)fprintf(out, "\"%s%s%s", list ? "]" : "", json_object_size(json) ? "," : "", others + 1);
	assert_int_equal(fclose(out), 0);
	return document;
}

/* Asks with @before and the odd text as the parameter. */
static void try(struct pool_fixture *f, const struct asked *a, const struct operation *op,
		const struct param *p, const char *before, const struct odd *odd)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	size_t len;
	_cleanup_free_ char *document = document_of(f, a, op, p, before, odd, &len), *what = NULL,
			    *text = NULL;
	char target[UUID_SIZE] = "";
	bool lines = p->flags & PARAM_LINES;
	int r;

	/* the whole of a long text would be of no use */
	assert_true(asprintf(&what, "%s, %s '%s%.60s'", op->name, p->name, before, odd->json) > 0);
	r = ask(f, op, a->target ? UUID_OF(a->target) : NULL, document, len, target, &e);
	if (r < 0) {
		sentence_is_one_line(what, &e);
		refused++;
		return;
	}
	if (op->kind == KIND_SYSTEM_TAG)
		lines = strncmp(before, "sshkey", 6) == 0 || strncmp(before, "userdata", 8) == 0;
	if (odd->fate == CONTROL || (odd->fate == BREAK && !lines))
		fail_msg("%s was accepted", what);
	assert_true(asprintf(&text, "%s%s", before, odd->text) > 0);
	if (!is_kept(f, op, p, target, text))
		fail_msg("%s is not what is kept", what);
}

static void texts_are_refused_or_kept(void **state)
{
	struct pool_fixture *f = *state;

	refused = kept = 0;
	for (size_t k = 0; k < ARRAY_SIZE(asked); k++) {
		const struct operation *op = operation_by_name(asked[k].operation);

		if (!op)
			fail_msg("there is no operation '%s'", asked[k].operation);
		for (const struct param *p = op->params; p && p->name; p++) {
			bool is_url = strcmp(p->name, "url") == 0 && asked[k].prefix;
			_cleanup_free_ char *before = fill_in(f, is_url ? asked[k].prefix : "");

			for (size_t i = 0; is_text(p) && i < ARRAY_SIZE(odds); i++)
				try(f, &asked[k], op, p, before, &odds[i]);
		}
	}
	print_message("%zu refused, %zu read back\n", refused, kept);
	assert_true(refused > 1000);
	assert_true(kept > 500);
}

static void system_tags_are_refused_or_kept(void **state)
{
	const struct operation *op = operation_by_name("CreateSystemTag");
	struct pool_fixture *f = *state;

	refused = kept = 0;
	for (size_t k = 0; k < ARRAY_SIZE(tags); k++)
		for (size_t i = 0; i < ARRAY_SIZE(odds); i++)
			for (size_t a = 0; a < ARRAY_SIZE(asked); a++)
				if (strcmp(asked[a].operation, op->name) == 0)
					try(f, &asked[a], op, operation_param(op, "tag"), tags[k], &odds[i]);
	assert_true(refused > 100);
}

/* An operation that takes a text is in the table. */
static void no_text_is_forgotten(void **state)
{
	(void)state;
	for (const struct operation *const *op = operations(); *op; op++) {
		bool is_asked = ((*op)->flags & (OP_SPEC | OP_SYNC)) != 0;

		for (size_t k = 0; k < ARRAY_SIZE(asked); k++)
			is_asked = is_asked || strcmp(asked[k].operation, (*op)->name) == 0;
		for (const struct param *p = (*op)->params; p && p->name; p++)
			if (is_text(p) && !is_asked)
				fail_msg("%s with its text '%s' is not in the table", (*op)->name, p->name);
	}
}

/* Longer than what a name, a URL or a tag may be: refused; nothing is cut. */
static void a_megabyte_is_refused(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_free_ char *long_text = malloc(MIB + 1);
	const struct odd odd = {.json = long_text, .text = long_text};
	size_t before;

	memset(long_text, 'a', MIB);
	long_text[MIB] = '\0';
	refused = kept = 0;
	for (size_t k = 0; k < ARRAY_SIZE(asked); k++) {
		const struct operation *op = operation_by_name(asked[k].operation);

		for (const struct param *p = op->params; p && p->name; p++) {
			if (!is_text(p))
				continue;
			before = refused;
			try(f, &asked[k], op, p, "", &odd);
			if (refused == before)
				fail_msg("%s takes a megabyte as '%s'", op->name, p->name);
		}
	}
	assert_true(refused > 80);
}

static void count_down(void *arg, int result, const char *job, const json_t *answer, const struct error *e)
{
	(void)answer;
	assert_true(result < 0);
	assert_non_null(job);
	assert_true(error_is_set(e));
	atomic_fetch_sub((atomic_int *)arg, 1);
}

static bool none_is_left(const struct view *view, const void *arg)
{
	(void)view;
	return atomic_load((const atomic_int *)arg) == 0;
}

/* A request that cannot even be typed, and has a uuid of its job, becomes a failed job, whatever is missing. */
static void senseless_requests_are_recorded(void **state)
{
	static const char *const values[] = {NULL,	"7",	 "[]",	 "{}",	"\"x\"",
					     "[\"x\"]", "[[1]]", "true", "null"};
	struct pool_fixture *f = *state;
	const struct actor actor = {.source = "rest"};
	atomic_int left = 0;

	for (const struct operation *const *op = operations(); *op; op++)
		for (size_t i = 0; i < ARRAY_SIZE(values) && !(*op)->get && (*op)->form != FORM_QUERY; i++) {
			_cleanup_(error_done) struct error e = ERROR_INIT;
			json_t *params = json_object();
			_cleanup_json_ json_t *document = NULL;
			struct request *req = NULL;
			char job[UUID_SIZE];

			for (const struct param *p = (*op)->params; values[i] && p && p->name; p++)
				(void)json_object_set_new(params, p->name,
							  json_loads(values[i], JSON_DECODE_ANY, NULL));
			uuid_make(job);
			document = json_pack("{s:o, s:s}", "params", params, "jobUuid", job);
			if (request_from_document(*op, NULL, document, "", 0, &actor, &req, &e) == 0) {
				request_free(req);
				continue;
			}
			assert_non_null(req);
			atomic_fetch_add(&left, 1);
			pool_refuse(f->pool, req, &e, count_down, &left);
		}
	wait_until(f, none_is_left, &left);
}

/* The title of the VM's domain is its name. */
static void names_stand_in_the_domain(void **state)
{
	struct pool_fixture *f = *state;
	virConnectPtr conn = virConnectOpen("test:///default");

	assert_non_null(conn);
	for (size_t i = 0; i < ARRAY_SIZE(odds); i++) {
		_cleanup_xml_ xmlDocPtr doc = NULL;
		_cleanup_free_ char *title = NULL;
		virDomainPtr domain;
		char *xml;

		if (odds[i].fate != PLAIN)
			continue;
		must(f, "UpdateVmInstance", UUID_OF("VM"), json_pack("{s:s}", "name", odds[i].text), NULL);
		must(f, "StartVmInstance", UUID_OF("VM"), json_object(), NULL);
		domain = virDomainLookupByName(conn, UUID_OF("VM"));
		assert_non_null(domain);
		xml = virDomainGetXMLDesc(domain, 0);
		doc = xml_parse(xml);
		assert_non_null(doc);
		title = xml_get(doc, NULL, "/domain/title");
		assert_string_equal(title, odds[i].text);
		assert_true(xml_has(doc, "/domain[count(devices) = 1 and count(title) = 1]"));
		free(xml);
		(void)virDomainFree(domain);
		must(f, "StopVmInstance", UUID_OF("VM"), json_pack("{s:s}", "type", "cold"), NULL);
	}
	(void)virConnectClose(conn);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, pool_fixture_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_text_is_forgotten), TEST(texts_are_refused_or_kept),
		TEST(system_tags_are_refused_or_kept),	TEST(a_megabyte_is_refused),
		TEST(senseless_requests_are_recorded),	TEST(names_stand_in_the_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
