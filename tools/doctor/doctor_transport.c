/* The way to the server: name, connection, TLS, HTTP/2, clock. */
#include "pir-server/privacypass/issuer_directory.h"
#include "tools/doctor/doctor_internal.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <time.h>

#define CLOCK_MAX_DIFFERENCE_S 120

static bool is_https(const struct examination *exam)
{
    return strncmp(exam->options->server, "https://", 8) == 0;
}

static void examine_clock(struct examination *exam)
{
    const char *date = doctor_header(exam, exam->http, "Date");
    const time_t theirs = date != NULL ? curl_getdate(date, NULL) : -1;
    if (theirs < 0) {
        doctor_unknown(exam, DOCTOR_CLOCK, "its answers have no Date");
        return;
    }
    const long long difference = (long long)theirs - (long long)time(NULL);
    if (llabs(difference) > CLOCK_MAX_DIFFERENCE_S)
        doctor_fail(exam, DOCTOR_CLOCK, "the server's clock is %lld seconds %s", llabs(difference),
                    difference > 0 ? "ahead" : "behind");
    else
        doctor_pass(exam, DOCTOR_CLOCK, "%s", date);
}

void doctor_http2(struct examination *exam, enum doctor_check check,
                  const struct http_exchange *exchange)
{
    if (exchange->is_http2)
        doctor_pass(exam, check, "HTTP/2");
    else if (exam->options->is_development)
        doctor_unknown(exam, check, "HTTP/1.1, which does for development");
    else
        doctor_fail(exam, check, "it speaks HTTP/1.1 only");
}

void doctor_transport(struct examination *exam)
{
    struct http_exchange exchange;
    struct error error;
    if (!doctor_may(exam, DOCTOR_REACH))
        return;
    /* A path that every server answers somehow. */
    const enum status status = doctor_get(exam, ISSUER_DIRECTORY_PATH, &exchange, &error);
    const enum http_failure failure = http_client_failure(exam->http);
    if (status != STATUS_OK && failure == HTTP_FAILURE_TLS) {
        doctor_pass(exam, DOCTOR_REACH, "a connection is accepted");
        doctor_fail(exam, DOCTOR_CERTIFICATE, "%s", error.message);
        return;
    }
    if (status != STATUS_OK) {
        doctor_fail(exam, DOCTOR_REACH, "%s", error.message);
        return;
    }
    doctor_pass(exam, DOCTOR_REACH, "it answers");
    if (is_https(exam))
        doctor_pass(exam, DOCTOR_CERTIFICATE, "the certificate counts%s",
                    exam->options->ca_path != NULL ? " by --cacert" : "");
    else
        doctor_unknown(exam, DOCTOR_CERTIFICATE, "http:// has none");
    doctor_http2(exam, DOCTOR_HTTP2, &exchange);
    examine_clock(exam);
}
