/*-------------------------------------------------------------------------
 * status.h
 *	  A line on the terminal that is drawn over and over again, and goes.
 *
 * It stands on stderr, below everything else, and only where that is a
 * terminal: output.c erases it before it prints anything.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_STATUS_H
#define VIFLO_CLI_STATUS_H

/* wanted false: no line is shown, whatever stderr is. */
extern void viflo_status_init(bool wanted);

/* Columns that it may take now, as the user may resize; 0: none is shown. */
extern int	viflo_status_width(void);

/* Shows line, which is no wider than that and has no control characters. */
extern void viflo_status_show(const char *line);
extern void viflo_status_erase(void);

#endif							/* VIFLO_CLI_STATUS_H */
