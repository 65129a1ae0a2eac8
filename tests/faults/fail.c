/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes each step of a pool's life fail at its N-th call of a kind (inject.h), for N from 1 to the end of the step:
 * there is an error with a sentence, or none was needed; nothing is left of a step that failed; the same request
 * succeeds then; and so does the way back, after which the pool is as before.
 *
 *   usage: faults-fail [-s] [-c CALL] [-t FILE] [-m MINUTES] STATE OUTSIDE KIND MOST [SEED [STEP [N]]]
 *
 *	-s: on a host of hosts/simulators, instead of one of libvirt's test driver
 *	-c: only calls of this name, such as calloc, fail
 *	-t: what has been tried, and went well, is added to this file; what is in it is left out
 *	-m: no more is begun after this time
 *
 * MOST: how many N are tried of each step, chosen at random. STEP: only this one; N: only this one. The work is done in a
 * child; when one dies, that is a fault, and the next goes on without that N. Exits 1 when there was a fault, or nothing
 * to fail and nothing left out.
 */
#include <getopt.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/faults/inject.h"
#include "tests/faults/life.h"

#define FAULTS_MAX 50
#define HANG_S	   90
#define STEPS_MAX  64
#define N_MAX	   (1L << 16)

/* Where the child is, and what it has found; shared with the parent. */
static struct progress {
	size_t step;	 /* two for each step of the life: up, down */
	long n, of_step; /* the N that is tried, and how many were tried of this step */
	long tried, failed, wrong, left_out;
	bool done;
	bool was_tried[STEPS_MAX][N_MAX];
} * at;

static enum inject_kind kind;
static const char *kind_name;
static long most;
static unsigned seed;
static const char *only;      /* NULL: all steps */
static long only_n;	      /* 0: all */
static bool simulated;	      /* -s */
static const char *only_call; /* -c; NULL: all */
static FILE *list;	      /* -t; NULL: none */
static time_t end;	      /* -m; 0: none */

static size_t step_count(void)
{
	return life_step_count + life_more_step_count;
}

/* All steps in their order, then their ways back. */
static const struct life_step *step_at(size_t i)
{
	if (i >= step_count())
		i = 2 * step_count() - 1 - i;
	return i < life_step_count ? &life_steps[i] : &life_more_steps[i - life_step_count];
}

static void on_part(enum life_part part)
{
	inject_exempt_thread(part != LIFE_ASKING);
	inject_pause(part == LIFE_DONE);
}

/* ------------------------------------------------------------------ what is there */

/* Objects of each kind, but those that come and go by themselves. */
struct census {
	size_t count[KIND_COUNT];
	size_t unfinished; /* jobs */
	size_t between;	   /* objects in a state that they have only during a job */
};

static bool is_counted(enum kind_id k)
{
	return k != KIND_JOB && k != KIND_ORPHAN_FILE && k != KIND_IMAGE_CACHE && k != KIND_QUEUE_REF;
}

static bool is_between(const struct object *o)
{
	static const char *const states[] = {
		"Starting", "Stopping", "Rebooting", "Destroying", "Expunging",	 "Migrating", "Creating",
		"Deleting", "Pausing",	"Resuming",  "Created",	   "Connecting", "Unknown",   "Downloading"};
	int field = o->kind->id == KIND_VM	   ? VM_STATE
		    : o->kind->id == KIND_VOLUME   ? VOLUME_STATUS
		    : o->kind->id == KIND_IMAGE	   ? IMAGE_STATUS
		    : o->kind->id == KIND_SNAPSHOT ? SNAPSHOT_STATUS
						   : -1;

	for (size_t i = 0; field >= 0 && i < ARRAY_SIZE(states); i++)
		if (object_str_is(o, field, states[i]))
			return true;
	return false;
}

static struct census take_census(struct life *l)
{
	_cleanup_view_ struct view *view = view_now(&l->pool);
	struct census c = {0};

	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		if (is_counted((enum kind_id)k))
			c.count[k] = view_count(view, (enum kind_id)k);
		view_for_each (o, view, (enum kind_id)k)
			c.between += is_between(o);
	}
	view_for_each (job, view, KIND_JOB)
		c.unfinished += !job_state_is_final(object_text(job, JOB_STATE));
	return c;
}

__attribute__((format(printf, 2, 3))) static void fault(const char *step, const char *format, ...)
{
	va_list args;
	char text[512];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (at->wrong++ < FAULTS_MAX)
		printf("%s %s %ld: %s\n", kind_name, step, at->n, text);
}

static void compare(const char *step, const char *when, const struct census *before, const struct census *now)
{
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		if (before->count[k] != now->count[k])
			fault(step, "%s: %zu of %s, there were %zu", when, now->count[k],
			      kind_get((enum kind_id)k)->table, before->count[k]);
	if (now->between)
		fault(step, "%s: %zu objects are in a state of a job", when, now->between);
	if (now->unfinished)
		fault(step, "%s: %zu jobs have not ended", when, now->unfinished);
}

/* ------------------------------------------------------------------------ a step */

typedef int run_fn(struct life *l, struct error *e);

static bool succeeds(struct life *l, const char *step, const char *what, run_fn *run)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (!run || run(l, &e) == 0)
		return true;
	fault(step, "%s: %s", what, error_sentence(&e));
	return false;
}

/* Fails @run at its @n-th call; it is done in the end all the same. The name of the call that failed, NULL = none. */
static const char *fail_at(struct life *l, const char *step, run_fn *run, long n, long *ret_calls)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct census before = take_census(l), after;
	const char *failed;
	int r;

	if (n > 0)
		at->n = n;
	inject_arm(kind, only_call, n);
	(void)alarm(HANG_S);
	r = run(l, &e);
	*ret_calls = inject_disarm(&failed);
	if (!failed && r < 0)
		fault(step, "fails by itself: %s", error_sentence(&e));
	at->tried += failed != NULL;
	if (getenv("POOLFS_VERBOSE"))
		printf("%s %s %ld: %s of %ld calls, %s\n", kind_name, step, n, failed ? failed : "nothing",
		       *ret_calls, r < 0 ? error_sentence(&e) : "done");
	if (!failed || r == 0)
		return failed;
	at->failed++;
	if (!error_sentence(&e)[0] || e.errnum == 0)
		fault(step, "no sentence after %s failed", failed);
	after = take_census(l);
	compare(step, failed, &before, &after);
	(void)succeeds(l, step, failed, run);
	return failed;
}

/* ------------------------------------------------------------------ which N */

/* The lines of the list are HOST KIND, the number of the step, and N. */
#define LINE "%15s %15s %zu %ld"

static const char *host_name(void)
{
	return simulated ? "simulator" : "test";
}

static void read_list(const char *path)
{
	char host[16], of_kind[16];
	size_t step;
	long n;

	list = fopen(path, "a+");
	if (!list) {
		perror(path);
		exit(2);
	}
	setvbuf(list, NULL, _IOLBF, 0);
	rewind(list);
	while (fscanf(list, LINE, host, of_kind, &step, &n) == 4)
		if (strcmp(host, host_name()) == 0 && strcmp(of_kind, kind_name) == 0 && step < STEPS_MAX &&
		    n < N_MAX && !at->was_tried[step][n]) {
			at->was_tried[step][n] = true;
			at->left_out++;
		}
}

static void add_to_list(long n)
{
	if (list && !only_call)
		fprintf(list, "%s %s %zu %ld\n", host_name(), kind_name, at->step, n);
}

/* One of the N up to @calls, at random, that was not tried; 0: none. */
static long choose_n(long calls)
{
	const bool *was_tried = at->was_tried[at->step];
	long left = 0, chosen;

	if (only_n > 0)
		return at->of_step ? 0 : only_n;
	if (at->of_step >= most || (end && time(NULL) >= end))
		return 0;
	calls = calls < N_MAX ? calls : N_MAX - 1;
	for (long n = 1; n <= calls; n++)
		left += !was_tried[n];
	if (left == 0)
		return 0;
	chosen = rand_r(&seed) % left;
	for (long n = 1;; n++)
		if (!was_tried[n] && chosen-- == 0)
			return n;
}

/* All N of one direction of a step. @run is done in the end, unless there is a way back. */
static void try_step(struct life *l, const struct life_step *s, bool up)
{
	run_fn *run = up ? s->up : s->down, *back = up ? s->down : s->up;
	struct census before = take_census(l), after;
	long calls = 1, ignored, wrong, n;
	char name[64], what[128];

	snprintf(name, sizeof(name), "%s%s", s->name, up ? "" : " (back)");
	if (!run)
		return;
	if (!back) {
		(void)fail_at(l, name, run, 1, &ignored);
		return;
	}
	/* how many calls there are */
	(void)fail_at(l, name, run, -1, &calls);
	if (!succeeds(l, name, "the way back", back))
		return;
	while ((n = choose_n(calls)) > 0) {
		at->was_tried[at->step][n] = true;
		at->of_step++;
		wrong = at->wrong;
		snprintf(what, sizeof(what), "the way back after %s failed",
			 fail_at(l, name, run, n, &ignored));
		if (!succeeds(l, name, what, back))
			return;
		after = take_census(l);
		compare(name, what, &before, &after);
		before = after;
		if (at->wrong == wrong)
			add_to_list(n);
	}
	(void)succeeds(l, name, "in the end", run);
}

static void on_alarm(int number)
{
	static const char text[] = "it hangs\n";

	(void)number;
	(void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
	abort();
}

static void child(const char *state, const char *outside)
{
	size_t begin = at->step;
	struct life l;

	(void)signal(SIGALRM, on_alarm);
	inject_begin();
	inject_exempt_thread(true);
	inject_pause(true);
	life_begin(&l, state, outside);
	if (simulated)
		life_move_to_simulator(&l);
	life_goes_on = on_part;
	for (size_t i = 0; i < 2 * step_count(); i++) {
		bool up = i < step_count();
		const struct life_step *s = step_at(i);
		_cleanup_(error_done) struct error e = ERROR_INIT;

		if (i < begin || (only && strcmp(only, s->name) != 0)) {
			if ((up ? s->up : s->down) && (up ? s->up : s->down)(&l, &e) < 0)
				fail_msg("%s: %s", s->name, error_sentence(&e));
			continue;
		}
		if (i > begin)
			at->of_step = 0;
		at->step = i;
		try_step(&l, s, up);
	}
	(void)alarm(HANG_S);
	life_end(&l);
	at->done = true;
}

static void clear(const char *folder)
{
	(void)nftw(folder, fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
	(void)mkdir(folder, 0711);
}

int main(int argc, char **argv)
{
	const char *path = NULL;

	at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int option; (option = getopt(argc, argv, "sc:t:m:")) != -1;) {
		if (option == 's')
			simulated = true;
		else if (option == 'c')
			only_call = optarg;
		else if (option == 't')
			path = optarg;
		else if (option == 'm')
			end = time(NULL) + 60 * strtol(optarg, NULL, 10);
		else
			return 2;
	}
	argv += optind - 1;
	argc -= optind - 1;
	if (argc < 5)
		return 2;
	kind_name = argv[3];
	kind = inject_kind_of(kind_name);
	most = strtol(argv[4], NULL, 10);
	seed = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 1;
	only = argc > 6 ? argv[6] : NULL;
	only_n = argc > 7 ? strtol(argv[7], NULL, 10) : 0;
	assert_true(2 * step_count() <= STEPS_MAX);
	if (path)
		read_list(path);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int died = 0; !at->done && died < FAULTS_MAX;) {
		int status = 0;
		pid_t pid;

		clear(argv[1]);
		pid = fork();
		if (pid == 0) {
			child(argv[1], argv[2]);
			exit(0); /* the leak checker's turn */
		}
		if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		died++;
		at->wrong++;
		printf("%s, step %zu (%s), N %ld: the program ends with %s %d\n", kind_name, at->step,
		       step_at(at->step)->name, at->n, WIFSIGNALED(status) ? "signal" : "status",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		at->done = only_n > 0;
	}
	printf("%s: %ld calls made to fail, %ld steps failed of it, %ld faults\n", kind_name, at->tried,
	       at->failed, at->wrong);
	return at->wrong || at->tried + at->left_out == 0 ? 1 : 0;
}
