/* SPDX-License-Identifier: Apache-2.0 */
/* The program poolctl: a pool from the command line, through the mount and nothing else. */
#include <locale.h>
#include <string.h>

#include "poolctl/act.h"
#include "poolctl/complete.h"
#include "poolctl/console.h"
#include "poolctl/help.h"
#include "poolctl/list.h"
#include "poolctl/top.h"
#include "poolctl/watch.h"

static const char usage[] =
	"usage: poolctl [-m MOUNT] COMMAND [ARGUMENT...]\n"
	"\n"
	"    ls [KIND]               the objects of a kind, or the kinds\n"
	"    show NAME...            objects with all their members\n"
	"    VERB NAME [PARAMETER=VALUE...] [--OPTION VALUE...]\n"
	"                            does the verb: start, stop, create-snapshot, ... (poolfs-operations(7))\n"
	"    create KIND NAME [PARAMETER=VALUE...] [--OPTION VALUE...]\n"
	"                            creates an object; of a VM: --image, --offering, --network (several),\n"
	"                            --ip ADDRESS of the last network, --disk SIZE or OFFERING (several)\n"
	"    watch [NAME]            follows the changes of all objects, or of one\n"
	"    top [--once]            hosts, VMs and jobs, live; q ends it\n"
	"    console NAME [--no-follow]\n"
	"                            where the screen of a VM is, and its serial log, followed\n"
	"\n"
	"    -m MOUNT                the mount; else $POOLCTL_MOUNT, else the first that there is\n"
	"    --wait                  of VERB and create: waits for the end of the job, with a bar on a terminal;\n"
	"                            a failure is told by its sentence\n"
	"    --dry-run               of VERB and create: says whether it would be accepted, and changes nothing\n"
	"    --help, --version       print this text, or the version; VERB --help and create KIND --help tell\n"
	"                            which parameters there are\n"
	"\n"
	"A NAME is that of an object, its uuid, or KIND/NAME when objects of several kinds have the name. An\n"
	"option is the name of a parameter without its end: --image is imageUuid. Its value is a name or a uuid.\n"
	"What create needs and is not named, such as --backup-storage, is the only one that there is.\n";

static const struct {
	const char *name;
	command_fn *run;
} commands[] = {
	{"ls", list_run},     {"show", list_show}, {"create", act_create},
	{"watch", watch_run}, {"top", top_run},	   {"console", console_run},
};

/* What the shells call: `__complete WORD...` */
static int complete(const struct tree *t, int argc, char **argv, struct error *e)
{
	const char *word = argc > 0 ? argv[0] : "";

	for (size_t i = 0; argc <= 1 && i < ARRAY_SIZE(commands); i++)
		if (strncmp(commands[i].name, word, strlen(word)) == 0)
			printf("%s\n", commands[i].name);
	return complete_run(t, argc, argv, e);
}

static int run(const struct tree *t, int argc, char **argv, struct error *e)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 && strcmp(argv[0], "__complete") != 0)
			return help_run(t, i, argv, e);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, argv[0]) == 0)
			return commands[i].run(t, argc - 1, argv + 1, e);
	if (strcmp(argv[0], "__complete") == 0)
		return complete(t, argc - 1, argv + 1, e);
	return act_verb(t, argc, argv, e);
}

int main(int argc, char **argv)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_(tree_close) struct tree tree = {.root = -1};
	const char *mount = NULL;
	int first = 1, r;

	(void)setlocale(LC_ALL, "");
	if (argc > 2 && strcmp(argv[1], "-m") == 0) {
		mount = argv[2];
		first = 3;
	}
	if (argc > first && (strcmp(argv[first], "--help") == 0 || strcmp(argv[first], "-h") == 0 ||
			     (strcmp(argv[first], "help") == 0 && argc == first + 1))) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (argc > first && (strcmp(argv[first], "--version") == 0 || strcmp(argv[first], "-V") == 0)) {
		puts("poolctl " POOLFS_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc > first && argv[first][0] == '-') {
		fprintf(stderr, "poolctl: the option '%s' does not stand here, see 'poolctl --help'\n",
			argv[first]);
		return 2;
	}
	if (argc <= first) {
		fputs(usage, stderr);
		return 2;
	}
	r = tree_open(mount, &tree, &e);
	if (r == 0)
		r = run(&tree, argc - first, argv + first, &e);
	if (r < 0)
		fprintf(stderr, "poolctl: %s\n", error_sentence(&e));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
