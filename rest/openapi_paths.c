/* SPDX-License-Identifier: Apache-2.0 */
/* See openapi_paths.h. What is described here is in export.c, image_upload.c and message.c. */
#include "rest/openapi_paths.h"

#include "model/cleanup.h"
#include "rest/openapi_responses.h"
#include "rest/openapi_types.h"

static json_t *variable(const char *name, const char *pattern)
{
	json_t *schema = json_pack("{s:s}", "type", "string");

	if (pattern)
		openapi_set(schema, "pattern", json_string(pattern));
	return json_pack("{s:s, s:s, s:b, s:o}", "name", name, "in", "path", "required", true, "schema",
			 schema);
}

/* An operation of the server that needs no session in a header. Takes over the rest. */
static json_t *new_operation(const char *id, const char *summary, const char *tag, json_t *parameters,
			     json_t *responses)
{
	openapi_add_refusals(responses);
	return json_pack("{s:s, s:s, s:[s], s:o, s:[], s:o}", "operationId", id, "summary", summary, "tags",
			 tag, "parameters", parameters, "security", "responses", responses);
}

/* ---------------------------------------------------------------- downloads */

static json_t *sentence(const char *description, const char *const *fields)
{
	return openapi_response(description, fields, "text/plain", json_pack("{s:s}", "type", "string"));
}

static json_t *range_field(const char *name)
{
	return json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", name, "in", "header", "required", false,
			 "schema", "type", "string");
}

static json_t *download(void)
{
	static const char *const whole[] = {"Accept-Ranges", "ETag", "X-Content-Type-Options", NULL};
	static const char *const part[] = {"Accept-Ranges", "ETag", "X-Content-Type-Options", "Content-Range",
					   NULL};
	static const char *const none[] = {"Content-Range", NULL}, *const later[] = {"Retry-After", NULL};
	json_t *responses = json_object();

	openapi_set(responses, "200",
		    openapi_response("the file", whole, "application/octet-stream", json_object()));
	openapi_set(responses, "206",
		    openapi_response("a part of the file", part, "application/octet-stream", json_object()));
	openapi_set(responses, "416", sentence("there are no bytes in the range", none));
	openapi_set(responses, "503",
		    sentence("the pool is not mounted, or the image cannot be read", later));
	return new_operation("DownloadExportedImage",
			     "the file of an image that is exported, or one range of its bytes", "exports",
			     json_pack("[o, o, o, o]", variable("secret", "^[0-9a-f]{32}$"),
				       variable("file", NULL), range_field("Range"), range_field("If-Range")),
			     responses);
}

/* ------------------------------------------------------------------ uploads */

static json_t *upload_field(const char *name, const char *type, const char *description)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:{s:s}}", "name", name, "in", "header", "required", false,
			 "description", description, "schema", "type", type);
}

static json_t *upload(const char *id)
{
	static const char *const later[] = {"Retry-After", NULL};
	json_t *responses = json_object(), *operation;

	openapi_set(
		responses, "200",
		openapi_response("the image is there", NULL, "application/json",
				 json_pack("{s:s, s:[s, s], s:{s:{s:s}, s:{s:s, s:s}}}", "type", "object",
					   "required", "imageUuid", "size", "properties", "imageUuid", "type",
					   "string", "size", "type", "integer", "format", "int64")));
	openapi_set(responses, "503",
		    sentence("the image cannot be received, or is being uploaded already", later));
	operation = new_operation(
		id,
		"sends the file of an image that AddImage waits for; without all of it, the image is removed",
		"uploads",
		json_pack("[o, o, o, o]", variable("secret", "^[0-9a-f]{32}$"), variable("file", NULL),
			  upload_field("X-IMAGE-UUID", "string", "the image, which the path names already"),
			  upload_field("X-IMAGE-SIZE", "integer",
				       "bytes of the file; needed for a form and a body in chunks")),
		responses);
	openapi_set(operation, "requestBody",
		    json_pack("{s:b, s:{s:{s:{s:s, s:{s:{s:s, s:s}}}}, s:{s:{}}}}", "required", true,
			      "content", "multipart/form-data", "schema", "type", "object", "properties",
			      "file", "type", "string", "contentMediaType", "application/octet-stream",
			      "application/octet-stream", "schema"));
	return operation;
}

/* ----------------------------------------------------------------- messages */

/* The state of a call, and its result as a text when it has ended. */
static json_t *state_of_call(void)
{
	static const char *const members[][2] = {
		{"uuid", "of the job; without it there is none"},
		{"createdDate", "when the call arrived"},
		{"finishedDate", "when it ended"},
		{"result", "JSON: an object whose only member is the class of the event or reply"}};
	json_t *properties =
		json_pack("{s:{s:s, s:[s, s]}}", "state", "type", "string", "enum", "Processing", "Done");

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		openapi_set(properties, members[i][0],
			    json_pack("{s:s, s:s}", "type", "string", "description", members[i][1]));
	return json_pack("{s:s, s:[s, s], s:o}", "type", "object", "required", "state", "createdDate",
			 "properties", properties);
}

/* Messages are outside /v1. */
static json_t *message_operation(const char *id, const char *summary, json_t *parameters)
{
	static const char *const later[] = {"Retry-After", NULL};
	json_t *responses = json_object(), *operation;

	openapi_set(responses, "200",
		    openapi_response("the state of the call, also when it has failed", NULL,
				     "application/json", state_of_call()));
	openapi_set(responses, "503", sentence("the pool is not mounted", later));
	operation = new_operation(id, summary, "messages", parameters, responses);
	openapi_set(operation, "servers", json_pack("[{s:s}]", "url", "/zstack"));
	return operation;
}

static json_t *send_message(const char *id)
{
	json_t *operation =
		message_operation(id, "a call in the form of the command-line client", json_array());

	openapi_set(
		operation, "requestBody",
		json_pack(
			"{s:b, s:{s:{s:{s:s, s:s, s:i, s:i, s:{s:s}}}}}", "required", true, "content",
			"application/json", "schema", "type", "object", "description",
			"one member, named by the class of a message: API, the operation, Msg; its value has the "
			"parameters, and the session as {uuid}",
			"minProperties", 1, "maxProperties", 1, "additionalProperties", "type", "object"));
	return operation;
}

static json_t *poll_message(const char *id)
{
	return message_operation(id, "the state of a job that a message has begun",
				 json_pack("[o]", variable("uuid", "^[0-9a-fA-F]{32}$")));
}

void openapi_add_paths(json_t *paths)
{
	openapi_set(paths, "/exports/{secret}/{file}", json_pack("{s:o}", "get", download()));
	openapi_set(paths, "/uploads/{secret}/{file}",
		    json_pack("{s:o, s:o}", "post", upload("UploadImage"), "put", upload("UploadImage2")));
	openapi_set(paths, "/api",
		    json_pack("{s:o, s:o}", "post", send_message("SendMessage"), "put",
			      send_message("SendMessage2")));
	openapi_set(paths, "/api/result/{uuid}",
		    json_pack("{s:o, s:o}", "get", poll_message("GetMessageResult"), "put",
			      poll_message("GetMessageResult2")));
}
