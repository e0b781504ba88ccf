/* postgres_server - a PostgreSQL server for a test or benchmark in C (tests/postgres.py). */
#ifndef BLINDLIST_TESTS_POSTGRES_SERVER_H
#define BLINDLIST_TESTS_POSTGRES_SERVER_H

#define POSTGRES_SERVER_NAME_BYTES 512

/* Starts one that ends with this process, its data below `folder`; NULL: in memory. `ret` is what
 * store_open() takes, or "skip REASON" when there is no PostgreSQL here. */
void postgres_server_start(const char *folder, char ret[POSTGRES_SERVER_NAME_BYTES]);

#endif
