/* The issuer's directory and its keys. */
#include "pir-server/privacypass/issuer_directory.h"
#include "tools/doctor/doctor_internal.h"

#include <jansson.h>
#include <time.h>

static enum status fetch(struct examination *exam, struct bytes *body, struct error *err)
{
    struct http_exchange exchange;
    enum status status =
        http_client_get(exam->issuer_http, ISSUER_DIRECTORY_PATH, NULL, body, &exchange, err);
    if (status == STATUS_OK)
        status = http_exchange_check(&exchange, ISSUER_DIRECTORY_PATH, bytes_view(body), err);
    return status;
}

/* Whether it is a directory at all, whatever its keys are like. */
static bool is_directory(struct span body)
{
    json_t *root = json_loadb((const char *)body.data, body.size, 0, NULL);
    const bool is_one = json_is_string(json_object_get(root, "issuer-request-uri")) &&
                        json_is_array(json_object_get(root, "token-keys"));
    json_decref(root);
    return is_one;
}

static void examine_keys(struct examination *exam, struct span body)
{
    struct issuer_directory directory;
    struct error error;
    const time_t now = time(NULL);
    if (issuer_directory_parse(body, &directory, &error) != STATUS_OK) {
        doctor_fail(exam, DOCTOR_TOKEN_KEY, "%s", error.message);
        return;
    }
    if (directory.key_count == 0) {
        doctor_fail(exam, DOCTOR_TOKEN_KEY, "no key of token type 2 is listed");
        return;
    }
    doctor_pass(exam, DOCTOR_TOKEN_KEY, "%zu of token type 2", directory.key_count);
    if (issuer_directory_choose(&directory, now > 0 ? (uint64_t)now : 0) != NULL)
        doctor_pass(exam, DOCTOR_TOKEN_KEY_BEGUN, "a key has begun");
    else
        doctor_fail(exam, DOCTOR_TOKEN_KEY_BEGUN, "every key begins in the future");
}

void doctor_issuer(struct examination *exam)
{
    struct bytes first;
    struct error error;
    if (!doctor_may(exam, DOCTOR_DIRECTORY))
        return;
    if (exam->is_open && exam->options->is_development) {
        doctor_unknown(exam, DOCTOR_DIRECTORY, "the server wants no tokens");
        return;
    }
    bytes_init(&first, ISSUER_DIRECTORY_MAX_BYTES);
    if (fetch(exam, &first, &error) != STATUS_OK) {
        doctor_fail(exam, DOCTOR_DIRECTORY, "%s", error.message);
    } else if (!is_directory(bytes_view(&first))) {
        doctor_fail(exam, DOCTOR_DIRECTORY, "what is there is no directory of token keys");
    } else {
        doctor_pass(exam, DOCTOR_DIRECTORY, "%zu bytes", first.size);
        examine_keys(exam, bytes_view(&first));
        if (fetch(exam, &exam->body, &error) != STATUS_OK)
            doctor_fail(exam, DOCTOR_DIRECTORY_SAME, "the second time, %s", error.message);
        else if (!span_equal(bytes_view(&first), bytes_view(&exam->body)))
            doctor_fail(exam, DOCTOR_DIRECTORY_SAME, "asked twice, it answers differently");
        else
            doctor_pass(exam, DOCTOR_DIRECTORY_SAME, "asked twice, it answers the same");
    }
    bytes_deinit(&first);
}
