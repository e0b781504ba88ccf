#include "pir-server/service/admin.h"

#include "pir-server/service/exposition.h"
#include "pir-server/service/metrics_page.h"
#include "pir-server/service/monitor.h"
#include "pir-server/service/status_page.h"

#include "base/mem.h"

#include <string.h>

#define TEXT_TYPE "text/plain; charset=utf-8"
#define PAGE_TYPE "text/html; charset=utf-8"
/* Nothing from anywhere but the style inside; in no frame. */
#define PAGE_POLICY                                                                                \
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "         \
    "frame-ancestors 'none'"

struct admin {
    struct service *service;
    struct monitor *monitor;
};

enum status admin_new(struct service *service, struct admin **ret, struct error *err)
{
    struct admin *admin = mem_alloc_zeroed(1, sizeof *admin);
    if (admin == NULL)
        return error_set(err, STATUS_NOMEM, "admin address: out of memory");
    admin->service = service;
    const enum status status = monitor_new(service, &admin->monitor, err);
    if (status == STATUS_OK)
        *ret = admin;
    else
        admin_free(admin);
    return status;
}

void admin_free(struct admin *admin)
{
    if (admin == NULL)
        return;
    monitor_free(admin->monitor);
    mem_free(admin);
}

void admin_serves(struct admin *admin, struct http_server *server)
{
    monitor_serves(admin->monitor, server);
}

void admin_drains(struct admin *admin)
{
    if (admin != NULL)
        monitor_drains(admin->monitor);
}

/* ---- pages ---- */

static void write_health(struct admin *admin, struct http_response *ret)
{
    (void)admin;
    ret->content_type = TEXT_TYPE;
    bytes_append_text(&ret->body, "ok\n");
}

static void write_readiness(struct admin *admin, struct http_response *ret)
{
    const char *reasons[MONITOR_REASONS_MAX];
    const size_t count = monitor_reasons(admin->monitor, reasons);
    ret->content_type = TEXT_TYPE;
    ret->status = count > 0 ? 503 : 200;
    for (size_t i = 0; i < count; i++)
        bytes_append_format(&ret->body, "not ready: %s\n", reasons[i]);
    if (count == 0)
        bytes_append_text(&ret->body, "ready\n");
}

static void write_status(struct admin *admin, struct http_response *ret)
{
    ret->content_type = PAGE_TYPE;
    ret->content_security_policy = PAGE_POLICY;
    status_page_write(admin->service, admin->monitor, &ret->body);
}

static void write_metrics(struct admin *admin, struct http_response *ret)
{
    ret->content_type = EXPOSITION_CONTENT_TYPE;
    metrics_page_write(admin->service, admin->monitor, &ret->body);
}

/* ---- requests ---- */

struct page {
    const char *path;
    void (*write)(struct admin *admin, struct http_response *ret);
};

static const struct page pages[] = {
    {"/", write_status},
    {"/healthz", write_health},
    {"/readyz", write_readiness},
    {"/metrics", write_metrics},
};

/* NULL = there is none. */
static const struct page *find_page(const char *target)
{
    const size_t size = strcspn(target, "?");
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        if (strlen(pages[i].path) == size && memcmp(pages[i].path, target, size) == 0)
            return &pages[i];
    }
    return NULL;
}

static bool admit(void *context, const struct http_request *request, struct http_response *ret,
                  struct http_admission *ret_admission)
{
    (void)context;
    *ret_admission = (struct http_admission){.label = "admin"};
    if ((request->method == HTTP_GET || request->method == HTTP_HEAD) &&
        find_page(request->target) != NULL)
        return true;
    http_response_empty(ret, 404);
    return false;
}

static void start(void *context, const struct http_request *request,
                  const struct http_admission *admission, struct http_response *ret,
                  void (*done)(void *done_context), void *done_context)
{
    (void)admission;
    http_response_cache(ret, "no-store");
    find_page(request->target)->write(context, ret);
    if (ret->body.status != STATUS_OK)
        http_response_failure(ret, STATUS_NOMEM, NULL);
    done(done_context);
}

struct http_handler admin_handler(struct admin *admin)
{
    return (struct http_handler){.context = admin, .admit = admit, .start = start};
}

struct http_server_options admin_server_options(const char *address)
{
    struct http_server_options options = http_server_options_default();
    options.address = address;
    options.threads = ADMIN_THREADS;
    options.limits.connections_max = ADMIN_CONNECTIONS;
    options.limits.address_max = 0;
    return options;
}
