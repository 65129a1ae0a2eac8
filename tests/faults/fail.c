/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes each step of a pool's life fail at a call of a kind (inject.h): on each way that leads to such a call (way.h), at
 * the first time that it is made, and at the last time. There is an error with a sentence, or none was needed; nothing is
 * left of a step that failed; the same request succeeds then; and so does the way back, after which the pool is as before.
 *
 *   usage: faults-fail [-as] [-c CALL] [-t FILE] [-m MINUTES] [-p I/N] STATE OUTSIDE KIND MOST [SEED [STEP [N [WAY]]]]
 *
 *	-a: at all calls, from the first one to the end of the step, also those that are made on the same way
 *	-s: on a host of hosts/simulators, instead of one of libvirt's test driver
 *	-c: only calls of this name, such as calloc, fail
 *	-t: what has been tried, and went well, is added to this file; what is in it is left out
 *	-m: no more is begun after this time
 *	-p: only each N-th step fails, from the I-th; the other ones are for other processes
 *
 * MOST: how many calls are tried of each step, chosen at random. STEP: only this one; N, WAY: only this call. The work is
 * done in a child; when one dies, that is a fault, and the next goes on without that call. Exits 1 when there was a fault,
 * or nothing to fail and nothing left out.
 */
#include <getopt.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/faults/inject.h"
#include "tests/faults/life.h"

#define FAULTS_MAX 50
#define HANG_S	   90
#define SETTLE_MS  10000
#define TRIED_MAX  (1 << 19)
#define COUNTED	   3 /* how often a step is done to see which ways there are */

/* A call: the n-th that is made on a way, or, if that is 0, on any way. */
struct call {
	way_id way;
	long n;
};

/* Where the child is, and what it has found; shared with the parent. */
static struct progress {
	size_t step;	  /* two for each step of the life: up, down */
	struct call call; /* the one that is tried */
	long of_step;	  /* how many were tried of this step */
	long tried, failed, wrong, left_out;
	long missed; /* chosen, but not made again */
	bool done;
	uint64_t
		was_tried[TRIED_MAX]; /* keys of calls, each at the first free place from its own; 0 = free */
	size_t was_tried_count;
	char way[512]; /* that of the call, in words */
} * at;

static enum inject_kind kind;
static const char *kind_name;
static long most;
static unsigned seed;
static const char *only;      /* NULL: all steps */
static struct call only_this; /* n 0: all */
static bool all;	      /* -a */
static size_t share, shares;  /* -p; shares 0: all */
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

/* A host of which an event was lost, for want of memory, is connected anew: it is back, and what its VMs do is known. */
static bool is_settled(struct life *l)
{
	_cleanup_view_ struct view *view = view_now(&l->pool);

	view_for_each (host, view, KIND_HOST)
		if (!object_str_is(host, HOST_STATUS, "Connected"))
			return false;
	view_for_each (vm, view, KIND_VM)
		if (object_str_is(vm, VM_STATE, "Unknown"))
			return false;
	return true;
}

static void settle(struct life *l)
{
	const struct timespec step = {.tv_nsec = 10 * 1000000L};

	for (int i = 0; i < SETTLE_MS / 10 && !is_settled(l); i++)
		(void)nanosleep(&step, NULL);
}

static struct census take_census(struct life *l)
{
	_cleanup_view_ struct view *view = NULL;
	struct census c = {0};

	settle(l);
	view = view_now(&l->pool);
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
		printf("%s %s %ld %016jx: %s (%s)\n", kind_name, step, at->call.n, (uintmax_t)at->call.way,
		       text, at->way);
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

/* Done, if need be once more when the host is back. */
static bool succeeds(struct life *l, const char *step, const char *what, run_fn *run)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (!run || run(l, &e) == 0)
		return true;
	if (!is_settled(l)) {
		settle(l);
		error_done(&e);
		if (run(l, &e) == 0)
			return true;
	}
	fault(step, "%s: %s", what, error_sentence(&e));
	return false;
}

/* Fails @run at a call; it is done in the end all the same. The name of the call that failed, NULL = none. */
static const char *fail_at(struct life *l, const char *step, run_fn *run, struct call call, long *ret_calls)
{
	const struct inject_plan plan = {.kind = kind,
					 .name = only_call,
					 .by_way = call.way != 0 || (call.n < 0 && !all),
					 .way = call.way,
					 .n = call.n};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct census before = take_census(l), after;
	const char *failed;
	int r;

	at->call = call;
	way_describe(call.way, at->way, sizeof(at->way));
	inject_arm(&plan);
	(void)alarm(HANG_S);
	r = run(l, &e);
	*ret_calls = inject_disarm(&failed);
	if (!failed && r < 0)
		fault(step, "fails by itself: %s", error_sentence(&e));
	at->tried += failed != NULL;
	at->missed += !failed && call.n > 0;
	if (getenv("POOLFS_VERBOSE"))
		printf("%s %s %ld %016jx: %s of %ld calls, %s\n", kind_name, step, call.n,
		       (uintmax_t)call.way, failed ? failed : "nothing", *ret_calls,
		       r < 0 ? error_sentence(&e) : "done");
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

/* -------------------------------------------------------------- which calls */

static uint64_t key_of(size_t step, struct call call)
{
	uint64_t key = (uint64_t)step * 0x9e3779b97f4a7c15;

	key = (key ^ call.way) * 0xff51afd7ed558ccd;
	key = (key ^ (uint64_t)call.n) * 0xc4ceb9fe1a85ec53;
	key ^= key >> 33;
	return key ? key : 1;
}

static uint64_t *place_of(size_t step, struct call call)
{
	uint64_t key = key_of(step, call);
	size_t place = key % TRIED_MAX;

	while (at->was_tried[place] && at->was_tried[place] != key)
		place = (place + 1) % TRIED_MAX;
	return &at->was_tried[place];
}

static bool was_tried(struct call call)
{
	return *place_of(at->step, call) != 0;
}

/* False if it is noted already. */
static bool note_tried(size_t step, struct call call)
{
	uint64_t *place = place_of(step, call);

	if (*place)
		return false;
	assert_true(++at->was_tried_count < TRIED_MAX);
	*place = key_of(step, call);
	return true;
}

/* The lines of the list are HOST KIND, the number of the step, N, and the way. */
#define LINE "%15s %15s %zu %ld %jx"

static const char *host_name(void)
{
	return simulated ? "simulator" : "test";
}

static bool is_in_share(size_t step)
{
	return shares == 0 || step % shares == share;
}

static void read_list(const char *path)
{
	char host[16], of_kind[16], line[128];
	struct call call;
	uintmax_t way;
	size_t step;

	list = fopen(path, "a+");
	if (!list) {
		perror(path);
		exit(2);
	}
	setvbuf(list, NULL, _IOLBF, 0);
	rewind(list);
	while (fgets(line, sizeof(line), list)) {
		if (sscanf(line, LINE, host, of_kind, &step, &call.n, &way) != 5 ||
		    strcmp(host, host_name()) != 0 || strcmp(of_kind, kind_name) != 0)
			continue;
		call.way = (way_id)way;
		at->left_out += note_tried(step, call) && is_in_share(step);
	}
}

static void add_to_list(struct call call)
{
	if (list && !only_call)
		fprintf(list, "%s %s %zu %ld %jx\n", host_name(), kind_name, at->step, call.n,
			(uintmax_t)call.way);
}

/* One of those that were not tried, at random. */
struct choice {
	struct call call; /* n 0: there is none */
	int of;
};

static void offer(struct choice *c, struct call call)
{
	if (!was_tried(call) && rand_r(&seed) % ++c->of == 0)
		c->call = call;
}

/* A call that was not tried, of a step that makes so many; n 0: none is to be tried any more. */
static struct call choose_call(long calls)
{
	struct choice choice = {0};
	way_id way;

	if (only_this.n > 0)
		return at->of_step ? choice.call : only_this;
	if (at->of_step >= most || (end && time(NULL) >= end))
		return choice.call;
	for (long n = 1; all && n <= calls; n++)
		offer(&choice, (struct call){.n = n});
	for (size_t i = 0; !all && (way = way_at(i)) != 0; i++) {
		offer(&choice, (struct call){.way = way, .n = 1});
		if (way_usual(i) > 1)
			offer(&choice, (struct call){.way = way, .n = way_usual(i)});
	}
	return choice.call;
}

/* How many calls there are, and on which ways. */
static bool count_calls(struct life *l, const char *name, run_fn *run, run_fn *back, long *ret_calls)
{
	(void)fail_at(l, name, run, (struct call){.n = -1}, ret_calls);
	way_keep_count();
	return succeeds(l, name, "the way back", back);
}

/* Some calls, or all, of one direction of a step. @run is done in the end, unless there is a way back. */
static void try_step(struct life *l, const struct life_step *s, bool up)
{
	run_fn *run = up ? s->up : s->down, *back = up ? s->down : s->up;
	struct census before = take_census(l), after;
	long calls = 1, ignored, wrong;
	struct call call;
	const char *failed;
	char name[64], what[128];

	snprintf(name, sizeof(name), "%s%s", s->name, up ? "" : " (back)");
	if (!run)
		return;
	if (!back) {
		(void)fail_at(l, name, run, (struct call){.n = 1}, &ignored);
		return;
	}
	way_forget_all();
	if (!count_calls(l, name, run, back, &calls))
		return;
	for (int counted = 1; (call = choose_call(calls)).n > 0 || counted < COUNTED;
	     counted += call.n == 0) {
		if (call.n == 0) { /* are there others, perhaps, when it is done once more? */
			if (all || only_this.n > 0 || at->of_step >= most ||
			    !count_calls(l, name, run, back, &calls))
				break;
			continue;
		}
		(void)note_tried(at->step, call);
		at->of_step++;
		wrong = at->wrong;
		failed = fail_at(l, name, run, call, &ignored);
		snprintf(what, sizeof(what), "the way back after %s failed", failed ? failed : "nothing");
		if (!succeeds(l, name, what, back))
			return;
		after = take_census(l);
		compare(name, what, &before, &after);
		before = after;
		if (failed && at->wrong == wrong)
			add_to_list(call);
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
	/* or each census, and each opening of the pool, would take longer than the one before */
	set_config(&l.pool, "job", "ended.maxNum", "20");
	life_goes_on = on_part;
	for (size_t i = 0; i < 2 * step_count(); i++) {
		bool up = i < step_count();
		const struct life_step *s = step_at(i);
		_cleanup_(error_done) struct error e = ERROR_INIT;

		if (i < begin || !is_in_share(i) || (only && strcmp(only, s->name) != 0)) {
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
	for (int option; (option = getopt(argc, argv, "asc:t:m:p:")) != -1;) {
		if (option == 'a')
			all = true;
		else if (option == 's')
			simulated = true;
		else if (option == 'c')
			only_call = optarg;
		else if (option == 't')
			path = optarg;
		else if (option == 'm')
			end = time(NULL) + 60 * strtol(optarg, NULL, 10);
		else if (option == 'p' && sscanf(optarg, "%zu/%zu", &share, &shares) == 2 && share < shares)
			continue;
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
	only_this.n = argc > 7 ? strtol(argv[7], NULL, 10) : 0;
	only_this.way = argc > 8 ? strtoull(argv[8], NULL, 16) : 0;
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
		printf("%s, step %zu (%s), %ld %016jx: the program ends with %s %d (%s)\n", kind_name,
		       at->step, step_at(at->step)->name, at->call.n, (uintmax_t)at->call.way,
		       WIFSIGNALED(status) ? "signal" : "status",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), at->way);
		at->done = only_this.n > 0;
	}
	printf("%s: %ld calls made to fail, %ld steps failed of it, %ld faults", kind_name, at->tried,
	       at->failed, at->wrong);
	printf(at->missed ? "; %ld calls were not made again\n" : "\n", at->missed);
	return at->wrong || at->tried + at->left_out == 0 ? 1 : 0;
}
