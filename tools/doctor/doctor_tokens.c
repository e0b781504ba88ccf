/* User token and tokens: issued, spent, and spent again. */
#include "tools/device/device_identity.h"
#include "tools/doctor/doctor_internal.h"

#define HTTP_OK           200
#define HTTP_UNAUTHORIZED 401

void doctor_payment(struct examination *exam)
{
    struct http_exchange exchange;
    struct error error;
    if (!doctor_may(exam, DOCTOR_TOKEN_REQUIRED))
        return;
    if (doctor_post_config(exam, NULL, &exchange, &error) != STATUS_OK) {
        doctor_unknown(exam, DOCTOR_TOKEN_REQUIRED, "%s", error.message);
    } else if (exchange.status == HTTP_UNAUTHORIZED) {
        doctor_pass(exam, DOCTOR_TOKEN_REQUIRED, "401 without one");
    } else if (exchange.status == HTTP_OK) {
        exam->is_open = true;
        if (exam->options->is_development)
            doctor_unknown(exam, DOCTOR_TOKEN_REQUIRED,
                           "none is wanted, which does for development");
        else
            doctor_fail(exam, DOCTOR_TOKEN_REQUIRED, "POST /config is answered without a token");
    } else {
        doctor_unknown(exam, DOCTOR_TOKEN_REQUIRED, "POST /config is answered with %ld",
                       exchange.status);
    }
}

/* Has tokens issued and takes one of them. */
static bool take_token(struct examination *exam, struct bytes *ret)
{
    struct error error;
    const struct doctor_options *options = exam->options;
    const struct device_identity *identity = device_identity_default();
    const struct device_tokens_options wanted = {.issuer = exam->issuer,
                                                 .ca_path = options->ca_path,
                                                 .connect_to = options->connect_to,
                                                 .user_agent = identity->user_agent,
                                                 .user_token = options->user_token,
                                                 .batch = identity->tokens_at_once};
    enum status status = device_tokens_new(&wanted, &exam->tokens, &error);
    if (status == STATUS_OK)
        status = device_tokens_take(exam->tokens, ret, &error);
    else
        error.status = status = STATUS_UNAUTHORIZED; /* no header can hold it */
    if (status == STATUS_UNAUTHORIZED) {
        doctor_fail(exam, DOCTOR_USER_TOKEN, "%s", error.message);
        return false;
    }
    if (status != STATUS_OK) {
        doctor_unknown(exam, DOCTOR_USER_TOKEN, "it was not refused");
        doctor_fail(exam, DOCTOR_TOKEN_ISSUE, "%s", error.message);
        return false;
    }
    doctor_pass(exam, DOCTOR_USER_TOKEN, "it is known");
    doctor_pass(exam, DOCTOR_TOKEN_ISSUE, "%zu of %zu asked for at once are issued, all valid",
                device_tokens_left(exam->tokens) + 1, wanted.batch);
    return true;
}

/* The configuration stays in exam->body when it was paid for. */
static void spend(struct examination *exam, const char *token)
{
    struct http_exchange exchange;
    struct error error;
    if (doctor_post_config(exam, token, &exchange, &error) != STATUS_OK) {
        doctor_unknown(exam, DOCTOR_TOKEN_REDEEM, "%s", error.message);
        return;
    }
    if (exchange.status == HTTP_UNAUTHORIZED) {
        doctor_fail(exam, DOCTOR_TOKEN_REDEEM, "a fresh token is answered with 401");
        return;
    }
    if (exchange.status != HTTP_OK) {
        doctor_fail(exam, DOCTOR_CONFIG, "POST /config is answered with %ld", exchange.status);
        return;
    }
    doctor_pass(exam, DOCTOR_TOKEN_REDEEM, "a fresh token is taken");
    if (doctor_post_config(exam, token, &exchange, &error) != STATUS_OK)
        doctor_unknown(exam, DOCTOR_TOKEN_ONCE, "%s", error.message);
    else if (exchange.status == HTTP_OK)
        doctor_fail(exam, DOCTOR_TOKEN_ONCE, "the same token is taken a second time");
    else
        doctor_pass(exam, DOCTOR_TOKEN_ONCE, "the second time it is answered with %ld",
                    exchange.status);
}

void doctor_tokens(struct examination *exam)
{
    struct bytes token;
    if (!doctor_may(exam, DOCTOR_USER_TOKEN))
        return;
    if (exam->options->user_token == NULL) {
        doctor_unknown(exam, DOCTOR_USER_TOKEN, "--token-file was not given");
        return;
    }
    if (!doctor_has_passed(exam, DOCTOR_TOKEN_KEY_BEGUN))
        return;
    bytes_init(&token, DEVICE_TOKENS_VALUE_BYTES);
    if (!take_token(exam, &token)) {
        device_tokens_free(exam->tokens);
        exam->tokens = NULL;
    } else if (exam->is_open) {
        doctor_unknown(exam, DOCTOR_TOKEN_REDEEM, "the server wants no tokens");
        doctor_unknown(exam, DOCTOR_TOKEN_ONCE, "the server wants no tokens");
    } else {
        spend(exam, (const char *)token.data);
    }
    bytes_deinit_secret(&token);
}
