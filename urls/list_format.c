#include "urls/list_format.h"

const char *const list_format_names[LIST_FORMAT_COUNT] = {
    [LIST_FORMAT_AUTO] = "auto",
    [LIST_FORMAT_PLAIN] = "plain",
    [LIST_FORMAT_HOSTS] = "hosts",
    [LIST_FORMAT_DNSMASQ] = "dnsmasq",
    [LIST_FORMAT_ADBLOCK] = "adblock",
    [LIST_FORMAT_URLHAUS_CSV] = "urlhaus-csv",
    [LIST_FORMAT_URLHAUS_TEXT] = "urlhaus-text",
    [LIST_FORMAT_RPZ] = "rpz",
    [LIST_FORMAT_JSON] = "json",
    [LIST_FORMAT_ROWS] = "rows",
};
