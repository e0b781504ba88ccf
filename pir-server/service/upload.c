/* What a device sends to be kept waits for the disk, so it has threads of its own. */
#include "pir-server/service/service_internal.h"

#include "base/mem.h"

struct upload {
    struct pending pending;
    enum route route;
    receive_fn *receive;
    int64_t queued_us;
};

static void run_upload(void *context, size_t worker)
{
    const struct upload upload = *(struct upload *)context;
    struct service *service = upload.pending.service;
    struct error error = {0};
    (void)worker;
    mem_free(context);
    metrics_observe_since(service->metrics, METRICS_QUEUE, upload.route, upload.queued_us);
    const enum status status = atomic_load(&service->is_stopping)
                                   ? error_set(&error, STATUS_CANCELLED, "stopping")
                                   : upload.receive(&upload.pending, &error);
    if (status != STATUS_OK)
        respond_failure(service, upload.pending.request, upload.route, status, &error,
                        upload.pending.response);
    upload.pending.done(upload.pending.done_context);
}

/* What no token pays for leaves some places to what one pays for. */
static size_t spare_places(enum route route)
{
    return route_needs_token(route) ? 0 : SERVICE_UPLOAD_QUEUE_LIMIT / SERVICE_PAID_SHARE;
}

void start_upload(const struct pending *pending, enum route route, receive_fn *receive)
{
    struct error error = {0};
    struct upload *upload = mem_alloc(1, sizeof *upload);
    enum status status = STATUS_OK;
    if (upload == NULL)
        status = error_set(&error, STATUS_NOMEM, "upload: out of memory");
    if (status == STATUS_OK)
        *upload = (struct upload){
            .pending = *pending, .route = route, .receive = receive, .queued_us = metrics_now_us()};
    bool has_place = pending->has_place;
    if (status == STATUS_OK && !has_place) {
        status = thread_pool_reserve(pending->service->uploads, spare_places(route), &error);
        has_place = status == STATUS_OK;
    }
    if (status == STATUS_OK)
        thread_pool_submit_reserved(pending->service->uploads, run_upload, upload);
    if (status != STATUS_OK) {
        if (has_place)
            thread_pool_give_back(pending->service->uploads);
        mem_free(upload);
        respond_failure(pending->service, pending->request, route, status, &error,
                        pending->response);
        pending->done(pending->done_context);
    }
}
