/* pir_messages - query and response between wire/ and this room: ciphertexts still as bytes.
 *
 * wire/ turns the Protobuf messages EncryptedIndices and PIRResponse into these views and back;
 * what the bytes mean, and whether they are right, is checked here and in bfv_serial.h.
 *
 * Memory   everything is borrowed; who fills a struct says for how long. Threads  plain values. */
#ifndef BLINDLIST_PIR_PIR_MESSAGES_H
#define BLINDLIST_PIR_PIR_MESSAGES_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pir_ciphertext_kind {
    PIR_CIPHERTEXT_NONE = 0, /* the message has neither member of the oneof */
    PIR_CIPHERTEXT_SEEDED,   /* SerializedSeededCiphertext */
    PIR_CIPHERTEXT_FULL      /* SerializedFullCiphertext */
};

/* SerializedCiphertext. */
struct pir_ciphertext_bytes {
    enum pir_ciphertext_kind kind;
    /* Seeded. */
    struct span poly0;
    struct span seed;
    /* Full. */
    struct span polys;
    const uint32_t *skip_lsbs;
    size_t skip_count;
    uint64_t correction_factor;
};

/* EncryptedIndices. */
struct pir_query {
    const struct pir_ciphertext_bytes *ciphertexts;
    size_t ciphertext_count;
    uint64_t num_pir_calls;
};

/* SerializedCiphertextVec: the chunks of one entry, in order. */
struct pir_reply {
    const struct pir_ciphertext_bytes *ciphertexts;
    size_t ciphertext_count;
};

/* PIRResponse: one reply per index of the query. (The stash is never sent; readers skip it.) */
struct pir_response {
    const struct pir_reply *replies;
    size_t reply_count;
};

#endif
