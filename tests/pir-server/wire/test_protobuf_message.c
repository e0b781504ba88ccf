#include "pir-server/wire/protobuf_message.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "pir-server/wire/api.pb-c.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <sys/resource.h>

static struct error error;

/* Unpacks and packs again. */
static struct bytes repack(const ProtobufCMessageDescriptor *descriptor, const char *hex,
                           enum status expected)
{
    struct bytes in = from_hex(hex);
    struct bytes out;
    ProtobufCMessage *message = NULL;
    bytes_init(&out, 1 << 20);
    const enum status st = protobuf_message_unpack(descriptor, bytes_view(&in),
                                                   PROTOBUF_FACTOR_BULKY, "test", &message, &error);
    cr_assert_eq(st, expected, "%s: %d", hex, (int)st);
    if (st == STATUS_OK)
        cr_assert_eq(protobuf_message_pack(message, "test", &out, NULL), STATUS_OK);
    protobuf_message_free(message);
    bytes_deinit(&in);
    return out;
}

static void becomes(const ProtobufCMessageDescriptor *descriptor, const char *in, const char *out)
{
    struct bytes got = repack(descriptor, in, STATUS_OK);
    struct bytes expected = from_hex(out);
    cr_assert(span_equal(bytes_view(&got), bytes_view(&expected)), "%s", in);
    bytes_deinit(&got);
    bytes_deinit(&expected);
}

static void is_refused(const ProtobufCMessageDescriptor *descriptor, const char *in)
{
    struct bytes got = repack(descriptor, in, STATUS_MALFORMED);
    bytes_deinit(&got);
}

Test(protobuf_message, takes_packed_and_unpacked)
{
    becomes(&wire__encryption_parameters__descriptor, "1801 1802 1a020304", "1a0401020304");
    becomes(&wire__encryption_parameters__descriptor, "1a00", "");
}

Test(protobuf_message, last_scalar_wins_and_messages_merge)
{
    becomes(&wire__encryption_parameters__descriptor, "0801 0802", "0802");
    becomes(&wire__keyword_database_row__descriptor, "0a0161 0a0162", "0a0162");
    becomes(&wire__pir_parameters__descriptor, "0a041a020102 0a021803 0a020805",
            "0a0708051a03010203");
    /* A gap of protobuf-c 1.4: a scalar of the first mention is lost. Nobody writes a message
     * twice; this line tells when a newer version closes the gap. */
    becomes(&wire__pir_parameters__descriptor, "0a020801 0a021002", "0a021002");
    becomes(&wire__pirsharding_function__descriptor, "0a00 12020803", "12020803");
    becomes(&wire__pirsharding_function__descriptor, "12020803 0a00", "0a00");
}

Test(protobuf_message, presence_survives)
{
    becomes(&wire__pirshard_config__descriptor, "2200", "2200");
    becomes(&wire__pirshard_config__descriptor, "", "");
    becomes(&wire__serialized_galois_key_entry__descriptor, "1200", "1200");
}

Test(protobuf_message, skips_unknown_fields)
{
    /* protobuf-c keeps and writes them again, as the reference does. */
    becomes(&wire__keyword_database_row__descriptor, "0a0161 78ff01 7a0201ff",
            "0a0161 78ff01 7a0201ff");
}

Test(protobuf_message, takes_long_varints)
{
    becomes(&wire__encryption_parameters__descriptor, "0881808000", "0801");
    becomes(&wire__encryption_parameters__descriptor, "08ffffffffffffffffff01",
            "08ffffffffffffffffff01");
    is_refused(&wire__encryption_parameters__descriptor, "08ffffffffffffffffffff01");
}

Test(protobuf_message, refuses_broken_bytes)
{
    is_refused(&wire__keyword_database_row__descriptor, "0a");
    is_refused(&wire__keyword_database_row__descriptor, "0a02 61");
    is_refused(&wire__keyword_database_row__descriptor, "0affffffff0f 61");
    is_refused(&wire__keyword_database_row__descriptor, "0affffffffffffffffff01 61");
    is_refused(&wire__keyword_database_row__descriptor, "0b"); /* groups are not known */
    is_refused(&wire__keyword_database_row__descriptor, "0f");
    is_refused(&wire__keyword_database_row__descriptor, "0801"); /* wrong wire type */
    is_refused(&wire__keyword_database__descriptor, "0801");
    is_refused(&wire__keyword_database__descriptor, "0a020a05");
    is_refused(&wire__keyword_database_row__descriptor, "80");
}

/* Of processor time: many times what is usual. */
#define LATE_NS ((uint64_t)20000000000)

static void bomb(const ProtobufCMessageDescriptor *descriptor)
{
    const size_t size = (size_t)10 << 20;
    uint8_t *body = mem_alloc(size, 1);
    for (size_t i = 0; i < size; i += 2) {
        body[i] = 0x0a;
        body[i + 1] = 0x00;
    }
    struct rusage before;
    struct rusage after;
    ProtobufCMessage *message = NULL;
    getrusage(RUSAGE_SELF, &before);
    const uint64_t start = cpu_thread_ns();
    cr_assert_eq(protobuf_message_unpack(descriptor, span_of(body, size), PROTOBUF_FACTOR_BULKY,
                                         "bomb", &message, &error),
                 STATUS_TOO_LARGE);
    cr_assert_lt(cpu_thread_ns() - start, LATE_NS, "refused late");
    getrusage(RUSAGE_SELF, &after);
    cr_assert_lt(after.ru_maxrss - before.ru_maxrss, 80 * 1024, "%ld KB",
                 after.ru_maxrss - before.ru_maxrss);
    cr_assert(says(&error, "10485760 bytes unpack to more than"), "%s", error.message);
    mem_free(body);
}

Test(protobuf_message, ten_megabytes_of_empty_elements_stay_small)
{
    bomb(&wire__requests__descriptor);
    bomb(&wire__config_request__descriptor);
    bomb(&wire__evaluation_keys__descriptor);
    bomb(&wire__serialized_evaluation_key__descriptor);
}

Test(protobuf_message, every_failed_allocation_is_reported)
{
    struct bytes in = from_hex("0a041a020102 0a021803 22020102 2a022200 7801");
    for (size_t n = 1;; n++) {
        ProtobufCMessage *message = NULL;
        mem_fail_nth(n);
        const enum status st =
            protobuf_message_unpack(&wire__pir_parameters__descriptor, bytes_view(&in),
                                    PROTOBUF_FACTOR_BULKY, "test", &message, &error);
        const bool pending = mem_fail_pending();
        mem_fail_nth(0);
        protobuf_message_free(message);
        if (pending) {
            cr_assert_eq(st, STATUS_OK);
            cr_assert_gt(n, 5);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM);
        cr_assert_null(message);
    }
    bytes_deinit(&in);
}

Test(protobuf_message, secrets_are_wiped)
{
    struct bytes in = from_hex("0a03aabbcc");
    ProtobufCMessage *message = NULL;
    cr_assert_eq(protobuf_message_unpack(&wire__serialized_secret_key__descriptor, bytes_view(&in),
                                         PROTOBUF_FACTOR_BULKY, "test", &message, &error),
                 STATUS_OK);
    const Wire__SerializedSecretKey *key = (const void *)message;
    cr_assert_eq(key->polys.data[2], 0xcc);
    protobuf_message_wipe(message);
    for (size_t i = 0; i < key->polys.len; i++)
        cr_assert_eq(key->polys.data[i], 0);
    protobuf_message_free(message);
    protobuf_message_free(NULL);
    bytes_deinit(&in);
}
