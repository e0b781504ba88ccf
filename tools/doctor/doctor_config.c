/* The configuration: POST /config with a token, and GET /config without. */
#include "pir-server/bfv/bfv_context.h"
#include "pir-server/pir/pir_parameters.h"
#include "tools/doctor/doctor_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SHARDS_MAX ((size_t)65536)

/* ---- POST ---- */

/* Takes the configuration in: by POST, or when no token is to be had, by GET. */
static enum status fetch(struct examination *exam, struct error *err)
{
    struct http_exchange exchange;
    struct bytes token;
    bytes_init(&token, DEVICE_TOKENS_VALUE_BYTES);
    const bool can_pay = exam->is_open || doctor_has_passed(exam, DOCTOR_TOKEN_REDEEM);
    const char *what = can_pay ? "POST /config" : "GET /config";
    enum status status = STATUS_OK;
    if (can_pay && !exam->is_open)
        status = device_tokens_take(exam->tokens, &token, err);
    if (status == STATUS_OK)
        status = can_pay
                     ? doctor_post_config(exam, token.size > 0 ? (const char *)token.data : NULL,
                                          &exchange, err)
                     : doctor_get(exam, "/config", &exchange, err);
    if (status == STATUS_OK)
        status = http_exchange_check(&exchange, what, bytes_view(&exam->body), err);
    if (status == STATUS_OK)
        status = wire_served_list_read(bytes_view(&exam->body), &exam->config, err);
    bytes_deinit_secret(&token);
    return status;
}

/* All of their names, as far as there is room. */
static void list_names(const struct wire_served_list *config, char *ret, size_t size)
{
    size_t used = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < wire_served_list_count(config) && used < size; i++) {
        const struct span name = wire_served_list_get(config, i)->use_case;
        const int more = snprintf(ret + used, size - used, "%s%.*s", i > 0 ? ", " : "",
                                  (int)name.size, (const char *)name.data);
        used += more > 0 ? (size_t)more : 0;
    }
}

static void find_use_case(struct examination *exam)
{
    char names[256];
    const size_t count = wire_served_list_count(exam->config);
    if (!doctor_may(exam, DOCTOR_USE_CASE))
        return;
    list_names(exam->config, names, sizeof names);
    if (exam->use_case[0] == '\0' && count == 1) {
        const struct span name = wire_served_list_get(exam->config, 0)->use_case;
        snprintf(exam->use_case, sizeof exam->use_case, "%.*s", (int)name.size,
                 (const char *)name.data);
    }
    if (exam->use_case[0] == '\0')
        doctor_unknown(exam, DOCTOR_USE_CASE, "which one? --bundle-id was not given; there are %s",
                       names);
    else if (wire_served_list_find(exam->config, span_of_text(exam->use_case), &exam->served,
                                   NULL) != STATUS_OK)
        doctor_fail(exam, DOCTOR_USE_CASE, "no %s; there %s %s", exam->use_case,
                    count == 1 ? "is" : "are", count == 0 ? "none" : names);
    else
        doctor_pass(exam, DOCTOR_USE_CASE, "%s", exam->use_case);
}

static void examine_served(struct examination *exam)
{
    struct pir_parameters parameters;
    struct pir_layout layout;
    struct bfv_context *context = NULL;
    struct error error;
    const size_t count = exam->served->shard_count;
    if (count > SHARDS_MAX || (count & (count - 1)) != 0)
        doctor_fail(exam, DOCTOR_SHARD_COUNT, "%zu", count);
    else
        doctor_pass(exam, DOCTOR_SHARD_COUNT, "%zu", count);
    enum status status = wire_served_shard(exam->served, 0, &parameters, &error);
    if (status == STATUS_OK)
        status = pir_layout_init(&parameters, 0, &layout, &error);
    if (status == STATUS_OK)
        status = bfv_context_new(&parameters.encryption, 0, NULL, &context, &error);
    if (status != STATUS_OK)
        doctor_fail(exam, DOCTOR_PARAMETERS, "%s", error.message);
    else
        doctor_pass(exam, DOCTOR_PARAMETERS, "%" PRIu64 " buckets of %" PRIu64 " bytes a shard",
                    parameters.entry_count, parameters.entry_bytes);
    bfv_context_free(context);
}

/* ---- GET ---- */

unsigned long doctor_max_age(const char *cache_control)
{
    if (cache_control == NULL || strstr(cache_control, "no-store") != NULL ||
        strstr(cache_control, "private") != NULL || strstr(cache_control, "no-cache") != NULL)
        return 0;
    const char *age = strstr(cache_control, "max-age=");
    return age != NULL ? strtoul(age + strlen("max-age="), NULL, 10) : 0;
}

/* NULL, or what is wrong with the answer to GET /config in exam->body. */
static const char *public_fault(struct examination *exam, const struct wire_served_list *list)
{
    const struct wire_served *served;
    if (wire_served_list_find(list, span_of_text(exam->use_case), &served, NULL) != STATUS_OK)
        return "it does not have the use case";
    if (!span_equal(served->config_id, exam->served->config_id))
        return "it has another configuration than POST /config";
    if (doctor_header(exam, exam->http, "ETag") == NULL)
        return "it has no ETag";
    if (doctor_max_age(doctor_header(exam, exam->http, "Cache-Control")) == 0)
        return "its Cache-Control does not let it be kept";
    return NULL;
}

static void examine_public(struct examination *exam)
{
    struct wire_served_list *list = NULL;
    struct http_exchange exchange;
    struct error error;
    enum status status = doctor_get(exam, "/config", &exchange, &error);
    if (status == STATUS_OK)
        status = http_exchange_check(&exchange, "GET /config", bytes_view(&exam->body), &error);
    if (status == STATUS_OK)
        status = wire_served_list_read(bytes_view(&exam->body), &list, &error);
    const char *fault = status == STATUS_OK ? public_fault(exam, list) : error.message;
    if (fault != NULL)
        doctor_fail(exam, DOCTOR_CONFIG_PUBLIC, "%s", fault);
    else
        doctor_pass(exam, DOCTOR_CONFIG_PUBLIC, "may be kept for %lu seconds",
                    doctor_max_age(doctor_header(exam, exam->http, "Cache-Control")));
    wire_served_list_free(list);
}

void doctor_config(struct examination *exam)
{
    struct error error;
    if (!doctor_may(exam, DOCTOR_CONFIG) || exam->findings[DOCTOR_CONFIG].result == DOCTOR_FAIL)
        return;
    if (fetch(exam, &error) != STATUS_OK) {
        doctor_fail(exam, DOCTOR_CONFIG, "%s", error.message);
        return;
    }
    doctor_pass(exam, DOCTOR_CONFIG, "use cases: %zu", wire_served_list_count(exam->config));
    find_use_case(exam);
    if (exam->served == NULL)
        return;
    examine_served(exam);
    examine_public(exam);
}
