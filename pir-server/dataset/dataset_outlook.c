#include "pir-server/dataset/dataset_outlook.h"

#include <jansson.h>
#include <math.h>

#define MS_A_DAY (24.0 * 60 * 60 * 1000)

struct dataset_outlook dataset_outlook(double rate, uint64_t shard_count,
                                       const struct pir_prediction *prediction)
{
    const double pages = OUTLOOK_PAGE_LOADS;
    const double query_ms = (double)prediction->query_ns / 1e6;
    struct dataset_outlook outlook = {.queries_in_vain = pages * OUTLOOK_URLS_A_PAGE *
                                                         OUTLOOK_SUB_URLS_A_URL * rate};
    outlook.queries = outlook.queries_in_vain + pages / OUTLOOK_PAGES_A_LISTED;
    outlook.queries_a_day = outlook.queries * OUTLOOK_PAGES_A_DAY / pages;
    outlook.sent_bytes = outlook.queries * (double)prediction->query_bytes;
    outlook.received_bytes = outlook.queries * (double)prediction->response_bytes;
    outlook.server_ms = outlook.queries * query_ms;
    outlook.people_a_core = MS_A_DAY * OUTLOOK_LOAD_PERCENT / 100 /
                            (OUTLOOK_PEAK_OVER_MEAN * outlook.queries_a_day * query_ms);
    outlook.people_in_shard =
        OUTLOOK_PEOPLE * (1 - pow(1 - 1 / (double)shard_count, outlook.queries_a_day));
    return outlook;
}

struct json_t *dataset_outlook_json(const struct dataset_outlook *outlook)
{
    return json_pack("{s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:f}", "pageLoads",
                     OUTLOOK_PAGE_LOADS, "queries", outlook->queries, "queriesInVain",
                     outlook->queries_in_vain, "sentBytes", outlook->sent_bytes, "receivedBytes",
                     outlook->received_bytes, "serverMs", outlook->server_ms, "queriesADay",
                     outlook->queries_a_day, "peopleACore", outlook->people_a_core, "people",
                     OUTLOOK_PEOPLE, "peopleInShard", outlook->people_in_shard);
}
