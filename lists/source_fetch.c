#include "lists/source_fetch.h"

#include "base/mem.h"

#include <curl/curl.h>
#include <errno.h>
#include <strings.h>
#include <time.h>

/* Slower than this for SOURCE_STALL_S is no progress. */
#define STALL_BYTES_PER_S 100

struct fetching {
    const struct lists_source *source;
    const struct source_copy *known;
    CURL *curl;
    struct curl_slist *headers;
    struct source_answer answer;
    uint64_t deadline_ms;
    uint64_t wait_ms;
    char curl_error[CURL_ERROR_SIZE];
};

/* ---- time ---- */

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t left_ms(const struct fetching *work)
{
    const uint64_t now = now_ms();
    return now < work->deadline_ms ? work->deadline_ms - now : 0;
}

static void sleep_ms(uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

/* ---- the request ---- */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct bytes *body = context;
    bytes_append(body, span_of(data, size * count));
    return body->status == STATUS_OK ? size * count : 0;
}

/* "Name: value"; false without memory. */
static bool add_header(struct fetching *work, const char *name, const char *value)
{
    char line[SOURCE_VALIDATOR_MAX_BYTES + 64];
    (void)snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(work->headers, line);
    if (longer != NULL)
        work->headers = longer;
    return longer != NULL;
}

static enum status prepare(struct fetching *work, struct error *err)
{
    const struct lists_source *source = work->source;
    const struct source_copy *known = work->known;
    const char *schemes = source->allow_http ? "http,https" : "https";
    work->curl = curl_easy_init();
    CURL *curl = work->curl;
    if (curl == NULL || !add_header(work, "Accept-Encoding", "gzip, zstd") ||
        (known != NULL && known->etag != NULL && !add_header(work, "If-None-Match", known->etag)) ||
        (known != NULL && known->last_modified != NULL &&
         !add_header(work, "If-Modified-Since", known->last_modified)))
        return error_set(err, STATUS_NOMEM, "out of memory");
    curl_easy_setopt(curl, CURLOPT_URL, source->location);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, schemes);
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)SOURCE_REDIRECTS_MAX);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, work->headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "blindlist/" BLINDLIST_VERSION);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L); /* no body of an error page */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SOURCE_STALL_S);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)source->max_bytes);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (source->ca != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, source->ca);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, work->curl_error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &work->answer.body);
    return STATUS_OK;
}

/* ---- the answer ---- */

/* Of the last answer, behind all redirects; NULL when it is not there. */
static const char *header(const struct fetching *work, const char *name)
{
    struct curl_header *found = NULL;
    return curl_easy_header(work->curl, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK
               ? found->value
               : NULL;
}

/* False without memory. */
static bool keep_validator(const struct fetching *work, const char *name, char **ret)
{
    const char *value = header(work, name);
    if (value == NULL || value[0] == '\0' || strlen(value) > SOURCE_VALIDATOR_MAX_BYTES)
        return true;
    *ret = mem_strdup(value);
    return *ret != NULL;
}

static enum status take_answer(struct fetching *work, struct error *err)
{
    static const char *const codings[] = {"identity", "gzip", "x-gzip", "zstd"};
    long http = 0;
    curl_easy_getinfo(work->curl, CURLINFO_RESPONSE_CODE, &http);
    const char *coding = header(work, "Content-Encoding");
    size_t known = 0;
    if (http == 304 && work->known != NULL) {
        work->answer.not_modified = true;
        bytes_clear(&work->answer.body);
        return STATUS_OK;
    }
    if (http != 200)
        return error_set(err, STATUS_INVALID, "the server answered %ld, not 200", http);
    while (coding != NULL && known < ARRAY_COUNT(codings) &&
           strcasecmp(coding, codings[known]) != 0)
        known++;
    if (coding != NULL && known == ARRAY_COUNT(codings))
        return error_set(err, STATUS_UNSUPPORTED,
                         "the server packs with a coding that was not asked for");
    return keep_validator(work, "ETag", &work->answer.etag) &&
                   keep_validator(work, "Last-Modified", &work->answer.last_modified)
               ? STATUS_OK
               : error_set(err, STATUS_NOMEM, "out of memory");
}

/* ---- what went wrong ---- */

static bool may_pass(long http)
{
    return http == 408 || http == 429 || http >= 500;
}

static enum status http_failure(long http, struct error *err)
{
    enum status status = STATUS_INVALID;
    if (http == 404 || http == 410)
        status = STATUS_NOT_FOUND;
    else if (http == 401 || http == 403 || http == 407)
        status = STATUS_UNAUTHORIZED;
    else if (may_pass(http))
        status = STATUS_BUSY;
    return error_set(err, status, "the server answered %ld", http);
}

/* What libcurl says, where its words name no more than a host. */
static const char *words(const struct fetching *work, CURLcode code)
{
    static const CURLcode harmless[] = {
        CURLE_COULDNT_RESOLVE_HOST,
        CURLE_COULDNT_CONNECT,
        CURLE_OPERATION_TIMEDOUT,
        CURLE_SSL_CONNECT_ERROR,
        CURLE_PEER_FAILED_VERIFICATION,
        CURLE_PARTIAL_FILE,
        CURLE_GOT_NOTHING,
        CURLE_RECV_ERROR,
        CURLE_SEND_ERROR,
    };
    for (size_t i = 0; i < ARRAY_COUNT(harmless); i++) {
        if (harmless[i] == code && work->curl_error[0] != '\0')
            return work->curl_error;
    }
    return curl_easy_strerror(code);
}

static enum status transfer_failure(const struct fetching *work, CURLcode code, struct error *err)
{
    const struct lists_source *source = work->source;
    long value = 0;
    if (work->answer.body.status == STATUS_NOMEM)
        return error_set(err, STATUS_NOMEM, "out of memory");
    if (work->answer.body.status == STATUS_TOO_LARGE || code == CURLE_FILESIZE_EXCEEDED)
        return error_set(err, STATUS_TOO_LARGE, "the answer has more than %llu bytes (maxBytes)",
                         (unsigned long long)source->max_bytes);
    switch ((int)code) {
    case CURLE_HTTP_RETURNED_ERROR:
        curl_easy_getinfo(work->curl, CURLINFO_RESPONSE_CODE, &value);
        return http_failure(value, err);
    case CURLE_TOO_MANY_REDIRECTS:
        return error_set(err, STATUS_INVALID, "more than %d redirects", SOURCE_REDIRECTS_MAX);
    case CURLE_UNSUPPORTED_PROTOCOL:
        return error_set(err, STATUS_INVALID, "redirected to something else than %s",
                         source->allow_http ? "http and https" : "https");
    case CURLE_SSL_CACERT_BADFILE:
        return error_set(err, STATUS_INVALID, "%s: cannot be read as certificates (ca)",
                         source->ca != NULL ? source->ca : "the system's certificates");
    case CURLE_PEER_FAILED_VERIFICATION:
        return error_set(err, STATUS_INVALID,
                         "the server is not trusted: %s (ca names a file of certificates to trust)",
                         words(work, code));
    case CURLE_OUT_OF_MEMORY:
        return error_set(err, STATUS_NOMEM, "out of memory");
    default:
        return error_set(err, STATUS_IO, "%s", words(work, code));
    }
}

static bool is_worth_a_retry(CURLcode code)
{
    switch ((int)code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

/* ---- attempts ---- */

/* *ret_again: the failure may pass. */
static enum status attempt(struct fetching *work, bool *ret_again, struct error *err)
{
    long http = 0;
    const uint64_t left = left_ms(work) + 1; /* 0 would be no limit */
    const uint64_t connect = SOURCE_CONNECT_S * 1000;
    bytes_clear(&work->answer.body);
    work->curl_error[0] = '\0';
    curl_easy_setopt(work->curl, CURLOPT_TIMEOUT_MS, (long)left);
    curl_easy_setopt(work->curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(left < connect ? left : connect));
    const CURLcode code = curl_easy_perform(work->curl);
    if (code == CURLE_OK)
        return take_answer(work, err);
    curl_easy_getinfo(work->curl, CURLINFO_RESPONSE_CODE, &http);
    *ret_again = code == CURLE_HTTP_RETURNED_ERROR ? may_pass(http) : is_worth_a_retry(code);
    return transfer_failure(work, code, err);
}

/* Whether there is time for another attempt, after waiting for it. */
static bool wait_for_next(struct fetching *work)
{
    curl_off_t retry_after_s = 0;
    uint64_t wait = work->wait_ms;
    if (curl_easy_getinfo(work->curl, CURLINFO_RETRY_AFTER, &retry_after_s) == CURLE_OK &&
        retry_after_s > 0 && (uint64_t)retry_after_s < LISTS_TIMEOUT_MAX_S)
        wait = (uint64_t)retry_after_s * 1000;
    if (wait >= left_ms(work))
        return false;
    sleep_ms(wait);
    if (work->wait_ms < SOURCE_RETRY_WAIT_MAX_MS)
        work->wait_ms *= 2;
    return true;
}

enum status source_fetch(const struct lists_source *source, const struct source_copy *known,
                         uint64_t retry_wait_ms, struct source_answer *ret, struct error *err)
{
    struct fetching work = {.source = source,
                            .known = known,
                            .deadline_ms = now_ms() + source->timeout_s * 1000,
                            .wait_ms = retry_wait_ms};
    bytes_init(&work.answer.body, (size_t)source->max_bytes);
    enum status status = prepare(&work, err);
    bool again = status == STATUS_OK;
    for (uint64_t tried = 0; again; tried++) {
        again = false;
        status = attempt(&work, &again, err);
        again = again && tried < source->retries && wait_for_next(&work);
    }
    if (status == STATUS_OK) {
        *ret = work.answer;
        work.answer = (struct source_answer){0};
    }
    source_answer_deinit(&work.answer);
    curl_slist_free_all(work.headers);
    curl_easy_cleanup(work.curl); /* takes NULL */
    return status;
}

void source_answer_deinit(struct source_answer *answer)
{
    bytes_deinit(&answer->body);
    mem_free(answer->etag);
    mem_free(answer->last_modified);
    *answer = (struct source_answer){0};
}
