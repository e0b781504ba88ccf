#include "tools/device/http_client.h"

#include "base/mem.h"

#include <curl/curl.h>
#include <jansson.h>

struct http_client {
    CURL *curl;
    char *base; /* without a slash at its end */
    struct curl_slist *post_headers;
    char *user_agent;
    char curl_error[CURL_ERROR_SIZE];
};

static bool is_http_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

enum status http_client_new(const char *base_url, const char *user_agent,
                            const char *user_identifier, struct http_client **ret,
                            struct error *err)
{
    if (!is_http_url(base_url))
        return error_set(err, STATUS_INVALID, "%s: is no http:// or https:// URL", base_url);
    enum status status = error_set(err, STATUS_NOMEM, "HTTP client: out of memory");
    char *header = NULL;
    struct http_client *client = mem_alloc_zeroed(1, sizeof *client);
    if (client == NULL)
        goto done;
    client->base = mem_strdup(base_url);
    client->user_agent = mem_strdup(user_agent);
    client->curl = curl_easy_init();
    const size_t header_size = strlen("User-Identifier: ") + strlen(user_identifier) + 1;
    header = mem_alloc(header_size, 1);
    if (client->base == NULL || client->user_agent == NULL || client->curl == NULL ||
        header == NULL)
        goto done;
    for (size_t end = strlen(client->base); end > 0 && client->base[end - 1] == '/'; end--)
        client->base[end - 1] = '\0';
    snprintf(header, header_size, "User-Identifier: %s", user_identifier);
    const char *const headers[] = {header, "Content-Type: application/x-protobuf", "Expect:"};
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++) {
        struct curl_slist *longer = curl_slist_append(client->post_headers, headers[i]);
        if (longer == NULL)
            goto done;
        client->post_headers = longer;
    }
    *ret = client;
    client = NULL;
    status = STATUS_OK;
done:
    mem_free(header);
    http_client_free(client);
    return status;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    curl_slist_free_all(client->post_headers);
    if (client->curl != NULL)
        curl_easy_cleanup(client->curl);
    mem_free(client->base);
    mem_free(client->user_agent);
    mem_free(client);
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct bytes *body = context;
    bytes_append(body, span_of(data, size * count));
    return body->status == STATUS_OK ? size * count : 0;
}

/* "http://host/prefix" + "/config", or a whole URL as it is. A server that names file:// or another
 * scheme gets it as a path. */
static char *resolve(const struct http_client *client, const char *reference)
{
    if (is_http_url(reference))
        return mem_strdup(reference);
    const size_t size = strlen(client->base) + 1 + strlen(reference) + 1;
    char *url = mem_alloc(size, 1);
    if (url != NULL)
        snprintf(url, size, "%s%s%s", client->base, reference[0] == '/' ? "" : "/", reference);
    return url;
}

static enum status perform(struct http_client *client, const char *reference,
                           const struct span *request, struct bytes *body,
                           struct http_exchange *ret, struct error *err)
{
    CURL *curl = client->curl;
    char *url = resolve(client, reference);
    if (url == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", reference);
    bytes_clear(body);
    client->curl_error[0] = '\0';
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, client->user_agent);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 100L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)HTTP_STALL_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->curl_error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    if (request != NULL) {
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->post_headers);
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                         request->size > 0 ? (const char *)request->data : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->size);
    }
    const CURLcode code = curl_easy_perform(curl);
    enum status status = STATUS_OK;
    if (body->status != STATUS_OK) {
        status = bytes_status(body, url, err);
    } else if (code != CURLE_OK) {
        status = error_set(err, STATUS_IO, "%s: %s", url,
                           client->curl_error[0] != '\0' ? client->curl_error
                                                         : curl_easy_strerror(code));
    } else {
        double seconds = 0;
        curl_off_t got = 0;
        long http_status = 0;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
        curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME, &seconds);
        curl_easy_getinfo(curl, CURLINFO_SIZE_DOWNLOAD_T, &got);
        *ret = (struct http_exchange){.status = http_status,
                                      .sent_bytes = request != NULL ? request->size : 0,
                                      .got_bytes = (size_t)got,
                                      .milliseconds = seconds * 1000};
    }
    mem_free(url);
    return status;
}

enum status http_client_get(struct http_client *client, const char *reference, struct bytes *body,
                            struct http_exchange *ret, struct error *err)
{
    return perform(client, reference, NULL, body, ret, err);
}

enum status http_client_post(struct http_client *client, const char *reference, struct span request,
                             struct bytes *body, struct http_exchange *ret, struct error *err)
{
    return perform(client, reference, &request, body, ret, err);
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
    error_set(err, status, "%s: the server answered %ld%s%s", what, exchange->status,
              text[0] != '\0' ? ": " : "", text);
    json_decref(root);
    return status;
}
