/* POST /config and GET /config (spec/service.md section 3). */
#include "pir-server/service/http_fields.h"
#include "pir-server/service/service_internal.h"
#include "pir-server/service/user_agent.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* Room in an error message for names that came with the request. */
#define SHOWN_NAMES_MAX_BYTES 1024

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

/* The distinct use cases in the order of the request, or all; their key times are left open. False:
 * one is unknown.
 *   ret  [as many as are named, or all] */
static bool choose(const struct wire_config_request *body, const struct catalog *catalog,
                   enum wire_config_form whole, struct config_choice *ret, size_t *ret_count)
{
    const size_t named = wire_config_request_count(body);
    size_t count = 0;
    for (size_t i = 0; named == 0 && i < catalog->use_case_count; i++)
        ret[count++] = (struct config_choice){.forms = catalog->use_cases[i].versions[0]->forms,
                                              .form = whole};
    for (size_t i = 0; i < named; i++) {
        const struct catalog_use_case *use_case =
            catalog_find(catalog, wire_config_request_use_case(body, i));
        if (use_case == NULL)
            return false;
        const struct catalog_version *version = use_case->versions[0];
        size_t at = 0;
        while (at < count && ret[at].forms != version->forms)
            at++;
        if (at == count)
            ret[count++] = (struct config_choice){.forms = version->forms, .form = whole};
        if (span_equal(wire_config_request_existing_id(body, i),
                       span_of(wire_config_id(version->config), WIRE_CONFIG_ID_BYTES)))
            ret[at].form = WIRE_CONFIG_REUSE;
    }
    *ret_count = count;
    return true;
}

/* ---- key states ---- */

static const uint8_t *key_id_of(const struct config_choice *choice)
{
    return wire_config_key_id(config_forms_config(choice->forms));
}

/* The time of the user's key for choice `index`, 0 when there is none. Use cases with the same key
 * configuration share a key: a choice before this one may know. */
static enum status find_key_time(const struct service *service, const struct store_user *user,
                                 struct config_choice *choices, size_t index, struct error *err)
{
    const uint8_t *id = key_id_of(&choices[index]);
    uint64_t *ret = &choices[index].key_timestamp;
    for (size_t i = 0; i < index; i++) {
        if (memcmp(key_id_of(&choices[i]), id, WIRE_KEY_ID_BYTES) == 0) {
            *ret = choices[i].key_timestamp;
            return STATUS_OK;
        }
    }
    const enum status status =
        store_get_key_time(service->options.store, user, id, service->options.now_s(), ret, err);
    return status == STATUS_NO_KEY ? STATUS_OK : status;
}

static enum status write_answer(const struct pending *pending, struct config_choice *choices,
                                size_t count, struct error *err)
{
    const struct store_user user = pending_user(pending);
    const bool takes_gzip =
        accept_encoding_has_gzip(pending->request->headers[HTTP_ACCEPT_ENCODING]);
    struct http_response *ret = pending->response;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = find_key_time(pending->service, &user, choices, i, err);
    ret->varies_by_encoding = true;
    if (status == STATUS_OK)
        status = config_forms_join(choices, count, takes_gzip, &ret->body, &ret->is_gzip, err);
    return status;
}

/* How a configuration is told in full to who sent this. */
static enum wire_config_form whole_form(const struct http_request *request)
{
    const struct platform platform = user_agent_parse(request->headers[HTTP_USER_AGENT]);
    return platform_is_before_repeated_shards(&platform) ? WIRE_CONFIG_OLD_PLATFORM
                                                         : WIRE_CONFIG_NEWEST;
}

enum status config_write_one(const struct pending *pending, const struct catalog_use_case *use_case,
                             struct bytes *ret, struct error *err)
{
    const struct store_user user = pending_user(pending);
    struct config_choice choice = {.forms = use_case->versions[0]->forms,
                                   .form = whole_form(pending->request)};
    bool is_gzip = false;
    const enum status status = find_key_time(pending->service, &user, &choice, 0, err);
    return status == STATUS_OK ? config_forms_join(&choice, 1, false, ret, &is_gzip, err) : status;
}

void handle_config(const struct pending *pending)
{
    struct service *service = pending->service;
    const struct http_request *request = pending->request;
    struct http_response *ret = pending->response;
    const struct catalog *catalog = pending->app->catalog;
    struct wire_config_request *body = NULL;
    struct config_choice *choices = NULL;
    struct error error = {0};
    enum status status = wire_config_request_read(request->body, &body, &error);
    if (status == STATUS_TOO_LARGE)
        status = STATUS_INVALID; /* too many names, not too many bytes */
    if (status != STATUS_OK) {
        respond_failure(service, pending->request, ROUTE_CONFIG, status, &error, ret);
        goto done;
    }
    const size_t named = wire_config_request_count(body);
    const size_t most = named > 0 ? named : catalog->use_case_count;
    size_t count = 0;
    choices = mem_alloc_zeroed(most, sizeof *choices);
    if (choices == NULL) {
        error_set(&error, STATUS_NOMEM, "configuration: out of memory");
        respond_failure(service, pending->request, ROUTE_CONFIG, STATUS_NOMEM, &error, ret);
        goto done;
    }
    if (!choose(body, catalog, whole_form(request), choices, &count)) {
        metrics_count_refusal(service->metrics, REFUSAL_NOT_FOUND);
        respond_unknown(body, catalog, ret);
        goto done;
    }
    status = write_answer(pending, choices, count, &error);
    if (status == STATUS_UNSUPPORTED)
        /* as the reference answers old systems */
        respond_refusal(service, REFUSAL_UNSUPPORTED, 500, error.message, ret);
    else if (status != STATUS_OK)
        respond_failure(service, pending->request, ROUTE_CONFIG, status, &error, ret);
done:
    mem_free(choices);
    wire_config_request_free(body);
}

static void release_catalog(void *owner)
{
    catalog_unref(owner);
}

void handle_config_public(const struct pending *pending)
{
    const struct http_request *request = pending->request;
    struct http_response *ret = pending->response;
    const struct catalog *catalog = pending->app->catalog;
    ret->is_gzip = catalog->public_config_gzip.size > 0 &&
                   accept_encoding_has_gzip(request->headers[HTTP_ACCEPT_ENCODING]);
    ret->varies_by_encoding = true;
    http_response_cache(ret, pending->app->cache_control);
    memcpy(ret->etag, ret->is_gzip ? catalog->public_etag_gzip : catalog->public_etag,
           sizeof ret->etag);
    if (if_none_match_matches(request->headers[HTTP_IF_NONE_MATCH], ret->etag)) {
        ret->status = 304;
        ret->is_gzip = false; /* nothing is sent that could be */
        return;
    }
    ret->borrowed =
        bytes_view(ret->is_gzip ? &catalog->public_config_gzip : &catalog->public_config);
    ret->owner = (void *)(uintptr_t)catalog_ref(catalog);
    ret->release = release_catalog;
}

enum status receive_config(const struct pending *pending, struct error *err)
{
    (void)err;
    handle_config(pending);
    return STATUS_OK;
}
