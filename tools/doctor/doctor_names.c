/* What is wrong with the names, before anybody is asked. */
#include "tools/doctor/doctor_internal.h"

#include <arpa/inet.h>
#include <stdio.h>

#define SUFFIX ".url.filtering"

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters, digits and hyphens, with dots between. */
static bool is_dotted_name(const char *text)
{
    if (text[0] == '\0')
        return false;
    for (const char *c = text; *c != '\0'; c++) {
        const bool is_edge = c == text || c[-1] == '.' || c[1] == '.' || c[1] == '\0';
        if (!is_letter_or_digit(*c) && (is_edge || (*c != '-' && *c != '.')))
            return false;
    }
    return true;
}

/* NULL when it is what a distribution build takes. */
static const char *url_fault(const char *url)
{
    struct in_addr address;
    if (strncmp(url, "https://", 8) != 0)
        return "does not begin with https://";
    const char *host = url + 8;
    if (strchr(host, '@') != NULL)
        return "has a user's name";
    if (host[0] == '[')
        return "has an IP address for a name";
    const char *slash = strpbrk(host, "/?#");
    if (slash != NULL)
        return strcmp(slash, "/") == 0 ? "ends with a slash" : "has a path";
    if (strchr(host, ':') != NULL)
        return "has a port";
    if (inet_pton(AF_INET, host, &address) == 1)
        return "has an IP address for a name";
    if (!is_dotted_name(host))
        return "has what is no host name";
    return strchr(host, '.') == NULL ? "has a name without a domain" : NULL;
}

static void examine_url(struct examination *exam, enum doctor_check check, const char *url)
{
    const char *fault = url_fault(url);
    const bool is_http = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    if (fault == NULL)
        doctor_pass(exam, check, "%s", url);
    else if (exam->options->is_development && is_http)
        doctor_pass(exam, check, "%s, which %s: only for apps signed for development", url, fault);
    else
        doctor_fail(exam, check, "%s %s", url, fault);
}

static void examine_bundle_id(struct examination *exam)
{
    const char *id = exam->options->bundle_id;
    const size_t size = id != NULL ? strlen(id) : 0;
    if (id == NULL)
        doctor_unknown(exam, DOCTOR_BUNDLE_ID, "--bundle-id was not given");
    else if (!is_dotted_name(id) || strchr(id, '.') == NULL)
        doctor_fail(exam, DOCTOR_BUNDLE_ID, "%s is no bundle identifier", id);
    else if (size > strlen(SUFFIX) && strcmp(id + size - strlen(SUFFIX), SUFFIX) == 0)
        doctor_fail(exam, DOCTOR_BUNDLE_ID, "%s is the name of a use case", id);
    else if (size + strlen(SUFFIX) > WIRE_USE_CASE_NAME_MAX_BYTES)
        doctor_fail(exam, DOCTOR_BUNDLE_ID, "it has %zu characters", size);
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
        snprintf(exam->use_case, sizeof exam->use_case, "%s%s", options->bundle_id, SUFFIX);
}

void doctor_names(struct examination *exam)
{
    examine_url(exam, DOCTOR_SERVER_URL, exam->options->server);
    examine_url(exam, DOCTOR_ISSUER_URL, exam->issuer);
    examine_bundle_id(exam);
    choose_use_case(exam);
}
