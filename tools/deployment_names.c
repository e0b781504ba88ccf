#include "tools/deployment_names.h"

#include "pir-server/wire/wire_limits.h"

#include <arpa/inet.h>
#include <string.h>

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

const char *deployment_url_fault(const char *url)
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

bool deployment_is_http_url(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

const char *deployment_bundle_id_fault(const char *id)
{
    const size_t size = strlen(id);
    const size_t suffix = strlen(DEPLOYMENT_USE_CASE_SUFFIX);
    if (!is_dotted_name(id) || strchr(id, '.') == NULL)
        return "is no bundle identifier";
    if (size > suffix && strcmp(id + size - suffix, DEPLOYMENT_USE_CASE_SUFFIX) == 0)
        return "is the name of a use case";
    return size + suffix > WIRE_USE_CASE_NAME_MAX_BYTES ? "is too long" : NULL;
}
