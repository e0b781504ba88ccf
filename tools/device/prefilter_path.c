#include "tools/device/prefilter_path.h"

void prefilter_manifest_path(const char *use_case, struct bytes *ret)
{
    bytes_append_text(ret, "/prefilter/");
    for (const char *c = use_case; *c != '\0'; c++) {
        const bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                           (*c >= '0' && *c <= '9') || strchr("-._~", *c) != NULL;
        if (plain)
            bytes_append_u8(ret, (uint8_t)*c);
        else
            bytes_append_format(ret, "%%%02X", (unsigned)(uint8_t)*c);
    }
    bytes_append_text(ret, ".json");
    bytes_append_u8(ret, 0);
}

void prefilter_bits_path(const char *url, struct bytes *ret)
{
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0 && url[0] != '/')
        bytes_append_text(ret, "/prefilter/");
    bytes_append_text(ret, url);
    bytes_append_u8(ret, 0);
}
