/* SPDX-License-Identifier: Apache-2.0 */
/* See readme.h. */
#include "fs/class/readme.h"

#include "fs/tree/permissions.h"

#include <string.h>

#include "fs/class/readme_tables.h"

/* Directories below an object are included; deeper ones would repeat themselves. */
#define DEPTH_MAX 8

static const char introduction[] =
	"This directory is a pool of virtual machines. Every path is a path of the REST interface, every file in\n"
	"the directory of an object a member of its inventory.\n"
	"\n"
	"    ls vm-instances/by-name                            what there is\n"
	"    cat vm-instances/by-name/web01/state               one value\n"
	"    cat vm-instances/by-name/web01/actions             what it can do now\n"
	"    echo stop > vm-instances/by-name/web01/actions     a request; it is durable when the write returns\n"
	"    sync vm-instances/by-name/web01/actions            wait until it is done\n"
	"    echo web02 > vm-instances/by-name/web01/name       a change of a value\n"
	"    cat last-error                                     why the last request failed\n"
	"\n"
	"A Get file takes parameters after a question mark: cat 'starting-target-hosts?clusterUuid=...'.\n"
	"\n"
	"So does a collection, which takes a query as in REST: cat 'vm-instances?q=state=Running&q=cpuNum>2&fields=name'.\n"
	"    q=FIELD OPERATOR VALUE      = != > < >= <= ?= !?= (lists) ~= !~= (patterns with % and _), is null, not null;\n"
	"                                several q= must all hold; a field can be reached by relations: host.name=node1\n"
	"    limit= start= sort=-FIELD fields=A,B groupBy=FIELD count=true replyWithCount=true\n"
	"In where/ each condition is a directory with links to the objects that match: under their names, or under\n"
	"their uuids if they have no name or one that looks like a condition. where/A/B has those that match A and B.\n"
	"A % before two hex digits is an escape (%2F is a slash, %25 a percent sign). where/ itself lists conditions for\n"
	"the fields that have few values, so that a shell can complete them; schema has all fields.\n"
	"A file written into images/upload/ becomes an image when it is closed: cp web.qcow2 images/upload/. Its suffix is\n"
	"the format (.qcow2, .raw, .img, .iso), and other content is refused. A name with a leading dot is temporary; mv to\n"
	"the final name makes the image: for programs that open a file more than once (qemu-img convert). The file data of\n"
	"images, volumes and volume snapshots has their bytes, with holes.\n"
	"User tags are extended attributes of an object's directory: setfattr -n user.owner -v alice web01 is the tag\n"
	"owner=alice.\n"
	"\n"
	"poll(2) works on every value file, inventory, spec and events. inotify(7) reports what is written through the\n"
	"mount; with -o inotify every change: IN_ATTRIB for a file whose content has changed, IN_CREATE and IN_DELETE for\n"
	"objects, links and tags.\n"
	"\n"
	"Everything that is written through one open of a value, spec or request file is one text, however it is cut.\n"
	"A text that ends its line, or a document that closes its last bracket, is answered by that write(2); what\n"
	"follows amends it, at close(2) or fsync(2). End a value with a newline, then a refusal is an error of write(2),\n"
	"which shells report; without one it may be an error of close(2), which they ignore: look at last-error. A value\n"
	"always reads back with one newline at its end; a spec byte for byte as it was written.\n"
	"\n"
	"What is different from files on a disk:\n"
	"    echo > f                    the empty value; : > f and truncate -s 0 f alone change nothing\n"
	"    truncate -s N f             refused, unless N is 0, the present size, or cuts what was just written\n"
	"    >> f                        appends to a value; refused where the result is none, and while a change runs\n"
	"    write in the middle         refused (EINVAL); a write at offset 0 begins a new text\n"
	"    rm f, mv f f.bak            of a file that can be written: the name is missing for you for 5 seconds, so\n"
	"                                that tools can create it anew, then it is there again; the backup is a copy\n"
	"    rm of other files           refused (EPERM)\n"
	"    rmdir DIR                   refused (ENOTEMPTY): no recursive deletion removes an object, only verbs do\n"
	"    mkdir, new files            beside files that can be written: scratch files and directories, seen by their\n"
	"                                creator only, limited (see limits), gone after 10 idle minutes\n"
	"    mv new f                    writes the content of the scratch file; mv by-name/a by-name/b renames the object\n"
	"    chmod, chown                only to the present mode and owner, else EPERM; ignored for 5 seconds on a file\n"
	"                                that was removed and created anew; stored for scratch files (mode) and uploads\n"
	"    touch, utimes               accepted, ignored; stored for scratch files and uploads\n"
	"    ln                          scratch files only\n"
	"    flock, fcntl locks, leases  as on any file, for programs on this machine\n"
	"    sync f, fsync               waits for the jobs started by writing f (actions: all of the object); nothing to\n"
	"                                wait for in other files; sync -f, syncfs: return at once, without waiting\n"
	"    mmap                        private and shared (Linux 6.6) for reading; for writing only of scratch files\n"
	"                                and uploads\n"
	"    xattrs                      user tags on directories of objects; accepted and forgotten on files that can be\n"
	"                                written and on scratch files (rsync -X); refused on others (EOPNOTSUPP)\n"
	"    links                       lead both ways (VM, host, VM): find -L and grep -R do not end, as in /sys\n"
	"    blanks                      at both ends of a text value are removed\n"
	"    { a; b; } > images/upload/f each close makes the image of what is there, the next write makes it unready\n"
	"                                again: write to a name with a leading dot, then mv, if others may use the half\n"
	"    data                        of a volume that a guest has open, and of a broken snapshot: EBUSY\n"
	"    copy_file_range, reflink    refused (EXDEV, EOPNOTSUPP), tools copy instead; holes are reported\n"
	"The name of a finished upload can be read, and its mode and times set, until it is a minute idle or removed.\n"
	"Uploading the same bytes under the same name meanwhile makes no second image; other bytes make another one.\n"
	"last-error explains what this program refuses. What the kernel refuses by itself (no permission, a name that\n"
	"exists) it does not see.\n"
	"\n"
	"With other users (-o allow_other) the modes below are those of what all accounts see; the files of an object\n"
	"belong to the users of its account (accounts/<uuid>/unixUsers) and are closed to others.\n"
	"\n"
	"Numbers can be written with K, M, G or T. Everything below is made from the tables of the program.\n"
	"\n";

static void describe(FILE *f, const struct place *p, const char *path)
{
	mode_t mode = place_mode(p);
	const char *example = p->entry->example;
	char shown[PATH_SIZE + 2];

	snprintf(shown, sizeof(shown), "/%s%s", path, S_ISDIR(mode) ? "/" : "");
	if (S_ISLNK(mode))
		fprintf(f, "%-64s link  %s\n", shown, place_meaning(p));
	else
		fprintf(f, "%-64s %04o  %s\n", shown, mode & 07777, place_meaning(p));
	if (example)
		fprintf(f, "%-64s       e.g. %s\n", "", example);
}

static void walk(FILE *f, const struct place *dir, const char *path, int depth)
{
	for (int class = 0; class < NODE_CLASS_COUNT && depth < DEPTH_MAX; class ++) {
		const struct node_entry *entry = &dir->fs->nodes[class];
		char name[NAME_SIZE], below[PATH_SIZE];
		struct place p;
		struct node node = dir->node;

		if (!place_has(dir, (enum node_class) class))
			continue;
		node.class = (enum node_class) class;
		for (int64_t i = 0;;) {
			if (entry->name || entry->shown)
				snprintf(name, sizeof(name), "%s", entry->name ? entry->name : entry->shown);
			else if (!(i = entry->next(dir, i, name, &node)))
				break;
			place_init(dir->fs, dir->view, node, &p);
			if (entry->shown) {
				p.kind = dir->field ? kind_get(dir->field->target) : dir->kind;
				p.node.kind = p.kind ? p.kind->id : KIND_NONE;
			}
			if (snprintf(below, sizeof(below), "%s%s%s", path, *path ? "/" : "", name) >=
			    (int)sizeof(below))
				break;
			describe(f, &p, below);
			if (S_ISDIR(entry->mode) && class != N_JOB) /* which is described as api-jobs/<job> */
				walk(f, &p, below, depth + 1);
			if (entry->name || entry->shown)
				break;
		}
	}
}

struct document *readme_make(const struct fs *fs)
{
	struct view *view = store_view(fs->store);
	struct document *d = NULL;
	struct place root;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	place_init(fs, view, NODE_ROOT, &root);
	if (f) {
		fprintf(f, "poolfs " POOLFS_VERSION "\n\n%s", introduction);
		fprintf(f, "%-64s %-5s %s\n", "path", "mode", "meaning");
		walk(f, &root, "", 0);
		readme_print_tables(f);
		if (fclose(f) == 0)
			d = document_new(text, len, fs->born);
	}
	free(text);
	view_unref(view);
	return d;
}

struct document *render_readme(const struct place *p)
{
	return document_ref(p->fs->readme);
}
