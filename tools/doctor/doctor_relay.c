/* What Apple's relay looks at: the gateway's keys, and the TXT record of the service. */
#include "tools/deployment_names.h"
#include "tools/device/device_identity.h"
#include "tools/device/oblivious.h"
#include "tools/doctor/doctor_internal.h"
#include "tools/doctor/txt_record.h"

#include <stdio.h>

#define TXT_VALUE_BYTES 512

/* ---- gateway ---- */

static enum status fetch_keys(struct examination *exam, struct ohttp_key_config *ret,
                              struct error *err)
{
    const struct http_client_options options = {.base_url = exam->options->gateway,
                                                .ca_path = exam->options->ca_path,
                                                .connect_to = exam->options->connect_to,
                                                .user_agent = device_identity_default()->user_agent,
                                                .content_type = "message/ohttp-req"};
    struct http_client *client = NULL;
    struct http_exchange exchange;
    enum status status = http_client_new(&options, &client, err);
    if (status == STATUS_OK)
        status = http_client_get(client, OBLIVIOUS_PATH, NULL, &exam->body, &exchange, err);
    if (status == STATUS_OK)
        status = http_exchange_check(&exchange, OBLIVIOUS_PATH, bytes_view(&exam->body), err);
    if (status == STATUS_OK)
        status = oblivious_read_keys(bytes_view(&exam->body), ret, err);
    http_client_free(client);
    return status;
}

static void examine_gateway_url(struct examination *exam)
{
    const struct doctor_options *options = exam->options;
    const char *fault = deployment_url_fault(options->gateway);
    if (fault != NULL && !(options->is_development && deployment_is_http_url(options->gateway)))
        doctor_fail(exam, DOCTOR_GATEWAY_URL, "%s %s", options->gateway, fault);
    else if (!options->is_development && strcmp(options->gateway, options->server) == 0)
        doctor_fail(exam, DOCTOR_GATEWAY_URL, "it has the host of the service");
    else
        doctor_pass(exam, DOCTOR_GATEWAY_URL, "%s", options->gateway);
}

static void examine_gateway(struct examination *exam)
{
    struct ohttp_key_config keys;
    struct error error;
    if (exam->options->gateway == NULL) {
        doctor_unknown(exam, DOCTOR_GATEWAY_URL, "--gateway was not given");
        doctor_unknown(exam, DOCTOR_GATEWAY_KEYS, "--gateway was not given");
        return;
    }
    examine_gateway_url(exam);
    if (!doctor_may(exam, DOCTOR_GATEWAY_KEYS))
        return;
    if (fetch_keys(exam, &keys, &error) != STATUS_OK)
        doctor_fail(exam, DOCTOR_GATEWAY_KEYS, "%s", error.message);
    else
        doctor_pass(exam, DOCTOR_GATEWAY_KEYS, "key %u", keys.key_id);
}

/* ---- DNS ---- */

static void examine_txt(struct examination *exam)
{
    const struct doctor_options *options = exam->options;
    char wanted[TXT_VALUE_BYTES];
    struct error error;
    bool is_found = false;
    if (!doctor_may(exam, DOCTOR_DNS_TXT))
        return;
    if (options->is_development || options->bundle_id == NULL) {
        doctor_unknown(exam, DOCTOR_DNS_TXT, "%s",
                       options->is_development ? "development does without"
                                               : "--bundle-id was not given");
        return;
    }
    snprintf(wanted, sizeof wanted, "apple-url-filter=%s", options->bundle_id);
    const char *host = options->server + strlen("https://");
    const enum status status =
        txt_record_find(host, wanted, options->name_server, &is_found, &error);
    if (status == STATUS_IO)
        doctor_unknown(exam, DOCTOR_DNS_TXT, "%s", error.message);
    else if (status != STATUS_OK)
        doctor_fail(exam, DOCTOR_DNS_TXT, "%s", error.message);
    else if (!is_found)
        doctor_fail(exam, DOCTOR_DNS_TXT, "%s has other TXT records, none is %s", host, wanted);
    else
        doctor_pass(exam, DOCTOR_DNS_TXT, "%s", wanted);
}

void doctor_relay(struct examination *exam)
{
    examine_gateway(exam);
    examine_txt(exam);
}
