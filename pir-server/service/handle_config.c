/* POST /config and GET /config (spec/service.md section 3). */
#include "pir-server/service/gzip.h"
#include "pir-server/service/http_fields.h"
#include "pir-server/service/service_internal.h"
#include "pir-server/service/user_agent.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* Room in an error message for names that came with the request. */
#define SHOWN_NAMES_MAX_BYTES 1024

/* One use case of the answer. */
struct wanted {
    const struct catalog_use_case *use_case;
    bool reuse;
};

/* Replaces the body by its gzip form when it is long enough and the client takes it. */
static void compress(const struct http_request *request, struct http_response *ret)
{
    ret->varies_by_encoding = true;
    if (http_response_body(ret).size <= SERVICE_GZIP_ABOVE_BYTES ||
        !accept_encoding_has_gzip(request->headers[HTTP_ACCEPT_ENCODING]))
        return;
    struct bytes packed;
    bytes_init(&packed, HTTP_RESPONSE_MAX_BYTES);
    if (gzip_append(http_response_body(ret), &packed, NULL) != STATUS_OK) {
        bytes_deinit(&packed); /* then it goes as it is */
        return;
    }
    if (ret->release != NULL)
        ret->release(ret->owner);
    ret->release = NULL;
    bytes_deinit(&ret->body);
    ret->body = packed;
    ret->is_gzip = true;
}

/* ---- which use cases ---- */

static void append_name(struct bytes *text, struct span name)
{
    if (text->size > SHOWN_NAMES_MAX_BYTES)
        return;
    bytes_append_text(text, text->size > 0 && text->data[text->size - 1] != '\n' ? " " : "");
    bytes_append(text, name);
}

/* 404 in two lines: what was asked for, what there is. */
static void respond_unknown(const struct wire_config_request *body, const struct catalog *catalog,
                            struct http_response *ret)
{
    struct bytes text;
    bytes_init(&text, (size_t)64 << 10);
    bytes_append_text(&text, "Requested use cases:");
    for (size_t i = 0; i < wire_config_request_count(body); i++)
        append_name(&text, wire_config_request_use_case(body, i));
    bytes_append_text(&text, "\n");
    struct bytes known;
    bytes_init(&known, (size_t)64 << 10);
    bytes_append_text(&known, "Available use cases:");
    for (size_t i = 0; i < catalog->use_case_count; i++)
        append_name(&known, span_of_text(catalog->use_cases[i].name));
    bytes_append(&text, bytes_view(&known));
    bytes_append_u8(&text, 0);
    if (text.status == STATUS_OK && known.status == STATUS_OK)
        http_response_error(ret, 404, (const char *)text.data);
    else
        http_response_error(ret, 404, "unknown use case");
    bytes_deinit(&known);
    bytes_deinit(&text);
}

/* The distinct use cases in the order of the request, or all. False: one is unknown.
 *   wanted  [as many as are named, or all] */
static bool choose(const struct wire_config_request *body, const struct catalog *catalog,
                   struct wanted *wanted, size_t *ret_count)
{
    const size_t named = wire_config_request_count(body);
    size_t count = 0;
    for (size_t i = 0; named == 0 && i < catalog->use_case_count; i++)
        wanted[count++] = (struct wanted){.use_case = &catalog->use_cases[i]};
    for (size_t i = 0; i < named; i++) {
        const struct catalog_use_case *use_case =
            catalog_find(catalog, wire_config_request_use_case(body, i));
        if (use_case == NULL)
            return false;
        const struct span current =
            span_of(wire_config_id(use_case->versions[0]->config), WIRE_CONFIG_ID_BYTES);
        const bool reuse = span_equal(wire_config_request_existing_id(body, i), current);
        size_t at = 0;
        while (at < count && wanted[at].use_case != use_case)
            at++;
        if (at == count)
            wanted[count++] = (struct wanted){.use_case = use_case};
        wanted[at].reuse = wanted[at].reuse || reuse;
    }
    *ret_count = count;
    return true;
}

/* ---- key states ---- */

/* The time of the user's key for this version, 0 when there is none. Use cases with the same key
 * configuration share a key: an answer before this one may know. */
static enum status key_time(struct service *service, const struct store_user *user,
                            const struct wire_config_answer *answers, size_t index, uint64_t *ret,
                            struct error *err)
{
    const uint8_t *id = wire_config_key_id(answers[index].config);
    for (size_t i = 0; i < index; i++) {
        if (memcmp(wire_config_key_id(answers[i].config), id, WIRE_KEY_ID_BYTES) == 0) {
            *ret = answers[i].key_timestamp;
            return STATUS_OK;
        }
    }
    const enum status status =
        store_get_key_time(service->options.store, user, id, service->options.now_s(), ret, err);
    if (status == STATUS_NO_KEY) {
        *ret = 0;
        return STATUS_OK;
    }
    return status;
}

static enum status write_answer(struct service *service, const struct http_request *request,
                                const struct wanted *wanted, size_t count, struct bytes *ret,
                                struct error *err)
{
    const struct platform platform = user_agent_parse(request->headers[HTTP_USER_AGENT]);
    const struct store_user user =
        store_user_of(span_of_text(request->headers[HTTP_USER_IDENTIFIER]));
    struct wire_config_answer *answers = mem_alloc_zeroed(count, sizeof *answers);
    if (answers == NULL)
        return error_set(err, STATUS_NOMEM, "configuration: out of memory");
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        answers[i] = (struct wire_config_answer){
            .use_case = span_of_text(wanted[i].use_case->name),
            .config = wanted[i].use_case->versions[0]->config,
            .reuse = wanted[i].reuse,
            .for_old_platform = platform_is_before_repeated_shards(&platform),
        };
        status = key_time(service, &user, answers, i, &answers[i].key_timestamp, err);
    }
    if (status == STATUS_OK)
        status = wire_config_response_write(answers, count, ret, err);
    mem_free(answers);
    return status;
}

void handle_config(struct service *service, const struct http_request *request,
                   struct http_response *ret)
{
    struct wire_config_request *body = NULL;
    struct wanted *wanted = NULL;
    struct error error = {0};
    const struct catalog *catalog = service_catalog(service);
    enum status status = wire_config_request_read(request->body, &body, &error);
    if (status == STATUS_TOO_LARGE)
        status = STATUS_INVALID; /* too many names, not too many bytes */
    if (status != STATUS_OK) {
        respond_failure(service, ROUTE_CONFIG, status, &error, ret);
        goto done;
    }
    const size_t named = wire_config_request_count(body);
    const size_t most = named > 0 ? named : catalog->use_case_count;
    size_t count = 0;
    wanted = mem_alloc_zeroed(most, sizeof *wanted);
    if (wanted == NULL) {
        error_set(&error, STATUS_NOMEM, "configuration: out of memory");
        respond_failure(service, ROUTE_CONFIG, STATUS_NOMEM, &error, ret);
        goto done;
    }
    if (!choose(body, catalog, wanted, &count)) {
        respond_unknown(body, catalog, ret);
        goto done;
    }
    status = write_answer(service, request, wanted, count, &ret->body, &error);
    if (status == STATUS_UNSUPPORTED)
        http_response_error(ret, 500, error.message); /* as the reference answers old systems */
    else if (status != STATUS_OK)
        respond_failure(service, ROUTE_CONFIG, status, &error, ret);
    else
        compress(request, ret);
done:
    mem_free(wanted);
    wire_config_request_free(body);
    catalog_unref(catalog);
}

static void release_catalog(void *owner)
{
    catalog_unref(owner);
}

void handle_config_public(struct service *service, const struct http_request *request,
                          struct http_response *ret)
{
    const struct catalog *catalog = service_catalog(service);
    ret->cache_control = SERVICE_CACHE_CONTROL_SHORT;
    ret->borrowed = bytes_view(&catalog->public_config);
    ret->owner = (void *)(uintptr_t)catalog;
    ret->release = release_catalog;
    /* The tag goes with the bytes that are sent: the gzip form has one of its own. Made before the
     * catalog may be released by compress(). */
    char plain[HTTP_ETAG_BYTES];
    memcpy(plain, catalog->public_etag, sizeof plain);
    compress(request, ret);
    if (ret->is_gzip)
        snprintf(ret->etag, sizeof ret->etag, "%.*s-gzip\"", (int)strlen(plain) - 1, plain);
    else
        memcpy(ret->etag, plain, sizeof ret->etag);
    if (!if_none_match_matches(request->headers[HTTP_IF_NONE_MATCH], ret->etag))
        return;
    struct http_response unchanged;
    http_response_init(&unchanged);
    unchanged.status = 304;
    unchanged.cache_control = ret->cache_control;
    unchanged.varies_by_encoding = true;
    memcpy(unchanged.etag, ret->etag, sizeof unchanged.etag);
    http_response_deinit(ret);
    *ret = unchanged;
}

enum status receive_config(struct service *service, const struct http_request *request,
                           struct http_response *ret, struct error *err)
{
    (void)err;
    handle_config(service, request, ret);
    return STATUS_OK;
}
