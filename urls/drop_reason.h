/* drop_reason - why a line of a list, or a URL, cannot become a key of the dataset.
 *
 * A device asks for fixed spellings of a URL (urls/url.h); what cannot be written as one of them is
 * dropped and counted under one of these reasons, never turned into a key that means something
 * else.
 *
 * Threads  constants only; any. */
#ifndef BLINDLIST_URLS_DROP_REASON_H
#define BLINDLIST_URLS_DROP_REASON_H

enum drop_reason {
    DROP_NONE = 0, /* nothing is wrong */

    /* A URL that cannot be read or written. */
    DROP_EMPTY,          /* no text at all */
    DROP_TOO_LONG,       /* more than URL_MAX_BYTES, as given or in canonical form */
    DROP_ENCODING,       /* bytes above 127 that are not UTF-8 */
    DROP_CHARACTER,      /* a blank or control character inside */
    DROP_SCHEME,         /* a scheme other than http and https */
    DROP_USER_INFO,      /* user@host without a scheme: a mail address more likely than a URL */
    DROP_NO_HOST,        /* a path, query or port without a host before it */
    DROP_HOST_CHARACTER, /* a character that no host name holds */
    DROP_LABEL,          /* a label that is empty or longer than 63 bytes */
    DROP_HOST_TOO_LONG,  /* a host name of more than 253 bytes */
    DROP_IDN,            /* a label that IDNA 2008 does not allow */
    DROP_ADDRESS,        /* almost an IP address: wrong, shortened, octal or hexadecimal */
    DROP_PORT,           /* what follows the colon is no number in [1, 65535] */

    /* A host that must not be blocked as a whole. */
    DROP_SINGLE_LABEL,   /* a host of one label: devices start at two */
    DROP_LOCAL_HOST,     /* localhost and the names and addresses like it */
    DROP_ADDRESS_RANGE,  /* a network, 192.0.2.0/24: devices ask for single addresses */
    DROP_PUBLIC_SUFFIX,  /* a registry suffix (co.uk): would block everybody below it */
    DROP_PRIVATE_SUFFIX, /* a hoster's suffix (github.io): would block all its customers */
    DROP_APPLE_HOST,     /* would block what Apple's devices cannot do without */
    DROP_OWN_HOST,       /* would block the server that answers the questions */

    /* A line of a list with another meaning. */
    DROP_LINE_TOO_LONG,  /* more than LIST_LINE_MAX_BYTES */
    DROP_WHITE_SPACE,    /* several words, and no hosts file line */
    DROP_HOSTS_ADDRESS,  /* a hosts file line that maps to a real address: it does not block */
    DROP_EXCEPTION,      /* Adblock exception @@ */
    DROP_ELEMENT_HIDING, /* Adblock rule about page elements, ##, #@#, #?# and so on */
    DROP_OPTIONS,        /* Adblock rule that holds only under $options other than $all */
    DROP_WILDCARD,       /* * or an inner ^ or | */
    DROP_OPEN_END,       /* Adblock rule ||... that does not end in ^: also matches longer names */
    DROP_PATTERN,        /* Adblock rule without ||: matches anywhere in a URL */
    DROP_EXACT,          /* means one URL or host alone: a key covers what is below it, too */
    DROP_REGEX,          /* a regular expression */
    DROP_SUBDOMAINS,     /* *.host: means the subdomains, but not the host itself */
    DROP_MODIFIES,       /* changes a request or a page instead of blocking it */
    DROP_CONDITION,      /* holds under a condition of the browser only, !#if */
    DROP_INCLUDE,        /* !#include: stands for another list, which is not read */
    DROP_NOT_BLOCKING,   /* a setting, forwarding or data: nothing is blocked */
    DROP_REDIRECT,       /* sends to another host instead of blocking */
    DROP_TRIGGER,        /* depends on an address or a name server: RPZ's rpz-ip and the like */
    DROP_VALUE,          /* a row with another value than 1: being there is all that blocks */
    DROP_FORMAT,         /* not a line of the format that the list is said to have */
    DROP_FILTERED,       /* left out by a pattern of lists.json */

    /* A parsing configuration other than the default (urls/parsing.h). */
    DROP_PARSING_PART,     /* names a part that the configuration leaves out */
    DROP_PARSING_NO_MATCH, /* its regular expression does not match */
    DROP_REASON_COUNT
};

/* "public-suffix": stable, for JSON and tests. Static. */
const char *drop_reason_name(enum drop_reason reason);
/* "public suffix: would block a whole registry": for people. Static. */
const char *drop_reason_text(enum drop_reason reason);

#endif
