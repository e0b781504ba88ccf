/* The Oblivious HTTP gateway, through which Apple's relay sends all that devices ask: its keys, a
 * sealed request that costs nothing, and then questions, as a device asks them. */
#include "pir-server/dataset/dataset.h"
#include "pir-server/privacypass/issuer_directory.h"
#include "tools/deployment_names.h"
#include "tools/device/device.h"
#include "tools/device/oblivious.h"
#include "tools/doctor/doctor_internal.h"

#include <stdio.h>

static void examine_url(struct examination *exam)
{
    const struct doctor_options *options = exam->options;
    const char *fault = deployment_url_fault(options->gateway);
    if (fault != NULL && !(options->is_development && deployment_is_http_url(options->gateway)))
        doctor_fail(exam, DOCTOR_GATEWAY_URL, "%s %s", options->gateway, fault);
    else if (!options->is_development && strcmp(options->gateway, options->server) == 0)
        doctor_fail(exam, DOCTOR_GATEWAY_URL, "it has the host of the service");
    else if (!options->is_development && strcmp(options->gateway, exam->issuer) == 0)
        doctor_fail(exam, DOCTOR_GATEWAY_URL, "it has the host of the issuer");
    else
        doctor_pass(exam, DOCTOR_GATEWAY_URL, "%s", options->gateway);
}

/* ---- its keys ---- */

static enum status fetch_keys(struct examination *exam, struct ohttp_key_config *ret,
                              struct http_exchange *ret_exchange, struct error *err)
{
    struct http_client *client = NULL;
    enum status status = doctor_new_client(exam, exam->options->gateway, NULL, &client, err);
    if (status == STATUS_OK)
        status = http_client_get(client, OBLIVIOUS_PATH, NULL, &exam->body, ret_exchange, err);
    if (status == STATUS_OK)
        status = http_exchange_check(ret_exchange, OBLIVIOUS_PATH, bytes_view(&exam->body), err);
    if (status == STATUS_OK)
        status = oblivious_read_keys(bytes_view(&exam->body), ret, err);
    http_client_free(client);
    return status;
}

static void examine_keys(struct examination *exam)
{
    struct ohttp_key_config keys;
    struct http_exchange exchange;
    struct error error;
    if (!doctor_may(exam, DOCTOR_GATEWAY_KEYS))
        return;
    if (fetch_keys(exam, &keys, &exchange, &error) != STATUS_OK) {
        doctor_fail(exam, DOCTOR_GATEWAY_KEYS, "%s", error.message);
        return;
    }
    doctor_pass(exam, DOCTOR_GATEWAY_KEYS, "key %u", keys.key_id);
    if (doctor_may(exam, DOCTOR_GATEWAY_HTTP2))
        doctor_http2(exam, DOCTOR_GATEWAY_HTTP2, &exchange);
}

/* ---- what lies behind it ---- */

/* A sealed GET of `path` at `base_url`; its content is exam->body. */
static enum status get_through(struct examination *exam, const char *base_url, const char *path,
                               struct http_exchange *ret, struct error *err)
{
    struct http_client *client = NULL;
    enum status status = doctor_new_client(exam, base_url, exam->options->gateway, &client, err);
    if (status == STATUS_OK)
        status = http_client_get(client, path, NULL, &exam->body, ret, err);
    http_client_free(client);
    return status;
}

static void compare_config(struct examination *exam)
{
    struct wire_served_list *list = NULL;
    const struct wire_served *served = NULL;
    struct error error;
    enum status status = wire_served_list_read(bytes_view(&exam->body), &list, &error);
    if (status == STATUS_OK)
        status = wire_served_list_find(list, span_of_text(exam->use_case), &served, &error);
    if (status != STATUS_OK)
        doctor_fail(exam, DOCTOR_GATEWAY_CONFIG, "%s", error.message);
    else if (!span_equal(served->config_id, exam->served->config_id))
        doctor_fail(exam, DOCTOR_GATEWAY_CONFIG, "it is another one than without the gateway");
    else
        doctor_pass(exam, DOCTOR_GATEWAY_CONFIG, "the same as without the gateway");
    wire_served_list_free(list);
}

/* Whether the gateway opens the request, and passes it on to what `base_url` names. */
static bool examine_target(struct examination *exam, const char *base_url, const char *path)
{
    struct http_exchange exchange;
    struct error error;
    if (get_through(exam, base_url, path, &exchange, &error) != STATUS_OK) {
        doctor_fail(exam, DOCTOR_GATEWAY_OPENS, "%s", error.message);
        return false;
    }
    const enum status status =
        http_exchange_check(&exchange, path, bytes_view(&exam->body), &error);
    if (status != STATUS_OK && exchange.is_of_gateway) {
        doctor_fail(exam, DOCTOR_GATEWAY_OPENS, "%s", error.message);
        return false;
    }
    doctor_pass(exam, DOCTOR_GATEWAY_OPENS, "what is sealed for its key is answered, sealed");
    if (status != STATUS_OK) {
        doctor_fail(exam, DOCTOR_GATEWAY_TARGET, "of %s, %s", base_url, error.message);
        return false;
    }
    return true;
}

static void examine_targets(struct examination *exam)
{
    if (!doctor_may(exam, DOCTOR_GATEWAY_OPENS) || !doctor_may(exam, DOCTOR_GATEWAY_TARGET) ||
        !doctor_has_passed(exam, DOCTOR_CONFIG_PUBLIC))
        return;
    if (doctor_has_passed(exam, DOCTOR_DIRECTORY) &&
        !examine_target(exam, exam->issuer, ISSUER_DIRECTORY_PATH))
        return;
    if (!examine_target(exam, exam->options->server, "/config"))
        return;
    doctor_pass(exam, DOCTOR_GATEWAY_TARGET, "it answers for service and issuer");
    compare_config(exam);
}

/* ---- questions ---- */

static void ask(struct examination *exam, struct device *device)
{
    struct error error;
    bool is_listed = false;
    bool is_unlisted_found = false;
    enum status status = device_query(device, DATASET_TEST_ROW, &is_listed, &error);
    if (status == STATUS_OK)
        status = device_query(device, DOCTOR_UNLISTED_KEY, &is_unlisted_found, &error);
    if (status != STATUS_OK)
        doctor_fail(exam, DOCTOR_GATEWAY_QUESTIONS, "%s", error.message);
    else if (!is_listed)
        doctor_fail(exam, DOCTOR_GATEWAY_QUESTIONS, "the test row is not found");
    else if (is_unlisted_found)
        doctor_fail(exam, DOCTOR_GATEWAY_QUESTIONS, "a name that nobody lists is found");
    else
        doctor_pass(exam, DOCTOR_GATEWAY_QUESTIONS,
                    "the test row is denied, a name that nobody lists is allowed");
}

static void examine_questions(struct examination *exam)
{
    struct device *device = NULL;
    struct error error;
    if (!doctor_may(exam, DOCTOR_GATEWAY_UPLOAD) || !doctor_has_passed(exam, DOCTOR_GATEWAY_CONFIG))
        return;
    if (!doctor_has_passed(exam, DOCTOR_TEST_ROW)) {
        doctor_unknown(exam, DOCTOR_GATEWAY_UPLOAD, "no token to pay with");
        return;
    }
    if (doctor_open_device(exam, "ios26", exam->options->gateway, &device, &error) != STATUS_OK) {
        /* The configuration was had just now: it is the key. */
        doctor_fail(exam, DOCTOR_GATEWAY_UPLOAD, "%s", error.message);
        return;
    }
    doctor_pass(exam, DOCTOR_GATEWAY_UPLOAD, "it is taken");
    ask(exam, device);
    device_close(device);
}

void doctor_gateway(struct examination *exam)
{
    if (exam->options->gateway == NULL) {
        for (enum doctor_check check = DOCTOR_GATEWAY_URL; check <= DOCTOR_GATEWAY_QUESTIONS;
             check++)
            doctor_unknown(exam, check, "--gateway was not given");
        return;
    }
    examine_url(exam);
    examine_keys(exam);
    examine_targets(exam);
    examine_questions(exam);
}
