/* Tokens: both sides of an issuance, from the numbers that each of them draws. */
#include "pir-server/privacypass/issuer_key.h"
#include "pir-server/privacypass/token_client.h"
#include "pir-server/privacypass/token_header.h"
#include "testvectors/vectors_kind.h"

#include "base/random.h"

#include <openssl/sha.h>
#include <string.h>

static const struct vectors_member token_members[] = {
    {"private_key", VECTORS_HEX},
    {"issuer_name", VECTORS_TEXT},
    {"redemption_context", VECTORS_HEX},
    {"origins", VECTORS_TEXT},
    {"nonce", VECTORS_HEX},
    {"salt", VECTORS_HEX},
    {"blind", VECTORS_HEX},
};

/* What a device draws, in its order (token_client.h). */
static const struct {
    const char *name;
    size_t size;
} draws[] = {{"nonce", TOKEN_NONCE_BYTES},
             {"salt", TOKEN_KEY_SALT_BYTES},
             {"blind", TOKEN_KEY_MODULUS_BYTES}};

/* What a case gives, as bytes. */
struct inputs {
    struct bytes private_key;
    struct bytes context;
    struct bytes drawn;
    size_t taken; /* of `drawn` */
};

static enum status read_inputs(const json_t *in, struct inputs *ret, struct error *err)
{
    enum status st = vectors_hex(in, "private_key", &ret->private_key, err);
    if (st == STATUS_OK)
        st = vectors_hex(in, "redemption_context", &ret->context, err);
    for (size_t i = 0; st == STATUS_OK && i < ARRAY_COUNT(draws); i++) {
        const size_t before = ret->drawn.size;
        st = vectors_hex(in, draws[i].name, &ret->drawn, err);
        if (st == STATUS_OK && ret->drawn.size - before != draws[i].size)
            st = error_set(err, STATUS_INVALID, "%s does not have %zu bytes", draws[i].name,
                           draws[i].size);
    }
    return st;
}

/* A source that gives what was read, once: a blind that is not below the modulus is not replaced.
 */
static enum status give_drawn(void *state, uint8_t *out, size_t size, struct error *err)
{
    struct inputs *inputs = state;
    if (size > inputs->drawn.size - inputs->taken)
        return error_set(err, STATUS_INVALID, "the blind is not in [1, modulus)");
    memcpy(out, inputs->drawn.data + inputs->taken, size);
    inputs->taken += size;
    return STATUS_OK;
}

/* ---- the key ---- */

/* SHA-256 of the form that OpenSSL writes, with a NULL behind each of the two hash identifiers. */
static void put_wrong_key_id(const uint8_t spki[TOKEN_KEY_SPKI_BYTES], struct vectors_out *out)
{
    static const uint8_t head[] = {
        0x30, 0x82, 0x01, 0x56, 0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
        0x01, 0x01, 0x0a, 0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
        0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09,
        0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60,
        0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00};
    enum { NULLS_BYTES = 4, SAME_FROM = sizeof head - NULLS_BYTES };
    uint8_t wrong[TOKEN_KEY_SPKI_BYTES + NULLS_BYTES];
    uint8_t id[TOKEN_KEY_ID_BYTES];
    memcpy(wrong, head, sizeof head);
    memcpy(wrong + sizeof head, spki + SAME_FROM, TOKEN_KEY_SPKI_BYTES - SAME_FROM);
    SHA256(wrong, sizeof wrong, id);
    vectors_put_hex(out, "wrong_token_key_id", span_of(id, sizeof id));
}

static void put_key(const struct token_key *key, struct vectors_out *out)
{
    vectors_put_hex(out, "public_key", span_of(token_key_spki(key), TOKEN_KEY_SPKI_BYTES));
    vectors_put_hex(out, "token_key_id", span_of(token_key_id(key), TOKEN_KEY_ID_BYTES));
    put_wrong_key_id(token_key_spki(key), out);
}

/* ---- the messages ---- */

static enum status put_challenge(const json_t *in, const struct inputs *inputs,
                                 uint8_t ret_digest[TOKEN_DIGEST_BYTES], struct vectors_out *out,
                                 struct error *err)
{
    const struct token_challenge challenge = {.issuer_name = vectors_text(in, "issuer_name"),
                                              .redemption_context = bytes_view(&inputs->context),
                                              .origins = vectors_text(in, "origins")};
    struct bytes written;
    bytes_init(&written, TOKEN_CHALLENGE_MAX_BYTES);
    const enum status st = token_challenge_write(&challenge, &written, err);
    if (st == STATUS_OK) {
        token_challenge_digest(bytes_view(&written), ret_digest);
        vectors_put_hex(out, "challenge", bytes_view(&written));
        vectors_put_hex(out, "challenge_digest", span_of(ret_digest, TOKEN_DIGEST_BYTES));
    }
    bytes_deinit(&written);
    return st;
}

static enum status put_token(const struct token *token, struct vectors_out *out, struct error *err)
{
    uint8_t written[TOKEN_BYTES];
    struct bytes header;
    bytes_init(&header, VECTORS_MAX_BYTES);
    token_write(token, written);
    token_header_write_authorization(token, &header);
    const enum status st = bytes_status(&header, "authorization", err);
    if (st == STATUS_OK) {
        vectors_put_hex(out, "token", span_of(written, sizeof written));
        vectors_put_text(out, "authorization", bytes_view(&header));
    }
    bytes_deinit(&header);
    return st;
}

static enum status issue(const struct issuer_key *key, struct inputs *inputs,
                         const uint8_t challenge_digest[TOKEN_DIGEST_BYTES],
                         struct vectors_out *out, struct error *err)
{
    const struct random_source drawn = {.fill = give_drawn, .state = inputs};
    const struct token_key *public_key = issuer_key_public(key);
    struct token_pending pending;
    struct token_request asked;
    struct token token;
    uint8_t input[TOKEN_INPUT_BYTES];
    uint8_t request[TOKEN_REQUEST_BYTES];
    uint8_t response[TOKEN_RESPONSE_BYTES];
    enum status st =
        token_client_begin(public_key, challenge_digest, &drawn, &pending, request, err);
    if (st == STATUS_OK)
        st = token_request_parse(span_of(request, sizeof request), &asked, err);
    if (st == STATUS_OK)
        st = issuer_key_sign(key, asked.blinded, response, err);
    if (st == STATUS_OK)
        st = token_client_finish(public_key, &pending, span_of(response, sizeof response), &token,
                                 err);
    if (st != STATUS_OK)
        return st;
    token_write_input(&token, input);
    vectors_put_hex(out, "token_input", span_of(input, sizeof input));
    vectors_put_hex(out, "token_request", span_of(request, sizeof request));
    vectors_put_hex(out, "token_response", span_of(response, sizeof response));
    return put_token(&token, out, err);
}

static enum status compute_token(const json_t *in, struct vectors_out *out, struct error *err)
{
    struct inputs inputs = {.taken = 0};
    struct issuer_key *key = NULL;
    uint8_t digest[TOKEN_DIGEST_BYTES];
    bytes_init(&inputs.private_key, VECTORS_MAX_BYTES);
    bytes_init(&inputs.context, VECTORS_MAX_BYTES);
    bytes_init(&inputs.drawn, VECTORS_MAX_BYTES);
    enum status st = read_inputs(in, &inputs, err);
    if (st == STATUS_OK)
        st = issuer_key_parse(bytes_view(&inputs.private_key), &key, err);
    if (st == STATUS_OK) {
        put_key(issuer_key_public(key), out);
        st = put_challenge(in, &inputs, digest, out, err);
    }
    if (st == STATUS_OK)
        st = issue(key, &inputs, digest, out, err);
    issuer_key_unref(key);
    bytes_deinit(&inputs.drawn);
    bytes_deinit(&inputs.context);
    bytes_deinit(&inputs.private_key);
    return st;
}

/* ---- inputs ---- */

/* PKCS#8, made for this file with `openssl genpkey` and used nowhere else. */
static const char private_key[] =
    "308204bd020100300d06092a864886f70d0101010500048204a7308204a30201000282010100cd14de81509e"
    "02b5ec54f076be43d65300a093fe84c22c7898b8321b0ea6fcd21230f7116ed63f9e9e301563a4954c9af517"
    "f4da1114eeb589db67f6827f62f37054049b198b89f530512392094909de45d65f93a38f3746ed840cf3befa"
    "27db0cd749943c00ddf6ad83551d9df3f6d34e031332ece324e0654b072e7138581ea8d61715d7cd65f8897b"
    "46a3c5c9795f42122d3137685e9749475c00993871c1e39eacf11511398326fc1d15e1fe8ce3cb9d23e436c8"
    "e3c475cc83bfe5c61b5ea8b6922da03c933b82d1d7353e6b3f3b9dc8146a227b7b19ea22d80bfafa3dd0df3b"
    "838e49e2adc64b1489ca69249bd6ab6c8950d167c74373423bd93e24e5370203010001028201003edd72558e"
    "9a59375e222d7220e1d79daaf80e55bb69704b69793136d51780317f0d0e778413ddfda7fd12597096a99c68"
    "9c36dcefd68c540ed5b8793ac884d31df04b57260dfdb4b0e276766a2d3efea946cd168b5137ff2088d59594"
    "49c794e0cb4fcd465577b509bc540797a734d6d237a4177cc126493913b63858d18e450f200e925a098e6b00"
    "f32720d62f6e92c115f05407a4ae9126fd614b58de63ce031fb969af83d2d13d226f4dc1307b219b03fb5aa9"
    "de17ad0d10abcc0d0cd1dca3922520bd5f6b4c5da1f3f0f2d95c1c3595d052cff9cf0fcc70fb54ec041faee1"
    "363ecd2dd419b5f05028281f323aa088e5b40d79653268867ea3ed6a0f07f102818100eee6f9f1b10d10bdd5"
    "ddebd1a7163b6fd1a2e53067ad7bfc03a90fe6c7c812b4a6a1cf91ab3551061d138d5571e63785c78bc285d1"
    "bbca86fd970b75a487b28f27eac2341e4d91b50ff513ca06b7842b0c3fafd0a401fca452c15d959d054d2d8f"
    "9cd45dba4b3ec0decc2ceae16599cb7b899ad8437c3b16df0c59325e62382702818100dbc23feaff6bd8fa68"
    "9b8670ab9f0dc3b5abd301026313b85683deffbccfb98a739d26db317d878a015b0ed5c1c7e8910e566e088c"
    "81abb802626dc979eebc2e979070ba8ea7cbc8d0a2440a9237c62190ac1e7ad160fb7df6a326f57948951461"
    "7a4082f490353994657635824ce73c4911e57a7df1d1d16abc826f713a847102818100c7da901381a2c57399"
    "bb29f0dc4f7bef82373c75eef5b177d4f4146a628cdc212618cd55361dc7274f21b1255ec0518867b3624aa2"
    "76efe957b18913a44d24b21f998357285689e327734557c7a0b43f72e2c048d13b1c47b7372dfbe03cb420be"
    "385b6c0151bb308bf1d04db9bb4e1a6cc163b9315376f71e26ed637693c2170281804c4ac3a5f1c69f2d4fe3"
    "ae68af2c28bb28f6ddea1bca09ae955a72b095fc078de955458813466127a810d4b5a0f0a5ecb5ed8b85ac41"
    "d83ba99842450fefb1a4fb3949e97a5d068250ec0473270ff5d8f140cfd4139c77b2e34d00d977a19b1fd837"
    "78edfdb992c0caa3eec5e4d68df07fed969d4fdc03db9012a1b5ceb9620102818040c116fa22a1bb6ba65fd4"
    "dc563c3399ce564dedf1fe398b55fff9a06a3e185dc713753e4bc90d2dd3aa3659d87568352d43cc14519f51"
    "ede5b0080b9e131b72e6d7612d03d94a5d053d96cd05455b5728e9162822678bd89b9d6cc76b0f613321499c"
    "f164f4e9d24cc5d571fb414384b0c4826ec320abadc2c4d3b56200ffb0";

static const struct {
    const char *note;
    const char *issuer_name;
    const char *origins;
    size_t context_bytes;
} challenges[] = {
    {"one origin, no redemption context", "pir.example.com", "pir.example.com", 0},
    {"two origins and a redemption context", "issuer.example", "a.example,b.example",
     TOKEN_CONTEXT_BYTES},
    {"any origin", "issuer.example", "", 0},
};

static bool draw(json_t *item, const char *name, struct random_seeded *stream, size_t size)
{
    uint8_t bytes[TOKEN_KEY_MODULUS_BYTES];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)random_seeded_below(stream, 256);
    if (size == TOKEN_KEY_MODULUS_BYTES)
        bytes[0] = 0; /* below every modulus */
    return json_object_set_new(item, name, vectors_json_hex(span_of(bytes, size))) == 0;
}

static enum status list_tokens(json_t *ret, struct error *err)
{
    const uint8_t seed[RANDOM_SEED_BYTES] = "tokens";
    struct random_seeded stream;
    (void)random_seeded_init(&stream, seed);
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && i < ARRAY_COUNT(challenges); i++) {
        json_t *item = json_pack("{s:s, s:s, s:s, s:s}", "note", challenges[i].note, "private_key",
                                 private_key, "issuer_name", challenges[i].issuer_name, "origins",
                                 challenges[i].origins);
        bool is_good =
            item != NULL && draw(item, "redemption_context", &stream, challenges[i].context_bytes);
        for (size_t k = 0; is_good && k < ARRAY_COUNT(draws); k++)
            is_good = draw(item, draws[k].name, &stream, draws[k].size);
        st = is_good ? vectors_append(ret, item, err)
                     : error_set(err, STATUS_NOMEM, "no memory for a case");
        if (!is_good)
            json_decref(item);
    }
    return st;
}

static const struct vectors_kind kinds[] = {
    {"tokens.json", NULL, token_members, ARRAY_COUNT(token_members), compute_token, NULL,
     list_tokens},
};

const struct vectors_kind *vectors_kinds_token(size_t *count)
{
    *count = ARRAY_COUNT(kinds);
    return kinds;
}
