#include "urls/rule.h"

#include "urls/rule_text.h"
#include "urls/url_address.h"

const unsigned rule_differences[RULE_DIFFERENCE_COUNT] = {
    RULE_WIDER_FOLDER, RULE_WIDER_DEEPER, RULE_WIDER_HOSTS,   RULE_WIDER_CASE,
    RULE_WIDER_TYPES,  RULE_WIDER_PAGES,  RULE_NARROWER_OPEN, RULE_NARROWER_QUERY};
const char *const rule_difference_names[RULE_DIFFERENCE_COUNT] = {
    "folder", "deeper", "hosts", "case", "types", "pages", "open", "query"};

const char *const rule_difference_texts[RULE_DIFFERENCE_COUNT] = {
    "for what is in a folder block the folder, too",
    "for one URL block what is below it, too",
    "for one host and scheme block subdomains and http, too",
    "that mind the case block other spellings, too",
    "for some requests block all others, too",
    "for some pages block on all others, too",
    "that mean longer names, too, do not block these",
    "that mean longer queries, too, do not block these",
};

enum drop_reason rule_refusal(unsigned differs)
{
    if (differs & (RULE_WIDER_CASE | RULE_WIDER_TYPES | RULE_WIDER_PAGES))
        return DROP_OPTIONS;
    if (differs & (RULE_WIDER_DEEPER | RULE_WIDER_HOSTS | RULE_WIDER_FOLDER))
        return DROP_EXACT;
    return differs & (RULE_NARROWER_OPEN | RULE_NARROWER_QUERY) ? DROP_OPEN_END : DROP_NONE;
}

enum rule_address rule_address_kind(struct span word)
{
    uint8_t ipv4[4];
    uint8_t ipv6[16];
    if (url_read_ipv4(word, ipv4))
        return ipv4[0] == 127 || memcmp(ipv4, "\0\0\0\0", 4) == 0 ? RULE_ADDRESS_BLOCKS
                                                                  : RULE_ADDRESS_REAL;
    word.size = text_find(word, '%'); /* fe80::1%lo0 localhost */
    if (!url_read_ipv6(word, ipv6))
        return RULE_ADDRESS_NONE;
    for (size_t i = 0; i < 15; i++) {
        if (ipv6[i] != 0)
            return RULE_ADDRESS_REAL;
    }
    return ipv6[15] <= 1 ? RULE_ADDRESS_BLOCKS : RULE_ADDRESS_REAL;
}
