/* SPDX-License-Identifier: Apache-2.0 */
/* The program: its command line, running in the background, one line for an error. */
#include <string.h>
#include <sys/stat.h>

#include "fs/daemon.h"
#include "fs/handover.h"
#include "fs/options.h"
#include "fs/service.h"
#include "fs/supervisor.h"
#include "fs/upgrade.h"
#include "fs/upgrade_ask.h"
#include "model/child.h"
#include "model/log.h"

static int run(const struct options *options, struct fuse_args *args, struct handover *handover,
	       struct error *e)
{
	struct fuse_args again;
	struct session_options session = {.args = args,
					  .allow_other = options->allow_other,
					  .rest_uid = options->rest_uid,
					  .mountpoint = options->mountpoint,
					  .max_read = options->max_read,
					  .inotify = options->inotify,
					  .handover = handover,
					  .pool = {.state_dir = options->state,
						   .uri = options->uri,
						   .admin_password_file = options->admin_password_file,
						   .read_only = options->read_only}};
	int r;

	if (options->fake)
		return 0;
	if (handover->tries)
		return upgrade_try(options->state, handover->keep, e);
	if (handover_arguments(options, args, &again) < 0)
		return error_oom(e);
	session.argv = again.argv;
	log_start("poolfs", options->level);
	if (!options->foreground) {
		r = daemon_run(&session, e);
	} else {
		session.ready = service_ready;
		session.ready_arg = options->mountpoint;
		r = supervisor_run(&session, e);
	}
	fuse_opt_free_args(&again);
	return r;
}

/* A program that was to go on with a mount, and cannot read what it was given: the former one goes on. */
static void go_back(struct handover *h, char **argv, const struct error *e)
{
	_cleanup_(error_done) struct error failed = ERROR_INIT;
	struct handover back = *h;

	if (h->tries || h->former < 0 || h->device < 0)
		return;
	back.former = -1;
	back.why = *e;
	(void)handover_execute(h->former, argv, &back, &failed);
	fprintf(stderr, "poolfs: the former program: %s\n", error_sentence(&failed));
	if (h->caller >= 0)
		upgrade_tell(&h->caller, e);
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	_cleanup_(options_done) struct options options = {0};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_(handover_done) struct handover handover;
	int r;

	child_open_standard();
	handover_take(&handover);
	/* Whatever the umask forbids to others: a folder that its owner cannot enter is of no use. */
	(void)umask(umask(0) & (S_IRWXG | S_IRWXO));
	r = options_parse(argc, argv, &options, &args, &e);
	if (r == 0 && (options.help || options.version)) {
		fputs(options.help ? options_usage : "poolfs " POOLFS_VERSION "\n", stdout);
		fuse_opt_free_args(&args);
		return EXIT_SUCCESS;
	}
	if (r == 0 && options.upgrade) {
		r = upgrade_ask(options.mountpoint, &e);
	} else if (r == 0) {
		handover_check(&handover, options.mountpoint);
		r = options_check(&options, handover.tries || handover.device >= 0, &e);
		if (r < 0)
			go_back(&handover, argv, &e);
		else
			r = run(&options, &args, &handover, &e);
	} else {
		go_back(&handover, argv, &e);
	}
	fuse_opt_free_args(&args);
	if (error_is_set(&e))
		fprintf(stderr, "poolfs: %s\n", error_sentence(&e));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
