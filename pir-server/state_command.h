/* state_command - `blindlist-server state check | backup FILE | vacuum | new-key KIND`: what an
 * operator does with the state of a server, running or not. */
#ifndef BLINDLIST_STATE_COMMAND_H
#define BLINDLIST_STATE_COMMAND_H

/* argv[0] is "state". The exit code: 0 done, 1 failed, 2 wrong usage, 3 the state is damaged. */
int state_command(int argc, char **argv);

#endif
