#include "urls/rule.h"

#include "urls/rule_text.h"
#include "urls/url_address.h"

enum drop_reason rule_refusal(unsigned differs)
{
    if (differs & (RULE_WIDER_CASE | RULE_WIDER_TYPES))
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
