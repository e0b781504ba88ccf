#include "urls/drop_reason.h"

#include "base/compiler.h"

#include <assert.h>
#include <stddef.h>

static const struct {
    const char *name;
    const char *text;
} reasons[] = {
    [DROP_NONE] = {"none", "nothing is wrong"},
    [DROP_EMPTY] = {"empty", "empty entry"},
    [DROP_TOO_LONG] = {"too-long", "longer than 8192 bytes"},
    [DROP_ENCODING] = {"encoding", "bytes that are not UTF-8"},
    [DROP_CHARACTER] = {"character", "a blank or control character inside"},
    [DROP_SCHEME] = {"scheme", "scheme other than http and https"},
    [DROP_USER_INFO] = {"user-info", "user@host without a scheme: looks like a mail address"},
    [DROP_NO_HOST] = {"no-host", "no host name"},
    [DROP_HOST_CHARACTER] = {"host-character", "a character that no host name holds"},
    [DROP_LABEL] = {"label", "host label empty or longer than 63 bytes"},
    [DROP_HOST_TOO_LONG] = {"host-too-long", "host name longer than 253 bytes"},
    [DROP_IDN] = {"idn", "international host name that IDNA does not allow"},
    [DROP_ADDRESS] = {"address", "not a plain IP address"},
    [DROP_PORT] = {"port", "port is no number from 1 to 65535"},
    [DROP_SINGLE_LABEL] = {"single-label", "host of one label, which devices never ask for"},
    [DROP_LOCAL_HOST] = {"local-host", "local name or address"},
    [DROP_ADDRESS_RANGE] = {"address-range", "network of addresses, where devices ask for one"},
    [DROP_PUBLIC_SUFFIX] = {"public-suffix", "public suffix: would block a whole registry"},
    [DROP_PRIVATE_SUFFIX] = {"private-suffix",
                             "private suffix: would block all customers of a hoster"},
    [DROP_APPLE_HOST] = {"apple-host", "would block a service that Apple's devices need"},
    [DROP_OWN_HOST] = {"own-host", "would block the server that devices ask"},
    [DROP_LINE_TOO_LONG] = {"line-too-long", "line longer than 65536 bytes"},
    [DROP_WHITE_SPACE] = {"white-space", "several words, but no line of a hosts file"},
    [DROP_HOSTS_ADDRESS] = {"hosts-address", "hosts line that maps to a real address"},
    [DROP_EXCEPTION] = {"exception", "exception rule"},
    [DROP_ELEMENT_HIDING] = {"element-hiding", "rule about page elements"},
    [DROP_OPTIONS] = {"options", "rule that holds only under its $options"},
    [DROP_WILDCARD] = {"wildcard", "wildcard inside"},
    [DROP_OPEN_END] = {"open-end", "rule without ^ at its end: matches longer names too"},
    [DROP_PATTERN] = {"pattern", "pattern that matches anywhere in a URL"},
    [DROP_EXACT] = {"exact", "one URL or host alone, without what is below it"},
    [DROP_REGEX] = {"regex", "regular expression"},
    [DROP_SUBDOMAINS] = {"subdomains", "means the subdomains of a host, not the host itself"},
    [DROP_MODIFIES] = {"modifies", "changes a request or a page instead of blocking it"},
    [DROP_CONDITION] = {"condition", "holds under a condition of the browser only"},
    [DROP_INCLUDE] = {"include", "stands for another list, which is not read"},
    [DROP_NOT_BLOCKING] = {"not-blocking", "blocks nothing: a setting, forwarding or data"},
    [DROP_REDIRECT] = {"redirect", "sends to another host instead of blocking"},
    [DROP_TRIGGER] = {"trigger", "depends on an address or a name server"},
    [DROP_VALUE] = {"value", "a row with another value than 1"},
    [DROP_FORMAT] = {"format", "not a line of the list's format"},
    [DROP_FILTERED] = {"filtered", "left out by include or exclude of its source"},
    [DROP_PARSING_PART] = {"parsing-part",
                           "names a part that the parsing configuration leaves out"},
    [DROP_PARSING_NO_MATCH] = {"parsing-no-match",
                               "the parsing configuration's regular expression does not match"},
};
static_assert(ARRAY_COUNT(reasons) == DROP_REASON_COUNT, "every reason has its texts");

const char *drop_reason_name(enum drop_reason reason)
{
    return (size_t)reason < ARRAY_COUNT(reasons) ? reasons[reason].name : "unknown";
}

const char *drop_reason_text(enum drop_reason reason)
{
    return (size_t)reason < ARRAY_COUNT(reasons) ? reasons[reason].text : "unknown reason";
}
