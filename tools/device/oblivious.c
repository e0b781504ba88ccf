#include "tools/device/oblivious.h"

#include "base/random.h"
#include "pir-server/ohttp/bhttp.h"

#include <curl/curl.h>
#include <jansson.h>
#include <string.h>

/* Control data and fields of a request; more is not made here. */
#define HEAD_MAX_BYTES ((size_t)65536)
#define KEY_PROBLEM    "https://iana.org/assignments/http-problem-types#ohttp-key"

enum status oblivious_read_keys(struct span keys, struct ohttp_key_config *ret, struct error *err)
{
    struct ohttp_keys list;
    const enum status status = ohttp_keys_parse(keys, &list, err);
    if (status != STATUS_OK)
        return error_prefix(err, status, "the gateway's keys");
    *ret = list.configs[0];
    return STATUS_OK;
}

/* ---- the target ---- */

/* The parts of a URL as control data has them; curl_free() each. */
struct target {
    char *scheme;
    char *host;
    char *port;
    char *path;
    char *query;
};

static void target_deinit(struct target *target)
{
    curl_free(target->scheme);
    curl_free(target->host);
    curl_free(target->port);
    curl_free(target->path);
    curl_free(target->query);
}

static enum status read_target(const char *text, struct target *ret, struct error *err)
{
    CURLU *url = curl_url();
    *ret = (struct target){.scheme = NULL};
    const bool is_read = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == 0 &&
                         curl_url_get(url, CURLUPART_SCHEME, &ret->scheme, 0) == 0 &&
                         curl_url_get(url, CURLUPART_HOST, &ret->host, 0) == 0 &&
                         curl_url_get(url, CURLUPART_PATH, &ret->path, 0) == 0;
    if (is_read) { /* not there: NULL */
        (void)curl_url_get(url, CURLUPART_PORT, &ret->port, 0);
        (void)curl_url_get(url, CURLUPART_QUERY, &ret->query, 0);
    }
    curl_url_cleanup(url);
    return is_read ? STATUS_OK : error_set(err, STATUS_INVALID, "%s: is no URL", text);
}

/* Appends "<one><mark><two>", or <one> alone without a two; says where it stands. */
static struct span join(struct bytes *texts, const char *one, const char *mark, const char *two)
{
    const size_t at = texts->size;
    bytes_append_text(texts, one);
    if (two != NULL) {
        bytes_append_text(texts, mark);
        bytes_append_text(texts, two);
    }
    return texts->status == STATUS_OK ? span_of(texts->data + at, texts->size - at)
                                      : span_of(NULL, 0);
}

/* ---- a request ---- */

static enum status add_fields(const struct oblivious_request *request, struct bhttp_fields *fields,
                              struct error *err)
{
    const struct {
        const char *name;
        const char *value;
    } lines[] = {{"user-agent", request->user_agent},
                 {"authorization", request->authorization},
                 {"content-type", request->content_type},
                 {"user-identifier", request->user_identifier}};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ARRAY_COUNT(lines) && status == STATUS_OK; i++) {
        if (lines[i].value != NULL)
            status = bhttp_fields_add(fields, lines[i].name, span_of_text(lines[i].value), err);
    }
    return status;
}

static enum status write_request(const struct oblivious_request *request,
                                 const struct target *target, struct bytes *ret, struct error *err)
{
    struct bhttp_request inner;
    struct bytes texts;
    bhttp_request_init(&inner);
    bytes_init(&texts, HEAD_MAX_BYTES);
    bytes_reserve(&texts, HEAD_MAX_BYTES); /* what points into it stays */
    inner.method = span_of_text(request->content != NULL ? "POST" : "GET");
    inner.scheme = span_of_text(target->scheme);
    inner.authority = join(&texts, target->host, ":", target->port);
    inner.path = join(&texts, target->path, "?", target->query);
    if (request->content != NULL)
        inner.content = *request->content;
    enum status status = bytes_status(&texts, "request", err);
    if (status == STATUS_OK)
        status = add_fields(request, &inner.headers, err);
    if (status == STATUS_OK)
        status = bhttp_request_write(&inner, ret, err);
    bytes_deinit(&texts);
    return status;
}

enum status oblivious_seal(const struct ohttp_key_config *config,
                           const struct oblivious_request *request, struct bytes *ret,
                           struct ohttp_exchange *ret_exchange, struct error *err)
{
    const struct random_source random = random_system();
    const size_t room = HEAD_MAX_BYTES + (request->content != NULL ? request->content->size : 0);
    struct target target;
    struct bytes plain;
    bytes_init(&plain, room);
    bytes_reserve(&plain, room); /* no copy stays behind */
    enum status status = read_target(request->url, &target, err);
    if (status == STATUS_OK)
        status = write_request(request, &target, &plain, err);
    if (status == STATUS_OK)
        status = ohttp_request_seal(config, config->aeads[0], bytes_view(&plain), &random, ret,
                                    ret_exchange, err);
    target_deinit(&target);
    bytes_deinit_secret(&plain);
    return status;
}

/* ---- an answer ---- */

enum status oblivious_open(const struct ohttp_exchange *exchange, struct span answer,
                           unsigned *ret_status, struct bytes *ret, struct error *err)
{
    struct bhttp_response response;
    struct bytes plain;
    bhttp_response_init(&response);
    bytes_init(&plain, answer.size);
    enum status status = ohttp_response_open(exchange, answer, &plain, err);
    if (status == STATUS_OK)
        status = bhttp_response_read(bytes_view(&plain), ret->max_size, &response, err);
    if (status == STATUS_OK) {
        bytes_append(ret, response.content);
        status = bytes_status(ret, "answer", err);
    }
    if (status == STATUS_OK)
        *ret_status = response.status;
    else
        status = error_prefix(err, status, "the gateway's answer");
    bhttp_response_deinit(&response);
    bytes_deinit_secret(&plain);
    return status;
}

bool oblivious_is_key_problem(struct span body)
{
    json_t *root = json_loadb((const char *)body.data, body.size, 0, NULL);
    const char *type = json_string_value(json_object_get(root, "type"));
    const bool is_one = type != NULL && strcmp(type, KEY_PROBLEM) == 0;
    json_decref(root);
    return is_one;
}
