/* address_counts - how many connections each address has.
 *
 * Cost     one small block for each address that has any; a table of lists, whose order nobody
 *          outside can foresee. Threads  one at a time: the caller locks. */
#ifndef BLINDLIST_SERVICE_ADDRESS_COUNTS_H
#define BLINDLIST_SERVICE_ADDRESS_COUNTS_H

#include "pir-server/service/client_address.h"

struct address_counts;
struct address_count;

/* expected  so many addresses at a time; more only cost time */
enum status address_counts_new(size_t expected, struct address_counts **ret,
                               struct error *err) MUST_CHECK;
/* Nothing is counted any more. Takes NULL. */
void address_counts_free(struct address_counts *counts);

/* How many were taken of this address and not given back. */
size_t address_counts_look(const struct address_counts *counts,
                           const struct client_address *address);
/* One more; NULL without memory. */
struct address_count *address_counts_take(struct address_counts *counts,
                                          const struct client_address *address) MUST_CHECK;
/* One less. Takes NULL. */
void address_counts_give_back(struct address_counts *counts, struct address_count *count);

#endif
