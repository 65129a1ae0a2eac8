/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup storage: where images lie (behaviour.md 5.2).
 *
 * Both types are a folder on the machine of the daemon, which reads and writes
 * it directly; a folder on another machine is used by mounting it here. The
 * manual's parameters hostname, username and password are taken for the sake of
 * its clients: a hostname that is not this machine is refused, the password is
 * not kept.
 */
#include <ifaddrs.h>
#include <netdb.h>
#include <string.h>
#include <sys/stat.h>

#include "actions/handlers.h"
#include "actions/image.h"
#include "actions/object_ops.h"
#include "actions/storage.h"
#include "actions/topology.h"

/* ------------------------------------------------------------------- adding */

/* Is @hostname an address of one of this machine's interfaces? Asks the kernel, no name service. */
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

int backup_storage_add_check(const struct view *view, const struct request *req, struct error *e)
{
	_cleanup_free_ char *url = storage_plain_url(request_str(req, "url"));
	const char *hostname = request_str(req, "hostname");
	int r = url ? object_check_uuid(view, req, e) : error_set(e, ENOMEM, "out of memory");

	if (r == 0)
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

/* Makes a folder and those above it that are not there; only the daemon may look into the new ones. */
static int make_folder(const char *url, struct error *e)
{
	_cleanup_free_ char *path = strdup(url);

	if (!path)
		return error_set(e, ENOMEM, "out of memory");
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return error_set(e, errno, "cannot make the folder '%s': %s", path, strerror(errno));
		if (c == '\0')
			return 0;
		*p = c;
	}
}

struct insert {
	const struct request *req;
	char *url; /* owned by backup_storage_add_run() */
	struct hv_capacity capacity;
};

static int insert(struct txn *t, void *arg, struct error *e)
{
	const struct insert *i = arg;
	bool sftp = strcmp(i->req->op->name, "AddSftpBackupStorage") == 0;
	struct object *bs;
	json_t *result = NULL;
	int r = object_from_request(txn_view(t), KIND_BACKUP_STORAGE, i->req, &bs, e);

	if (r < 0)
		return r;
	object_set_str(bs, BACKUP_STORAGE_URL, i->url);
	object_set_str(bs, BACKUP_STORAGE_TYPE, sftp ? "SftpBackupStorage" : "ImageStoreBackupStorage");
	object_set_str(bs, BACKUP_STORAGE_STATE, "Enabled");
	object_set_str(bs, BACKUP_STORAGE_STATUS, "Connected");
	object_set_int(bs, BACKUP_STORAGE_TOTAL, i->capacity.total);
	object_set_int(bs, BACKUP_STORAGE_AVAILABLE, i->capacity.available);
	r = object_create(t, bs, i->req, &result, e);
	json_decref(result);
	return r;
}

int backup_storage_add_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_free_ char *url = storage_plain_url(request_str(job->req, "url"));
	struct insert i = {.req = job->req, .url = url};
	int r = url ? make_folder(url, e) : error_set(e, ENOMEM, "out of memory");

	if (r == 0)
		r = backup_storage_capacity(url, &i.capacity, e);
	if (r < 0)
		return error_wrap(e, "BS.1500");
	r = store_run(pool_store(job->pool), insert, &i, e);
	return r < 0 ? r : job_result_inventory(job, KIND_BACKUP_STORAGE, job->req->target, ret_result, e);
}

/* An empty folder that nobody uses is no harm; the row is there or it is not. */
int backup_storage_add_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	if (view_get(view, KIND_BACKUP_STORAGE, job->req->target))
		return result_inventory(view, KIND_BACKUP_STORAGE, job->req->target, ret_result, e);
	return error_set_code(e, EINTR, "SYS.1000", "the daemon ended before the backup storage was added");
}

int backup_storage_reconnect_run(struct job *job, json_t **ret_result, struct error *e)
{
	int r = backup_storage_measure(job->pool, job->req->target, e);

	return r < 0 ? r : job_result_inventory(job, KIND_BACKUP_STORAGE, job->req->target, ret_result, e);
}

/* ----------------------------------------------------------------- deletion */

int backup_storage_delete_check(const struct view *view, const struct request *req, struct error *e)
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

/* Removes all copies of images there, with the images that have no other copy. */
static int remove_images(struct job *job, const char *bs, struct error *e)
{
	json_t *list = json_pack("[s]", bs);
	int r = list ? 0 : error_set(e, ENOMEM, "out of memory");

	while (r == 0) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *ref =
			view_next_where(view, KIND_IMAGE_REF, IMAGE_REF_BACKUP_STORAGE_UUID, bs, 0);

		if (!ref)
			break;
		r = job_should_stop(job)
			    ? job_stop_reason(job, e)
			    : image_remove_copies(job->pool, object_text(ref, IMAGE_REF_IMAGE_UUID), list,
						  true, e);
	}
	json_decref(list);
	return r;
}

static int remove_rows(struct txn *t, void *arg, struct error *e)
{
	struct object_key *key = arg;
	int r = object_remove_where(t, KIND_ZONE_BACKUP_STORAGE, ZONE_BS_BACKUP_STORAGE_UUID, key->uuid, e);

	return r < 0 ? r : object_remove_key(t, key, e);
}

int backup_storage_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct object_key key = {KIND_BACKUP_STORAGE, job->req->target};
	int r = request_is_enforcing(job->req) ? remove_images(job, key.uuid, e) : 0;

	(void)ret_result;
	return r < 0 ? r : store_run(pool_store(job->pool), remove_rows, &key, e);
}

/* ---------------------------------------------------------- attach and detach */

int backup_storage_attach_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *zone = request_str(req, "zoneUuid");

	if (!zone_has_backup_storage(view, zone, req->target))
		return 0;
	return error_set_code(e, EEXIST, "SYS.1006",
			      "backup storage[uuid:%s] has been attached to zone[uuid:%s]", req->target,
			      zone);
}

int backup_storage_attach_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	int r = link_put(t, KIND_ZONE_BACKUP_STORAGE, ZONE_BS_BACKUP_STORAGE_UUID, req->target,
			 ZONE_BS_ZONE_UUID, request_str(req, "zoneUuid"), e);

	return r < 0 ? r : result_inventory(txn_view(t), KIND_BACKUP_STORAGE, req->target, ret_result, e);
}

int backup_storage_detach_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *zone = request_str(req, "zoneUuid");

	if (zone_has_backup_storage(view, zone, req->target))
		return 0;
	return error_set_code(e, EBUSY, "SYS.1006",
			      "backup storage[uuid:%s] has not been attached to zone[uuid:%s]", req->target,
			      zone);
}

int backup_storage_detach_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	const struct object *link =
		link_find(txn_view(t), KIND_ZONE_BACKUP_STORAGE, ZONE_BS_BACKUP_STORAGE_UUID, req->target,
			  ZONE_BS_ZONE_UUID, request_str(req, "zoneUuid"));
	int r = link ? txn_remove(t, link, e) : 0;

	return r < 0 ? r : result_inventory(txn_view(t), KIND_BACKUP_STORAGE, req->target, ret_result, e);
}
