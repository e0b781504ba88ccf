/* The TXT record of the service, which Apple's relay looks at. */
#include "tools/doctor/doctor_internal.h"
#include "tools/doctor/txt_record.h"

#include <stdio.h>

#define TXT_VALUE_BYTES 512

void doctor_dns(struct examination *exam)
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
