/* wire_help - what the tests of wire share: hex, vector files, the parameters of the texts. */
#ifndef BLINDLIST_TESTS_WIRE_HELP_H
#define BLINDLIST_TESTS_WIRE_HELP_H

#include "base/bytes.h"
#include "base/span.h"
#include "pir-server/pir/pir_parameters.h"

#define WIRE_HELP_MAX_BYTES ((size_t)64 << 20)

/* Appends what the hexadecimal digits say; everything else in `text` is skipped. */
void append_hex(struct bytes *ret, const char *text);
/* Bytes with that content; bytes_deinit() by the caller. */
struct bytes from_hex(const char *text);
/* A file of the reference's vectors; empty bytes when it is not there. */
struct bytes vector_file(const char *path);
/* n_4096_logq_27_28_28_logt_5. */
struct bfv_parameters usual_encryption(void);
/* One of the two shards of keyword-pir.md section 5.2. */
struct pir_parameters usual_parameters(void);
/* Whether `err.message` holds `part`. */
bool says(const struct error *err, const char *part);

#endif
