/* Which input is in which lane: for the kernels that only know blocks. Whole blocks are read where
 * they lie, the last one or two, with the padding, from the lane's own buffer. */
#include "pir-server/pir/sha256_many/sha256_many_internal.h"

#include <assert.h>
#include <string.h>

#define LENGTH_BYTES ((size_t)8)

const uint32_t sha256_round_constants[SHA256_ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* FIPS 180-4 section 5.3.3. */
static const uint32_t initial_state[SHA256_WORDS] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

struct lane {
    const uint8_t *block; /* the next one */
    size_t whole;         /* blocks left in the input */
    size_t padded;        /* blocks left in `tail` */
    size_t input;         /* its number */
    uint8_t tail[2 * SHA256_BLOCK_BYTES];
};

static void store_u32be(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
}

static void begin(struct lane *lane, size_t number, struct span input)
{
    const size_t rest = input.size % SHA256_BLOCK_BYTES;
    lane->input = number;
    lane->whole = input.size / SHA256_BLOCK_BYTES;
    lane->padded = rest + 1 + LENGTH_BYTES <= SHA256_BLOCK_BYTES ? 1 : 2;
    if (rest > 0)
        memcpy(lane->tail, input.data + input.size - rest, rest);
    lane->tail[rest] = 0x80;
    memset(lane->tail + rest + 1, 0, lane->padded * SHA256_BLOCK_BYTES - LENGTH_BYTES - rest - 1);
    uint8_t *const length = lane->tail + lane->padded * SHA256_BLOCK_BYTES - LENGTH_BYTES;
    const uint64_t bits = (uint64_t)input.size * 8;
    store_u32be(length, (uint32_t)(bits >> 32));
    store_u32be(length + 4, (uint32_t)bits);
    lane->block = lane->whole > 0 ? input.data : lane->tail;
}

/* False when that was the last block of the lane's input. */
static bool advance(struct lane *lane)
{
    if (lane->whole > 0) {
        lane->whole--;
        lane->block = lane->whole > 0 ? lane->block + SHA256_BLOCK_BYTES : lane->tail;
        return true;
    }
    lane->padded--;
    lane->block += SHA256_BLOCK_BYTES;
    return lane->padded > 0;
}

void sha256_many_by_lanes(sha256_compress *compress, size_t lanes, const struct span *inputs,
                          size_t count, uint8_t (*ret)[SHA256_MANY_BYTES])
{
    static const uint8_t idle[SHA256_BLOCK_BYTES];
    struct lane lane[SHA256_LANES_MAX];
    const uint8_t *blocks[SHA256_LANES_MAX];
    uint32_t state[SHA256_WORDS * SHA256_LANES_MAX] = {0};
    bool is_busy[SHA256_LANES_MAX] = {false};
    size_t begun = 0;
    size_t done = 0;
    assert(lanes <= SHA256_LANES_MAX);
    while (done < count) {
        for (size_t i = 0; i < lanes; i++) {
            if (!is_busy[i] && begun < count) {
                is_busy[i] = true;
                begin(&lane[i], begun, inputs[begun]);
                begun++;
                for (size_t word = 0; word < SHA256_WORDS; word++)
                    state[word * lanes + i] = initial_state[word];
            }
            blocks[i] = is_busy[i] ? lane[i].block : idle;
        }
        compress(state, blocks);
        for (size_t i = 0; i < lanes; i++) {
            if (!is_busy[i] || advance(&lane[i]))
                continue;
            for (size_t word = 0; word < SHA256_WORDS; word++)
                store_u32be(ret[lane[i].input] + 4 * word, state[word * lanes + i]);
            is_busy[i] = false;
            done++;
        }
    }
}
