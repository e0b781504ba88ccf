#include "pir-server/service/gateway.h"

#include "base/mem.h"
#include "pir-server/service/http_host.h"

#include <stdatomic.h>
#include <string.h>

struct gateway {
    struct kept_keys *keys;
    size_t target_count; /* 0: any */
    char (*targets)[HTTP_HOST_BYTES];
    _Atomic uint64_t events[GATEWAY_EVENT_COUNT];
};

const char *gateway_event_name(enum gateway_event event)
{
    static const char *const names[GATEWAY_EVENT_COUNT] = {
        [GATEWAY_MALFORMED] = "malformed",           [GATEWAY_UNKNOWN_KEY] = "unknown-key",
        [GATEWAY_NOT_OPENED] = "not-opened",         [GATEWAY_INNER_REFUSED] = "inner-refused",
        [GATEWAY_TARGET_REFUSED] = "target-refused", [GATEWAY_HANDED_ON] = "handed-on",
    };
    return names[event];
}

/* ---- targets ---- */

/* Cuts the name at *at off, up to a comma; false at the end. */
static bool next_name(const char **at, struct span *ret)
{
    if (**at == '\0')
        return false;
    const size_t size = strcspn(*at, ",");
    *ret = span_of(*at, size);
    *at += size + ((*at)[size] == ',' ? 1 : 0);
    return true;
}

static enum status read_name(struct span name, char ret[HTTP_HOST_BYTES], struct error *err)
{
    char text[HTTP_HOST_BYTES];
    if (name.size >= sizeof text)
        return error_set(err, STATUS_INVALID, "a host of %zu bytes", name.size);
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    if (!http_host_of_name(text, ret))
        return error_set(err, STATUS_INVALID, "\"%s\" is no host", text);
    return STATUS_OK;
}

/* ret may be NULL: only checked and counted. */
static enum status read_targets(const char *targets, char (*ret)[HTTP_HOST_BYTES],
                                size_t *ret_count, struct error *err)
{
    char host[HTTP_HOST_BYTES];
    struct span name;
    size_t count = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && next_name(&targets, &name)) {
        if (count == GATEWAY_TARGETS_MAX)
            return error_set(err, STATUS_INVALID, "more than %zu hosts", GATEWAY_TARGETS_MAX);
        status = read_name(name, ret != NULL ? ret[count] : host, err);
        count++;
    }
    if (status == STATUS_OK && count == 0)
        status = error_set(err, STATUS_INVALID, "names no host");
    if (status == STATUS_OK)
        *ret_count = count;
    return status;
}

enum status gateway_targets_check(const char *targets, struct error *err)
{
    size_t count = 0;
    return targets == NULL ? STATUS_OK : read_targets(targets, NULL, &count, err);
}

static enum status take_targets(struct gateway *gateway, const char *targets, struct error *err)
{
    size_t count = 0;
    if (targets == NULL)
        return STATUS_OK;
    enum status status = read_targets(targets, NULL, &count, err);
    if (status != STATUS_OK)
        return status;
    gateway->targets = mem_alloc(count, sizeof *gateway->targets);
    if (gateway->targets == NULL)
        return error_set(err, STATUS_NOMEM, "gateway: out of memory");
    return read_targets(targets, gateway->targets, &gateway->target_count, err);
}

bool gateway_has_target(const struct gateway *gateway, const char *host)
{
    for (size_t i = 0; i < gateway->target_count; i++) {
        if (strcmp(gateway->targets[i], host) == 0)
            return true;
    }
    return gateway->target_count == 0;
}

/* ---- the gateway ---- */

enum status gateway_new(const struct kept_keys_options *options, const char *targets,
                        uint64_t now_s, struct gateway **ret, struct error *err)
{
    struct gateway *gateway = mem_alloc_zeroed(1, sizeof *gateway);
    if (gateway == NULL)
        return error_set(err, STATUS_NOMEM, "gateway: out of memory");
    enum status status = take_targets(gateway, targets, err);
    if (status == STATUS_OK)
        status = kept_keys_new(options, now_s, &gateway->keys, err);
    if (status == STATUS_OK)
        *ret = gateway;
    else
        gateway_free(gateway);
    return status;
}

void gateway_free(struct gateway *gateway)
{
    if (gateway == NULL)
        return;
    kept_keys_free(gateway->keys);
    mem_free(gateway->targets);
    mem_free(gateway);
}

enum status gateway_tend(struct gateway *gateway, uint64_t now_s, struct error *err)
{
    return kept_keys_tend(gateway->keys, now_s, err);
}

const struct kept_keys_view *gateway_view(struct gateway *gateway)
{
    return kept_keys_view(gateway->keys);
}

/* ---- figures ---- */

void gateway_count(struct gateway *gateway, enum gateway_event event)
{
    atomic_fetch_add_explicit(&gateway->events[event], 1, memory_order_relaxed);
}

void gateway_look(struct gateway *gateway, struct gateway_figures *ret)
{
    const struct kept_keys_view *view = gateway_view(gateway);
    const struct key_ring_key *published = key_ring_newest_begun(view->ring, view->tended_at_s);
    *ret =
        (struct gateway_figures){.keys = key_ring_count(view->ring),
                                 .published_at_s = published != NULL ? published->not_before_s : 0};
    for (size_t i = 0; i < GATEWAY_EVENT_COUNT; i++)
        ret->events[i] = atomic_load_explicit(&gateway->events[i], memory_order_relaxed);
    kept_keys_view_release(view);
}
