#include "pir-server/service/http_host.h"

#include "base/span.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 253
#define PORT_MAX       65535

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* "[...]" */
static bool read_address(struct span text, char ret[HTTP_HOST_BYTES])
{
    struct in6_addr address;
    char digits[INET6_ADDRSTRLEN];
    if (text.size < 3 || text.size - 2 >= sizeof digits || text.data[text.size - 1] != ']')
        return false;
    memcpy(digits, text.data + 1, text.size - 2);
    digits[text.size - 2] = '\0';
    if (inet_pton(AF_INET6, digits, &address) != 1 ||
        inet_ntop(AF_INET6, &address, digits, sizeof digits) == NULL)
        return false;
    snprintf(ret, HTTP_HOST_BYTES, "[%s]", digits);
    return true;
}

static bool read_name(struct span text, char ret[HTTP_HOST_BYTES])
{
    if (text.size > 0 && text.data[text.size - 1] == '.')
        text.size--;
    if (text.size == 0 || text.size > NAME_MAX_BYTES)
        return false;
    char before = '.';
    for (size_t i = 0; i < text.size; i++) {
        char c = (char)text.data[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        const bool is_good = (c >= 'a' && c <= 'z') || is_digit(text.data[i]) || c == '-' ||
                             c == '_' || (c == '.' && before != '.');
        if (!is_good)
            return false;
        ret[i] = before = c;
    }
    ret[text.size] = '\0';
    return before != '.';
}

static bool read_host(struct span text, char ret[HTTP_HOST_BYTES])
{
    return text.size > 0 && text.data[0] == '[' ? read_address(text, ret) : read_name(text, ret);
}

/* Cuts ":port" off; false when what stands there is no port. An IPv6 address has its colons in
 * brackets. */
static bool cut_port(struct span *text)
{
    size_t colon = text->size;
    unsigned long port = 0;
    while (colon > 0 && is_digit(text->data[colon - 1]))
        colon--;
    if (colon == 0 || text->data[colon - 1] != ':')
        return true;
    for (size_t i = colon; i < text->size && port <= PORT_MAX; i++)
        port = port * 10 + (unsigned long)(text->data[i] - '0');
    text->size = colon - 1;
    return port <= PORT_MAX;
}

bool http_host_of_field(const char *value, char ret[HTTP_HOST_BYTES])
{
    struct span text = span_of_text(value);
    while (text.size > 0 && is_blank(text.data[0]))
        text = span_part(text, 1, text.size - 1);
    while (text.size > 0 && is_blank(text.data[text.size - 1]))
        text.size--;
    if (text.size == 0) {
        ret[0] = '\0';
        return true;
    }
    return cut_port(&text) && read_host(text, ret);
}

bool http_host_of_name(const char *name, char ret[HTTP_HOST_BYTES])
{
    return read_host(span_of_text(name), ret);
}
