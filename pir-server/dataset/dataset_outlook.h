/* dataset_outlook - what a dataset version costs devices and the server in everyday use, and how
 * many people hide each other.
 *
 * Assumed (the same as in docs/PERFORMANCE.md, by day: 5,000 URLs, 20 listed ones, 45 queries at
 * one false positive in 1,000): a page load brings 50 URLs that the device has no answer for yet,
 * with 5 sub-URLs of each that it has not tested before, every fifth page load a listed one that it
 * meets for the first time; a person loads 100 pages a day. The busiest hour has 3 times the mean,
 * and a server is filled to 70 %.
 *
 * Hidden   a query tells the server its shard and no more. Whoever asks the same shard on the same
 *          day is as likely to have asked for any row in it. With q queries a day, spread evenly
 *          over s shards, a person asks a given shard with probability 1 - (1 - 1/s)^q.
 *
 * Memory   plain values. Threads  any. */
#ifndef BLINDLIST_DATASET_DATASET_OUTLOOK_H
#define BLINDLIST_DATASET_DATASET_OUTLOOK_H

#include "pir-server/pir/pir_cost.h"

#define OUTLOOK_PAGE_LOADS     1000 /* that the figures are for */
#define OUTLOOK_URLS_A_PAGE    50
#define OUTLOOK_SUB_URLS_A_URL 5
#define OUTLOOK_PAGES_A_LISTED 5
#define OUTLOOK_PAGES_A_DAY    100
#define OUTLOOK_PEAK_OVER_MEAN 3
#define OUTLOOK_LOAD_PERCENT   70
#define OUTLOOK_PEOPLE         1000 /* of whom `people_in_shard` are */

struct dataset_outlook {
    double queries;         /* PIR queries in OUTLOOK_PAGE_LOADS, */
    double queries_in_vain; /* and those of them for rows that do not exist */
    double queries_a_day;   /* of one person */
    double sent_bytes;      /* by a device for these queries, without evaluation keys */
    double received_bytes;  /* likewise */
    double server_ms;       /* on one core */
    double people_a_core;   /* whom one core can serve */
    double people_in_shard; /* of OUTLOOK_PEOPLE, who ask a given shard on one day */
};

/*   rate  of the prefilter's false positives, as built */
struct dataset_outlook dataset_outlook(double rate, uint64_t shard_count,
                                       const struct pir_prediction *prediction);

struct json_t;
/* The fields of the struct in an object; NULL without memory. */
struct json_t *dataset_outlook_json(const struct dataset_outlook *outlook);

#endif
