#include "tools/device/http_client.h"

#include "base/mem.h"
#include "tools/device/oblivious.h"

#include <curl/curl.h>
#include <jansson.h>
#include <strings.h>

struct http_client {
    CURL *curl;
    char *base; /* without a slash at its end */
    char *user_agent;
    char *user_identifier; /* NULL = none */
    char *content_type;
    char *gateway; /* NULL = none; its keys are `sealing` when there are some */
    bool has_keys;
    struct ohttp_key_config sealing;
    char *ca_path;        /* NULL = the system's */
    char *connect_to;     /* "::HOST:PORT"; NULL = nothing */
    struct bytes headers; /* of the last answer, as they came */
    enum http_failure failure;
};

#define HTTP_OK          200
#define HTTP_BAD_REQUEST 400
/* Around the content of an answer that came sealed. */
#define ANSWER_HEAD_MAX_BYTES ((size_t)65536)
/* The keys that a client has may be old once. */
#define GATEWAY_ATTEMPTS 2
/* What a client needs to know of one answer; more is left out. */
#define HEADERS_MAX_BYTES ((size_t)65536)

/* A request on its way. */
struct transfer {
    CURL *curl; /* borrowed */
    char *url;
    struct curl_slist *headers;
    struct curl_slist *connect_to;
    const struct span *request; /* NULL: a GET */
    struct bytes *body;
    bool is_sealed; /* what travels are these: */
    struct bytes sealed;
    struct bytes answer;
    struct ohttp_exchange exchange;
    char curl_error[CURL_ERROR_SIZE];
};

static bool is_http_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

/* "<name>: <value>" (mem_free); NULL without memory. */
static char *header_line(const char *name, const char *value)
{
    const size_t size = strlen(name) + 2 + strlen(value) + 1;
    char *line = mem_alloc(size, 1);
    if (line != NULL)
        snprintf(line, size, "%s: %s", name, value);
    return line;
}

/* Everybody's name leads to HOST:PORT (mem_free); NULL without memory. */
static char *connect_rule(const char *host_and_port)
{
    const size_t size = strlen(host_and_port) + 3;
    char *rule = mem_alloc(size, 1);
    if (rule != NULL)
        snprintf(rule, size, "::%s", host_and_port);
    return rule;
}

/* Copies what is given: false without memory. */
static bool copy_options(struct http_client *client, const struct http_client_options *options)
{
    client->base = mem_strdup(options->base_url);
    client->user_agent = mem_strdup(options->user_agent);
    client->content_type = mem_strdup(options->content_type);
    if (options->ca_path != NULL)
        client->ca_path = mem_strdup(options->ca_path);
    if (options->connect_to != NULL)
        client->connect_to = connect_rule(options->connect_to);
    if (options->user_identifier != NULL)
        client->user_identifier = mem_strdup(options->user_identifier);
    if (options->gateway != NULL)
        client->gateway = mem_strdup(options->gateway);
    return client->base != NULL && client->user_agent != NULL && client->content_type != NULL &&
           (client->ca_path != NULL || options->ca_path == NULL) &&
           (client->connect_to != NULL || options->connect_to == NULL) &&
           (client->gateway != NULL || options->gateway == NULL) &&
           (client->user_identifier != NULL || options->user_identifier == NULL);
}

/* Takes NULL. */
static void cut_slashes(char *url)
{
    for (size_t end = url != NULL ? strlen(url) : 0; end > 0 && url[end - 1] == '/'; end--)
        url[end - 1] = '\0';
}

enum status http_client_new(const struct http_client_options *options, struct http_client **ret,
                            struct error *err)
{
    const bool has_base = is_http_url(options->base_url);
    if (!has_base || (options->gateway != NULL && !is_http_url(options->gateway)))
        return error_set(err, STATUS_INVALID, "%s: is no http:// or https:// URL",
                         has_base ? options->gateway : options->base_url);
    struct http_client *client = mem_alloc_zeroed(1, sizeof *client);
    if (client == NULL)
        return error_set(err, STATUS_NOMEM, "HTTP client: out of memory");
    bytes_init(&client->headers, HEADERS_MAX_BYTES);
    client->curl = curl_easy_init();
    if (!copy_options(client, options) || client->curl == NULL) {
        http_client_free(client);
        return error_set(err, STATUS_NOMEM, "HTTP client: out of memory");
    }
    cut_slashes(client->base);
    cut_slashes(client->gateway);
    *ret = client;
    return STATUS_OK;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    if (client->curl != NULL)
        curl_easy_cleanup(client->curl);
    bytes_deinit(&client->headers);
    mem_free(client->connect_to);
    mem_free(client->ca_path);
    mem_free(client->gateway);
    mem_free(client->content_type);
    mem_free(client->user_identifier);
    mem_free(client->user_agent);
    mem_free(client->base);
    mem_free(client);
}

enum status http_client_host(const struct http_client *client, struct bytes *ret, struct error *err)
{
    char *host = NULL;
    CURLU *url = curl_url();
    const bool is_known = url != NULL && curl_url_set(url, CURLUPART_URL, client->base, 0) == 0 &&
                          curl_url_get(url, CURLUPART_HOST, &host, 0) == 0;
    enum status status = STATUS_OK;
    if (is_known) {
        bytes_append_text(ret, host);
        status = bytes_status(ret, "host name", err);
    } else {
        status = error_set(err, STATUS_INVALID, "%s: has no host", client->base);
    }
    curl_free(host);
    curl_url_cleanup(url);
    return status;
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct bytes *body = context;
    bytes_append(body, span_of(data, size * count));
    return body->status == STATUS_OK ? size * count : 0;
}

/* Of several answers (100, 200) the last one's count. */
static size_t take_header(char *line, size_t size, size_t count, void *context)
{
    struct bytes *headers = context;
    if (size * count >= 5 && memcmp(line, "HTTP/", 5) == 0)
        bytes_clear(headers);
    bytes_append(headers, span_of(line, size * count));
    return size * count;
}

bool http_client_header(const struct http_client *client, const char *name, struct bytes *ret)
{
    const size_t name_size = strlen(name);
    const char *line = (const char *)client->headers.data;
    const char *end = line + client->headers.size;
    struct span value = {0};
    while (line < end) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        if (line_end == NULL)
            line_end = end;
        if ((size_t)(line_end - line) > name_size && line[name_size] == ':' &&
            strncasecmp(line, name, name_size) == 0)
            value = span_of(line + name_size + 1, (size_t)(line_end - line) - name_size - 1);
        line = line_end < end ? line_end + 1 : end;
    }
    if (value.data == NULL)
        return false;
    while (value.size > 0 && (value.data[0] == ' ' || value.data[0] == '\t'))
        value = span_part(value, 1, value.size - 1);
    while (value.size > 0 && strchr(" \t\r", value.data[value.size - 1]) != NULL)
        value.size--;
    bytes_append(ret, value);
    return true;
}

enum http_failure http_client_failure(const struct http_client *client)
{
    return client->failure;
}

static enum http_failure failure_of(CURLcode code)
{
    switch ((int)code) { /* of the many that libcurl has */
    case CURLE_OK:
        return HTTP_FAILURE_NONE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return HTTP_FAILURE_REACH;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return HTTP_FAILURE_TLS;
    default:
        return HTTP_FAILURE_TRANSFER;
    }
}

/* "http://host/prefix" + "/config" (mem_free); NULL without memory. */
static char *url_behind(const char *base, const char *path)
{
    const size_t size = strlen(base) + 1 + strlen(path) + 1;
    char *url = mem_alloc(size, 1);
    if (url != NULL)
        snprintf(url, size, "%s%s%s", base, path[0] == '/' ? "" : "/", path);
    return url;
}

/* A whole URL stays as it is. A server that names file:// or another scheme gets it as a path. */
static char *resolve(const struct http_client *client, const char *reference)
{
    return is_http_url(reference) ? mem_strdup(reference) : url_behind(client->base, reference);
}

/* value: NULL = no such line. */
static bool add_header(struct transfer *transfer, const char *name, const char *value)
{
    if (value == NULL)
        return true;
    char *line = header_line(name, value);
    struct curl_slist *longer = line != NULL ? curl_slist_append(transfer->headers, line) : NULL;
    if (longer != NULL)
        transfer->headers = longer;
    mem_free_secret(line, line != NULL ? strlen(line) : 0);
    return longer != NULL;
}

/* libcurl's own "Expect: 100-continue" is not wanted. */
static bool drop_expect(struct transfer *transfer)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, "Expect:");
    if (longer != NULL)
        transfer->headers = longer;
    return longer != NULL;
}

static bool make_headers(const struct http_client *client, const char *authorization,
                         struct transfer *transfer)
{
    if (transfer->is_sealed)
        return add_header(transfer, "Content-Type", OBLIVIOUS_REQUEST_TYPE) &&
               drop_expect(transfer);
    if (transfer->request != NULL &&
        !(add_header(transfer, "Content-Type", client->content_type) && drop_expect(transfer) &&
          add_header(transfer, "User-Identifier", client->user_identifier)))
        return false;
    return add_header(transfer, "Authorization", authorization);
}

/* Through the gateway: what travels is the sealed form of the request. */
static enum status seal(const struct http_client *client, const char *authorization,
                        struct transfer *transfer, struct error *err)
{
    const bool is_post = transfer->request != NULL;
    const struct oblivious_request request = {.url = transfer->url,
                                              .user_agent = client->user_agent,
                                              .authorization = authorization,
                                              .content_type = is_post ? client->content_type : NULL,
                                              .user_identifier =
                                                  is_post ? client->user_identifier : NULL,
                                              .content = transfer->request};
    transfer->is_sealed = true;
    bytes_init(&transfer->sealed, SIZE_MAX);
    bytes_init(&transfer->answer, transfer->body->max_size < SIZE_MAX - ANSWER_HEAD_MAX_BYTES
                                      ? transfer->body->max_size + ANSWER_HEAD_MAX_BYTES
                                      : SIZE_MAX);
    const enum status status =
        oblivious_seal(&client->sealing, &request, &transfer->sealed, &transfer->exchange, err);
    if (status != STATUS_OK)
        return status;
    mem_free(transfer->url);
    transfer->url = url_behind(client->gateway, OBLIVIOUS_PATH);
    return STATUS_OK;
}

static void set_body(const struct transfer *transfer)
{
    const struct span body = transfer->is_sealed         ? bytes_view(&transfer->sealed)
                             : transfer->request != NULL ? *transfer->request
                                                         : span_of(NULL, 0);
    if (!transfer->is_sealed && transfer->request == NULL)
        return;
    curl_easy_setopt(transfer->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(transfer->curl, CURLOPT_POSTFIELDS,
                     body.size > 0 ? (const char *)body.data : "");
    curl_easy_setopt(transfer->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
}

static void set_options(const struct http_client *client, struct transfer *transfer)
{
    CURL *curl = transfer->curl;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, transfer->url);
    if (!transfer->is_sealed) { /* a relay tells nothing of who asks */
        curl_easy_setopt(curl, CURLOPT_USERAGENT, client->user_agent);
        curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    if (client->ca_path != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_path);
    if (transfer->connect_to != NULL)
        curl_easy_setopt(curl, CURLOPT_CONNECT_TO, transfer->connect_to);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 100L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)HTTP_STALL_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->curl_error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA,
                     transfer->is_sealed ? &transfer->answer : transfer->body);
    set_body(transfer);
}

/* Everything but the sending. `ret` is where it stays; transfer_end() in all cases. */
static enum status transfer_begin(const struct http_client *client, CURL *curl,
                                  const char *reference, bool is_direct, const char *authorization,
                                  const struct span *request, struct bytes *body,
                                  struct transfer *ret, struct error *err)
{
    *ret = (struct transfer){.curl = curl, .request = request, .body = body};
    ret->url = resolve(client, reference);
    bytes_clear(body);
    if (ret->url != NULL && client->gateway != NULL && !is_direct) {
        const enum status status = seal(client, authorization, ret, err);
        if (status != STATUS_OK)
            return status;
    }
    if (client->connect_to != NULL)
        ret->connect_to = curl_slist_append(NULL, client->connect_to);
    if (ret->url == NULL || !make_headers(client, authorization, ret) ||
        (ret->connect_to == NULL && client->connect_to != NULL))
        return error_set(err, STATUS_NOMEM, "%s: out of memory", reference);
    set_options(client, ret);
    return STATUS_OK;
}

/* A refusal in clear is the gateway's, and stays as it is. */
static enum status open_answer(struct transfer *transfer, struct http_exchange *exchange,
                               struct error *err)
{
    unsigned inner = 0;
    if (exchange->status != HTTP_OK) {
        exchange->is_of_gateway = true;
        bytes_append(transfer->body, bytes_view(&transfer->answer));
        return bytes_status(transfer->body, transfer->url, err);
    }
    const enum status status = oblivious_open(&transfer->exchange, bytes_view(&transfer->answer),
                                              &inner, transfer->body, err);
    if (status == STATUS_OK)
        exchange->status = (long)inner;
    return status;
}

/* What came of it. */
static enum status transfer_result(struct transfer *transfer, CURLcode code,
                                   struct http_exchange *ret, struct error *err)
{
    struct bytes *got = transfer->is_sealed ? &transfer->answer : transfer->body;
    if (got->status != STATUS_OK)
        return bytes_status(got, transfer->url, err);
    if (code != CURLE_OK)
        return error_set(err, STATUS_IO, "%s: %s%s", transfer->url,
                         transfer->curl_error[0] != '\0' ? transfer->curl_error
                                                         : curl_easy_strerror(code),
                         code == CURLE_SSL_CONNECT_ERROR
                             ? " (does the server speak https:// there, or http:// only?)"
                             : "");
    double seconds = 0;
    curl_off_t got_bytes = 0;
    long version = CURL_HTTP_VERSION_NONE;
    const size_t sent = transfer->request != NULL ? transfer->request->size : 0;
    *ret = (struct http_exchange){.sent_bytes = transfer->is_sealed ? transfer->sealed.size : sent};
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &ret->status);
    curl_easy_getinfo(transfer->curl, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(transfer->curl, CURLINFO_TOTAL_TIME, &seconds);
    curl_easy_getinfo(transfer->curl, CURLINFO_SIZE_DOWNLOAD_T, &got_bytes);
    ret->got_bytes = (size_t)got_bytes;
    ret->is_http2 = version == CURL_HTTP_VERSION_2_0;
    ret->milliseconds = seconds * 1000;
    return transfer->is_sealed ? open_answer(transfer, ret, err) : STATUS_OK;
}

static void transfer_end(struct transfer *transfer)
{
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->connect_to);
    mem_free(transfer->url);
    bytes_deinit(&transfer->sealed);
    bytes_deinit(&transfer->answer);
    ohttp_exchange_wipe(&transfer->exchange);
}

/* is_direct: whatever gateway there is. */
static enum status perform_once(struct http_client *client, const char *reference, bool is_direct,
                                const char *authorization, const struct span *request,
                                struct bytes *body, struct http_exchange *ret, struct error *err)
{
    struct transfer transfer;
    enum status status = transfer_begin(client, client->curl, reference, is_direct, authorization,
                                        request, body, &transfer, err);
    if (status == STATUS_OK) {
        bytes_clear(&client->headers);
        curl_easy_setopt(client->curl, CURLOPT_HEADERFUNCTION, take_header);
        curl_easy_setopt(client->curl, CURLOPT_HEADERDATA, &client->headers);
        const CURLcode code = curl_easy_perform(client->curl);
        client->failure = failure_of(code);
        status = transfer_result(&transfer, code, ret, err);
    }
    transfer_end(&transfer);
    return status;
}

/* What a gateway wants requests sealed for, when there is a gateway and it is not known. */
static enum status know_keys(struct http_client *client, struct error *err)
{
    struct http_exchange exchange;
    struct bytes keys;
    if (client->gateway == NULL || client->has_keys)
        return STATUS_OK;
    char *url = url_behind(client->gateway, OBLIVIOUS_PATH);
    if (url == NULL)
        return error_set(err, STATUS_NOMEM, "HTTP client: out of memory");
    bytes_init(&keys, OHTTP_KEYS_MAX_BYTES);
    enum status status = perform_once(client, url, true, NULL, NULL, &keys, &exchange, err);
    if (status == STATUS_OK)
        status = http_exchange_check(&exchange, url, bytes_view(&keys), err);
    if (status == STATUS_OK)
        status = oblivious_read_keys(bytes_view(&keys), &client->sealing, err);
    client->has_keys = status == STATUS_OK;
    bytes_deinit(&keys);
    mem_free(url);
    return status;
}

/* Does the gateway say that its keys have changed? Then they are to be fetched again. */
static bool forget_keys(struct http_client *client, const struct http_exchange *exchange,
                        struct span body)
{
    if (client->gateway == NULL || exchange->status != HTTP_BAD_REQUEST ||
        !oblivious_is_key_problem(body))
        return false;
    client->has_keys = false;
    return true;
}

static enum status perform(struct http_client *client, const char *reference,
                           const char *authorization, const struct span *request,
                           struct bytes *body, struct http_exchange *ret, struct error *err)
{
    enum status status = STATUS_OK;
    for (int attempt = 0; attempt < GATEWAY_ATTEMPTS; attempt++) {
        status = know_keys(client, err);
        if (status == STATUS_OK)
            status = perform_once(client, reference, false, authorization, request, body, ret, err);
        if (status != STATUS_OK || !forget_keys(client, ret, bytes_view(body)))
            break;
    }
    return status;
}

enum status http_client_get(struct http_client *client, const char *reference,
                            const char *authorization, struct bytes *body,
                            struct http_exchange *ret, struct error *err)
{
    return perform(client, reference, authorization, NULL, body, ret, err);
}

enum status http_client_post(struct http_client *client, const char *reference,
                             const char *authorization, struct span request, struct bytes *body,
                             struct http_exchange *ret, struct error *err)
{
    return perform(client, reference, authorization, &request, body, ret, err);
}

/* ---- several at a time ---- */

static enum status perform_all(CURLM *multi, struct error *err)
{
    CURLMcode code = CURLM_OK;
    int running = 1;
    while (running > 0 && code == CURLM_OK) {
        code = curl_multi_perform(multi, &running);
        if (code == CURLM_OK && running > 0)
            code = curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    return code == CURLM_OK ? STATUS_OK
                            : error_set(err, STATUS_IO, "HTTP: %s", curl_multi_strerror(code));
}

/* The results of all transfers, once none is running; the first failure counts. */
static enum status take_results(CURLM *multi, struct transfer *transfers, struct http_post *posts,
                                size_t count, struct error *err)
{
    enum status status = STATUS_OK;
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(multi, &left); message != NULL;
         message = curl_multi_info_read(multi, &left)) {
        for (size_t i = 0; i < count && status == STATUS_OK; i++) {
            if (transfers[i].curl == message->easy_handle)
                status =
                    transfer_result(&transfers[i], message->data.result, &posts[i].exchange, err);
        }
    }
    return status;
}

enum status http_client_post_all(struct http_client *client, const char *reference,
                                 const char *authorization, struct http_post *posts, size_t count,
                                 struct error *err)
{
    CURLM *multi = curl_multi_init();
    struct transfer *transfers = mem_alloc_zeroed(count, sizeof transfers[0]);
    enum status status = STATUS_OK;
    if (multi == NULL || transfers == NULL)
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", reference);
    if (status == STATUS_OK)
        status = know_keys(client, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        CURL *curl = curl_easy_init();
        if (curl == NULL) {
            status = error_set(err, STATUS_NOMEM, "%s: out of memory", reference);
            break;
        }
        status = transfer_begin(client, curl, reference, false, authorization, &posts[i].request,
                                &posts[i].body, &transfers[i], err);
        if (status == STATUS_OK && curl_multi_add_handle(multi, curl) != CURLM_OK)
            status = error_set(err, STATUS_NOMEM, "%s: out of memory", reference);
    }
    if (status == STATUS_OK)
        status = perform_all(multi, err);
    if (status == STATUS_OK)
        status = take_results(multi, transfers, posts, count, err);
    for (size_t i = 0; transfers != NULL && i < count && transfers[i].curl != NULL; i++) {
        curl_multi_remove_handle(multi, transfers[i].curl);
        curl_easy_cleanup(transfers[i].curl);
        transfer_end(&transfers[i]);
    }
    mem_free(transfers);
    curl_multi_cleanup(multi);
    return status;
}

void http_exchange_trace(FILE *trace, const char *method, const char *path,
                         const struct http_exchange *exchange)
{
    if (trace != NULL)
        fprintf(trace, "%-4s %-44s %ld  out %zu B  in %zu B  %.1f ms%s\n", method, path,
                exchange->status, exchange->sent_bytes, exchange->got_bytes, exchange->milliseconds,
                exchange->is_http2 ? " h2" : "");
}

/* What the server said: the message of a JSON error body (service.md section 1.4), or nothing. */
static json_t *error_text(struct span body, const char **ret)
{
    json_t *root = json_loadb((const char *)body.data, body.size, 0, NULL);
    const char *text =
        json_string_value(json_object_get(json_object_get(root, "error"), "message"));
    *ret = text != NULL ? text : "";
    return root;
}

enum status http_exchange_check(const struct http_exchange *exchange, const char *what,
                                struct span body, struct error *err)
{
    enum status status;
    switch (exchange->status) {
    case 200:
        return STATUS_OK;
    case 401:
        status = STATUS_UNAUTHORIZED;
        break;
    case 404:
        status = STATUS_NOT_FOUND;
        break;
    case 410:
        status = STATUS_STALE_CONFIG;
        break;
    case 503:
        status = STATUS_BUSY;
        break;
    default:
        status = STATUS_INVALID;
        break;
    }
    const char *text;
    json_t *root = error_text(body, &text);
    error_set(err, status, "%s: the %s answered %ld%s%s", what,
              exchange->is_of_gateway ? "gateway" : "server", exchange->status,
              text[0] != '\0' ? ": " : "", text);
    json_decref(root);
    return status;
}
