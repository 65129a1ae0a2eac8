/* SPDX-License-Identifier: Apache-2.0 */
/* The node table. See place.h for how to add a file; the order of rows is the order of listings. */
#include "by_name.h"
#include "content.h"
#include "family.h"
#include "links.h"
#include "members.h"

#define FILE_RO	   (S_IFREG | 0444)
#define FILE_RW	   (S_IFREG | 0644)
#define DIRECTORY  (S_IFDIR | 0755)
#define LINK	   (S_IFLNK | 0777)
#define FOLDERS	   (IN(N_ROOT) | IN(N_FOLDER))

static const struct node_entry entries[NODE_CLASS_COUNT] = {
	[N_ROOT] = {.mode = DIRECTORY, .help = "the pool"},

	[N_README] = {.in = IN(N_ROOT), .name = "README", .mode = FILE_RO, .flags = E_NAME_STAYS | E_STAYS,
		      .render = render_readme,
		      .help = "this text"},
	[N_VERSION] = {.in = IN(N_ROOT), .name = "version", .mode = FILE_RO, .flags = E_NAME_STAYS | E_STAYS,
		       .render = render_version,
		       .help = "version of the program and of the tree"},
	[N_FEATURES] = {.in = IN(N_ROOT), .name = "features", .mode = FILE_RO, .flags = E_NAME_STAYS,
			.render = render_features,
			.help = "what the hosts can do, and the operations that are not there yet"},
	[N_LIMITS] = {.in = IN(N_ROOT), .name = "limits", .mode = FILE_RO, .flags = E_NAME_STAYS | E_STAYS,
		      .render = render_limits,
		      .help = "every limit, in numbers"},
	[N_CALLER_ERROR] = {.in = IN(N_ROOT), .name = "last-error", .mode = FILE_RO, .flags = E_NAME_STAYS,
			    .render = render_caller_error,
			    .help = "why the last request of the user who reads it failed, 'ok' after a success"},
	[N_FOLDER] = {.in = FOLDERS, .mode = DIRECTORY, .flags = E_NAME_STAYS,
		      .find = folders_find, .next = folders_next, .changed = changed_collection,
		      .meaning = meaning_folder},

	[N_INVENTORIES] = {.in = IN(N_FOLDER), .name = "inventories", .mode = FILE_RO, .flags = E_NAME_STAYS,
			   .here = folder_here_kind, .permissions = permissions_inventories,
			   .help = "all of them, as REST lists them: {\"inventories\":[...]}",
			   .example = "jq -r '.inventories[].name' inventories"},
	[N_CREATE] = {.in = IN(N_FOLDER), .name = "create", .mode = FILE_RW, .flags = E_NAME_STAYS | E_STAYS,
		      .here = folder_here_create, .render = render_create, .meaning = meaning_operation,
		      .example = "exec 3<>create; cat new.json >&3; cat <&3; sync create"},
	[N_BY_NAME] = {.in = IN(N_FOLDER), .name = "by-name", .mode = DIRECTORY, .flags = E_NAME_STAYS,
		       .here = folder_here_names, .changed = changed_collection,
		       .help = "the same by name; the second of a name gets ~2",
		       .example = "cd by-name/web01"},
	[N_FOLDER_GET] = {.in = FOLDERS, .mode = FILE_RO, .flags = E_NAME_STAYS,
			  .find = gets_find, .next = gets_next,
			  .permissions = permissions_get, .meaning = meaning_operation},
	[N_CATEGORY] = {.in = IN(N_FOLDER), .shown = "<category>", .mode = DIRECTORY, .flags = E_STAYS,
			.here = categories_here, .find = categories_find, .next = categories_next,
			.changed = changed_object,
			.help = "settings of one category"},

	[N_OBJECT] = {.in = IN(N_FOLDER) | IN(N_CATEGORY) | IN(N_SUB), .shown = "<uuid>", .mode = DIRECTORY,
		      .flags = E_STAYS,
		      .here = objects_here, .find = objects_find, .next = objects_next,
		      .changed = changed_object, .meaning = meaning_object,
		      .example = "rmdir <uuid>    # expunge what is Destroyed or Deleted"},
	[N_HOME_LINK] = {.in = IN(N_FOLDER), .shown = "<uuid>", .mode = LINK, .flags = E_STAYS,
			 .here = home_links_here, .find = home_links_find, .next = home_links_next,
			 .link = link_home,
			 .help = "link to its directory"},
	[N_NAME_LINK] = {.in = IN(N_BY_NAME), .shown = "<name>", .mode = LINK,
			 .find = name_links_find, .next = name_links_next, .link = link_by_name,
			 .help = "link to the object of that name"},
	[N_SUB_LINK] = {.in = IN(N_SUB), .shown = "<uuid>", .mode = LINK, .flags = E_STAYS,
			.here = sub_links_here, .find = sub_links_find, .next = sub_links_next,
			.link = link_sub,
			.help = "link to its directory"},
	[N_JOB_LINK] = {.in = IN(N_JOBS), .shown = "<job>", .mode = LINK, .flags = E_STAYS,
			.find = job_links_find, .next = job_links_next, .link = link_job,
			.help = "link to the job"},

	[N_INVENTORY] = {.in = IN(N_OBJECT), .name = "inventory", .mode = FILE_RO, .flags = E_NAME_STAYS,
			 .render = render_object, .permissions = permissions_of_object,
			 .help = "the whole object as JSON",
			 .example = "jq -r .name inventory"},
	[N_VALUE] = {.in = IN(N_OBJECT), .mode = FILE_RO, .flags = E_NAME_STAYS,
		     .find = values_find, .next = values_next,
		     .render = render_field, .permissions = permissions_value, .meaning = meaning_field},
	[N_ACTIONS] = {.in = IN(N_OBJECT), .name = "actions", .mode = FILE_RW, .flags = E_NAME_STAYS,
		       .here = object_here_verbs, .render = render_menu,
		       .help = "read: what it can do now; write: a verb with its parameters, or the JSON body of REST",
		       .example = "cat actions; echo 'stop type=cold' > actions; sync actions"},
	[N_OBJECT_ERROR] = {.in = IN(N_OBJECT), .name = "last-error", .mode = FILE_RO, .flags = E_NAME_STAYS,
			    .here = object_here_verbs, .render = render_object_error,
			    .help = "why the last request on this object failed, 'ok' after a success"},
	[N_GET] = {.in = IN(N_OBJECT), .mode = FILE_RO, .flags = E_NAME_STAYS,
		   .find = gets_find, .next = gets_next,
			  .permissions = permissions_get, .meaning = meaning_operation},
	[N_REFERENCE] = {.in = IN(N_OBJECT), .mode = LINK,
			 .find = references_find, .next = references_next, .link = link_reference,
			 .meaning = meaning_field},
	[N_SUB] = {.in = IN(N_OBJECT), .mode = DIRECTORY, .flags = E_NAME_STAYS,
		   .find = subs_find, .next = subs_next, .changed = changed_members,
		   .meaning = meaning_field},
	[N_JOBS] = {.in = IN(N_OBJECT), .name = "jobs", .mode = DIRECTORY, .flags = E_NAME_STAYS,
		    .here = object_here_jobs, .changed = changed_members,
		    .help = "requests made on this object"},
	[N_TAGS] = {.in = IN(N_OBJECT), .name = "tags", .mode = DIRECTORY, .flags = E_NAME_STAYS,
		    .here = object_here_tags, .changed = changed_members,
		    .help = "its system and user tags"},
	[N_TAG] = {.in = IN(N_TAGS), .shown = "<uuid>", .mode = FILE_RO,
		   .find = tags_find, .next = tags_next,
		   .render = render_tag, .permissions = permissions_of_object,
		   .help = "the tag",
		   .example = "grep -h ^hostname:: tags/*"},

	[N_QUERY] = {.mode = FILE_RO, .permissions = permissions_get},
};

const struct node_entry *entry_get(enum node_class class)
{
	return &entries[class];
}
