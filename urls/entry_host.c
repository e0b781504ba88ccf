#include "urls/entry_host.h"

#include "urls/rule_text.h"
#include "urls/url_address.h"

static bool is_local_address(struct span host)
{
    uint8_t address[4];
    if (url_read_ipv4(host, address))
        return address[0] == 127 || memcmp(address, "\0\0\0\0", 4) == 0 ||
               memcmp(address, "\xff\xff\xff\xff", 4) == 0;
    return span_equal(host, span_of_text("[::]")) || span_equal(host, span_of_text("[::1]"));
}

bool entry_host_is_local(struct span host)
{
    static const char *const names[] = {
        "localhost",     "localhost.localdomain", "local",        "broadcasthost",
        "ip6-localhost", "ip6-loopback",          "ip6-localnet", "ip6-mcastprefix",
        "ip6-allnodes",  "ip6-allrouters",        "ip6-allhosts",
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (host.data[0] == (uint8_t)names[i][0] && span_equal(host, span_of_text(names[i])))
            return true;
    }
    return text_ends_with(host, ".localhost");
}

/* "192.0.2.0/24": the path of an address without a scheme that is the size of a network. */
static bool is_address_range(const struct url *url)
{
    const uint32_t most = url->text[0] == '[' ? 128 : 32;
    const uint8_t *path = url->text + url->host_size;
    uint32_t size = 0;
    if (url->had_scheme || url->path_size < 2 || url->path_size > 4 || url->query_size > 0 ||
        url->fragment_size > 0 || url->port != 0)
        return false;
    for (size_t i = 1; i < url->path_size; i++) {
        if (path[i] < '0' || path[i] > '9')
            return false;
        size = 10 * size + (uint32_t)(path[i] - '0');
    }
    return size <= most;
}

static enum drop_reason check_address(const struct url *url)
{
    if (is_address_range(url))
        return DROP_ADDRESS_RANGE;
    return is_local_address(url_host(url)) ? DROP_LOCAL_HOST : DROP_NONE;
}

enum drop_reason entry_host_check_suffix(struct span host, const struct public_suffixes *suffixes,
                                         bool keeps_hosters)
{
    switch (public_suffixes_kind(suffixes, host)) {
    case PUBLIC_SUFFIX_REGISTRY:
        return DROP_PUBLIC_SUFFIX;
    case PUBLIC_SUFFIX_HOSTER:
        return keeps_hosters ? DROP_NONE : DROP_PRIVATE_SUFFIX;
    case PUBLIC_SUFFIX_NONE:
        break;
    }
    return DROP_NONE;
}

enum drop_reason entry_host_check(const struct url *url, const struct public_suffixes *suffixes,
                                  bool keeps_hosters)
{
    const struct span host = url_host(url);
    if (url->is_address)
        return check_address(url);
    if (entry_host_is_local(host))
        return DROP_LOCAL_HOST;
    if (!text_holds(host, '.'))
        return DROP_SINGLE_LABEL;
    if (url->path_size > 1 || url->query_size > 0 || url->fragment_size > 0)
        return DROP_NONE;
    return entry_host_check_suffix(host, suffixes, keeps_hosters);
}
