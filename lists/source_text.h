/* source_text - the text of one source, unpacked and looked over before a list parser sees it.
 *
 * Bytes come as they lie in a file or came over the network: plain, gzip or zstd, or packed twice
 * (a .gz file that a web server packs once more). Refused, for they are no list: text with NUL
 * bytes (a binary file, UTF-16) and HTML pages (an error or log-in page that was answered with
 * 200).
 *
 * Memory   a source_text owns its bytes; source_text_deinit() gives them back.
 * Threads  one belongs to one thread. */
#ifndef BLINDLIST_LISTS_SOURCE_TEXT_H
#define BLINDLIST_LISTS_SOURCE_TEXT_H

#include "base/bytes.h"
#include "pir-server/pir/sha256.h"

#define SOURCE_TEXT_LAYERS_MAX 2

struct source_text {
    struct span text;
    uint64_t bytes;               /* as they came, packed or not */
    uint8_t digest[SHA256_BYTES]; /* SHA-256 of the bytes as they came */
    struct bytes owned;
};

/* Reads a file. STATUS_MALFORMED, STATUS_TOO_LARGE, STATUS_UNSUPPORTED with the byte where it goes
 * wrong; messages begin with the file's name. `max_bytes` bounds the file, and the text. */
enum status source_text_read(const char *path, uint64_t max_bytes, struct source_text *ret,
                             struct error *err) MUST_CHECK;
void source_text_deinit(struct source_text *text); /* takes a zeroed struct, too */

/* Whether source_text_read() would take these bytes. */
enum status source_text_check(struct span came, uint64_t max_bytes, struct error *err) MUST_CHECK;

/* Lines of the text, a last one without an end counted. */
uint64_t source_text_lines(const struct source_text *text);

#endif
