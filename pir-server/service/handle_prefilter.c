/* GET and HEAD of the prefilter: the manifest, which changes with every update, and the bits under
 * the name of their digest, which never change (DESIGN.md section 3). */
#include "pir-server/service/http_fields.h"
#include "pir-server/service/service_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void release_catalog(void *owner)
{
    catalog_unref(owner);
}

/* The response borrows `bytes`, and holds the catalog for as long. */
static void borrow(struct http_response *ret, struct span bytes, const struct catalog *catalog)
{
    ret->borrowed = bytes;
    ret->owner = (void *)(uintptr_t)catalog_ref(catalog);
    ret->release = release_catalog;
}

static bool is_unchanged(const struct http_request *request, const char *etag,
                         struct http_response *ret)
{
    if (!if_none_match_matches(request->headers[HTTP_IF_NONE_MATCH], etag))
        return false;
    ret->status = 304;
    return true;
}

void handle_prefilter_manifest(const struct pending *pending, const struct route_match *match)
{
    const struct catalog *catalog = pending->app->catalog;
    struct http_response *ret = pending->response;
    const struct catalog_use_case *use_case = catalog_find(catalog, span_of_text(match->use_case));
    const struct catalog_version *version = use_case == NULL ? NULL : use_case->versions[0];
    if (version == NULL || dataset_info(version->dataset)->is_imported) {
        metrics_count_refusal(pending->service->metrics, REFUSAL_NOT_FOUND);
        http_response_empty(ret, 404);
        return;
    }
    http_response_cache(ret, pending->app->cache_control);
    snprintf(ret->etag, sizeof ret->etag, "%s", version->manifest_etag);
    if (is_unchanged(pending->request, ret->etag, ret))
        return;
    ret->content_type = "application/json";
    borrow(ret, dataset_prefilter_manifest(version->dataset), catalog);
}

/* The part that Range asks for, unless If-Range names other bits. */
static void cut_range(const struct http_request *request, const char *etag, struct span *bits,
                      struct http_response *ret)
{
    const char *if_range = request->headers[HTTP_IF_RANGE];
    if (request->method != HTTP_GET || (if_range != NULL && strcmp(if_range, etag) != 0))
        return;
    uint64_t first = 0;
    uint64_t size = 0;
    switch (byte_range_parse(request->headers[HTTP_RANGE], bits->size, &first, &size)) {
    case RANGE_WHOLE:
        return;
    case RANGE_UNSATISFIABLE:
        ret->status = 416;
        snprintf(ret->content_range, sizeof ret->content_range, "bytes */%zu", bits->size);
        *bits = span_of(NULL, 0);
        return;
    case RANGE_PART:
        ret->status = 206;
        snprintf(ret->content_range, sizeof ret->content_range, "bytes %" PRIu64 "-%" PRIu64 "/%zu",
                 first, first + size - 1, bits->size);
        *bits = span_part(*bits, (size_t)first, (size_t)size);
        return;
    }
}

void handle_prefilter_bits(const struct pending *pending, const struct route_match *match)
{
    const struct catalog *catalog = pending->app->catalog;
    const struct http_request *request = pending->request;
    struct http_response *ret = pending->response;
    const struct catalog_use_case *use_case = catalog_find(catalog, span_of_text(match->use_case));
    const struct catalog_version *version =
        use_case == NULL ? NULL : catalog_find_prefilter(use_case, match->tag);
    if (version == NULL) {
        metrics_count_refusal(pending->service->metrics, REFUSAL_NOT_FOUND);
        http_response_empty(ret, 404);
        return;
    }
    ret->accepts_ranges = true;
    snprintf(ret->etag, sizeof ret->etag, "%s", version->bits_etag);
    if (is_unchanged(request, ret->etag, ret)) {
        http_response_cache(ret, SERVICE_CACHE_CONTROL_LONG);
        return;
    }
    struct span bits = dataset_prefilter(version->dataset);
    cut_range(request, ret->etag, &bits, ret);
    if (ret->status != 416) {
        http_response_cache(ret, SERVICE_CACHE_CONTROL_LONG);
        ret->content_type = "application/octet-stream";
    }
    borrow(ret, bits, catalog);
}
