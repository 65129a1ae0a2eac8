/* SPDX-License-Identifier: Apache-2.0 */
/* See log.h. */
#include "model/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#ifdef HAVE_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <syslog.h>
#include <systemd/sd-journal.h>
#endif

#include "model/text.h"

/* A file and its predecessor are at most twice this long. */
#define FILE_BYTES_MAX (16 * 1024 * 1024)

static const char *const names[] = {[LOG_LEVEL_ERROR] = "error",
				    [LOG_LEVEL_WARNING] = "warning",
				    [LOG_LEVEL_INFO] = "info",
				    [LOG_LEVEL_DEBUG] = "debug"};

/* A process has one log. */
static _Atomic enum log_level most = LOG_LEVEL_INFO;
static const char *program = "poolfs"; /* set before the first thread starts */
static bool to_journal;		       /* the same */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int fd = STDERR_FILENO; /* lock */
static char *file;	       /* lock; owned; NULL: not a file */

int log_level_from_name(const char *name, enum log_level *ret, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum log_level)i;
			return 0;
		}
	return error_set(e, EINVAL, "'%s' is not a level of the log: error, warning, info or debug", name);
}

/* Is the standard error the journal? systemd says in the environment which file that would be: sd-journal(3). */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	char *end;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	device = strtoull(stream, &end, 10);
	if (*end != ':')
		return false;
	inode = strtoull(end + 1, &end, 10);
	return *end == '\0' && device == st.st_dev && inode == st.st_ino;
}

void log_start(const char *name, enum log_level level)
{
	int copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	program = name;
	atomic_store(&most, level);
	to_journal = is_journal();
	scoped_lock(&lock);
	/* The standard error itself may be borrowed for a while, to hear what a child says. */
	if (copy >= 0 && fd == STDERR_FILENO)
		fd = copy;
	else if (copy >= 0)
		(void)close(copy);
}

/* Under lock. The standard error goes along, for what libraries and children print. */
static int open_file(const char *path)
{
	int opened = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int r;

	if (opened < 0)
		return -errno;
	if (dup2(opened, STDERR_FILENO) < 0) {
		r = -errno;
		(void)close(opened);
		return r;
	}
	if (fd != STDERR_FILENO)
		(void)close(fd);
	fd = opened;
	return 0;
}

int log_to_file(const char *path, struct error *e)
{
	char *copy = strdup(path);
	int r;

	if (!copy)
		return error_oom(e);
	scoped_lock(&lock);
	r = open_file(path);
	if (r < 0) {
		free(copy);
		return error_set(e, -r, "cannot open the log '%s': %s", path, strerror(-r));
	}
	free(file);
	file = copy;
	to_journal = false;
	return 0;
}

bool log_reopen(void)
{
	scoped_lock(&lock);
	if (file)
		(void)open_file(file); /* else the present one goes on */
	return file != NULL;
}

/*
 * Under lock. Several processes write to the file: one of them may have renamed it, and begun the next. (Who else
 * renames it has the program open it again.)
 */
static void follow_file(void)
{
	struct stat present, named;

	if (fstat(fd, &present) == 0 && stat(file, &named) == 0 &&
	    (present.st_ino != named.st_ino || present.st_dev != named.st_dev))
		(void)open_file(file);
}

/* Under lock. */
static void bound_file(void)
{
	_cleanup_free_ char *old = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size < FILE_BYTES_MAX)
		return;
	if (asprintf(&old, "%s.1", file) < 0) {
		old = NULL;
		return;
	}
	if (rename(file, old) == 0)
		(void)open_file(file);
}

#ifdef HAVE_SYSTEMD
static bool send_to_journal(enum log_level level, const char *subject, const char *id, const char *text)
{
	static const int priorities[] = {[LOG_LEVEL_ERROR] = LOG_ERR,
					 [LOG_LEVEL_WARNING] = LOG_WARNING,
					 [LOG_LEVEL_INFO] = LOG_INFO,
					 [LOG_LEVEL_DEBUG] = LOG_DEBUG};

	return sd_journal_send("PRIORITY=%d", priorities[level], "SYSLOG_IDENTIFIER=%s", program,
			       "POOLFS_SUBJECT=%s", subject, "POOLFS_ID=%s", id ? id : "", "MESSAGE=%s", text,
			       NULL) >= 0;
}
#else
static bool send_to_journal(enum log_level level, const char *subject, const char *id, const char *text)
{
	(void)level;
	(void)subject;
	(void)id;
	(void)text;
	return false;
}
#endif

static void write_line(enum log_level level, const char *text)
{
	_cleanup_free_ char *line = NULL;
	char stamp[sizeof("2026-11-29T04:05:06")];
	struct timespec now;
	struct tm tm;
	int len;

	clock_gettime(CLOCK_REALTIME, &now);
	(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &tm));
	len = asprintf(&line, "%s.%03ldZ %s %s\n", stamp, now.tv_nsec / 1000000, names[level], text);
	if (len < 0) {
		line = NULL;
		return;
	}
	scoped_lock(&lock);
	if (file) {
		follow_file();
		bound_file();
	}
	(void)!write(fd, line, (size_t)len); /* in one piece; there is nobody to tell that it failed */
}

void log_write(enum log_level level, const char *subject, const char *id, const char *fmt, ...)
{
	_cleanup_free_ char *message = NULL, *whole = NULL, *text = NULL;
	int saved = errno;
	va_list args;

	if (level > atomic_load(&most))
		return;
	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	if (!message || asprintf(&whole, "%s%s%s: %s", subject, id ? " " : "", id ? id : "", message) < 0)
		whole = NULL;
	text = whole ? text_printable(whole) : NULL;
	if (text && !(to_journal && send_to_journal(level, subject, id, text)))
		write_line(level, text);
	errno = saved;
}
