/* What is wrong with the names, before anybody is asked. */
#include "tools/deployment_names.h"
#include "tools/doctor/doctor_internal.h"

#include <stdio.h>

static void examine_url(struct examination *exam, enum doctor_check check, const char *url)
{
    const char *fault = deployment_url_fault(url);
    if (fault == NULL)
        doctor_pass(exam, check, "%s", url);
    else if (exam->options->is_development && deployment_is_http_url(url))
        doctor_pass(exam, check, "%s, which %s: only for apps signed for development", url, fault);
    else
        doctor_fail(exam, check, "%s %s", url, fault);
}

static void examine_bundle_id(struct examination *exam)
{
    const char *id = exam->options->bundle_id;
    const char *fault = id != NULL ? deployment_bundle_id_fault(id) : NULL;
    if (id == NULL)
        doctor_unknown(exam, DOCTOR_BUNDLE_ID, "--bundle-id was not given");
    else if (fault != NULL)
        doctor_fail(exam, DOCTOR_BUNDLE_ID, "%s %s", id, fault);
    else
        doctor_pass(exam, DOCTOR_BUNDLE_ID, "%s", id);
}

/* Which one is asked for; "" = the only one that there is. */
static void choose_use_case(struct examination *exam)
{
    const struct doctor_options *options = exam->options;
    if (options->use_case != NULL)
        snprintf(exam->use_case, sizeof exam->use_case, "%s", options->use_case);
    else if (options->bundle_id != NULL)
        snprintf(exam->use_case, sizeof exam->use_case, "%s%s", options->bundle_id,
                 DEPLOYMENT_USE_CASE_SUFFIX);
}

void doctor_names(struct examination *exam)
{
    examine_url(exam, DOCTOR_SERVER_URL, exam->options->server);
    examine_url(exam, DOCTOR_ISSUER_URL, exam->issuer);
    examine_bundle_id(exam);
    choose_use_case(exam);
}
