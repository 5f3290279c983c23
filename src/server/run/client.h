/*-------------------------------------------------------------------------
 * client.h
 *	  Is the client of this session still there?
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_H
#define VIFLO_CLIENT_H

/*
 * For who waits without sending anything: ends the session, with FATAL, when
 * its client has closed the connection.  Does nothing in a process without a
 * client, and where the system cannot tell.  May reset the process latch.
 */
extern void viflo_client_check(void);

#endif							/* VIFLO_CLIENT_H */
