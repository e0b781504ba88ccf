/* Groups of four characters, translated to the alphabet of OpenSSL's decoder, which does the rest:
 * it is lenient towards white space and padding, so it never sees any that was not checked. */
#include "pir-server/privacypass/base64url.h"

#include <openssl/evp.h>

#define GROUP_BYTES      ((size_t)3)
#define GROUP_CHARACTERS ((size_t)4)

static bool translate(uint8_t character, unsigned char *ret)
{
    const bool is_alphanumeric = (character >= 'A' && character <= 'Z') ||
                                 (character >= 'a' && character <= 'z') ||
                                 (character >= '0' && character <= '9');
    if (is_alphanumeric || character == '+' || character == '/')
        *ret = character;
    else if (character == '-')
        *ret = '+';
    else if (character == '_')
        *ret = '/';
    else
        return false;
    return true;
}

void base64url_append(struct bytes *ret, struct span data)
{
    for (size_t at = 0; at < data.size; at += GROUP_BYTES) {
        const size_t left = data.size - at;
        unsigned char group[GROUP_CHARACTERS + 1];
        EVP_EncodeBlock(group, data.data + at, (int)(left < GROUP_BYTES ? left : GROUP_BYTES));
        for (size_t i = 0; i < GROUP_CHARACTERS; i++) {
            if (group[i] == '+')
                group[i] = '-';
            else if (group[i] == '/')
                group[i] = '_';
        }
        bytes_append(ret, span_of(group, GROUP_CHARACTERS));
    }
}

/* One group of 2 to 4 characters; *ret_size becomes 1 to 3. */
static bool decode_group(struct span characters, uint8_t ret[GROUP_BYTES], size_t *ret_size)
{
    unsigned char group[GROUP_CHARACTERS] = {'A', 'A', 'A', 'A'}; /* 'A' stands for zero bits */
    if (characters.size < 2)
        return false;
    for (size_t i = 0; i < characters.size; i++) {
        if (!translate(characters.data[i], &group[i]))
            return false;
    }
    if (EVP_DecodeBlock(ret, group, (int)GROUP_CHARACTERS) != (int)GROUP_BYTES)
        return false;
    *ret_size = characters.size - 1;
    for (size_t i = *ret_size; i < GROUP_BYTES; i++) {
        if (ret[i] != 0)
            return false;
    }
    return true;
}

bool base64url_decode(struct span text, uint8_t *ret, size_t capacity, size_t *ret_size)
{
    size_t characters = text.size;
    if (characters % GROUP_CHARACTERS == 0) {
        for (int i = 0; i < 2 && characters > 0 && text.data[characters - 1] == '='; i++)
            characters--;
    }
    size_t size = 0;
    for (size_t at = 0; at < characters; at += GROUP_CHARACTERS) {
        const size_t left = characters - at;
        const size_t taken = left < GROUP_CHARACTERS ? left : GROUP_CHARACTERS;
        uint8_t group[GROUP_BYTES];
        size_t group_size = 0;
        if (!decode_group(span_part(text, at, taken), group, &group_size))
            return false;
        for (size_t i = 0; i < group_size; i++, size++) {
            if (size < capacity)
                ret[size] = group[i];
        }
    }
    *ret_size = size;
    return true;
}
