/* wire_limits - how much of anything a message may hold before it is refused (STATUS_TOO_LARGE).
 *
 * Bodies and files have a size limit of their own where they are read; these bound the parts. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_WIRE_LIMITS_H
#define BLINDLIST_PIR_SERVER_WIRE_WIRE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* A body of an upload, a query or a configuration request (service.md section 1.3). */
#define WIRE_BODY_MAX_BYTES ((size_t)10 << 20)
/* Requests in one body: a body of full size holds 371 queries of the usual parameters. */
#define WIRE_REQUESTS_MAX ((size_t)512)
/* Keys in one upload: a body of full size holds about 60 of the smallest. */
#define WIRE_KEYS_PER_UPLOAD_MAX ((size_t)64)
/* A body of a report, the URLs in it, and the bytes of one: a day of a supervised device. */
#define WIRE_REPORT_MAX_BYTES     ((size_t)1 << 20)
#define WIRE_REPORT_URLS_MAX      ((size_t)10000)
#define WIRE_REPORT_URL_MAX_BYTES ((size_t)8192)
/* Use cases in a configuration request or response. */
#define WIRE_USE_CASES_MAX ((size_t)1024)
/* Bytes of a use case name (a bundle identifier and a suffix). */
#define WIRE_USE_CASE_NAME_MAX_BYTES ((size_t)255)
/* Shards of a configuration: what recent devices take. */
#define WIRE_SHARDS_MAX ((size_t)65536)
/* A parameter or key configuration file. Reference files have less than a kilobyte. */
#define WIRE_PARAMETERS_MAX_BYTES ((size_t)1 << 20)
/* A configuration response, as a client takes it: shards spelled out take 20 bytes each. */
#define WIRE_CONFIG_RESPONSE_MAX_BYTES ((size_t)64 << 20)
/* One row of a KeywordDatabase: keyword and value. */
#define WIRE_ROW_MAX_BYTES ((size_t)16 << 20)

#define WIRE_CONFIG_ID_BYTES 32 /* SHA-256 of the PIRConfig */
#define WIRE_KEY_ID_BYTES    32 /* SHA-256 of the EvaluationKeyConfig */

#endif
