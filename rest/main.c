/* SPDX-License-Identifier: Apache-2.0 */
/* The program poolfs-rest: options, the socket, and waiting for termination. */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "model/child.h"
#include "model/log.h"
#include "rest/listen.h"
#include "rest/server.h"

#define DEFAULT_LISTEN "127.0.0.1:8080"
/* Seconds without a connection after which the program exits when systemd started it. */
#define DEFAULT_IDLE 60

static const char usage[] =
	"usage: poolfs-rest [options] MOUNTPOINT\n"
	"\n"
	"Serves the REST interface of the pool that is mounted on MOUNTPOINT.\n"
	"\n"
	"    --listen ADDRESS:PORT   address to listen on (" DEFAULT_LISTEN ")\n"
	"    --tls-cert FILE         serve HTTPS with this certificate chain (PEM)\n"
	"    --tls-key FILE          private key of the certificate (PEM)\n"
	"    --trusted-proxy LIST    proxies, ADDRESS[/BITS],... or unix, whose X-Forwarded-For and\n"
	"                            Forwarded are believed; may be given several times\n"
	"    --metrics               serve /metrics to Prometheus: Basic authentication of an account that\n"
	"                            may read them, or one of its sessions as bearer token\n"
	"    --log-level LEVEL       what the log tells: error, warning, info (the default) or debug\n"
	"    --log-file FILE         where the log goes, instead of the standard error or the journal of\n"
	"                            systemd; bounded in size, and opened again by SIGHUP\n"
	"    --idle SECONDS          exit after this time without a client (default: never;\n"
	"                            60 with a socket from systemd)\n"
	"    --help, --version       print this text, or the version\n"
	"\n"
	"With systemd socket activation, uses the socket that systemd passes. Exits on\n"
	"SIGTERM, SIGINT and, unless there is a file of the log, SIGHUP. The log tells each\n"
	"request that is answered with 500 or more, by its operation.\n";

struct options {
	const char *listen, *certificate, *key, *log_file, *mountpoint;
	struct proxies proxies;
	enum log_level level;
	int idle; /* s; 0 = never exit, -1 = not given */
	bool metrics, help, version;
};

static int parse(int argc, char **argv, struct options *ret, struct error *e)
{
	static const struct option table[] = {
		{"listen", required_argument, NULL, 'l'},
		{"tls-cert", required_argument, NULL, 'c'},
		{"tls-key", required_argument, NULL, 'k'},
		{"trusted-proxy", required_argument, NULL, 'p'},
		{"idle", required_argument, NULL, 'i'},
		{"metrics", no_argument, NULL, 'm'},
		{"log-level", required_argument, NULL, 'L'},
		{"log-file", required_argument, NULL, 'F'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	char *end;
	int c, r;

	*ret = (struct options){.listen = DEFAULT_LISTEN, .level = LOG_LEVEL_INFO, .idle = -1};
	while ((c = getopt_long(argc, argv, "hV", table, NULL)) != -1) {
		switch (c) {
		case 'l':
			ret->listen = optarg;
			break;
		case 'c':
			ret->certificate = optarg;
			break;
		case 'k':
			ret->key = optarg;
			break;
		case 'p':
			r = proxies_add(&ret->proxies, optarg, e);
			if (r < 0)
				return r;
			break;
		case 'i':
			ret->idle = (int)strtol(optarg, &end, 10);
			if (*end || end == optarg || ret->idle < 0)
				return error_set(e, EINVAL, "'%s' is not a number of seconds", optarg);
			break;
		case 'm':
			ret->metrics = true;
			break;
		case 'L':
			r = log_level_from_name(optarg, &ret->level, e);
			if (r < 0)
				return r;
			break;
		case 'F':
			ret->log_file = optarg;
			break;
		case 'h':
			ret->help = true;
			return 0;
		case 'V':
			ret->version = true;
			return 0;
		default:
			return error_set(e, EINVAL, "see 'poolfs-rest --help'");
		}
	}
	if (optind != argc - 1)
		return error_set(e, EINVAL, "expected one mount point, see 'poolfs-rest --help'");
	if (!ret->certificate != !ret->key)
		return error_set(e, EINVAL, "--tls-cert and --tls-key must be used together");
	ret->mountpoint = argv[optind];
	return 0;
}

/* Returns on a signal, or after @idle seconds without a connection (0: never). */
static void wait_for_end(struct server *server, const sigset_t *signals, int idle)
{
	const struct timespec second = {.tv_sec = 1};

	for (;;) {
		int number = sigtimedwait(signals, NULL, &second);

		if (number > 0 && !(number == SIGHUP && log_reopen()))
			return;
		int quiet = server_tend(server);

		if (idle && quiet >= idle)
			return;
	}
}

static int serve(const struct options *options, struct error *e)
{
	struct server_options server_options = {.mountpoint = options->mountpoint,
						.certificate = options->certificate,
						.key = options->key,
						.metrics = options->metrics,
						.proxies = &options->proxies};
	int idle = options->idle;
	struct server *server = NULL;
	bool is_activated;
	sigset_t signals;
	int r;

	log_start("poolfs-rest", options->level);
	r = listen_activated(e);
	if (r < -1)
		return r;
	is_activated = r >= 0;
	if (idle < 0)
		idle = is_activated ? DEFAULT_IDLE : 0;
	if (r < 0)
		r = listen_on(options->listen, e);
	if (r < 0)
		return r;
	server_options.socket = r;
	/* Blocked before the first thread starts, so that only sigtimedwait() receives them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	r = server_start(&server_options, &server, e);
	if (r < 0)
		return r;
	/* What keeps it from starting is told on the terminal. */
	r = options->log_file ? log_to_file(options->log_file, e) : 0;
	if (r < 0) {
		server_stop(server);
		return r;
	}
	log_info("pool", options->mountpoint, "poolfs-rest " POOLFS_VERSION " serves it on %s%s",
		 is_activated ? "the socket of systemd" : options->listen,
		 options->certificate ? ", with TLS" : "");
	if (idle)
		log_info("pool", options->mountpoint, "ends after %d s without a client", idle);
	if (options->proxies.count)
		log_info("pool", options->mountpoint, "%zu networks of proxies are trusted",
			 options->proxies.count);
	wait_for_end(server, &signals, idle);
	server_stop(server);
	log_info("pool", options->mountpoint, "poolfs-rest has ended");
	return 0;
}

static int run(int argc, char **argv, struct error *e)
{
	struct options options;
	int r = parse(argc, argv, &options, e);

	if (r < 0)
		return r;
	if (!options.help && !options.version)
		return serve(&options, e);
	fputs(options.help ? usage : "poolfs-rest " POOLFS_VERSION "\n", stdout);
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	child_open_standard();
	if (run(argc, argv, &e) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "poolfs-rest: %s\n", error_sentence(&e));
	return EXIT_FAILURE;
}
