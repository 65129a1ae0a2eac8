/* SPDX-License-Identifier: Apache-2.0 */
/* The program: its command line, running in the background, one line for an error. */
#include <string.h>
#include <sys/stat.h>

#include "fs/daemon.h"
#include "fs/options.h"
#include "fs/service.h"
#include "fs/supervisor.h"
#include "model/child.h"
#include "model/log.h"

static int run(const struct options *options, struct fuse_args *args, struct error *e)
{
	struct session_options session = {.args = args,
					  .allow_other = options->allow_other,
					  .rest_uid = options->rest_uid,
					  .mountpoint = options->mountpoint,
					  .max_read = options->max_read,
					  .inotify = options->inotify,
					  .pool = {.state_dir = options->state,
						   .uri = options->uri,
						   .admin_password_file = options->admin_password_file,
						   .read_only = options->read_only}};

	if (options->fake)
		return 0;
	log_start("poolfs", options->level);
	if (!options->foreground)
		return daemon_run(&session, e);
	session.ready = service_ready;
	session.ready_arg = options->mountpoint;
	return supervisor_run(&session, e);
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	_cleanup_(options_done) struct options options = {0};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r;

	child_open_standard();
	/* Whatever the umask forbids to others: a folder that its owner cannot enter is of no use. */
	(void)umask(umask(0) & (S_IRWXG | S_IRWXO));
	r = options_parse(argc, argv, &options, &args, &e);
	if (r == 0 && (options.help || options.version)) {
		fputs(options.help ? options_usage : "poolfs " POOLFS_VERSION "\n", stdout);
		fuse_opt_free_args(&args);
		return EXIT_SUCCESS;
	}
	if (r == 0)
		r = options_check(&options, &e);
	if (r == 0)
		r = run(&options, &args, &e);
	fuse_opt_free_args(&args);
	if (error_is_set(&e))
		fprintf(stderr, "poolfs: %s\n", error_sentence(&e));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
