#include "tests/pir-server/service/gateway_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_BYTES ((size_t)32 << 20)

static void must(enum status status, const struct error *error)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "gateway: %s\n", error->message);
    abort();
}

struct ohttp_key_config gateway_fixture_config(struct service *service)
{
    const struct http_request request = {.method = HTTP_GET, .target = GATEWAY_FIXTURE_PATH};
    struct http_response response;
    struct ohttp_keys keys;
    struct error error;
    http_response_init(&response);
    service_answer(service, &request, &response);
    must(ohttp_keys_parse(http_response_body(&response), &keys, &error), &error);
    http_response_deinit(&response);
    return keys.configs[0];
}

void gateway_fixture_seal(const struct ohttp_key_config *config, const struct aead *aead,
                          struct span plain, struct bytes *ret, struct ohttp_exchange *ret_exchange)
{
    const struct random_source random = random_system();
    struct error error;
    must(ohttp_request_seal(config, aead, plain, &random, ret, ret_exchange, &error), &error);
}

unsigned gateway_fixture_post(struct service *service, struct span sealed,
                              struct http_response *ret)
{
    const struct http_request request = {.method = HTTP_POST,
                                         .target = GATEWAY_FIXTURE_PATH,
                                         .headers[HTTP_CONTENT_TYPE] = "message/ohttp-req",
                                         .body = sealed};
    http_response_init(ret);
    service_answer(service, &request, ret);
    return ret->status;
}

/* `response` borrows from `plain`. */
static int exchange_inner(struct service *service, struct span inner, struct bytes *plain,
                          struct bhttp_response *response)
{
    const struct ohttp_key_config config = gateway_fixture_config(service);
    struct ohttp_exchange exchange;
    struct http_response outer;
    struct error error;
    struct bytes sealed;
    bytes_init(&sealed, ROOM_BYTES);
    bytes_init(plain, ROOM_BYTES);
    bhttp_response_init(response);
    gateway_fixture_seal(&config, config.aeads[0], inner, &sealed, &exchange);
    int status = -(int)gateway_fixture_post(service, bytes_view(&sealed), &outer);
    if (status == -200) {
        must(ohttp_response_open(&exchange, http_response_body(&outer), plain, &error), &error);
        must(bhttp_response_read(bytes_view(plain), ROOM_BYTES, response, &error), &error);
        status = (int)response->status;
    }
    http_response_deinit(&outer);
    bytes_deinit(&sealed);
    return status;
}

int gateway_fixture_send(struct service *service, struct span inner, struct bytes *ret_content)
{
    struct bhttp_response response;
    struct bytes plain;
    const int status = exchange_inner(service, inner, &plain, &response);
    if (ret_content != NULL)
        bytes_append(ret_content, response.content);
    bhttp_response_deinit(&response);
    bytes_deinit(&plain);
    return status;
}

void gateway_fixture_write(const struct http_request *request, struct bytes *ret)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT"};
    const char *host = request->headers[HTTP_HOST];
    struct error error;
    struct bhttp_request inner;
    bhttp_request_init(&inner);
    inner.method = span_of_text(methods[request->method]);
    inner.scheme = span_of_text("https");
    inner.authority = span_of_text(host != NULL ? host : GATEWAY_FIXTURE_HOST);
    inner.path = span_of_text(request->target);
    inner.content = request->body;
    for (int i = HTTP_HOST + 1; i < HTTP_HEADER_COUNT; i++) {
        if (request->headers[i] != NULL)
            must(bhttp_fields_add(&inner.headers, http_header_name((enum http_header)i),
                                  span_of_text(request->headers[i]), &error),
                 &error);
    }
    must(bhttp_request_write(&inner, ret, &error), &error);
}

void gateway_fixture_carry(struct service *service, const struct http_request *request,
                           struct http_response *ret)
{
    struct bhttp_response response;
    struct bytes inner;
    struct bytes plain;
    size_t count = 0;
    bytes_init(&inner, ROOM_BYTES);
    gateway_fixture_write(request, &inner);
    const int status = exchange_inner(service, bytes_view(&inner), &plain, &response);
    if (status < 0) {
        fprintf(stderr, "gateway: %d in clear\n", -status);
        abort();
    }
    ret->status = (unsigned)status;
    ret->is_gzip = bhttp_fields_find(&response.headers, "content-encoding", &count) != NULL;
    bytes_append(&ret->body, response.content);
    bhttp_response_deinit(&response);
    bytes_deinit(&plain);
    bytes_deinit(&inner);
}
