/*-------------------------------------------------------------------------
 * program.c
 *	  Runs a program and takes what it writes.
 *
 * Both of its pipes are emptied as they fill, so that it never waits for us.
 * Between fork() and exec() only what is safe there is called, as a thread of
 * ours may be connecting at that moment.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/program.h"

/* Only the last lines of a longer stderr are shown. */
#define SHOWN_ERRORS	2048

/* The program while it runs. */
typedef struct Child
{
	const char *name;
	pid_t		pid;
	int			out;			/* ends that we read */
	int			err;
	time_t		until;
} Child;

/* The child's side; does not return. */
static void
become(const char *const *argv, int dir, int out, int err)
{
	int			null = open("/dev/null", O_RDONLY);

	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
		dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0 &&
		fchdir(dir) == 0)
		execvp(argv[0], (char *const *) argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static void
close_pipe(int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

static bool
start(Child *child, const char *const *argv, int dir)
{
	int			out[2];
	int			err[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return false;
	if (pipe2(err, O_CLOEXEC) < 0)
	{
		close_pipe(out);
		return false;
	}
	fflush(NULL);
	child->pid = fork();
	if (child->pid == 0)
		become(argv, dir, out[1], err[1]);
	if (child->pid < 0)
	{
		close_pipe(out);
		close_pipe(err);
		return false;
	}
	close(out[1]);
	close(err[1]);
	child->out = out[0];
	child->err = err[0];
	child->name = argv[0];
	child->until = time(NULL) + VIFLO_PROGRAM_MAX_SECONDS;
	return true;
}

/* Reads what is there; closes *fd, and makes it -1, at the end. */
static void
take(int *fd, StringInfo buf)
{
	char		piece[65536];
	ssize_t		got = read(*fd, piece, sizeof(piece));

	if (got > 0)
		appendBinaryStringInfo(buf, piece, got);
	else if (got == 0 || (errno != EINTR && errno != EAGAIN))
	{
		close(*fd);
		*fd = -1;
	}
}

static bool
fail_late(const Child *child, VifloFailure *failure)
{
	kill(child->pid, SIGKILL);
	return viflo_failure(failure, VIFLO_EXIT_REFUSED,
						 "program \"%s\" did not end within %d seconds",
						 child->name, VIFLO_PROGRAM_MAX_SECONDS);
}

/* Reads until both pipes are closed.  False: it went too far, and was killed. */
static bool
follow(Child *child, StringInfo out, StringInfo err, VifloFailure *failure)
{
	int			before = out->len;

	while (child->out >= 0 || child->err >= 0)
	{
		struct pollfd fds[2] = {{child->out, POLLIN, 0}, {child->err, POLLIN, 0}};
		time_t		left = child->until - time(NULL);

		if (left <= 0)
			return fail_late(child, failure);
		if (out->len - before > VIFLO_PROGRAM_MAX_OUTPUT)
		{
			kill(child->pid, SIGKILL);
			return viflo_failure(failure, VIFLO_EXIT_REFUSED,
								 "program \"%s\" wrote more than %d MB",
								 child->name, VIFLO_PROGRAM_MAX_OUTPUT / (1024 * 1024));
		}
		if (poll(fds, 2, left * 1000) <= 0)
			continue;
		if (fds[0].revents != 0)
			take(&child->out, out);
		if (fds[1].revents != 0)
			take(&child->err, err);
		if (err->len > 8 * SHOWN_ERRORS)
		{
			memmove(err->data, err->data + err->len - 2 * SHOWN_ERRORS, 2 * SHOWN_ERRORS + 1);
			err->len = 2 * SHOWN_ERRORS;
		}
	}
	return true;
}

/*
 * Takes the exit status.  As it has closed its pipes, the program ends at once,
 * as a rule; false when it does not, and was killed.
 */
static bool
wait_for_end(const Child *child, int *status, VifloFailure *failure)
{
	for (;;)
	{
		pid_t		ended = waitpid(child->pid, status, WNOHANG);

		if (ended == child->pid)
			return true;
		if (ended < 0 && errno != EINTR)
			return viflo_failure(failure, VIFLO_EXIT_REFUSED,
								 "could not wait for program \"%s\": %m", child->name);
		if (time(NULL) >= child->until)
			return fail_late(child, failure);
		pg_usleep(1000);
	}
}

/* The end of what the program has said on stderr; NULL: it has said nothing. */
static char *
last_words(StringInfo err)
{
	const char *start;
	const char *line;

	while (err->len > 0 && isspace((unsigned char) err->data[err->len - 1]))
		err->data[--err->len] = '\0';
	if (err->len == 0)
		return NULL;
	start = err->data + Max(err->len - SHOWN_ERRORS, 0);
	line = start > err->data ? strchr(start, '\n') : NULL;
	return pstrdup(line ? line + 1 : start);
}

bool
viflo_program_run(const char *const *argv, int dir, StringInfo out,
				  VifloFailure *failure)
{
	Child		child;
	StringInfoData err;
	int			status;
	bool		good;

	if (!start(&child, argv, dir))
		return viflo_failure(failure, VIFLO_EXIT_REFUSED,
							 "could not start program \"%s\": %m", argv[0]);
	initStringInfo(&err);
	good = follow(&child, out, &err, failure) && wait_for_end(&child, &status, failure);
	if (child.out >= 0)
		close(child.out);
	if (child.err >= 0)
		close(child.err);
	while (!good && waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (good && status != 0)
	{
		good = viflo_failure(failure, VIFLO_EXIT_REFUSED, "program \"%s\" failed: %s",
							 argv[0], wait_result_to_str(status));
		failure->detail = last_words(&err);
	}
	pfree(err.data);
	return good;
}
