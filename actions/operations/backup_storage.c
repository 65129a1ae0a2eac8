/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup storage, which holds images (behaviour.md 5.2).
 *
 * Both types are a folder on the machine of the daemon, which reads and writes
 * it directly; to use a folder of another machine, mount it here. The manual's
 * parameters hostname, username and password are accepted for compatibility
 * with its clients: a hostname of another machine is refused, the password is
 * not stored.
 */
#include <ifaddrs.h>
#include <netdb.h>
#include <string.h>
#include <sys/stat.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/topology.h"
#include "actions/image/image.h"
#include "actions/operations/table.h"
#include "actions/storage/backup_storage.h"
#include "actions/storage/url.h"
#include "hypervisor/storage/pool.h"
#include "model/durable.h"
#include "model/json.h"
#include "model/states.h"

/* ------------------------------------------------------------------- adding */

/* True when @hostname is an address of one of this machine's interfaces. Does not ask a name service. */
static bool is_own_address(const char *hostname)
{
	char text[NI_MAXHOST];
	struct ifaddrs *list;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return false;
	for (const struct ifaddrs *i = list; i && !found; i = i->ifa_next) {
		socklen_t len;

		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		len = i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
							: sizeof(struct sockaddr_in6);
		if (getnameinfo(i->ifa_addr, len, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		text[strcspn(text, "%")] = '\0'; /* the interface of a link-local address */
		found = strcasecmp(text, hostname) == 0;
	}
	freeifaddrs(list);
	return found;
}

static bool is_this_machine(const char *hostname)
{
	char own[256] = "";

	(void)gethostname(own, sizeof(own) - 1);
	return strcasecmp(hostname, "localhost") == 0 || strcasecmp(hostname, own) == 0 ||
	       is_own_address(hostname);
}

static int backup_storage_add_check(const struct view *view, const struct request *req, struct error *e)
{
	_cleanup_free_ char *url = storage_plain_url(request_str(req, "url"));
	const char *hostname = request_str(req, "hostname");
	int r;

	if (!url)
		return error_oom(e);
	r = object_check_uuid(view, req, e);
	if (r < 0)
		return r;
	r = storage_check_folder(url, e);
	if (r < 0)
		return r;
	if (hostname && *hostname && !is_this_machine(hostname))
		return error_set(
			e, EOPNOTSUPP,
			"backup storage on another machine ('%s') is not supported: mount its folder here and leave hostname out",
			hostname);
	if (request_bool(req, "importImages", false))
		return error_set(e, EOPNOTSUPP,
				 "importImages is not supported: add the images one by one by their path");
	view_for_each (bs, view, KIND_BACKUP_STORAGE)
		if (object_str_is(bs, BACKUP_STORAGE_URL, url))
			return error_set_code(e, EEXIST, "SYS.1007",
					      "there has been a backup storage[uuid:%s] having url[%s]",
					      object_uuid(bs), url);
	return 0;
}

struct insert {
	const struct request *req;
	const char *url; /* borrowed */
	struct hv_capacity capacity;
};

static int insert(struct txn *t, void *arg, struct error *e)
{
	const struct insert *i = arg;
	_cleanup_json_ json_t *result = NULL;
	struct object *bs;
	int r = object_from_request(txn_view(t), KIND_BACKUP_STORAGE, i->req, &bs, e);

	if (r < 0)
		return r;
	object_set_str(bs, BACKUP_STORAGE_URL, i->url);
	object_set_str(bs, BACKUP_STORAGE_TYPE, i->req->op->data);
	object_set_str(bs, BACKUP_STORAGE_STATE, STATE_ENABLED);
	object_set_str(bs, BACKUP_STORAGE_STATUS, STATUS_CONNECTED);
	object_set_int(bs, BACKUP_STORAGE_TOTAL, i->capacity.total);
	object_set_int(bs, BACKUP_STORAGE_AVAILABLE, i->capacity.available);
	return object_create(t, bs, i->req, &result, e);
}

static int backup_storage_add_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_free_ char *url = storage_plain_url(request_str(job->req, "url"));
	struct insert i = {.req = job->req, .url = url};
	int r = url ? durable_folder_make(url, 0700, e) : error_oom(e);

	if (r == 0)
		r = backup_storage_capacity(url, &i.capacity, e);
	if (r < 0)
		return error_wrap(e, "BS.1500");
	r = store_run(pool_store(job->pool), insert, &i, e);
	return r < 0 ? r : job_result_inventory(job, KIND_BACKUP_STORAGE, job->req->target, ret_result, e);
}

/* The row is written in one change, so it exists or not. An empty folder that remains does no harm. */
static int backup_storage_add_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	if (view_get(view, KIND_BACKUP_STORAGE, job->req->target))
		return result_inventory(view, KIND_BACKUP_STORAGE, job->req->target, ret_result, e);
	return error_undone(e, "the daemon ended before the backup storage was added");
}

/* Serves as its own recover function: measuring twice does no harm. */
static int backup_storage_reconnect_run(struct job *job, json_t **ret_result, struct error *e)
{
	int r = backup_storage_measure(job->pool, job->req->target, e);

	kill_point("backup-storage-measured");
	return r < 0 ? r : job_result_inventory(job, KIND_BACKUP_STORAGE, job->req->target, ret_result, e);
}

/* ----------------------------------------------------------------- deletion */

static int backup_storage_delete_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *ref, *image;

	if (request_is_enforcing(req))
		return 0;
	ref = view_next_where(view, KIND_IMAGE_REF, IMAGE_REF_BACKUP_STORAGE_UUID, req->target, 0);
	image = ref ? view_get(view, KIND_IMAGE, object_str(ref, IMAGE_REF_IMAGE_UUID)) : NULL;
	if (!image)
		return 0;
	return error_set(
		e, ENOTEMPTY,
		"backup storage '%s' still holds image '%s', expunge it first or use deleteMode=Enforcing",
		object_name(request_object(view, req)), object_name(image));
}

/* Removes all copies of images on the storage, and the images that have no other copy. */
static int remove_images(struct job *job, const char *bs, struct error *e)
{
	_cleanup_json_ json_t *list = json_pack("[s]", bs);

	if (!list)
		return error_oom(e);
	for (;;) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *ref =
			view_next_where(view, KIND_IMAGE_REF, IMAGE_REF_BACKUP_STORAGE_UUID, bs, 0);

		int r;

		if (!ref)
			return 0;
		if (job_should_stop(job))
			return job_stop_reason(job, e);
		r = image_remove_copies(job->pool, object_text(ref, IMAGE_REF_IMAGE_UUID), list, true, e);
		if (r < 0)
			return r;
		kill_point("backup-storage-image-gone");
	}
}

static int remove_rows(struct txn *t, void *arg, struct error *e)
{
	struct object_key *key = arg;
	int r = object_remove_where(t, KIND_ZONE_BACKUP_STORAGE, ZONE_BS_BACKUP_STORAGE_UUID, key->uuid, e);

	return r < 0 ? r : object_remove_key(t, key, e);
}

static int backup_storage_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct object_key key = {KIND_BACKUP_STORAGE, job->req->target};
	int r = request_is_enforcing(job->req) ? remove_images(job, key.uuid, e) : 0;

	(void)ret_result;
	if (r < 0)
		return r;
	kill_point("backup-storage-empty");
	r = store_run(pool_store(job->pool), remove_rows, &key, e);
	kill_point("backup-storage-gone");
	return r;
}

/* Continues the deletion, unless an image that the request does not allow to delete has been added since. */
static int backup_storage_delete_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	int r = request_object(view, job->req) ? backup_storage_delete_check(view, job->req, e) : 0;

	return r < 0 ? r : backup_storage_delete_run(job, ret_result, e);
}

/* ---------------------------------------------------------- attach and detach */

static int backup_storage_attach_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *zone = request_str(req, "zoneUuid");

	if (!zone_has_backup_storage(view, zone, req->target))
		return 0;
	return error_set_code(e, EEXIST, "SYS.1006",
			      "backup storage[uuid:%s] has been attached to zone[uuid:%s]", req->target,
			      zone);
}

static int backup_storage_attach_apply(struct txn *t, const struct request *req, json_t **ret_result,
				       struct error *e)
{
	(void)ret_result;
	return link_put(t, KIND_ZONE_BACKUP_STORAGE, ZONE_BS_BACKUP_STORAGE_UUID, req->target,
			ZONE_BS_ZONE_UUID, request_str(req, "zoneUuid"), e);
}

static int backup_storage_detach_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *zone = request_str(req, "zoneUuid");

	if (zone_has_backup_storage(view, zone, req->target))
		return 0;
	return error_set_code(e, EBUSY, "SYS.1006",
			      "backup storage[uuid:%s] has not been attached to zone[uuid:%s]", req->target,
			      zone);
}

static int backup_storage_detach_apply(struct txn *t, const struct request *req, json_t **ret_result,
				       struct error *e)
{
	const struct object *link =
		link_find(txn_view(t), KIND_ZONE_BACKUP_STORAGE, ZONE_BS_BACKUP_STORAGE_UUID, req->target,
			  ZONE_BS_ZONE_UUID, request_str(req, "zoneUuid"));

	(void)ret_result;
	return link ? txn_remove(t, link, e) : 0;
}

static const struct operation add_sftp_backup_storage = {
	.section = "5.2",
	.name = "AddSftpBackupStorage",
	.message = "org.zstack.storage.backup.APIAddSftpBackupStorageMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/backup-storage/sftp", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_NAME,
			P_DESCRIPTION,
			{.name = "url",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .max_length = 2048},
			{.name = "hostname", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			{.name = "username", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			{.name = "password",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_SECRET,
			 .max_length = 255},
			{.name = "sshPort",
			 .type = PARAM_INT,
			 .in = IN_BODY,
			 .min = 1,
			 .max = 65535,
			 .default_value = "22"},
			{.name = "importImages", .type = PARAM_BOOL, .in = IN_BODY},
			P_RESOURCE_UUID,
			{0}},
	.results = (const char *const[]){"inventory:BackupStorageInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_BACKUP_STORAGE,
	.where = "backup-storage/sftp",
	.flags = OP_ADMIN,
	.error_code = "SYS.1002",
	.help = "adds a folder of the daemon's machine as backup storage",
	.data = "SftpBackupStorage",
	.check = backup_storage_add_check,
	.run = backup_storage_add_run,
	.recover = backup_storage_add_recover,
};

static const struct operation add_image_store_backup_storage = {
	.section = "5.2",
	.name = "AddImageStoreBackupStorage",
	.message = "org.zstack.storage.backup.APIAddImageStoreBackupStorageMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/backup-storage/image-store", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_NAME,
			P_DESCRIPTION,
			{.name = "url",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .max_length = 2048},
			{.name = "hostname", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			{.name = "username", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			{.name = "password",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_SECRET,
			 .max_length = 255},
			{.name = "sshPort",
			 .type = PARAM_INT,
			 .in = IN_BODY,
			 .min = 1,
			 .max = 65535,
			 .default_value = "22"},
			{.name = "importImages", .type = PARAM_BOOL, .in = IN_BODY},
			P_RESOURCE_UUID,
			{0}},
	.results = (const char *const[]){"inventory:BackupStorageInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_BACKUP_STORAGE,
	.where = "backup-storage/image-store",
	.flags = OP_ADMIN,
	.error_code = "SYS.1002",
	.help = "adds a folder of the daemon's machine as backup storage",
	.data = "ImageStoreBackupStorage",
	.check = backup_storage_add_check,
	.run = backup_storage_add_run,
	.recover = backup_storage_add_recover,
};

static const struct operation delete_backup_storage = {
	.section = "5.2",
	.name = "DeleteBackupStorage",
	.message = "org.zstack.header.storage.backup.APIDeleteBackupStorageMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/backup-storage/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_BACKUP_STORAGE), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_BACKUP_STORAGE,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS | OP_ADMIN,
	.error_code = "SYS.1004",
	.help = "deletes the backup storage, with deleteMode=Enforcing also the images on it",
	.check = backup_storage_delete_check,
	.run = backup_storage_delete_run,
	.recover = backup_storage_delete_recover,
};

static const struct operation query_backup_storage = {
	.section = "5.2",
	.name = "QueryBackupStorage",
	.message = "org.zstack.header.storage.backup.APIQueryBackupStorageMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/backup-storage", "/backup-storage/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_BACKUP_STORAGE,
	.flags = OP_SYNC,
	.help = "lists backup storages",
};

static const struct operation update_backup_storage = {
	.section = "5.2",
	.name = "UpdateBackupStorage",
	.message = "org.zstack.header.storage.backup.APIUpdateBackupStorageMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/backup-storage/{uuid}/actions", NULL},
	.key = "updateBackupStorage",
	.params = (const struct param[]){P_UUID(KIND_BACKUP_STORAGE), P_NEW_NAME, P_DESCRIPTION, {0}},
	.results = (const char *const[]){"inventory:BackupStorageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_BACKUP_STORAGE,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES | OP_ADMIN,
	.help = "changes the backup storage's name or description",
	.apply = object_update_apply,
};

static const struct operation change_backup_storage_state = {
	.section = "5.2",
	.name = "ChangeBackupStorageState",
	.message = "org.zstack.header.storage.backup.APIChangeBackupStorageStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/backup-storage/{uuid}/actions", NULL},
	.key = "changeBackupStorageState",
	.params = (const struct param[]){P_UUID(KIND_BACKUP_STORAGE), P_STATE_EVENT, {0}},
	.results = (const char *const[]){"inventory:BackupStorageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_BACKUP_STORAGE,
	.target = "uuid",
	.verb = "change-state",
	.flags = OP_ADMIN,
	.help = "enables or disables the backup storage",
	.apply = object_change_state_apply,
};

static const struct operation reconnect_backup_storage = {
	.section = "5.2",
	.name = "ReconnectBackupStorage",
	.message = "org.zstack.header.storage.backup.APIReconnectBackupStorageMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/backup-storage/{uuid}/actions", NULL},
	.key = "reconnectBackupStorage",
	.params = (const struct param[]){P_UUID(KIND_BACKUP_STORAGE), {0}},
	.results = (const char *const[]){"inventory:BackupStorageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_BACKUP_STORAGE,
	.target = "uuid",
	.verb = "reconnect",
	.flags = OP_ADMIN,
	.help = "updates the capacity and status of the backup storage",
	.run = backup_storage_reconnect_run,
	.recover = backup_storage_reconnect_run,
};

static const struct operation attach_backup_storage_to_zone = {
	.section = "5.2",
	.name = "AttachBackupStorageToZone",
	.message = "org.zstack.header.storage.backup.APIAttachBackupStorageToZoneMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/zones/{zoneUuid}/backup-storage/{backupStorageUuid}", NULL},
	.key = "params",
	.params = (const struct param[]){P_PATH("zoneUuid", KIND_ZONE),
					 P_PATH("backupStorageUuid", KIND_BACKUP_STORAGE),
					 {0}},
	.results = (const char *const[]){"inventory:BackupStorageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_BACKUP_STORAGE,
	.target = "backupStorageUuid",
	.verb = "attach-to-zone",
	.flags = OP_ADMIN,
	.error_code = "BS.1001",
	.help = "attaches the backup storage to a zone, so that its VMs can use the images",
	.check = backup_storage_attach_check,
	.apply = backup_storage_attach_apply,
};

static const struct operation detach_backup_storage_from_zone = {
	.section = "5.2",
	.name = "DetachBackupStorageFromZone",
	.message = "org.zstack.header.storage.backup.APIDetachBackupStorageFromZoneMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/zones/{zoneUuid}/backup-storage/{backupStorageUuid}", NULL},
	.params = (const struct param[]){P_PATH("zoneUuid", KIND_ZONE),
					 P_PATH("backupStorageUuid", KIND_BACKUP_STORAGE),
					 {0}},
	.results = (const char *const[]){"inventory:BackupStorageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_BACKUP_STORAGE,
	.target = "backupStorageUuid",
	.verb = "detach-from-zone",
	.flags = OP_DESTROYS | OP_ADMIN,
	.error_code = "BS.1002",
	.help = "detaches the backup storage from a zone",
	.check = backup_storage_detach_check,
	.apply = backup_storage_detach_apply,
};

static const struct operation query_image_store_backup_storage = {
	.section = "5.2",
	.name = "QueryImageStoreBackupStorage",
	.message = "org.zstack.storage.backup.imagestore.APIQueryImageStoreBackupStorageMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/backup-storage/image-store", "/backup-storage/image-store/{uuid}",
				       NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_BACKUP_STORAGE,
	.flags = OP_SYNC,
	.data = "type=ImageStoreBackupStorage",
	.help = "lists the backup storage of the type ImageStoreBackupStorage",
};

static const struct operation query_sftp_backup_storage = {
	.section = "5.2",
	.name = "QuerySftpBackupStorage",
	.message = "org.zstack.storage.backup.sftp.APIQuerySftpBackupStorageMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/backup-storage/sftp", "/backup-storage/sftp/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_BACKUP_STORAGE,
	.flags = OP_SYNC,
	.data = "type=SftpBackupStorage",
	.help = "lists the backup storage of the type SftpBackupStorage",
};

const struct operation *const operations_backup_storage[] = {
	&add_sftp_backup_storage,	  &add_image_store_backup_storage,
	&delete_backup_storage,		  &query_backup_storage,
	&update_backup_storage,		  &change_backup_storage_state,
	&reconnect_backup_storage,	  &attach_backup_storage_to_zone,
	&detach_backup_storage_from_zone, &query_image_store_backup_storage,
	&query_sftp_backup_storage,	  NULL,
};
