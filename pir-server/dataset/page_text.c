#include "pir-server/dataset/page_text.h"

static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (unsigned char)c < ' ' || c == 127 ? "?" : NULL;
    }
}

void page_text(struct bytes *page, const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        const char *escape = escape_of(*text);
        if (escape != NULL)
            bytes_append_text(page, escape);
        else
            bytes_append_u8(page, (uint8_t)*text);
    }
}
