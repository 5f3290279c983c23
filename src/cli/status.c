/*-------------------------------------------------------------------------
 * status.c
 *	  A line on the terminal that is drawn over and over again, and goes.
 *
 * Nothing but carriage return and two escape sequences that every terminal
 * of the last forty years knows; TERM=dumb says that it is none of them.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/status.h"

/* Less than this is no room for anything. */
#define MIN_WIDTH	20

/* What a terminal has that does not tell. */
#define USUAL_WIDTH 80

static bool possible = false;
static bool shown = false;

void
viflo_status_init(bool wanted)
{
	const char *term = getenv("TERM");

	possible = wanted && isatty(fileno(stderr)) &&
		term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

int
viflo_status_width(void)
{
	struct winsize size;
	int			width = USUAL_WIDTH;

	if (!possible)
		return 0;
	if (ioctl(fileno(stderr), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		width = size.ws_col;

	/* A cursor behind the last column would begin another line. */
	return width > MIN_WIDTH ? width - 1 : 0;
}

/* One write, so that nothing comes between. */
void
viflo_status_show(const char *line)
{
	char	   *text;

	if (!possible)
		return;
	text = psprintf("\r%s\033[K", line);
	fputs(text, stderr);
	pfree(text);
	shown = true;
}

void
viflo_status_erase(void)
{
	if (!shown)
		return;

	/* To the end of the screen: a line drawn before it was made narrower. */
	fputs("\r\033[J", stderr);
	shown = false;
}
