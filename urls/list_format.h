/* list_format - the formats in which blocklists come, and their names in lists.json.
 *
 * Threads  constants only; any. */
#ifndef BLINDLIST_URLS_LIST_FORMAT_H
#define BLINDLIST_URLS_LIST_FORMAT_H

#include <stddef.h>

enum list_format {
    LIST_FORMAT_AUTO,         /* found out from the text */
    LIST_FORMAT_PLAIN,        /* a URL, host or host/path a line */
    LIST_FORMAT_HOSTS,        /* "0.0.0.0 host host" */
    LIST_FORMAT_DNSMASQ,      /* "address=/host/", "server=/host/" */
    LIST_FORMAT_ADBLOCK,      /* Adblock Plus, uBlock Origin, EasyList: "||host^" and more */
    LIST_FORMAT_URLHAUS_CSV,  /* abuse.ch's table of URLs */
    LIST_FORMAT_URLHAUS_TEXT, /* abuse.ch's plain URLs */
    LIST_FORMAT_RPZ,          /* a DNS response policy zone */
    LIST_FORMAT_JSON,         /* an array of texts */
    LIST_FORMAT_ROWS,         /* keys as devices ask for them, with values */
    LIST_FORMAT_COUNT
};

/* "urlhaus-csv": stable. */
extern const char *const list_format_names[LIST_FORMAT_COUNT];

#endif
